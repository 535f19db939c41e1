// An iommufd as the judge of DMA keeps it: objects by id, and the calls on them. Behaviour text, section 6.8, check by check in its order.

import { ReferenceArgument } from './argument.ts';
import { ReferenceAttachments } from './attachments.ts';
import type { ReferenceDevice } from './attachments.ts';
import { ReferenceIoas, ReferencePageTable, ReferencePages } from './ioas.ts';
import { MAX, overlaps } from './iova-list.ts';
import type { IovaRange } from './iova-list.ts';
import { PAGE } from './memory.ts';
import type { Answer, ReferenceProcess } from './memory.ts';
import type { Released } from './type1.ts';

const [FIXED, WRITEABLE, READABLE] = [1, 2, 4];
const BASE = 0x80;
// By number from 0x80 on: the smallest size, and the whole struct.
const SIZES: readonly (readonly [least: number, whole: number])[] = [[8, 8], [12, 12], [24, 24], [40, 40], [32, 32], [40, 40], [24, 24], [24, 24], [12, 12], [24, 48]];
const DIRTY_CALLS: ReadonlyMap<number, number> = new Map([[0x8b, 16], [0x8c, 48]]);

type Kept = ReferenceIoas | ReferencePageTable | ReferenceDevice;

/** How a call ends; `told` ones write their struct back. */
type Told = { readonly told: Answer };
const OK: Told = { told: 'ok' };

export class ReferenceIommufd {
  readonly objects = new Map<number, Kept>();
  readonly attachments: ReferenceAttachments;
  private readonly released: Released;
  private vfioIoas: ReferenceIoas | undefined;

  constructor(released: Released) {
    this.released = released;
    this.attachments = new ReferenceAttachments(this);
  }

  /** Gives an object the lowest free id. */
  add(object: Kept): number {
    let id = 1;
    while (this.objects.has(id)) id++;
    this.objects.set(id, object);
    return id;
  }

  idOf(object: Kept): number {
    return [...this.objects].find(([, one]) => one === object)![0];
  }

  ioas(id: number): ReferenceIoas | undefined {
    const object = this.objects.get(id);
    return object instanceof ReferenceIoas ? object : undefined;
  }

  table(id: number): ReferencePageTable | undefined {
    const object = this.objects.get(id);
    return object instanceof ReferencePageTable ? object : undefined;
  }

  ioctl(process: ReferenceProcess, number: number, bytes: Uint8Array): Answer {
    const dirty = DIRTY_CALLS.get(number);
    const [least, whole] = dirty === undefined ? SIZES[number - BASE]! : [dirty, dirty];
    if (bytes.length < 4) return 'EFAULT';
    const size = new ReferenceArgument(bytes).u32(0);
    if (size < least) return 'EINVAL';
    if (bytes.length < size) return 'EFAULT';
    if (bytes.subarray(whole, size).some((byte) => byte !== 0)) return 'E2BIG';
    const argument = new ReferenceArgument(new Uint8Array(whole));
    argument.bytes.set(bytes.subarray(0, Math.min(size, whole)));
    const ended = this.dispatch(process, number, argument);
    if (typeof ended === 'string') return ended;
    bytes.set(argument.bytes.subarray(0, Math.min(size, whole)));
    return ended.told;
  }

  private dispatch(process: ReferenceProcess, number: number, argument: ReferenceArgument): Answer | Told {
    switch (number) {
      case 0x80:
        return this.destroy(argument.u32(4));
      case 0x81:
        if (argument.u32(4) !== 0) return 'EOPNOTSUPP';
        argument.set32(8, this.add(new ReferenceIoas(this.released)));
        return OK;
      case 0x82:
        return this.allow(process, argument);
      case 0x83:
        return this.copy(argument);
      case 0x84:
        return this.ranges(process, argument);
      case 0x85:
        return this.map(process, argument);
      case 0x86:
        return this.unmap(argument);
      case 0x87:
        return this.option(argument);
      case 0x88:
        return this.compat(argument);
      case 0x89:
        return this.allocateTable(argument);
      case 0x8b:
        return this.setTracking(argument);
      default:
        return this.dirtyBitmap(process, argument);
    }
  }

  private destroy(id: number): Answer {
    const object = this.objects.get(id);
    if (object === undefined) return 'ENOENT';
    if (object instanceof ReferenceIoas) {
      if (object.tables.length > 0) return 'EBUSY';
      if (this.vfioIoas === object) this.vfioIoas = undefined;
    } else if (!(object instanceof ReferencePageTable) || this.attachments.isUsed(object)) return 'EBUSY';
    else object.ioas.removeTable(object);
    this.objects.delete(id);
    return 'ok';
  }

