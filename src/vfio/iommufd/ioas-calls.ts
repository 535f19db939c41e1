// The ioctls of address spaces: IOAS_ALLOC, ALLOW_IOVAS, IOVA_RANGES, MAP, MAP_FILE, COPY, UNMAP, CHANGE_PROCESS. Behaviour text, section 6.8.
//
// Source: drivers/iommu/iommufd/ioas.c

import { hex } from '../../core/index.ts';
import {
  IOMMU_IOAS_ALLOC,
  IOMMU_IOAS_ALLOW_IOVAS,
  IOMMU_IOAS_CHANGE_PROCESS,
  IOMMU_IOAS_COPY,
  IOMMU_IOAS_IOVA_RANGES,
  IOMMU_IOAS_MAP,
  IOMMU_IOAS_MAP_FILE,
  IOMMU_IOAS_MAP_FIXED_IOVA,
  IOMMU_IOAS_MAP_READABLE,
  IOMMU_IOAS_MAP_WRITEABLE,
  IOMMU_IOAS_UNMAP,
  VfioError,
  iommu_ioas_alloc,
  iommu_ioas_allow_iovas,
  iommu_ioas_change_process,
  iommu_ioas_copy,
  iommu_ioas_iova_ranges,
  iommu_ioas_map,
  iommu_ioas_map_file,
  iommu_ioas_unmap,
  iommu_iova_range,
} from '../../uapi/index.ts';
import type { CallingProcess } from '../files/open-file.ts';
import { PAGE_SIZE } from '../page.ts';
import { command, unsupported } from './command.ts';
import type { Command } from './command.ts';
import type { IommufdContext } from './context.ts';
import type { Ioas, Protection, Slice } from './ioas.ts';
import { LAST_IOVA } from './iova-space.ts';
import type { IovaRange } from './iova-space.ts';
import { pageAccount } from './locked-pages.ts';
import { Pages, fileSource, processSource } from './pages.ts';

const PAGE = BigInt(PAGE_SIZE);
const MAP_FLAGS = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE | IOMMU_IOAS_MAP_READABLE;

const isEndless = (value: bigint): boolean => value >= LAST_IOVA;

/** VfioError EOPNOTSUPP, EOVERFLOW, EINVAL: in this order for all calls that map. */
function checkMapping(call: string, flags: number, rest: { readonly reserved?: number; readonly numbers: Readonly<Record<string, bigint>> }): Protection {
  if ((flags & ~MAP_FLAGS) !== 0) unsupported(call, `flags 0x${flags.toString(16)} has bits beyond 0x${MAP_FLAGS.toString(16)}`);
  if (rest.reserved !== undefined && rest.reserved !== 0) unsupported(call, `the reserved field is ${rest.reserved}; expected 0`);
  for (const [name, value] of Object.entries(rest.numbers)) if (isEndless(value)) throw new VfioError('EOVERFLOW', call, `${name} is 2^64-1`);
  const [readable, writable] = [(flags & IOMMU_IOAS_MAP_READABLE) !== 0, (flags & IOMMU_IOAS_MAP_WRITEABLE) !== 0];
  if (!readable && !writable) throw new VfioError('EINVAL', call, `flags 0x${flags.toString(16)} has neither READABLE nor WRITEABLE`);
  return { readable, writable };
}

const fixed = (flags: number, iova: bigint): bigint | undefined => ((flags & IOMMU_IOAS_MAP_FIXED_IOVA) !== 0 ? iova : undefined);

/** A process's memory at `address`. VfioError EOVERFLOW. */
export function userSlice(context: IommufdContext, call: string, process: CallingProcess, request: { readonly address: bigint; readonly length: bigint; readonly writable: boolean }): Slice {
  const { address, length, writable } = request;
  if (address + length > LAST_IOVA) throw new VfioError('EOVERFLOW', call, `${hex(length)} bytes at ${hex(address)} pass 2^64-1`);
  const start = address % PAGE;
  const pages = new Pages(processSource(process, address - start), writable, pageAccount(context.host, process, context.accountMode));
  return { pages, start, length };
}

