// A kernel's modules: what each says of itself, and all that a few of them need.
//
//   NAME.ko, ELF of 32 bits     0x20 e_shoff, 0x2e e_shentsize, e_shnum, e_shstrndx --> section headers, 40 bytes each:
//                               0x00 name  0x10 offset  0x14 size
//            ELF of 64 bits     0x28 e_shoff, 0x3a e_shentsize, e_shnum, e_shstrndx --> section headers, 64 bytes each:
//                               0x00 name  0x18 offset  0x20 size
//   section .modinfo            key=value, NUL, ...:  name=  depends=a,b  alias=  softdep=
//
// Source: System V ABI, chapter 4; Linux include/linux/module.h, scripts/mod/modpost.c (who writes `depends`)
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

const ELF_LITTLE = /^7f454c460[12]01$/;
/** By the class that byte 4 says: where things are, and how long a number is that counts bytes of the file. */
const LAYOUTS = {
  1: { header: 52, shoff: 0x20, counts: 0x2e, offset: 0x10, size: 0x14, long: (elf, at) => elf.readUInt32LE(at) },
  2: { header: 64, shoff: 0x28, counts: 0x3a, offset: 0x18, size: 0x20, long: (elf, at) => Number(elf.readBigUInt64LE(at)) },
};

/** Dashes of a file's name are underscores in the module's. */
const nameOf = (path) => path.slice(path.lastIndexOf('/') + 1).replace(/\.ko(\.xz)?$/, '').replaceAll('-', '_');

function section(elf, wanted) {
  const layout = LAYOUTS[elf[4]];
  const shoff = layout.long(elf, layout.shoff);
  const [shentsize, shnum, shstrndx] = [0, 2, 4].map((at) => elf.readUInt16LE(layout.counts + at));
  const header = (index) => {
    const at = shoff + shentsize * index;
    const offset = layout.long(elf, at + layout.offset);
    return { name: elf.readUInt32LE(at), bytes: elf.subarray(offset, offset + layout.long(elf, at + layout.size)) };
  };
  const names = header(shstrndx).bytes;
  for (let index = 0; index < shnum; index++) {
    const { name, bytes } = header(index);
    if (names.toString('latin1', name, names.indexOf(0, name)) === wanted) return bytes;
  }
  return undefined;
}

/**
 * What a module says of itself.
 *
 * @param {Buffer} elf - The bytes of a .ko file.
 * @returns {{ depends: string[], aliases: string[] }}
 * @throws RangeError for what is no module.
 */
export function moduleInfo(elf) {
  const magic = elf.toString('hex', 0, 6);
  if (!ELF_LITTLE.test(magic) || elf.length < LAYOUTS[elf[4]].header) throw new RangeError(`a module begins with ${magic}; expected 7f454c460101 or 7f454c460201, ELF of 32 or 64 bits`);
  const bytes = section(elf, '.modinfo');
  if (bytes === undefined) throw new RangeError('a module has no section .modinfo');
  const lines = bytes.toString('latin1').split('\0');
  const values = (key) => lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
  return { depends: values('depends').flatMap((list) => list.split(',')).filter((name) => name !== ''), aliases: values('alias') };
}

function readModule(path) {
  if (!path.endsWith('.xz')) return readFileSync(path);
  const { status, stdout, error } = spawnSync('xz', ['-dc', path], { maxBuffer: 1 << 28 });
  if (error !== undefined || status !== 0) throw new Error(`xz -dc ${path} ended with ${error?.message ?? status}`);
  return stdout;
}

/**
 * Modules and all that they need, the needed ones first: the order in which they can be loaded.
 *
 * @param {string} folder - lib/modules/RELEASE of a kernel.
 * @param {string[]} wanted - Names, with dashes or underscores. Those that are built into the kernel are left out.
 * @returns {{ name: string, path: string, bytes: Buffer, depends: string[], aliases: string[] }[]} `path` is relative to the folder, without the ending of compression.
 * @throws Error for a name that is neither a module nor built in.
 */
export function modulesFor(folder, wanted) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => /\.ko(\.xz)?$/.test(entry.name));
  const paths = new Map(files.map((entry) => [nameOf(entry.name), join(entry.parentPath ?? entry.path, entry.name)]));
  const builtIn = new Set(readFileSync(join(folder, 'modules.builtin'), 'utf8').split('\n').map(nameOf));
  const found = new Map();
  const visit = (asked, by) => {
    const name = asked.replaceAll('-', '_');
    if (found.has(name) || builtIn.has(name)) return;
    const path = paths.get(name);
    if (path === undefined) throw new Error(`the kernel has no module ${asked}${by === undefined ? '' : `, which ${by} needs`}`);
    const bytes = readModule(path);
    const info = moduleInfo(bytes);
    for (const needed of info.depends) visit(needed, name);
    found.set(name, { name, path: relative(folder, path).replace(/\.xz$/, ''), bytes, ...info });
  };
  for (const name of wanted) visit(name);
  return [...found.values()];
}

/**
 * The files by which modprobe finds modules.
 *
 * @param {ReturnType<typeof modulesFor>} modules
 * @returns {{ 'modules.dep': string, 'modules.alias': string }}
 */
export function modprobeFiles(modules) {
  const byName = new Map(modules.map((one) => [one.name, one]));
  // Everything a module needs, the nearest first: modprobe loads the list from its end.
  const needed = (one) => [...new Set(one.depends.flatMap((name) => {
    const next = byName.get(name.replaceAll('-', '_'));
    return next === undefined ? [] : [next, ...needed(next)];
  }).reverse())].reverse();
  return {
    'modules.dep': modules.map((one) => `${one.path}:${needed(one).map(({ path }) => ` ${path}`).join('')}\n`).join(''),
    'modules.alias': modules.flatMap(({ name, aliases }) => aliases.map((alias) => `alias ${alias} ${name}\n`)).join(''),
  };
}
