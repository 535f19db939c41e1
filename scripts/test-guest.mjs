// `npm run test:guest`: an unmodified Debian kernel in v86 drives our cards: gpio-pci-idio-16, 8250, bochs-drm, nvme; they are plugged in, pulled and plugged in again while it runs.
import { spawnSync } from 'node:child_process';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { buildCore } from './build-core.mjs';
import { missingTools } from './guest/apt.mjs';
import { guestIn } from './guest/image.mjs';
import { stateIn } from './guest/state.mjs';
import { scriptOptions } from './script-options.mjs';

const usage = `usage: npm run test:guest -- [--from kernel|state] [--only TEXT] [--interrupts 2..] [--json]
  Boots guest/ in v86 and runs checks on it; makes guest/ first when it is not there (npm run guest).
  --from state  begins with the saved machine of \`npm run guest -- --state\`
  --only TEXT   runs the checks whose names hold TEXT
  --interrupts  how many of them are counted: 2000 unless said otherwise, even
exit codes: 0 all passed, 1 some failed, 2 arguments, 3 skipped: there is no guest and it cannot be made`;

const asked = scriptOptions(usage, { interrupts: [2000, 2, 1_000_000] }, { from: ['kernel', ['kernel', 'state']], only: ['', undefined] });
if (asked.interrupts % 2 !== 0) asked.refuse(`--interrupts is ${asked.interrupts}; expected an even number`);
const root = fileURLToPath(new URL('../', import.meta.url));

/** Why there is no guest; undefined when there is one. */
function whyNoGuest() {
  const there = guestIn(`${root}guest`);
  if (there !== undefined && (asked.from === 'kernel' || stateIn(`${root}guest`, there))) return undefined;
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
register('../test/fuzz/typescript-hooks.mjs', import.meta.url);
const { runChecks } = await import('../test/guest/run-checks.ts');
const started = performance.now();
const told = ({ name, passed, detail, seconds }) => asked.json || console.log(`${passed ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)${passed ? `: ${detail}` : `\n  ${detail.replaceAll('\n', '\n  ')}`}`);
const results = await runChecks({ from: asked.from, filter: asked.only, interruptCount: asked.interrupts, told });
const failed = results.filter(({ passed }) => !passed).length;
const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
if (asked.json) console.log(JSON.stringify({ from: asked.from, seconds, results }));
else console.log(`${results.length - failed} passed, ${failed} failed in ${seconds} s`);
process.exitCode = failed === 0 ? 0 : 1;
