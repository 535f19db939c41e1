// `npm run fuzz:config`: random guest writes to the configuration space of every device, each byte and what is decoded compared with the judge after each.
// The exit code is 1 when anything differed, 2 for arguments it does not know; a difference is named by its function and its last writes.
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { buildCore } from './build-core.mjs';
import { scriptOptions, seedFrom } from './script-options.mjs';

const usage = `usage: npm run fuzz:config -- [--seed 1..4294967295] [--writes 1..] [--function NAME] [--build scalar|simd] [--json]
  4,194,304 writes in total unless said otherwise, the same number to each function: the reference devices, the recorded ones, and eight made up from the seed.`;
const MADE_UP = 8;

const asked = scriptOptions(usage, { seed: seedFrom(1), writes: [4_194_304, 1, Number.MAX_SAFE_INTEGER] }, { function: [undefined], build: ['simd', ['scalar', 'simd']] });
await buildCore();
register('../test/fuzz/typescript-hooks.mjs', import.meta.url);
const { functionNames, fuzzConfig } = await import('../test/fuzz/config/fuzz-config.ts');
const traces = fileURLToPath(new URL('../test/fixtures/traces', import.meta.url));
const from = { traces, madeUp: MADE_UP, seed: asked.seed };
if (asked.function !== undefined) {
  const names = functionNames(from);
  if (!names.includes(asked.function)) asked.refuse(`--function is ${JSON.stringify(asked.function)}; expected ${names.join(', ')}`);
}
const line = process.stderr.isTTY && !asked.json;
const started = performance.now();
const only = asked.function === undefined ? {} : { only: asked.function };
const report = fuzzConfig({ ...from, build: asked.build, writes: asked.writes, ...only }, (done) => line && process.stderr.write(`\r${done} of ${asked.writes}`));
if (line) process.stderr.write('\r\u001b[K');
const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
const { seed, writes, functions, changed, moved, difference } = report;
if (asked.json) console.log(JSON.stringify({ build: asked.build, ...report, seconds }));
else {
  console.log(`fuzz:config ${asked.build}: seed ${seed}, ${writes} writes to ${functions.length} functions, ${changed} changed a register, ${moved} what is decoded, ${difference === undefined ? 'no difference' : 'DIFFERS'}, ${seconds} s`);
  if (difference !== undefined) console.log(`  ${difference.function} (--seed ${seed} --writes ${asked.writes}): ${difference.message}`);
}
if (difference !== undefined) process.exitCode = 1;
