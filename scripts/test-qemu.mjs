// `npm run test:qemu`: an unmodified QEMU attaches to our devices, and an unmodified Debian kernel drives them.
import { spawnSync } from 'node:child_process';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { qemuIn } from './qemu/image.mjs';
import { whyNoQemu } from './qemu/tools.mjs';
import { scriptOptions } from './script-options.mjs';

const usage = `usage: npm run test:qemu -- [--only TEXT] [--json]
  Serves devices of the built package, attaches QEMU of qemu/ to them and runs checks in its guest; makes qemu/ first when it is not there (npm run qemu).
  --only TEXT   runs the checks whose names hold TEXT
  --json        the results, as JSON
exit codes: 0 all passed, 1 some failed, 2 arguments, 3 skipped: there is no qemu/ and it cannot be made`;

const asked = scriptOptions(usage, {}, { only: ['', undefined] });
const root = fileURLToPath(new URL('../', import.meta.url));

/** Why it cannot be run; undefined when it can. */
function whyNot() {
  const why = whyNoQemu({ isThere: qemuIn(`${root}qemu`) !== undefined });
  if (why !== undefined) return why;
  const { status } = spawnSync(process.execPath, [`${root}scripts/qemu.mjs`], { stdio: ['ignore', 2, 2] });
  return status === 0 ? undefined : `npm run qemu ended with ${status}`;
}

const skipped = whyNot();
if (skipped !== undefined) {
  console.log(asked.json ? JSON.stringify({ skipped }) : `skipped: ${skipped}`);
  process.exit(3);
}
await build({ ifStale: true });
// QEMUs end with this program: `exit` ends them.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
register('../test/fuzz/typescript-hooks.mjs', import.meta.url);
const { runChecks } = await import('../test/qemu/run-checks.ts');
const started = performance.now();
const told = ({ name, passed, detail, seconds }) => asked.json || console.log(`${passed ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)${passed ? `: ${detail}` : `\n  ${detail.replaceAll('\n', '\n  ')}`}`);
const results = await runChecks({ filter: asked.only, told });
if (results.length === 0) asked.refuse(`--only is ${JSON.stringify(asked.only)}, and no check's name holds it`);
const failed = results.filter(({ passed }) => !passed).length;
const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
if (asked.json) console.log(JSON.stringify({ seconds, results }));
else console.log(`${results.length - failed} passed, ${failed} failed in ${seconds} s`);
process.exitCode = failed === 0 ? 0 : 1;
