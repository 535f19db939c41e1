// The type1 IOMMU of a container as the judge of DMA keeps it: an array of mappings. Behaviour text, sections 6.1 to 6.4, check by check in its order.

import { ReferenceArgument } from './argument.ts';
import { MAX, commonPageSizes, lowestBit, obstacles, overlaps, usable } from './iova-list.ts';
import type { IovaRange, ReferenceIommu } from './iova-list.ts';
import { USER_END } from './memory.ts';
import type { Answer, ReferenceProcess, ReferenceRun } from './memory.ts';
import { ReferenceDirtyPages } from './type1-dirty.ts';
import { transfer } from './transfer.ts';
import type { Reachable, ReferenceFault, Transfer } from './transfer.ts';

/** A group as its container sees it. */
export interface ReferenceGroup {
  readonly kind: 'physical' | 'emulated';
  readonly iommu: ReferenceIommu;
}

/** One mapping. */
export interface Type1Mapping extends IovaRange {
  readonly bytes: bigint;
  readonly readable: boolean;
  readonly writable: boolean;
  process: ReferenceProcess;
  vaddr: bigint;
  isInvalid: boolean;
  /** Where it leads, while a group behind an IOMMU is there. */
  runs: readonly ReferenceRun[] | undefined;
}

/** Is told of pages that no device reaches through a mapping any more. */
export type Released = (runs: readonly ReferenceRun[]) => void;

const [READ, WRITE, VADDR] = [1, 2, 4];
const [GET_DIRTY, ALL, INVALIDATE] = [1, 2, 4];
const BITMAP_LIMIT = 0x1000_0000n;

/** A container's IOMMU. */
export class ReferenceType1 {
  readonly version: 1 | 2;
  readonly groups: ReferenceGroup[] = [];
  /** Ascending. */
  mappings: Type1Mapping[] = [];
  private readonly limit: number;
  private readonly released: Released;
  readonly dirty: ReferenceDirtyPages;

  /** @param limit - dma_entry_limit. */
  constructor(version: 1 | 2, limit: number, released: Released) {
    this.version = version;
    this.limit = limit;
    this.released = released;
    this.dirty = new ReferenceDirtyPages(this);
  }

  get physical(): readonly ReferenceGroup[] {
    return this.groups.filter(({ kind }) => kind === 'physical');
  }

  get pageSizes(): bigint {
    return commonPageSizes(this.physical.map(({ iommu }) => iommu));
  }

  get smallestPage(): bigint {
    return lowestBit(this.pageSizes);
  }

  /** Empty: everything is. */
  get usable(): readonly IovaRange[] {
    return this.physical.length === 0 ? [] : usable(this.physical.map(({ iommu }) => iommu));
  }

  attach(group: ReferenceGroup): Answer {
    if (this.mappings.some(({ isInvalid }) => isInvalid)) return 'EBUSY';
    if (this.groups.includes(group)) return 'EINVAL';
    if (group.kind === 'physical') {
      const { iommu } = group;
      const left = usable([...this.physical.map((one) => one.iommu), iommu]);
      if (left.length === 0) return 'EINVAL';
      if (this.mappings.some(({ last }) => last > iommu.lastAddress)) return 'EINVAL';
      if (this.mappings.some((mapping) => obstacles(iommu).some((obstacle) => overlaps(mapping, obstacle)))) return 'EINVAL';
      const answer = this.replay();
      if (answer !== 'ok') return answer;
    }
    this.groups.push(group);
    return 'ok';
  }

  /** Pins what is not pinned yet: all of it, or none. */
  private replay(): Answer {
    const pinned: Type1Mapping[] = [];
    for (const mapping of this.mappings) {
      if (mapping.runs !== undefined) continue;
      const answer = this.pin(mapping);
      if (answer === 'ok') pinned.push(mapping);
      else {
        for (const one of pinned) this.unpin(one);
        return answer;
      }
    }
    return 'ok';
  }

  private pin(mapping: Type1Mapping): Answer {
    const runs = mapping.process.pin(mapping.vaddr, mapping.bytes, mapping.writable);
    if (typeof runs === 'string') return runs;
    mapping.runs = runs;
    return 'ok';
  }

  private unpin(mapping: Type1Mapping): void {
    const { runs } = mapping;
    if (runs === undefined) return;
    mapping.runs = undefined;
    mapping.process.unpin(mapping.bytes);
    this.released(runs);
  }

  detach(group: ReferenceGroup): void {
    this.groups.splice(this.groups.indexOf(group), 1);
    if (this.groups.length === 0) for (const mapping of [...this.mappings]) this.remove(mapping);
    else if (this.physical.length === 0) for (const mapping of this.mappings) this.unpin(mapping);
    if (group.kind === 'physical') this.dirty.groupLeft();
  }