const alloc = command(IOMMU_IOAS_ALLOC, 'IOMMU_IOAS_ALLOC', 12, iommu_ioas_alloc, ({ call, record, context, respond }) => {
  if (record.flags !== 0) unsupported(call, `flags 0x${record.flags.toString(16)}; expected 0`);
  const ioas = context.newIoas();
  record.out_ioas_id = ioas.id;
  try {
    respond();
  } catch (error) {
    context.objects.remove(ioas);
    throw error;
  }
});

const allow = command(IOMMU_IOAS_ALLOW_IOVAS, 'IOMMU_IOAS_ALLOW_IOVAS', 24, iommu_ioas_allow_iovas, ({ call, record, context, process }) => {
  if (record.__reserved !== 0) unsupported(call, `the reserved field is ${record.__reserved}; expected 0`);
  const ioas = context.objects.get(call, record.ioas_id, 'IOAS');
  const ranges: IovaRange[] = [];
  const { size } = iommu_iova_range;
  for (let i = 0; i < record.num_iovas; i++) {
    const { start, last } = iommu_iova_range.decode(process.memoryAt(record.allowed_iovas + BigInt(size * i)).copyIn(0, size));
    if (start >= last) throw new VfioError('EINVAL', call, `range ${i}: start ${hex(start)} is not below last ${hex(last)}`);
    const other = ranges.find((range) => range.first <= last && range.last >= start);
    if (other !== undefined) throw new VfioError('EINVAL', call, `range ${i}: ${hex(start)} to ${hex(last)} meets ${hex(other.first)} to ${hex(other.last)}`);
    ranges.push({ first: start, last });
  }
  ioas.space.allow(call, ranges);
});

const ranges = command(IOMMU_IOAS_IOVA_RANGES, 'IOMMU_IOAS_IOVA_RANGES', 32, iommu_ioas_iova_ranges, ({ call, record, context, process, respond }) => {
  if (record.__reserved !== 0) unsupported(call, `the reserved field is ${record.__reserved}; expected 0`);
  const ioas = context.objects.get(call, record.ioas_id, 'IOAS');
  const room = record.num_iovas;
  const { usable } = ioas.space;
  const { size } = iommu_iova_range;
  usable.slice(0, room).forEach(({ first, last }, i) => {
    process.memoryAt(record.allowed_iovas + BigInt(size * i)).copyOut(0, iommu_iova_range.encode({ start: first, last }));
  });
  record.num_iovas = usable.length;
  record.out_iova_alignment = ioas.alignment;
  respond();
  if (usable.length > room) throw new VfioError('EMSGSIZE', call, `there are ${usable.length} ranges; num_iovas had room for ${room}`);
});

const map = command(IOMMU_IOAS_MAP, 'IOMMU_IOAS_MAP', 40, iommu_ioas_map, ({ call, record, context, process, respond }) => {
  const { flags, iova, length, user_va: address } = record;
  const protection = checkMapping(call, flags, { reserved: record.__reserved, numbers: { iova, length } });
  const ioas = context.objects.get(call, record.ioas_id, 'IOAS');
  record.iova = ioas.map(call, [userSlice(context, call, process, { address, length, writable: protection.writable })], fixed(flags, iova), protection);
  respond();
});

const mapFile = command(IOMMU_IOAS_MAP_FILE, 'IOMMU_IOAS_MAP_FILE', 40, iommu_ioas_map_file, ({ call, record, context, process, respond }) => {
  const { flags, iova, length, start } = record;
  const protection = checkMapping(call, flags, { numbers: { iova, length } });
  const ioas = context.objects.get(call, record.ioas_id, 'IOAS');
  const { kind } = process.file(call, record.fd);
  if (length > 0n && start + length - 1n > LAST_IOVA) throw new VfioError('EOVERFLOW', call, `${hex(length)} bytes at ${hex(start)} of the file pass 2^64-1`);
  const pages = new Pages(fileSource(kind, start - (start % PAGE)), protection.writable, pageAccount(context.host, process, context.accountMode));
  record.iova = ioas.map(call, [{ pages, start: start % PAGE, length }], fixed(flags, iova), protection);
  respond();
});

