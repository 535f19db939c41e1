// The judge of rules D: a domain as an array of ranges and a loop over bytes.

import { U64_MAX } from './result.ts';

const PAGE = 4096n;

/** A region as the judge keeps it: bytes by position. */
export interface JudgedRegion {
  readonly size: bigint;
  readonly kind: 'ram' | 'rom' | 'demand';
  readonly bytes: Map<bigint, number>;
  gone: boolean;
}

export interface JudgedRange {
  readonly first: bigint;
  readonly last: bigint;
  readonly region: JudgedRegion;
  readonly position: bigint;
  readonly readable: boolean;
  readonly writable: boolean;
}

/** Why an access was not made. */
export interface JudgedFault {
  readonly access: 'read' | 'write';
  readonly iova: bigint;
  readonly reason: 'unmapped' | 'permission' | 'target';
}

export class ReferenceDomain {
  /** Ascending and disjoint. */
  ranges: JudgedRange[] = [];
  /** Numbers of pages that are marked. */
  readonly dirty = new Set<bigint>();
  private tracking = false;
  /** The range that a byte was looked up in last: the next one is often there too. */
  private met: JudgedRange | undefined;

  /** D-map: 0 or the name of an errno. */
  map(range: JudgedRange): 'EEXIST' | 'EINVAL' | 0 {
    if (range.last > U64_MAX || range.last < range.first) return 'EINVAL';
    if (this.ranges.some(({ first, last }) => first <= range.last && last >= range.first)) return 'EEXIST';
    this.ranges.push(range);
    this.ranges.sort((a, b) => (a.first < b.first ? -1 : 1));
    return 0;
  }

  /** D-map-pages */
  mapPages(pages: readonly JudgedRange[]): 'EEXIST' | 'EINVAL' | 0 {
    const before = [...this.ranges];
    if (pages.some(({ first, last }) => last > U64_MAX || last < first)) return 'EINVAL';
    for (const page of pages) {
      if (this.map(page) !== 0) {
        this.ranges = before;
        return 'EEXIST';
      }
    }
    return 0;
  }

  /** D-unmap: how many bytes. */
  unmap(from: bigint, to: bigint): bigint {
    let bytes = 0n;
    const rest: JudgedRange[] = [];
    for (const range of this.ranges) {
      const [low, high] = [range.first > from ? range.first : from, range.last < to ? range.last : to];
      if (low > high) {
        rest.push(range);
        continue;
      }
      bytes += high - low + 1n;
      if (range.first < low) rest.push({ ...range, last: low - 1n });
      if (range.last > high) rest.push({ ...range, first: high + 1n, position: range.position + (high + 1n - range.first) });
    }
    this.ranges = rest;
    // D-forget: a page keeps its mark while something is mapped in it.
    for (const page of this.dirty) if (!this.isUsed(page)) this.dirty.delete(page);
    return bytes;
  }

  private isUsed(page: bigint): boolean {
    return this.ranges.some(({ first, last }) => first <= page * PAGE + PAGE - 1n && last >= page * PAGE);
  }

  translate(iova: bigint): JudgedRange | undefined {
    return this.ranges.find(({ first, last }) => first <= iova && iova <= last);
  }

  /** D-reach: the first byte that stands in the way. */
  private fault(access: 'read' | 'write', iova: bigint, bytes: number): JudgedFault | undefined {
    if (bytes > 0 && iova + BigInt(bytes) - 1n > U64_MAX) return { access, iova, reason: 'unmapped' };
    let range: JudgedRange | undefined;
    for (let n = 0n; n < BigInt(bytes); n++) {
      if (range === undefined || range.last < iova + n) range = this.translate(iova + n);
      if (range === undefined) return { access, iova: iova + n, reason: 'unmapped' };
      if (!(access === 'read' ? range.readable : range.writable)) return { access, iova: iova + n, reason: 'permission' };
      if (range.region.gone) return { access, iova: iova + n, reason: 'target' };
    }
    return undefined;
  }

  /** D-read */
  read(iova: bigint, bytes: number): Uint8Array | JudgedFault {
    return this.fault('read', iova, bytes) ?? this.load(iova, bytes);
  }

  private load(iova: bigint, bytes: number): Uint8Array {
    return Uint8Array.from({ length: bytes }, (_, n) => {
      const { region, at } = this.behind(iova + BigInt(n));
      return region.bytes.get(at) ?? 0;
    });
  }

  private behind(iova: bigint): { readonly region: JudgedRegion; readonly at: bigint } {
    const { met } = this;
    const range = met !== undefined && met.first <= iova && iova <= met.last && this.ranges.includes(met) ? met : this.translate(iova)!;
    this.met = range;
    return { region: range.region, at: range.position + (iova - range.first) };
  }

  /** D-write */
  write(iova: bigint, bytes: Uint8Array): JudgedFault | undefined {
    const fault = this.fault('write', iova, bytes.length);
    if (fault === undefined) this.save(iova, bytes);
    return fault;
  }

  private save(iova: bigint, bytes: Uint8Array): void {
    bytes.forEach((byte, n) => {
      const { region, at } = this.behind(iova + BigInt(n));
      if (region.kind !== 'rom') region.bytes.set(at, byte);
      if (this.tracking) this.dirty.add((iova + BigInt(n)) / PAGE);
    });
  }

  /** D-copy: all is read, then all is written. */
  copy(to: bigint, from: bigint, bytes: number): JudgedFault | undefined {
    const wrap = (access: 'read' | 'write', iova: bigint) => (bytes > 0 && iova + BigInt(bytes) - 1n > U64_MAX ? { access, iova, reason: 'unmapped' as const } : undefined);
    const fault = wrap('read', from) ?? wrap('write', to) ?? this.fault('read', from, bytes) ?? this.fault('write', to, bytes);
    if (fault === undefined) this.save(to, this.load(from, bytes));
    return fault;
  }

  get tracksDirty(): boolean {
    return this.tracking;
  }

  trackDirty(on: boolean): void {
    this.tracking = on;
    if (!on) this.dirty.clear();
  }

  /** D-mark: only where something is mapped. Not for ranges of many pages: it looks at each. */
  markDirty(from: bigint, to: bigint): void {
    if (!this.tracking) return;
    for (const { first, last } of this.ranges) {
      const [low, high] = [first > from ? first : from, last < to ? last : to];
      for (let page = low / PAGE; low <= high && page <= high / PAGE; page++) this.dirty.add(page);
    }
  }

  /** D-dirty: the numbers of the bits, ascending. */
  readDirty(from: bigint, to: bigint, pageBytes: bigint, clear: boolean): number[] {
    const bits = new Set<number>();
    for (const page of this.dirty) {
      const [low, high] = [page * PAGE > from ? page * PAGE : from, page * PAGE + PAGE - 1n < to ? page * PAGE + PAGE - 1n : to];
      if (low > high) continue;
      for (let bit = (low - from) / pageBytes; bit <= (high - from) / pageBytes; bit++) bits.add(Number(bit));
      if (clear) this.dirty.delete(page);
    }
    return [...bits].sort((a, b) => a - b);
  }

  clear(): void {
    this.ranges = [];
    this.dirty.clear();
  }
}