  private allow(process: ReferenceProcess, argument: ReferenceArgument): Answer {
    if (argument.u32(12) !== 0) return 'EOPNOTSUPP';
    const ioas = this.ioas(argument.u32(4));
    if (ioas === undefined) return 'ENOENT';
    const allowed: IovaRange[] = [];
    for (let i = 0; i < argument.u32(8); i++) {
      const bytes = process.read(argument.u64(16) + 16n * BigInt(i), 16);
      if (bytes === undefined) return 'EFAULT';
      const entry = new ReferenceArgument(bytes);
      const range = { first: entry.u64(0), last: entry.u64(8) };
      if (range.first >= range.last || allowed.some((one) => overlaps(one, range))) return 'EINVAL';
      allowed.push(range);
    }
    if (allowed.some((range) => ioas.reserved.some((one) => overlaps(one, range)))) return 'EADDRINUSE';
    ioas.allowed = allowed;
    return 'ok';
  }

  private ranges(process: ReferenceProcess, argument: ReferenceArgument): Answer | Told {
    if (argument.u32(12) !== 0) return 'EOPNOTSUPP';
    const ioas = this.ioas(argument.u32(4));
    if (ioas === undefined) return 'ENOENT';
    const room = argument.u32(8);
    const { ranges } = ioas;
    for (const [i, { first, last }] of ranges.slice(0, room).entries()) {
      const entry = new ReferenceArgument(new Uint8Array(16));
      entry.set64(0, first);
      entry.set64(8, last);
      if (!process.write(argument.u64(16) + 16n * BigInt(i), entry.bytes)) return 'EFAULT';
    }
    argument.set32(8, ranges.length);
    argument.set64(24, ioas.alignment);
    return { told: ranges.length > room ? 'EMSGSIZE' : 'ok' };
  }

  private map(process: ReferenceProcess, argument: ReferenceArgument): Answer | Told {
    const flags = argument.u32(4);
    if ((flags & ~7) !== 0 || argument.u32(12) !== 0) return 'EOPNOTSUPP';
    const [at, bytes, iova] = [argument.u64(16), argument.u64(24), argument.u64(32)];
    if (iova === MAX || bytes === MAX) return 'EOVERFLOW';
    if ((flags & (WRITEABLE | READABLE)) === 0) return 'EINVAL';
    const ioas = this.ioas(argument.u32(8));
    if (ioas === undefined) return 'ENOENT';
    if (bytes === 0n) return 'EINVAL';
    if (at + bytes > MAX) return 'EOVERFLOW';
    const writable = (flags & WRITEABLE) !== 0;
    const placed = ioas.map([{ pages: new ReferencePages(process, writable), at, bytes }], { iova: (flags & FIXED) === 0 ? undefined : iova, readable: (flags & READABLE) !== 0, writable });
    if (typeof placed === 'string') return placed;
    argument.set64(32, placed);
    return OK;
  }

  private copy(argument: ReferenceArgument): Answer | Told {
    const flags = argument.u32(4);
    if ((flags & ~7) !== 0) return 'EOPNOTSUPP';
    const [bytes, to, from] = [argument.u64(16), argument.u64(24), argument.u64(32)];
    if ([bytes, to, from].includes(MAX)) return 'EOVERFLOW';
    if ((flags & (WRITEABLE | READABLE)) === 0) return 'EINVAL';
    const source = this.ioas(argument.u32(12));
    if (source === undefined) return 'ENOENT';
    if (bytes === 0n) return 'EINVAL';
    if (from + bytes - 1n > MAX) return 'EOVERFLOW';
    const parts = source.parts(from, bytes);
    const target = this.ioas(argument.u32(8));
    if (parts === undefined || target === undefined) return 'ENOENT';
    const placed = target.map(parts, { iova: (flags & FIXED) === 0 ? undefined : to, readable: (flags & READABLE) !== 0, writable: (flags & WRITEABLE) !== 0 });
    if (typeof placed === 'string') return placed;
    argument.set64(24, placed);
    return OK;
  }

