// `npm run fuzz`: seeded random calls over the whole core, each compared with the reference engine. --seed N, --calls N (1,000,000), --json.
// The exit code is 1 when anything differed; the message names the seed and the call, which are enough to see it again.
import { register } from 'node:module';
import { parseArgs } from 'node:util';
import { buildCore } from './build-core.mjs';

const { values } = parseArgs({ options: { seed: { type: 'string', default: '20261121' }, calls: { type: 'string', default: '1000000' }, json: { type: 'boolean', default: false } } });
const [seed, calls] = [Number(values.seed), Number(values.calls)];
if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff || !Number.isInteger(calls) || calls < 1) {
  console.error('usage: npm run fuzz -- [--seed 0..4294967295] [--calls 1..] [--json]');
  process.exit(2);
}

await buildCore();
register('../test/fuzz/typescript-hooks.mjs', import.meta.url);
const { fuzz } = await import('../test/fuzz/fuzz.ts');

const started = performance.now();
const line = process.stderr.isTTY && !values.json;
const report = fuzz(seed, calls, (done) => {
  if (line) process.stderr.write(`\r${done} of ${calls} calls, ${Math.round((performance.now() - started) / 1000)} s`);
});
if (line) process.stderr.write('\r\u001b[K');
const seconds = Number(((performance.now() - started) / 1000).toFixed(1));

if (values.json) console.log(JSON.stringify({ ...report, seconds }));
else {
  console.log(`fuzz: seed ${seed}, ${report.calls} calls, ${report.traps} traps, ${report.differences} differences, ${seconds} s`);
  if (report.failure === undefined) console.log('structural checks clean, live counts all 0 after each teardown');
  else console.log(`call ${report.failure.call}: ${report.failure.message}`);
}
if (report.failure !== undefined) process.exitCode = 1;
