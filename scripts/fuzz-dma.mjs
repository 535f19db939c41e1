// `npm run fuzz:dma`: random maps, unmaps and transfers of devices, on the real calls and on a slow, obvious judge: results, errnos, bytes and faults agree, and no write lands in memory
// that was unmapped before. The exit code is 1 for a difference, 2 for arguments it does not know; a difference prints the shortest list of steps that shows it.
import { register } from 'node:module';
import { buildCore } from './build-core.mjs';
import { scriptOptions, seedFrom } from './script-options.mjs';

const usage = `usage: npm run fuzz:dma -- [--seed 0..4294967295] [--operations 1..] [--json]
  1,000,000 operations unless said otherwise, 1,000 on each host.`;

const asked = scriptOptions(usage, { seed: seedFrom(0), operations: [1_000_000, 1, Number.MAX_SAFE_INTEGER] });
await buildCore();
register('../test/fuzz/typescript-hooks.mjs', import.meta.url);
const { fuzzDma } = await import('../test/fuzz/dma/fuzz-dma.ts');
const line = process.stderr.isTTY && !asked.json;
const started = performance.now();
const report = await fuzzDma(asked.seed, asked.operations, (done) => line && process.stderr.write(`\r${done} of ${asked.operations}`));
if (line) process.stderr.write('\r\u001b[K');
const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
const { seed, operations, runs, poisoned, outcomes, failure } = report;
if (asked.json) console.log(JSON.stringify({ ...report, seconds }));
else {
  console.log(`fuzz:dma: seed ${seed}, ${operations} operations in ${runs} runs, ${failure === undefined ? 'no difference' : 'A DIFFERENCE'}, ${poisoned} poisoned pages looked at, ${seconds} s`);
  for (const [call, counts] of Object.entries(outcomes)) console.log(`  ${call}: ${Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(', ')}`);
  if (failure !== undefined) {
    console.log(`  ${failure.stage}, operation ${failure.operation}, ${failure.steps} steps left of it: ${failure.message}`);
    for (const step of failure.history) console.log(`    ${step}`);
    console.log(`  again: npm run fuzz:dma -- --seed ${seed} --operations ${asked.operations}`);
  }
}
if (failure !== undefined) process.exitCode = 1;
