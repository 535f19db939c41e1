// `npm run fuzz`: seeded random calls over the whole core, each compared with the reference engine. --seed N, --calls N (1,000,000), --json.
// The exit code is 1 when anything differed; the message names the seed and the call, which are enough to see it again.
import { register } from 'node:module';
import { buildCore } from './build-core.mjs';
import { scriptOptions, seedFrom } from './script-options.mjs';

const usage = 'usage: npm run fuzz -- [--seed 0..4294967295] [--calls 1..] [--json]';
const { seed, calls, json } = scriptOptions(usage, { seed: seedFrom(0), calls: [1_000_000, 1, Number.MAX_SAFE_INTEGER] });

await buildCore();
register('../test/fuzz/typescript-hooks.mjs', import.meta.url);
const { fuzz } = await import('../test/fuzz/fuzz.ts');

const started = performance.now();
const line = process.stderr.isTTY && !json;
const report = fuzz(seed, calls, (done) => {
  if (line) process.stderr.write(`\r${done} of ${calls} calls, ${Math.round((performance.now() - started) / 1000)} s`);
});
if (line) process.stderr.write('\r\u001b[K');
const seconds = Number(((performance.now() - started) / 1000).toFixed(1));

if (json) console.log(JSON.stringify({ ...report, seconds }));
else {
  console.log(`fuzz: seed ${seed}, ${report.calls} calls, ${report.traps} traps, ${report.differences} differences, ${seconds} s`);
  if (report.failure === undefined) console.log('structural checks clean, live counts all 0 after each teardown');
  else console.log(`call ${report.failure.call}: ${report.failure.message}`);
}
if (report.failure !== undefined) process.exitCode = 1;
