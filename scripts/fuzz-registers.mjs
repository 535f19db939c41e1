// `npm run fuzz:registers`: random register maps, random operations, each answer and all that is stored compared with the reference bank.
// The exit code is 1 when anything differed, 2 for arguments it does not know; a difference is named by its map's seed.
import { fork } from 'node:child_process';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { buildCore } from './build-core.mjs';
import { scriptOptions, seedFrom } from './script-options.mjs';

const BUILDS = ['scalar', 'simd'];
const usage = `usage: npm run fuzz:registers -- [--seed 0..4294967295] [--operations 1..] [--build scalar|simd|both] [--json]
  1,000,000 operations on each build unless said otherwise, 2,000 on each map.`;

async function child({ build, seed, operations }) {
  register('../test/fuzz/typescript-hooks.mjs', import.meta.url);
  const { fuzzRegisters } = await import('../test/fuzz/registers/fuzz-registers.ts');
  const started = performance.now();
  const report = fuzzRegisters(build, seed, operations, (done) => process.send({ done }));
  process.send({ report: { build, ...report, seconds: Number(((performance.now() - started) / 1000).toFixed(1)) } });
}

function inChild(build, { seed, operations }, progress) {
  return new Promise((resolve, reject) => {
    const worker = fork(fileURLToPath(import.meta.url), ['--build', build, '--seed', String(seed), '--operations', String(operations)], { env: { ...process.env, FUZZ_REGISTERS_CHILD: '1' } });
    worker.on('message', ({ done, report }) => (report === undefined ? progress(done) : resolve(report)));
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`the process of build ${build} ended with ${code}`)));
  });
}

async function main(asked) {
  await buildCore();
  const builds = asked.build === 'both' ? BUILDS : [asked.build];
  const line = process.stderr.isTTY && !asked.json;
  const done = {};
  const show = (build, n) => {
    done[build] = n;
    if (line) process.stderr.write(`\r${builds.map((name) => `${name} ${done[name] ?? 0}`).join(', ')} of ${asked.operations}`);
  };
  const reports = await Promise.all(builds.map((build) => inChild(build, asked, (n) => show(build, n))));
  if (line) process.stderr.write('\r\u001b[K');
  if (asked.json) console.log(JSON.stringify(reports));
  else {
    for (const { build, seed, operations, maps, seconds, difference } of reports) {
      console.log(`fuzz:registers ${build}: seed ${seed}, ${operations} operations on ${maps} maps, ${difference === undefined ? 'no difference' : 'DIFFERS'}, ${seconds} s`);
      if (difference !== undefined) console.log(`  map of seed ${difference.map}: ${difference.message}`);
    }
  }
  if (reports.some(({ difference }) => difference !== undefined)) process.exitCode = 1;
}

const asked = scriptOptions(usage, { seed: seedFrom(0), operations: [1_000_000, 1, Number.MAX_SAFE_INTEGER] }, { build: ['both', ['both', ...BUILDS]] });
if (process.env.FUZZ_REGISTERS_CHILD === '1') {
  await child(asked);
  process.disconnect();
} else await main(asked);
