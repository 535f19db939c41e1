// `npm run test:guest`: an unmodified Debian kernel in v86 drives our cards: gpio-pci-idio-16, 8250, bochs-drm, nvme; they are plugged in, pulled and plugged in again while it runs.
import { fork, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { buildCore } from './build-core.mjs';
import { missingTools } from './guest/apt.mjs';
import { guestIn } from './guest/image.mjs';
import { stateIn } from './guest/state.mjs';
import { scriptOptions } from './script-options.mjs';

const usage = `usage: npm run test:guest -- [--from kernel|state] [--only TEXT] [--interrupts 40..] [--json]
  Starts two guests of guest/ in v86, each in a process of its own, and runs checks on them; makes guest/ first when it is not there (npm run guest).
  The first begins with its kernel; the second with the saved machine of \`npm run guest -- --state\`, if there is one.
  --from        how the second one begins: kernel, or state, which makes one when there is none
  --only TEXT   runs the checks whose names hold TEXT
  --interrupts  how many of them are counted for each card: 20000 unless said otherwise, even
exit codes: 0 all passed, 1 some failed, 2 arguments, 3 skipped: there is no guest and it cannot be made`;

const asked = scriptOptions(usage, { interrupts: [20_000, 40, 1_000_000] }, { from: [undefined, ['kernel', 'state', undefined]], only: ['', undefined] });
if (asked.interrupts % 2 !== 0) asked.refuse(`--interrupts is ${asked.interrupts}; expected an even number`);
const root = fileURLToPath(new URL('../', import.meta.url));

/** Why there is no guest; undefined when there is one. */
function whyNoGuest() {
  const there = guestIn(`${root}guest`);
  if (there !== undefined && (asked.from !== 'state' || stateIn(`${root}guest`, there))) return undefined;
  const missing = missingTools();
  if (there === undefined && missing.length > 0) return `there is no guest/, and it cannot be made: ${missing.join(', ')} not found`;
  const args = [`${root}scripts/guest.mjs`, ...(asked.from === 'state' ? ['--state'] : [])];
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 2, 2] });
  return status === 0 ? undefined : `there is no guest/, and npm run guest ended with ${status}`;
}

const skipped = whyNoGuest();
if (skipped !== undefined) {
  console.log(asked.json ? JSON.stringify({ skipped }) : `skipped: ${skipped}`);
  process.exit(3);
}
await buildCore();

const results = [];

function told(guest, result) {
  const { name, passed, detail, seconds, cpuSeconds } = result;
  results.push({ guest, ...result });
  if (!asked.json) console.log(`${passed ? 'ok    ' : 'FAILED'} ${guest}: ${name} (${seconds} s, ${cpuSeconds} s of CPU)${passed ? `: ${detail}` : `\n  ${detail.replaceAll('\n', '\n  ')}`}`);
}

/** Runs one shift in a process of its own. Whatever ends that process is a result. */
const runShift = (shift, from) => new Promise((resolve) => {
  const props = { shift, from, filter: asked.only, interruptCount: asked.interrupts };
  const child = fork(`${root}scripts/guest/shift.mjs`, [JSON.stringify(props)], { stdio: ['ignore', 2, 2, 'ipc'] });
  child.on('message', (result) => told(shift + 1, result));
  child.on('close', (status, signal) => {
    if (status !== 0) told(shift + 1, { name: 'the process goes on to its end', passed: false, detail: `it ended with ${signal ?? status}`, seconds: 0, cpuSeconds: 0 });
    resolve();
  });
});

const started = performance.now();
const starts = ['kernel', asked.from ?? (stateIn(`${root}guest`, guestIn(`${root}guest`)) ? 'state' : 'kernel')];
if (availableParallelism() > 1) await Promise.all(starts.map((from, shift) => runShift(shift, from)));
else for (const [shift, from] of starts.entries()) await runShift(shift, from);

if (results.length === 0) asked.refuse(`--only is ${JSON.stringify(asked.only)}; no check has that in its name`);
const failed = results.filter(({ passed }) => !passed).length;
const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
const cpuSeconds = Number(results.reduce((sum, result) => sum + result.cpuSeconds, 0).toFixed(1));
if (asked.json) console.log(JSON.stringify({ seconds, cpuSeconds, results }));
else console.log(`${results.length - failed} passed, ${failed} failed in ${seconds} s, ${cpuSeconds} s of CPU`);
process.exitCode = failed === 0 ? 0 : 1;
