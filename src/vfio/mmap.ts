// mmap and munmap: what is asked of their arguments before the file and the address space are. Behaviour text, section 4.7.

import { integer, u64 } from '../core/index.ts';
import type { Engine, U64 } from '../core/index.ts';
import { VfioError } from '../uapi/index.ts';
import { deviceFileOf } from './cdev-file.ts';
import type { OpenFile } from './files/open-file.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, PROT_WRITE } from './mman.ts';
import { PAGE_SIZE, roundUpToPage } from './page.ts';
import { TASK_SIZE } from './process-memory.ts';
import type { ProcessMemory } from './process-memory.ts';

const PAGE = BigInt(PAGE_SIZE);
const MAP_TYPE = 0x0f;
// Flags that MAP_SHARED_VALIDATE lets through: linux/mman.h LEGACY_MAP_MASK, with the bits of both huge page sizes.
const LEGACY_MAP_MASK = 0x7c07_f9f3;

/** What a process passes to mmap. @internal */
export interface MmapCall {
  readonly length: U64;
  readonly protection: number;
  readonly flags: number;
  readonly offset: U64;
  /** The file behind the fd. VfioError EBADF. Not asked for anonymous memory. */
  readonly file: () => OpenFile;
}

function mapAnonymous(engine: Engine, memory: ProcessMemory, bytes: bigint, protection: number): number {
  const region = engine.region({ kind: 'demand', size: bytes, name: 'anonymous' });
  try {
    const source = { region, position: 0n, memoryType: 'uncached' as const, protection, device: undefined, vfioRegion: undefined, isAnonymous: true, release: () => region.destroy() };
    return Number(memory.map(bytes, source));
  } catch (error) {
    region.destroy();
    throw error;
  }
}

/** The address. VfioError EINVAL, EBADF, ENOMEM, EOVERFLOW, EOPNOTSUPP, EACCES, ENODEV. @internal */
export function mapPages(engine: Engine, memory: ProcessMemory, call: MmapCall): number {
  const { protection, flags } = call;
  integer('mmap: protection', protection, 0, 0xf);
  integer('mmap: flags', flags, 0, 0x7fff_ffff);
  const size = u64('mmap: length', call.length);
  const at = u64('mmap: offset', call.offset);
  if (at % PAGE !== 0n) throw new VfioError('EINVAL', 'mmap', `offset 0x${at.toString(16)} is no multiple of ${PAGE_SIZE}`);
  const file = (flags & MAP_ANONYMOUS) === 0 ? call.file() : undefined;
  if (size === 0n) throw new VfioError('EINVAL', 'mmap', 'length is 0');
  const bytes = roundUpToPage(size);
  if (bytes > TASK_SIZE) throw new VfioError('ENOMEM', 'mmap', `length 0x${size.toString(16)} is larger than any address space`);
  const type = flags & MAP_TYPE;
  if (file === undefined) {
    if (type !== MAP_SHARED && type !== MAP_PRIVATE) throw new VfioError('EINVAL', 'mmap', `anonymous memory is MAP_SHARED or MAP_PRIVATE; the type is ${type}`);
    return mapAnonymous(engine, memory, bytes, protection);
  }
  // As an unsigned 64-bit sum: the end 2^64 is 0.
  if (at + bytes >= 1n << 64n) throw new VfioError('EOVERFLOW', 'mmap', `0x${bytes.toString(16)} bytes at offset 0x${at.toString(16)} pass 2^64-1`);
  if (![MAP_SHARED, MAP_SHARED_VALIDATE, MAP_PRIVATE].includes(type)) throw new VfioError('EINVAL', 'mmap', `a file is mapped MAP_SHARED, MAP_SHARED_VALIDATE or MAP_PRIVATE; the type is ${type}`);
  if (type === MAP_SHARED_VALIDATE && (flags & ~LEGACY_MAP_MASK) !== 0) throw new VfioError('EOPNOTSUPP', 'mmap', `flags 0x${flags.toString(16)} has bits that no file here supports`);
  const isShared = type !== MAP_PRIVATE;
  if (isShared && file.readOnly && (protection & PROT_WRITE) !== 0) throw new VfioError('EACCES', 'mmap', 'PROT_WRITE of a file opened for reading only');
  if (file.writeOnly) throw new VfioError('EACCES', 'mmap', 'the file was opened for writing only');
  if (file.map === undefined) throw new VfioError('ENODEV', 'mmap', `a ${file.kind} file cannot be mapped`);
  const { bytes: behind, region, position, memoryType } = file.map(at, size, isShared && !file.readOnly);
  const device = deviceFileOf(file)?.device;
  const source = { region: behind, position, memoryType, protection, device, vfioRegion: region, isAnonymous: false, release: () => file.release() };
  const address = memory.map(bytes, source);
  // A mapping keeps its file open.
  file.hold();
  return Number(address);
}

/** VfioError EINVAL. @internal */
export function unmapPages(memory: ProcessMemory, address: U64, length: U64): void {
  const first = u64('munmap: address', address);
  const size = u64('munmap: length', length);
  if (first % PAGE !== 0n) throw new VfioError('EINVAL', 'munmap', `address 0x${first.toString(16)} is no multiple of ${PAGE_SIZE}`);
  const last = first + roundUpToPage(size) - 1n;
  if (size === 0n || last >= TASK_SIZE) throw new VfioError('EINVAL', 'munmap', `0x${size.toString(16)} bytes at 0x${first.toString(16)} are no range of the address space`);
  memory.unmap(first, last);
}
