// Reads and writes of an open file: which file can be asked at which offset, and how much moves at most.

import { u64 } from '../core/index.ts';
import type { Space, U64 } from '../core/index.ts';
import { VfioError } from '../uapi/index.ts';
import type { OpenFile } from './files/open-file.ts';
import { userBuffer } from './user-memory.ts';
import type { UserBuffer } from './user-memory.ts';

// What the kernel moves at most in one read or write.
const MAX_TRANSFER = 0x7fff_f000;
const MAX_OFFSET = 0x7fff_ffff_ffff_ffffn;

/** An offset for pread or pwrite: looked at before the fd is. */
export function fileOffset(call: string, offset: U64): bigint {
  const at = u64(`${call}: offset`, offset);
  if (at > MAX_OFFSET) throw new VfioError('EINVAL', call, `offset 0x${at.toString(16)} is negative as a signed 64-bit number`);
  return at;
}

/** A file that has offsets. A stream has none: looked at before whether it can be read or written at all. */
export function seekable(call: string, file: OpenFile): OpenFile {
  if (file.isStream) throw new VfioError('ESPIPE', call, `a ${file.kind} file is a stream`);
  return file;
}

/** Fills a buffer of the process whose memory is given. How many bytes. */
export function readAt(call: string, file: OpenFile, memory: Space, buffer: UserBuffer, at: bigint): number {
  if (file.writeOnly) throw new VfioError('EBADF', call, 'the file was opened for writing only');
  const { user, length } = userBuffer(call, memory, buffer);
  return file.access(call, at, Math.min(length, MAX_TRANSFER), user, false);
}

/** Writes a buffer of the process whose memory is given. How many bytes. */
export function writeAt(call: string, file: OpenFile, memory: Space, buffer: UserBuffer, at: bigint): number {
  if (file.readOnly) throw new VfioError('EBADF', call, 'the file was opened for reading only');
  const { user, length } = userBuffer(call, memory, buffer);
  return file.access(call, at, Math.min(length, MAX_TRANSFER), user, true);
}
