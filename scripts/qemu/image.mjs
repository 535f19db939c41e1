// Makes the files of QEMU's guest, and says what is there.
//
//   qemu/  root/                           QEMU and its libraries (install.mjs)
//          vmlinuz  packages.cpio          kernel; busybox, modules, lspci: all from packages
//          initramfs.cpio                  packages.cpio and behind it what is made here: init, and the program of test/qemu/guest/
//          qemu.json                       what they were made of; written last, so that it vouches for the rest
//          guest.json                      how QEMU and the guest are started, of which sources initramfs.cpio is
//
// The archives are not compressed: the guest's processor is a slow one, and the file is not sent anywhere.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aptFor, newestKernel } from '../guest/apt.mjs';
import { FILE, FOLDER, PROGRAM, cpio } from '../guest/cpio.mjs';
import { initramfs } from '../guest/initramfs.mjs';
import { modulesFor } from '../guest/kernel-modules.mjs';
import { ALGORITHM_MODULES } from '../guest/recipe.mjs';
import { installQemu, qemuCommand } from './install.mjs';
import { COMMAND_LINE, INIT, MODULES, READY, RECIPE } from './recipe.mjs';

const MANIFEST = 'qemu.json';
const GUEST = 'guest.json';
const MAKING = '.making';
const LINKER = 'lib64/ld-linux-x86-64.so.2';
const LIBRARIES = 'lib/x86_64-linux-gnu';
const PROGRAM_SOURCES = fileURLToPath(new URL('../../test/qemu/guest', import.meta.url));

/**
 * What a folder holds, if it is whole and of today's recipe.
 *
 * @param {string} folder
 * @returns {object | undefined} The manifest.
 */
export function qemuIn(folder) {
  const path = join(folder, MANIFEST);
  if (!existsSync(path)) return undefined;
  try {
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    const isWhole = manifest.recipe === RECIPE && existsSync(join(folder, 'root')) && Object.entries(manifest.files).every(([name, bytes]) => existsSync(join(folder, name)) && statSync(join(folder, name)).size === bytes);
    return isWhole ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** A file of the packages, wherever /usr is merged. */
function fileIn(root, ...paths) {
  const found = paths.map((path) => join(root, path)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`the packages hold no ${paths.join(' or ')}`);
  return found;
}

/** lspci and the libraries that it names, as files of the archive. */
function lspciFiles(root) {
  const linker = realpathSync(fileIn(root, `${LIBRARIES}/ld-linux-x86-64.so.2`, `usr/${LIBRARIES}/ld-linux-x86-64.so.2`));
  const lspci = fileIn(root, 'usr/bin/lspci', 'bin/lspci');
  const { status, stdout, stderr } = spawnSync(linker, ['--library-path', `${root}/${LIBRARIES}:${root}/usr/${LIBRARIES}`, '--list', lspci], { encoding: 'utf8' });
  const libraries = [...(stdout ?? '').matchAll(/^\s*([^/\s]+) => (\S+) /gm)].map(([, name, path]) => ({ path: `${LIBRARIES}/${name}`, mode: PROGRAM, bytes: readFileSync(path) }));
  if (status !== 0 || libraries.length === 0) throw new Error(`the libraries of lspci: ${linker} ended with ${status}: ${(stderr ?? '').trim()}`);
  return [
    { path: 'bin/lspci', mode: PROGRAM, bytes: readFileSync(lspci) },
    { path: LINKER, mode: PROGRAM, bytes: readFileSync(linker) },
    { path: 'usr/share/misc/pci.ids', mode: FILE, bytes: readFileSync(fileIn(root, 'usr/share/misc/pci.ids')) },
    ...libraries,
  ];
}

/**
 * Fetches the packages and makes the files that are of nothing else.
 *
 * @param {{ folder: string, mirror?: string, tell: (line: string) => void }} parts
 * @returns {Promise<object>} The manifest.
 * @throws Error that says which package or file is missing; the folder then holds what it held.
 */
export async function makeQemu({ folder, mirror, tell }) {
  const making = join(folder, MAKING);
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  try {
    const root = join(making, 'root');
    const qemu = await installQemu({ folder: join(making, 'newer'), root, mirror, tell });
    const apt = aptFor({ folder: making, architecture: 'amd64', mirror, tell });
    await apt.update();
    const kernel = newestKernel(apt.names('^linux-image-6\\.1\\.0-[0-9]+-amd64'), 'amd64');
    if (kernel === undefined) throw new Error('the sources have no linux-image-6.1.0-*-amd64: the lists of packages could not be fetched, or they are of another release');
    const packages = { 'qemu-system-x86': qemu.version, ...Object.fromEntries([kernel, 'busybox-static', 'pciutils'].map((name) => [name, apt.version(name)])) };
    const image = await apt.unpacked(kernel);
    const busybox = fileIn(await apt.unpacked('busybox-static'), 'usr/bin/busybox', 'bin/busybox');
    const pciutils = join(making, 'pciutils');
    await apt.unpackedWhole(['pciutils'], { to: pciutils });
    const [release] = readdirSync(join(image, 'lib/modules'));
    const modules = modulesFor(join(image, 'lib/modules', release), [...MODULES, ...ALGORITHM_MODULES]);
    tell(`packing ${modules.length} modules of ${release}`);
    writeFileSync(join(making, 'packages.cpio'), initramfs({ busybox: readFileSync(busybox), release, modules, init: INIT, more: lspciFiles(pciutils) }));
    copyFileSync(join(image, 'boot', `vmlinuz-${release}`), join(making, 'vmlinuz'));
    const names = ['vmlinuz', 'packages.cpio'];
    // From here on what was there is gone: its manifest first, so that nothing vouches for a mixture.
    for (const name of [MANIFEST, GUEST, 'initramfs.cpio', 'root']) rmSync(join(folder, name), { recursive: true, force: true });
    for (const name of [...names, 'root']) renameSync(join(making, name), join(folder, name));
    const manifest = { recipe: RECIPE, kernel: release, release: qemu.release, packages, qemuPackages: qemu.packages, files: Object.fromEntries(names.map((name) => [name, statSync(join(folder, name)).size])) };
    writeFileSync(join(folder, `${MANIFEST}.new`), `${JSON.stringify(manifest, null, 2)}\n`);
    renameSync(join(folder, `${MANIFEST}.new`), join(folder, MANIFEST));
    return manifest;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}

/** What a guest of a folder was made of, if it was. */
function sourcesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).sources;
  } catch {
    return undefined;
  }
}

