// Address spaces as the text says them, slow and obvious: a list of areas, and where mappings go by trying every hole.
import { MAX, PAGE } from './support.ts';

const P = BigInt(PAGE);

export interface Area {
  first: bigint;
  last: bigint;
  /** Of its memory in the process. */
  address: bigint;
  /** Its memory was mapped to be written. */
  wide: boolean;
  readable: boolean;
  writable: boolean;
}

export class Reference {
  areas: Area[] = [];
  reserved: (readonly [bigint, bigint])[] = [];
  allowed: (readonly [bigint, bigint])[] = [];
  alignment = 1n;

  private get sorted(): Area[] {
    return this.areas.sort((a, b) => (a.first < b.first ? -1 : 1));
  }

  /** First and last of each hole in first..last, ascending. */
  private holes(first: bigint, last: bigint): (readonly [bigint, bigint])[] {
    const used = [...this.sorted.map((area) => [area.first, area.last] as const), ...this.reserved].sort((a, b) => (a[0] < b[0] ? -1 : 1));
    const holes: (readonly [bigint, bigint])[] = [];
    let next = first;
    for (const [from, to] of used) {
      if (to < next) continue;
      if (from > last) break;
      if (from > next) holes.push([next, from - 1n]);
      next = to + 1n;
    }
    if (next <= last) holes.push([next, last]);
    return holes;
  }

  private place(address: bigint, length: bigint): bigint | string {
    if (length >= 0x7fff_ffff_ffff_ffffn) return 'EOVERFLOW';
    let wanted = 1n;
    while (wanted < length) wanted *= 2n;
    if (address !== 0n) while (address % wanted !== 0n) wanted /= 2n;
    if (wanted > 0x20_0000n) wanted = 0x20_0000n;
    if (wanted < this.alignment) return 'EINVAL';
    const align = (at: bigint): bigint => ((at + wanted - 1n) / wanted) * wanted | address % P;
    for (const [start, end] of this.allowed.length === 0 ? [[P, MAX - P] as const] : this.allowed) {
      const from = align(start < P ? P : start);
      if (from > end || end - from < length - 1n) continue;
      for (const [hole, to] of this.holes(from, end)) {
        const at = align(hole);
        if (at + length - 1n <= to) return at;
      }
    }
    return 'ENOSPC';
  }

  /** Parts: addresses with their lengths, one behind the other. The IOVA, or the errno. */
  map(parts: readonly { readonly address: bigint; readonly length: bigint; readonly wide: boolean }[], iova: bigint | undefined, readable: boolean, writable: boolean): bigint | string {
    const length = parts.reduce((sum, part) => sum + part.length, 0n);
    if (length === 0n || length % this.alignment !== 0n) return 'EINVAL';
    let first: bigint;
    if (iova === undefined) {
      const found = this.place(parts[0]!.address, length);
      if (typeof found === 'string') return found;
      first = found;
    } else {
      if (iova % this.alignment !== 0n) return 'EINVAL';
      const last = iova + length - 1n;
      if (last > MAX) return 'EOVERFLOW';
      if (this.reserved.some(([from, to]) => from <= last && to >= iova)) return 'EINVAL';
      if (this.areas.some((area) => area.first <= last && area.last >= iova)) return 'EEXIST';
      first = iova;
    }
    for (const { address, wide } of parts) {
      if (writable && !wide) return 'EPERM';
      if ((address % P) % this.alignment !== 0n) return 'EINVAL';
    }
    let at = first;
    for (const { address, length: bytes, wide } of parts) {
      this.areas.push({ first: at, last: at + bytes - 1n, address, wide, readable, writable });
      at += bytes;
    }
    return first;
  }

  /** Bytes, and the errno. */
  unmap(first: bigint, last: bigint): readonly [bigint, string | undefined] {
    let bytes = 0n;
    for (const area of [...this.sorted]) {
      if (area.last < first || area.first > last) continue;
      if (area.first < first || area.last > last) return [bytes, 'ENOENT'];
      this.areas.splice(this.areas.indexOf(area), 1);
      bytes += area.last - area.first + 1n;
    }
    return [bytes, undefined];
  }

  /** The parts of areas that first..last is made of, or undefined when not all of it is mapped. */
  parts(first: bigint, last: bigint): { address: bigint; length: bigint; wide: boolean }[] | undefined {
    const parts = [];
    let at = first;
    for (const area of this.sorted) {
      if (area.last < at || area.first > last) continue;
      if (area.first > at) return undefined;
      const end = area.last < last ? area.last : last;
      parts.push({ address: area.address + (at - area.first), length: end - at + 1n, origin: area.wide: area.wide });
      at = end + 1n;
      if (end === last) return parts;
    }
    return undefined;
  }

  /** The address of the byte at an IOVA that a device may read. */
  address(iova: bigint): bigint | undefined {
    const area = this.areas.find((one) => one.first <= iova && one.last >= iova);
    return area?.readable === true ? area.address + (iova - area.first) : undefined;
  }
}
