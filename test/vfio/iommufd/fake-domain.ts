// A slow domain, until the core's is there.
import { IommuFault, type Region } from '../../../src/core/index.ts';
import { VfioError } from '../../../src/uapi/index.ts';

interface Entry { first: bigint; last: bigint; region: Region; position: bigint; readable: boolean; writable: boolean }

export class FakeDomain {
  entries: Entry[] = [];
  dirty: Set<bigint> | undefined;
  map(first: bigint, bytes: bigint, to: Omit<Entry, 'first' | 'last'>): void {
    const last = first + bytes - 1n;
    if (this.entries.some((e) => e.first <= last && e.last >= first)) throw new VfioError('EEXIST', 'map', 'there');
    this.entries.push({ first, last, ...to });
  }
  unmap(first: bigint, last: bigint): bigint {
    let n = 0n;
    const next: Entry[] = [];
    for (const e of this.entries) {
      if (e.last < first || e.first > last) next.push(e);
      else {
        n += (e.last < last ? e.last : last) - (e.first > first ? e.first : first) + 1n;
        if (e.first < first) next.push({ ...e, last: first - 1n });
        if (e.last > last) next.push({ ...e, first: last + 1n, position: e.position + (last + 1n - e.first) });
      }
    }
    this.entries = next;
    return n;
  }
  private each(iova: bigint, length: number, access: 'read' | 'write', run: (e: Entry, at: bigint, i: number) => void): void {
    const list: [Entry, bigint, number][] = [];
    for (let i = 0; i < length; i++) {
      const at = iova + BigInt(i);
      const e = this.entries.find((x) => x.first <= at && x.last >= at);
      if (e === undefined) throw new IommuFault(access, at, 'unmapped', 'fake');
      if (!(access === 'read' ? e.readable : e.writable)) throw new IommuFault(access, at, 'permission', 'fake');
      list.push([e, e.position + (at - e.first), i]);
    }
    for (const l of list) run(...l);
  }
  read(iova: bigint, target: Uint8Array): void {
    this.each(iova, target.length, 'read', (e, at, i) => e.region.readBytes(at, target.subarray(i, i + 1)));
  }
  write(iova: bigint, source: Uint8Array): void {
    this.each(iova, source.length, 'write', (e, at, i) => {
      e.region.writeBytes(at, source.subarray(i, i + 1));
      this.dirty?.add((iova + BigInt(i)) / 4096n);
    });
  }
  get count(): number { return this.entries.length; }
  get tracksDirty(): boolean { return this.dirty !== undefined; }
  trackDirty(on: boolean): void { this.dirty = on ? new Set() : undefined; }
  readDirty(first: bigint, last: bigint, page: bigint, bits: Uint8Array, clear: boolean): void {
    for (const frame of [...(this.dirty ?? [])]) {
      const at = frame * 4096n;
      if (at < first || at > last) continue;
      const n = Number((at - first) / page);
      bits[n >> 3]! |= 1 << (n & 7);
      if (clear) this.dirty!.delete(frame);
    }
  }
  clear(): void { this.entries = []; }
  destroy(): void { this.entries = []; }
}