  private remove(mapping: Type1Mapping): void {
    this.mappings.splice(this.mappings.indexOf(mapping), 1);
    this.dirty.forget(mapping);
    if (mapping.runs !== undefined) this.unpin(mapping);
    // Nothing was pinned: what drivers would have reached.
    else this.released(mapping.process.runs(mapping.vaddr, mapping.bytes, false) ?? []);
  }

  ioctl(process: ReferenceProcess, number: number, bytes: Uint8Array): Answer {
    const argument = new ReferenceArgument(bytes);
    switch (number) {
      case 12:
        return this.info(argument);
      case 13:
        return this.map(process, argument);
      case 14:
        return this.unmap(process, argument);
      case 17:
        return this.version === 1 ? 'EACCES' : this.dirty.ioctl(process, argument);
      default:
        return 'ENOTTY';
    }
  }

  private info(argument: ReferenceArgument): Answer {
    if (!argument.holds(16)) return 'EFAULT';
    const argsz = argument.u32(0);
    if (argsz < 16) return 'EINVAL';
    const ranges = this.usable;
    const required = 24 + 32 + 16 + (ranges.length === 0 ? 0 : 16 + 16 * ranges.length);
    const blob = new ReferenceArgument(new Uint8Array(required));
    const fits = argsz >= required;
    blob.set32(0, fits ? argsz : required);
    blob.set32(4, 3);
    blob.set64(8, this.pageSizes);
    blob.set32(16, fits ? 24 : 0);
    // Capabilities: id and version in one word, where the next begins.
    blob.set32(24, 0x1_0002);
    blob.set32(28, 56);
    blob.set64(40, this.smallestPage);
    blob.set64(48, BITMAP_LIMIT);
    blob.set32(56, 0x1_0003);
    blob.set32(60, ranges.length === 0 ? 0 : 72);
    blob.set32(64, this.limit - this.mappings.length);
    if (ranges.length > 0) {
      blob.set32(72, 0x1_0001);
      blob.set32(80, ranges.length);
      ranges.forEach(({ first, last }, i) => {
        blob.set64(88 + 16 * i, first);
        blob.set64(96 + 16 * i, last);
      });
    }
    const size = fits ? required : Math.min(argsz, 24);
    if (!argument.holds(size)) return 'EFAULT';
    argument.bytes.set(blob.bytes.subarray(0, size));
    return 'ok';
  }

  private map(process: ReferenceProcess, argument: ReferenceArgument): Answer {
    if (!argument.holds(32)) return 'EFAULT';
    const flags = argument.u32(4);
    if (argument.u32(0) < 32 || (flags & ~7) !== 0) return 'EINVAL';
    const [vaddr, iova, bytes] = [argument.u64(8), argument.u64(16), argument.u64(24)];
    const setsVaddr = (flags & VADDR) !== 0;
    if (((flags & (READ | WRITE)) !== 0) === setsVaddr) return 'EINVAL';
    if (bytes === 0n || (bytes | iova | vaddr) % this.smallestPage !== 0n) return 'EINVAL';
    const last = iova + bytes - 1n;
    if (last > MAX || vaddr + bytes - 1n > MAX) return 'EINVAL';
    const hit = this.mappings.find((one) => overlaps(one, { first: iova, last }));
    if (setsVaddr) {
      if (hit === undefined) return 'ENOENT';
      if (!hit.isInvalid || hit.first !== iova || hit.bytes !== bytes) return 'EINVAL';
      if (hit.process !== process && hit.runs !== undefined) {
        // What is pinned counts for the new owner.
        if (!process.lock(bytes)) return 'ENOMEM';
        hit.process.unpin(bytes);
      }
      hit.process = process;
      hit.vaddr = vaddr;
      hit.isInvalid = false;
      return 'ok';
    }
    if (hit !== undefined) return 'EEXIST';
    if (this.mappings.length >= this.limit) return 'ENOSPC';
    const ranges = this.usable;
    if (ranges.length > 0 && !ranges.some((range) => range.first <= iova && range.last >= last)) return 'EINVAL';
    const mapping: Type1Mapping = { first: iova, last, bytes, readable: (flags & READ) !== 0, writable: (flags & WRITE) !== 0, process, vaddr, isInvalid: false, runs: undefined };
    if (this.physical.length > 0) {
      const answer = this.pin(mapping);
      if (answer !== 'ok') return answer;
    }
    if (!this.dirty.accepts(mapping)) {
      this.unpin(mapping);
      return 'EINVAL';
    }
    this.mappings.push(mapping);
    this.mappings.sort((a, b) => (a.first < b.first ? -1 : 1));
    return 'ok';
  }

