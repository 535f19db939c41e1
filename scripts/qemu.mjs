// `npm run qemu`: a QEMU that attaches vfio-user devices, and a small Linux for it, made of Debian packages that apt fetches. Into qemu/, which is never committed.
import { fileURLToPath } from 'node:url';
import { whyNoQemu } from './qemu/tools.mjs';
import { makeInitramfs, makeQemu, qemuIn } from './qemu/image.mjs';
import { reportMade } from './report-made.mjs';
import { scriptOptions } from './script-options.mjs';

const usage = `usage: npm run qemu -- [--force] [--mirror URL] [--json]
  Fetches QEMU 10.1 or later (Debian trixie-backports, forky or sid), a Debian kernel, busybox and lspci through apt, without root, and makes qemu/ of them. Does nothing when it is there.
  --force       makes it again
  --mirror URL  a mirror of Debian, instead of that of this machine's sources
  --json        what was made, as JSON
exit codes: 0 it is there, 1 it could not be made, 2 arguments, 3 skipped: this machine has no apt, or no compiler, or another processor`;

const asked = scriptOptions(usage, {}, { mirror: [undefined, undefined] }, ['force']);
const folder = fileURLToPath(new URL('../qemu', import.meta.url));
const tell = (line) => process.stderr.write(`${line}\n`);

async function run() {
  let manifest = asked.force ? undefined : qemuIn(folder);
  const isThere = manifest !== undefined;
  const skipped = whyNoQemu({ isThere });
  if (skipped !== undefined) return { status: 3, skipped };
  manifest ??= await makeQemu({ folder, mirror: asked.mirror, tell });
  makeInitramfs({ folder, tell });
  return { status: 0, isThere, manifest };
}

await reportMade({
  name: 'npm run qemu',
  folder,
  json: asked.json,
  make: run,
  lines: ({ isThere, manifest: { kernel, release, qemuPackages, packages } }, seconds) => [
    `${isThere ? 'already there' : `made in ${seconds} s`}: ${folder}`,
    `  Linux ${kernel}; QEMU of ${release}, ${qemuPackages} packages`,
    ...Object.entries(packages).map(([name, version]) => `  ${name} ${version}`),
  ],
});
