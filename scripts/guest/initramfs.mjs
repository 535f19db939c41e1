// The guest's first and only file system: busybox, an init, modules.
//
//   /init  /bin/busybox  /sbin -> bin  /dev/console  /lib/modules/RELEASE/{kernel/**, modules.dep, modules.alias}
import { CHARACTERS, FILE, FOLDER, LINK, PROGRAM, cpio } from './cpio.mjs';
import { modprobeFiles } from './kernel-modules.mjs';
import { INIT } from './recipe.mjs';

/** Every folder that leads to a path, the outermost first. */
export const foldersOf = (path) => path.split('/').slice(0, -1).map((_, i, parts) => parts.slice(0, i + 1).join('/'));

/**
 * Packs it.
 *
 * @param {{ busybox: Uint8Array, release: string, modules: ReturnType<typeof import('./kernel-modules.mjs').modulesFor>, init?: string, more?: { path: string, mode: number, bytes: Uint8Array }[] }} parts -
 *   `release`: what `uname -r` says; `init`: the first program; `more`: other files.
 * @returns {Buffer} A cpio archive.
 */
export function initramfs({ busybox, release, modules, init = INIT, more = [] }) {
  const home = `lib/modules/${release}`;
  const lists = Object.entries(modprobeFiles(modules)).map(([name, text]) => ({ path: `${home}/${name}`, mode: FILE, bytes: text }));
  const files = [
    { path: 'bin/busybox', mode: PROGRAM, bytes: busybox },
    ...modules.map(({ path, bytes }) => ({ path: `${home}/${path}`, mode: FILE, bytes })),
    ...lists,
    ...more,
  ];
  const folders = [...new Set(['dev', 'proc', 'sys', ...files.flatMap(({ path }) => foldersOf(path))])];
  return cpio([
    ...folders.map((path) => ({ path, mode: FOLDER })),
    // The kernel opens it before devtmpfs is mounted.
    { path: 'dev/console', mode: CHARACTERS, device: [5, 1] },
    { path: 'sbin', mode: LINK, bytes: 'bin' },
    { path: 'init', mode: PROGRAM, bytes: init },
    ...files,
  ]);
}
