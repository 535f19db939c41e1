// `npm run migrate`: devices at work, migrated in the middle of it, beside twins that are not. Every answer, byte sent and block is compared.
// The exit code is 1 when anything differed, 2 for arguments it does not know; a difference is named by its device, its seed and its operation, and what makes its run again.
import { register } from 'node:module';
import { buildCore } from './build-core.mjs';
import { scriptOptions, seedFrom } from './script-options.mjs';

const usage = `usage: npm run migrate -- [--seed 1..4294967295] [--runs 1..] [--operations 1..] [--device nvme|serial|both] [--json]
  50 runs of 100,000 operations unless said otherwise, each with the next seed: in turn an NVMe controller and a serial card. Pre-copy begins and the device changes at operations that follow from the seed.`;

const asked = scriptOptions(usage, { seed: seedFrom(1), runs: [50, 1, 1e6], operations: [100_000, 1, 1e9] }, { device: ['both', ['nvme', 'serial', 'both']] });
await buildCore();
register('../test/fuzz/typescript-hooks.mjs', import.meta.url);
const { migrateAll, runAgain } = await import('../test/migration/migrate.ts');
const { Difference } = await import('../test/migration/workloads.ts');
const line = process.stderr.isTTY && !asked.json;
const started = performance.now();
const reports = [];
let difference;
let again;
let shown = 0;
try {
  await migrateAll(asked, {
    began: (run) => (again = `npm run migrate -- ${runAgain(run, asked.operations)}`),
    progress(run, done) {
      if (!line || performance.now() - shown < 200) return;
      shown = performance.now();
      process.stderr.write(`\r\u001b[Krun ${run + 1} of ${asked.runs}: ${done} of ${asked.operations}`);
    },
    ended({ device, seed }, report) {
      reports.push({ device, seed, ...report });
      if (asked.json) return;
      if (line) process.stderr.write('\r\u001b[K');
      const { operations, preCopyAt, switchedAt, underWay, streamBytes } = report;
      console.log(`${device}, seed ${seed}: ${operations} operations, pre-copy from ${preCopyAt}, switched at ${switchedAt} with ${underWay} ${device === 'serial' ? 'bytes of flow' : 'commands'} under way, ${streamBytes} bytes`);
    },
  });
} catch (error) {
  // Anything else is no answer of a device: it ends the script with its stack.
  if (!(error instanceof Difference)) {
    console.error(`again: ${again}`);
    throw error;
  }
  difference = error.message;
}
if (line) process.stderr.write('\r\u001b[K');
const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
if (asked.json) console.log(JSON.stringify({ seed: asked.seed, runs: reports, difference, again: difference && again, seconds }));
else console.log(`migrate: ${reports.length} of ${asked.runs} runs, ${difference === undefined ? 'no difference' : 'DIFFERS'}, ${seconds} s`);
if (difference !== undefined) {
  if (!asked.json) {
    console.log(`  ${difference.slice(0, 4000)}`);
    console.log(`  again: ${again}`);
  }
  process.exitCode = 1;
}
