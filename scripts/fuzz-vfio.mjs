// `npm run fuzz:vfio`: random system calls of VFIO programs on all devices: each answer is one that the kernel could give, no byte changes that the call may not change,
// nothing is left after the last close. The exit code is 1 when a rule was broken, 2 for arguments it does not know; a failure prints its shortest history as lines of calls.
import { register } from 'node:module';
import { buildCore } from './build-core.mjs';
import { scriptOptions, seedFrom } from './script-options.mjs';

const usage = `usage: npm run fuzz:vfio -- [--seed 0..4294967295] [--operations 1..] [--json]
  2,000,000 operations unless said otherwise, 400 on each set of devices.`;

const asked = scriptOptions(usage, { seed: seedFrom(0), operations: [2_000_000, 1, Number.MAX_SAFE_INTEGER] });
await buildCore();
register('../test/fuzz/typescript-hooks.mjs', import.meta.url);
const { fuzzVfio } = await import('../test/fuzz/vfio/fuzz-vfio.ts');
const line = process.stderr.isTTY && !asked.json;
const started = performance.now();
const report = await fuzzVfio(asked.seed, asked.operations, (done) => line && process.stderr.write(`\r${done} of ${asked.operations}`));
if (line) process.stderr.write('\r\u001b[K');
const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
const { seed, operations, runs, traps, outcomes, failure } = report;
if (asked.json) console.log(JSON.stringify({ ...report, seconds }));
else {
  console.log(`fuzz:vfio: seed ${seed}, ${operations} operations in ${runs} runs, ${traps} traps, ${failure === undefined ? 'no rule broken' : 'A RULE IS BROKEN'}, ${seconds} s`);
  for (const [call, counts] of Object.entries(outcomes)) console.log(`  ${call}: ${Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(', ')}`);
  if (failure !== undefined) {
    console.log(`  ${failure.stage}, run ${failure.run}, ${failure.steps} steps left of it: ${failure.message}`);
    for (const call of failure.history) console.log(`    ${call}`);
    console.log(`  again: npm run fuzz:vfio -- --seed ${seed} --operations ${asked.operations}`);
  }
}
if (failure !== undefined) process.exitCode = 1;
