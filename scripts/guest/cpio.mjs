// An archive as the kernel takes its first file system: cpio, "new ASCII" format.
//
//   header, 110 bytes of ASCII: magic 070701, then 13 numbers of 8 hexadecimal digits
//   | magic | ino | mode | uid | gid | nlink | mtime | size | devmajor | devminor | rdevmajor | rdevminor | namesize | check |
//   name, NUL, padding to 4 | bytes, padding to 4 | next header ... | a last one named TRAILER!!!
//
// Source: Linux Documentation/driver-api/early-userspace/buffer-format.rst

const MAGIC = '070701';
const TRAILER = 'TRAILER!!!';
const HEADER_BYTES = 110;
export const FOLDER = 0o040755;
export const FILE = 0o100644;
export const PROGRAM = 0o100755;
export const LINK = 0o120777;
export const CHARACTERS = 0o020600;

const hex = (number) => number.toString(16).padStart(8, '0');
const padding = (length) => Buffer.alloc(-length & 3);

function member(ino, { path, mode, bytes, device }) {
  const name = Buffer.from(`${path}\0`);
  const content = Buffer.from(bytes);
  const numbers = [ino, mode, 0, 0, 1, 0, content.length, 0, 0, device[0], device[1], name.length, 0];
  return [Buffer.from(MAGIC + numbers.map(hex).join('')), name, padding(HEADER_BYTES + name.length), content, padding(content.length)];
}

/**
 * Packs files in the order given: a folder comes before what is in it. The same files always make the same bytes: there is no time in them.
 *
 * @param {{ path: string, mode: number, bytes?: Uint8Array | string, device?: [number, number] }[]} entries - Paths have no slash in front; the bytes of a link are what it leads to;
 *   `device` is the major and minor number of a node.
 * @returns {Buffer}
 * @throws RangeError for a path that is absolute, empty, or given twice, or whose folder is not before it.
 * @example cpio([{ path: 'bin', mode: FOLDER }, { path: 'bin/sh', mode: LINK, bytes: 'busybox' }])
 */
export function cpio(entries) {
  const folders = new Set(['']);
  const seen = new Set([TRAILER]);
  const parts = entries.flatMap(({ path, mode, bytes = '', device = [0, 0] }, i) => {
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (path === '' || path.startsWith('/') || path.endsWith('/') || seen.has(path)) throw new RangeError(`cpio: path ${JSON.stringify(path)}; expected a relative one, once`);
    if (!folders.has(folder)) throw new RangeError(`cpio: ${path} comes before its folder ${folder}`);
    seen.add(path);
    if ((mode & 0o170000) === 0o040000) folders.add(path);
    return member(i + 1, { path, mode, bytes, device });
  });
  return Buffer.concat([...parts, ...member(0, { path: TRAILER, mode: 0, bytes: '', device: [0, 0] })]);
}