  private unmap(argument: ReferenceArgument): Answer | Told {
    const ioas = this.ioas(argument.u32(4));
    if (ioas === undefined) return 'ENOENT';
    const [iova, bytes] = [argument.u64(8), argument.u64(16)];
    const isAll = iova === 0n && bytes === MAX;
    if (!isAll) {
      if (iova === MAX || bytes === MAX) return 'EOVERFLOW';
      if (bytes === 0n) return 'EINVAL';
      if (iova + bytes - 1n > MAX) return 'EOVERFLOW';
    }
    const unmapped = ioas.unmap(isAll ? { first: 0n, last: MAX } : { first: iova, last: iova + bytes - 1n });
    if (unmapped === 'ENOENT' && !isAll) return unmapped;
    argument.set64(16, unmapped === 'ENOENT' ? 0n : unmapped);
    return OK;
  }

  private option(argument: ReferenceArgument): Answer | Told {
    const [option, op, object, value] = [argument.u32(4), argument.u16(8), argument.u32(12), argument.u64(16)];
    if (argument.u16(10) !== 0 || option > 1) return 'EOPNOTSUPP';
    if (option === 0) {
      if (object !== 0 || op > 1) return 'EOPNOTSUPP';
      if (op === 0) return this.objects.size > 0 ? 'EBUSY' : value > 1n ? 'EINVAL' : OK;
      argument.set64(16, 0n);
      return OK;
    }
    if (this.ioas(object) === undefined) return 'ENOENT';
    if (op > 1) return 'EOPNOTSUPP';
    // Large pages are never switched off here: how that ends with page tables the text leaves open.
    if (op === 0) return value === 1n ? OK : 'EINVAL';
    argument.set64(16, 1n);
    return OK;
  }

  private compat(argument: ReferenceArgument): Answer | Told {
    const op = argument.u16(8);
    if (argument.u16(10) !== 0 || op > 2) return 'EOPNOTSUPP';
    if (op === 0) {
      if (this.vfioIoas === undefined) return 'ENODEV';
      argument.set32(4, this.idOf(this.vfioIoas));
      return OK;
    }
    const ioas = op === 1 ? this.ioas(argument.u32(4)) : undefined;
    if (op === 1 && ioas === undefined) return 'ENOENT';
    this.vfioIoas = ioas;
    return 'ok';
  }

  /** HWPT_ALLOC, of an address space and for a device that are there. */
  private allocateTable(argument: ReferenceArgument): Answer | Told {
    const flags = argument.u32(4);
    const device = this.attachments.device(argument.u32(8));
    const ioas = this.ioas(argument.u32(12));
    if (device === undefined || ioas === undefined) return 'ENOENT';
    const table = new ReferencePageTable(ioas, device.iommu, false, (flags & 2) !== 0);
    const answer = ioas.addTable(table);
    if (answer !== 'ok') return answer;
    argument.set32(16, this.add(table));
    return OK;
  }

  private setTracking(argument: ReferenceArgument): Answer {
    const flags = argument.u32(4);
    // The kernel does not look at what is reserved here.
    if (flags > 1) return 'EOPNOTSUPP';
    const table = this.table(argument.u32(8));
    if (table === undefined) return 'ENOENT';
    if (!table.mayTrack) return 'EOPNOTSUPP';
    table.dirty.clear();
    table.tracks = flags === 1;
    return 'ok';
  }

  /** HWPT_GET_DIRTY_BITMAP, of whole areas one behind the other and while tracking is on: bits are set, none is cleared. */
  private dirtyBitmap(process: ReferenceProcess, argument: ReferenceArgument): Answer {
    const flags = argument.u32(8);
    if (flags > 1 || argument.u32(12) !== 0) return 'EOPNOTSUPP';
    const table = this.table(argument.u32(4));
    if (table === undefined) return 'ENOENT';
    if (!table.mayTrack) return 'EOPNOTSUPP';
    const [iova, bytes, page, data] = [argument.u64(16), argument.u64(24), argument.u64(32), argument.u64(40)];
    const length = Number((bytes / page + 63n) / 64n) * 8;
    const bitmap = process.read(data, length);
    if (bitmap === undefined) return 'EFAULT';
    const seen = [...table.dirty].map((number) => number * BigInt(PAGE)).filter((at) => at >= iova && at < iova + bytes);
    for (const at of seen) {
      const n = Number((at - iova) / page);
      bitmap[n >> 3]! |= 1 << (n & 7);
      if (flags === 0) table.dirty.delete(at / BigInt(PAGE));
    }
    return process.write(data, bitmap) ? 'ok' : 'EFAULT';
  }
}