/**
 * Compiles the guest's own program and puts it, with init, behind what the packages gave. Does nothing when none of it has changed.
 *
 * @param {{ folder: string, tell: (line: string) => void }} parts
 * @throws Error with what the compiler said.
 */
export function makeInitramfs({ folder, tell }) {
  const names = readdirSync(PROGRAM_SOURCES).filter((name) => /\.[ch]$/.test(name)).sort();
  const manifest = readFileSync(join(folder, MANIFEST), 'utf8');
  const qemu = qemuCommand(join(folder, 'root'));
  const hash = createHash('sha256').update(JSON.stringify([manifest, INIT, COMMAND_LINE, qemu]));
  for (const name of names) hash.update(readFileSync(join(PROGRAM_SOURCES, name)));
  const sources = hash.digest('hex');
  const [made, guest] = [join(folder, 'initramfs.cpio'), join(folder, GUEST)];
  if (existsSync(made) && sourcesOf(guest) === sources) return;
  rmSync(guest, { force: true });
  const program = join(folder, 'card');
  tell(`compiling ${names.join(' ')}`);
  const { status, stderr, error } = spawnSync('gcc', ['-static', '-O2', '-Wall', '-Wextra', '-Werror', '-o', program, ...names.filter((name) => name.endsWith('.c')).map((name) => join(PROGRAM_SOURCES, name))], { encoding: 'utf8' });
  if (error !== undefined || status !== 0) throw new Error(`gcc of ${basename(PROGRAM_SOURCES)}/*.c ended with ${error?.message ?? status}\n${stderr ?? ''}`);
  // Of two files of one name the later one stays.
  const ours = cpio([{ path: 'init', mode: PROGRAM, bytes: INIT }, { path: 'bin', mode: FOLDER }, { path: 'bin/card', mode: PROGRAM, bytes: readFileSync(program) }]);
  writeFileSync(made, Buffer.concat([readFileSync(join(folder, 'packages.cpio')), ours]));
  writeFileSync(guest, `${JSON.stringify({ sources, kernel: JSON.parse(manifest).kernel, commandLine: COMMAND_LINE, ready: READY, qemu }, null, 2)}\n`);
}