  /** Whether a bitmap can be asked for: of `bytes` of IOVA in pages of `page`, `size` bytes at `data`. */
  isBitmap(bytes: bigint, page: bigint, size: bigint, data: bigint): boolean {
    if (data + size > USER_END || page === 0n) return false;
    const pages = bytes / lowestBit(page);
    return pages > 0n && size > 0n && size <= BITMAP_LIMIT && size >= 8n * ((pages + 63n) / 64n);
  }

  /** Whether a mapping reaches out of a range at one of its ends. */
  isCut({ first, last }: IovaRange): boolean {
    return this.mappings.some((one) => (one.first < first && one.last >= first) || (one.first <= last && one.last > last));
  }

  private unmap(process: ReferenceProcess, argument: ReferenceArgument): Answer {
    if (!argument.holds(24)) return 'EFAULT';
    const flags = argument.u32(4);
    if (argument.u32(0) < 24 || (flags & ~7) !== 0) return 'EINVAL';
    const [wantsDirty, isAll, invalidates] = [(flags & GET_DIRTY) !== 0, (flags & ALL) !== 0, (flags & INVALIDATE) !== 0];
    if (wantsDirty && (isAll || invalidates)) return 'EINVAL';
    const [iova, bytes] = [argument.u64(8), argument.u64(16)];
    if (wantsDirty) {
      if (argument.u32(0) < 48) return 'EINVAL';
      if (!argument.holds(48)) return 'EFAULT';
      if (!this.isBitmap(bytes, argument.u64(24), argument.u64(32), argument.u64(40))) return 'EINVAL';
    }
    if (invalidates && this.groups.some(({ kind }) => kind === 'emulated')) return 'EBUSY';
    if (iova % this.smallestPage !== 0n) return 'EINVAL';
    const last = isAll ? MAX : iova + bytes - 1n;
    if (isAll ? iova !== 0n || bytes !== 0n : bytes === 0n || bytes % this.smallestPage !== 0n || last > MAX) return 'EINVAL';
    if (wantsDirty && (!this.dirty.isOn || argument.u64(24) !== this.smallestPage)) return 'EINVAL';
    if (this.version === 2 && !isAll && this.isCut({ first: iova, last })) return 'EINVAL';
    const met = this.mappings.filter((one) => overlaps(one, { first: iova, last }));
    // The end 2^64 is 0, which no mapping is below; and version 1 stops at a mapping that starts before the range.
    if ((!isAll && last === MAX) || (met.length > 0 && met[0]!.first < iova)) met.length = 0;
    if (invalidates && met.some(({ isInvalid }) => isInvalid)) {
      // The walk stops at the first that is invalid; those before it become valid again.
      return 'EINVAL';
    }
    let unmapped = 0n;
    for (const mapping of met) {
      if (invalidates) mapping.isInvalid = true;
      else {
        if (wantsDirty && !this.dirty.report(mapping, process, iova, argument.u64(40))) return 'EFAULT';
        this.remove(mapping);
      }
      unmapped += mapping.bytes;
    }
    argument.set64(16, unmapped);
    return 'ok';
  }

  /** What a function of a physical group reaches. */
  transfer(asked: Transfer): ReferenceFault | undefined {
    return transfer(
      this.mappings.flatMap((one) => (one.runs === undefined ? [] : [{ ...one, runs: one.runs }])),
      asked,
    );
  }

  /** What the driver of an emulated function reaches for it: the memory of whoever has mapped it, as it is now. */
  emulated({ access, iova, bytes }: Transfer): ReferenceFault | undefined {
    const parts: { readonly mapping: Type1Mapping; readonly first: bigint; readonly last: bigint }[] = [];
    const end = iova + BigInt(bytes.length);
    for (let at = iova; at < end; at = parts.at(-1)!.last + 1n) {
      const mapping = at > MAX ? undefined : this.mappings.find((one) => one.first <= at && one.last >= at);
      if (mapping === undefined) return { iova, reason: 'unmapped' };
      // The kernel asks for READ whatever is done.
      if (!mapping.readable || (access === 'write' && !mapping.writable)) return { iova, reason: 'permission' };
      parts.push({ mapping, first: at, last: mapping.last < end - 1n ? mapping.last : end - 1n });
    }
    const ranges: Reachable[] = [];
    for (const { mapping, first, last } of parts) {
      const runs = mapping.process.runs(mapping.vaddr + (first - mapping.first), last - first + 1n, access === 'write');
      if (runs === undefined) return { iova, reason: 'unmapped' };
      ranges.push({ first, last, runs, readable: true, writable: true });
    }
    return transfer(ranges, { access, iova, bytes }, ({ first, last }) => this.dirty.mark(parts.find((part) => part.first === first)!.mapping, first, last));
  }

  /** Closes it: nothing is mapped any more. */
  close(): void {
    for (const mapping of [...this.mappings]) this.remove(mapping);
  }
}
