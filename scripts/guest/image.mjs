// Makes the guest's files from Debian packages, and says what is there.
//
//   guest/  vmlinuz  initramfs.gz  bios.bin  vgabios.bin   from packages
//           state.bin  state.bin.gz                        a machine with its shell ready (state.mjs)
//           guest.json                                     what they were made of; written last, so that it vouches for the rest
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { aptFor, newestKernel } from './apt.mjs';
import { initramfs } from './initramfs.mjs';
import { modulesFor } from './kernel-modules.mjs';
import { ALGORITHM_MODULES, COMMAND_LINE, LOADED_MODULES, MEMORY_BYTES, READY, RECIPE, RESERVED } from './recipe.mjs';

const MANIFEST = 'guest.json';
const MAKING = '.making';
const ARCHITECTURE = 'i386';

/** Bytes and checksum of a file. */
export const described = (path) => ({ bytes: statSync(path).size, sha256: createHash('sha256').update(readFileSync(path)).digest('hex') });

/**
 * What a folder holds, if it is a whole guest of today's recipe.
 *
 * @param {string} folder
 * @returns {object | undefined} The manifest.
 */
export function guestIn(folder) {
  const path = join(folder, MANIFEST);
  if (!existsSync(path)) return undefined;
  try {
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    const whole = manifest.recipe === RECIPE && Object.entries(manifest.files).every(([name, { bytes }]) => existsSync(join(folder, name)) && statSync(join(folder, name)).size === bytes);
    return whole ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** Writes what a folder holds; a reader sees the old text or the new one. */
export function writeManifest(folder, manifest) {
  writeFileSync(join(folder, `${MANIFEST}.new`), `${JSON.stringify(manifest, null, 2)}\n`);
  renameSync(join(folder, `${MANIFEST}.new`), join(folder, MANIFEST));
}

/**
 * Fetches the packages and makes the guest's files of them.
 *
 * @param {{ folder: string, mirror?: string, tell: (line: string) => void }} parts
 * @returns {Promise<object>} The manifest.
 * @throws Error that says which package or file is missing; the folder then holds what it held.
 */
export async function makeGuest({ folder, mirror, tell }) {
  const making = join(folder, MAKING);
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  try {
    const apt = aptFor({ folder: making, architecture: ARCHITECTURE, mirror, tell });
    await apt.update();
    const kernel = newestKernel(apt.names('^linux-image-6\\.1\\.0-[0-9]+-686'));
    if (kernel === undefined) throw new Error('the sources have no linux-image-6.1.0-*-686: the lists of packages could not be fetched, or they are of another release');
    const packages = Object.fromEntries([kernel, 'seabios', 'busybox-static'].map((name) => [name, apt.version(name)]));
    const [image, bios, busybox] = [await apt.unpacked(kernel), await apt.unpacked('seabios'), await apt.unpacked('busybox-static')];
    const [release] = readdirSync(join(image, 'lib/modules'));
    const modules = modulesFor(join(image, 'lib/modules', release), [...LOADED_MODULES, ...ALGORITHM_MODULES]);
    tell(`packing ${modules.length} modules of ${release}`);
    const program = ['usr/bin/busybox', 'bin/busybox'].map((path) => join(busybox, path)).find((path) => existsSync(path));
    if (program === undefined) throw new Error('busybox-static holds no busybox');
    writeFileSync(join(making, 'initramfs.gz'), gzipSync(initramfs({ busybox: readFileSync(program), release, modules }), { level: 9 }));
    copyFileSync(join(image, 'boot', `vmlinuz-${release}`), join(making, 'vmlinuz'));
    copyFileSync(join(bios, 'usr/share/seabios/bios.bin'), join(making, 'bios.bin'));
    copyFileSync(join(bios, 'usr/share/seabios/vgabios-stdvga.bin'), join(making, 'vgabios.bin'));
    const names = ['vmlinuz', 'initramfs.gz', 'bios.bin', 'vgabios.bin'];
    // From here on the old guest is gone: its manifest first, so that nothing vouches for a mixture.
    for (const name of [MANIFEST, 'state.bin', 'state.bin.gz']) rmSync(join(folder, name), { force: true });
    for (const name of names) renameSync(join(making, name), join(folder, name));
    const manifest = {
      recipe: RECIPE,
      kernel: release,
      commandLine: COMMAND_LINE,
      memoryBytes: MEMORY_BYTES,
      reserved: RESERVED,
      ready: READY,
      packages,
      modules: modules.map(({ name }) => name),
      files: Object.fromEntries(names.map((name) => [name, described(join(folder, name))])),
    };
    writeManifest(folder, manifest);
    return manifest;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}
