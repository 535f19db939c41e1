// `npm run guest`: a small Linux for v86, made of Debian packages that apt fetches: kernel, firmware, busybox, drivers. Into guest/, which is never committed.
import { fileURLToPath } from 'node:url';
import { missingTools } from './guest/apt.mjs';
import { guestIn, makeGuest } from './guest/image.mjs';
import { reportMade } from './report-made.mjs';
import { scriptOptions } from './script-options.mjs';

const usage = `usage: npm run guest -- [--state] [--force] [--mirror URL] [--json]
  Fetches a Debian kernel (linux-image-6.1.0-*-686), seabios and busybox-static through apt, without root, and makes guest/ of them. Does nothing when it is there.
  --state       also boots it in v86 once and saves the machine with its shell ready: guest/state.bin, and the same as .gz
  --force       makes it again
  --mirror URL  a mirror of Debian, instead of the Debian sources of this machine
  --json        what was made, as JSON
exit codes: 0 it is there, 1 it could not be made, 2 arguments, 3 skipped: this machine has no apt`;

const asked = scriptOptions(usage, {}, { mirror: [undefined, undefined] }, ['state', 'force']);
const folder = fileURLToPath(new URL('../guest', import.meta.url));
const tell = (line) => process.stderr.write(`${line}\n`);

async function run() {
  let manifest = asked.force ? undefined : guestIn(folder);
  let made = [];
  if (manifest === undefined) {
    const missing = missingTools();
    if (missing.length > 0) return { status: 3, skipped: `no apt: ${missing.join(', ')} not found` };
    manifest = await makeGuest({ folder, mirror: asked.mirror, tell });
    made = Object.keys(manifest.files);
  }
  if (asked.state) {
    const { saveState, stateIn } = await import('./guest/state.mjs');
    if (asked.force || !stateIn(folder, manifest)) {
      manifest = await saveState({ folder, manifest, tell });
      made.push('state.bin', 'state.bin.gz');
    }
  }
  return { status: 0, made, manifest };
}

await reportMade({
  name: 'npm run guest',
  folder,
  json: asked.json,
  make: run,
  lines: ({ made, manifest: { kernel, packages, files } }, seconds) => [
    `${made.length > 0 ? `made ${made.join(', ')} in ${seconds} s` : 'already there'}: ${folder}`,
    `  Linux ${kernel}, of ${Object.entries(packages).map(([name, version]) => `${name} ${version}`).join(', ')}`,
    ...Object.entries(files).map(([name, { bytes }]) => `  ${String(bytes).padStart(10)} ${name}`),
  ],
});
