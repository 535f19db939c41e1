// `npm run fuzz:tree`: seeded random operations on the range store alone, each answer compared with a sorted array's by checksum, inside Wasm.
// The exit code is 1 when anything differed, 2 for arguments it does not know. Each build runs in a process of its own.
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { buildCore } from './build-core.mjs';
import { scriptOptions, seedFrom } from './script-options.mjs';

const usage = `usage: npm run fuzz:tree -- [--seed 0..4294967295] [--operations 1..] [--build scalar|simd|both] [--json]
  100,000,000 operations on each build unless said otherwise; a difference is named by its chunk of 100,000 and its operation.`;
const root = fileURLToPath(new URL('../', import.meta.url));
const paths = { scalar: `${root}build/range-map.wasm`, simd: `${root}build/range-map.simd.wasm` };

/** One build, in this process; the parent hears of each chunk and of the end. */
async function child({ build, seed, operations }) {
  register('../test/fuzz/typescript-hooks.mjs', import.meta.url);
  const { fuzzTree } = await import('../test/fuzz/tree/fuzz-tree.ts');
  const { driverPath } = await import('../test/fuzz/tree/build-driver.mjs');
  const started = performance.now();
  const report = fuzzTree(paths[build], driverPath, seed, operations, (done) => process.send({ done }));
  process.send({ report: { build, ...report, seconds: Number(((performance.now() - started) / 1000).toFixed(1)) } });
}

function inChild(build, { seed, operations }, progress) {
  return new Promise((resolve, reject) => {
    const process = fork(fileURLToPath(import.meta.url), ['--build', build, '--seed', String(seed), '--operations', String(operations)], { env: { ...globalThis.process.env, FUZZ_TREE_CHILD: '1' } });
    process.on('message', ({ done, report }) => (report === undefined ? progress(done) : resolve(report)));
    process.on('error', reject);
    process.on('exit', (code) => reject(new Error(`the process of build ${build} ended with ${code}`)));
  });
}

async function main(asked) {
  const { buildDriver } = await import('../test/fuzz/tree/build-driver.mjs');
  await buildCore();
  await buildDriver();
  const builds = (asked.build === 'both' ? Object.keys(paths) : [asked.build]).filter((build) => existsSync(paths[build]));
  const line = process.stderr.isTTY && !asked.json;
  const done = {};
  const reports = await Promise.all(
    builds.map((build) =>
      inChild(build, asked, (n) => {
        done[build] = n;
        if (line) process.stderr.write(`\r${builds.map((name) => `${name} ${done[name] ?? 0}`).join(', ')} of ${asked.operations}`);
      }),
    ),
  );
  if (line) process.stderr.write('\r\u001b[K');
  if (asked.json) console.log(JSON.stringify(reports));
  else {
    for (const { build, seed, operations, complete, seconds, difference } of reports) {
      console.log(`fuzz:tree ${build}: seed ${seed}, ${operations} operations, ${difference === undefined ? 'no difference' : 'DIFFERS'}, ${seconds} s${complete ? '' : ', without the exports this build lacks'}`);
      if (difference !== undefined) console.log(`  chunk ${difference.chunk}, operation ${difference.operation ?? 'unknown'}: ${difference.message}`);
    }
  }
  if (reports.some(({ difference }) => difference !== undefined)) process.exitCode = 1;
}

const asked = scriptOptions(usage, { seed: seedFrom(0), operations: [100_000_000, 1, Number.MAX_SAFE_INTEGER] }, { build: ['both', ['both', ...Object.keys(paths)]] });
if (process.env.FUZZ_TREE_CHILD === '1') {
  await child(asked);
  process.disconnect();
} else await main(asked);