/** What an address space maps at first..last, area by area. VfioError EINVAL, EOVERFLOW, ENOENT. */
function slicesOf(call: string, ioas: Ioas, first: bigint, length: bigint): Slice[] {
  if (length === 0n) throw new VfioError('EINVAL', call, 'length is 0');
  const last = first + length - 1n;
  if (last > LAST_IOVA) throw new VfioError('EOVERFLOW', call, `${hex(length)} bytes at iova ${hex(first)} pass 2^64-1`);
  const { areas, end } = ioas.contiguous(first, last);
  if (end !== last) throw new VfioError('ENOENT', call, `iova ${hex(first)} to ${hex(last)} is not all mapped`);
  return areas.map((area) => {
    const [from, to] = [area.first > first ? area.first : first, area.last < last ? area.last : last];
    return { pages: area.pages, start: area.start + (from - area.first), length: to - from + 1n };
  });
}

const copy = command(IOMMU_IOAS_COPY, 'IOMMU_IOAS_COPY', 40, iommu_ioas_copy, ({ call, record, context, respond }) => {
  const { flags, length, src_iova, dst_iova } = record;
  const protection = checkMapping(call, flags, { numbers: { length, src_iova, dst_iova } });
  const slices = slicesOf(call, context.objects.get(call, record.src_ioas_id, 'IOAS'), src_iova, length);
  const target = context.objects.get(call, record.dst_ioas_id, 'IOAS');
  record.dst_iova = target.map(call, slices, fixed(flags, dst_iova), protection);
  respond();
});

/** Unmaps first .. first + length - 1; see {@link Ioas.unmap}. VfioError EINVAL, EOVERFLOW. */
export function unmapRange(call: string, ioas: Ioas, first: bigint, length: bigint): ReturnType<Ioas['unmap']> {
  if (length === 0n) throw new VfioError('EINVAL', call, 'length is 0');
  const last = first + length - 1n;
  if (last > LAST_IOVA) throw new VfioError('EOVERFLOW', call, `${hex(length)} bytes at iova ${hex(first)} pass 2^64-1`);
  return ioas.unmap(call, first, last);
}

const unmap = command(IOMMU_IOAS_UNMAP, 'IOMMU_IOAS_UNMAP', 24, iommu_ioas_unmap, ({ call, record, context, respond }) => {
  const ioas = context.objects.get(call, record.ioas_id, 'IOAS');
  const { iova, length } = record;
  const isAll = iova === 0n && length === LAST_IOVA;
  if (!isAll && (isEndless(iova) || isEndless(length))) throw new VfioError('EOVERFLOW', call, 'iova or length is 2^64-1');
  const { bytes, error } = isAll ? ioas.unmap(call, 0n, LAST_IOVA) : unmapRange(call, ioas, iova, length);
  if (error !== undefined) throw error;
  if (bytes === 0n && !isAll) throw new VfioError('ENOENT', call, `nothing is mapped in ${hex(length)} bytes from iova ${hex(iova)} on`);
  record.length = bytes;
  respond();
});

const changeProcess = command(IOMMU_IOAS_CHANGE_PROCESS, 'IOMMU_IOAS_CHANGE_PROCESS', 8, iommu_ioas_change_process, ({ call, record, context }) => {
  if (record.__reserved !== 0) unsupported(call, `the reserved field is ${record.__reserved}; expected 0`);
  for (const object of context.objects.all) {
    if (object.kind !== 'IOAS') continue;
    for (const { pages, first } of object.mapped) if (!pages.source.isFile) throw new VfioError('EINVAL', call, `iova ${hex(first)} of IOAS ${object.id} is a process's memory; expected files`);
  }
  // No file here is ever pinned: nothing is charged to anybody.
});

export const IOAS_COMMANDS: readonly Command[] = [alloc, allow, copy, ranges, map, unmap, mapFile, changeProcess];
