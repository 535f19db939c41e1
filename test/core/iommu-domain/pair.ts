// A domain of the core and the judge's, side by side: each operation on both, and everything that can be seen is compared.

import { deepStrictEqual } from 'node:assert/strict';
import type { Engine, IommuDomain, MappedRange, Region } from '../../../src/core/index.ts';
import { IommuFault } from '../../../src/core/index.ts';
import { VfioError } from '../../../src/uapi/index.ts';
import { ReferenceDomain, type JudgedFault, type JudgedRange, type JudgedRegion } from '../../reference/iommu-domain.ts';

/** What is done to both. Regions are named by their place. */
export type Op =
  | { readonly do: 'map'; readonly first: bigint; readonly bytes: bigint; readonly region: number; readonly position: bigint; readonly readable: boolean; readonly writable: boolean }
  | { readonly do: 'mapPages'; readonly iovas: readonly bigint[]; readonly positions: readonly bigint[]; readonly bytes: bigint; readonly region: number; readonly writable: boolean }
  | { readonly do: 'unmap'; readonly first: bigint; readonly last: bigint }
  | { readonly do: 'read'; readonly iova: bigint; readonly bytes: number }
  | { readonly do: 'write'; readonly iova: bigint; readonly bytes: number; readonly seed: number }
  | { readonly do: 'copy'; readonly to: bigint; readonly from: bigint; readonly bytes: number }
  | { readonly do: 'track'; readonly on: boolean }
  | { readonly do: 'mark'; readonly first: bigint; readonly last: bigint }
  | { readonly do: 'readDirty'; readonly first: bigint; readonly last: bigint; readonly shift: number; readonly clear: boolean }
  | { readonly do: 'destroyRegion'; readonly region: number }
  | { readonly do: 'clear' };

/** The regions of a pair, and their sizes. */
export const KINDS = ['ram', 'demand', 'rom'] as const;
export const REGION_BYTES = 0x6000n;

const MAX = 2n ** 64n - 1n;

/** What a call of the façade ended with: its answer, the name of an errno, or a fault. */
export function ending<T>(call: () => T): T | string | JudgedFault {
  try {
    return call();
  } catch (error) {
    if (error instanceof VfioError) return error.code;
    if (error instanceof IommuFault) return { access: error.access, iova: error.iova, reason: error.reason };
    throw error;
  }
}

export class Pair {
  readonly engine: Engine;
  readonly domain: IommuDomain;
  readonly judge = new ReferenceDomain();
  private readonly regions: Region[];
  private readonly judged: JudgedRegion[];

  constructor(engine: Engine) {
    this.engine = engine;
    this.domain = engine.iommuDomain();
    const contents = Uint8Array.from({ length: Number(REGION_BYTES) }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
    this.regions = KINDS.map((kind) => engine.region(kind === 'rom' ? { kind, size: REGION_BYTES, contents } : { kind, size: REGION_BYTES }));
    this.judged = KINDS.map((kind): JudgedRegion => ({ kind, size: REGION_BYTES, gone: false, bytes: new Map(kind === 'rom' ? Array.from(contents, (byte, i) => [BigInt(i), byte]) : []) }));
  }

  private judgedRange(first: bigint, bytes: bigint, region: number, position: bigint, readable: boolean, writable: boolean): JudgedRange {
    return { first, last: first + bytes - 1n, region: this.judged[region]!, position, readable, writable };
  }

  private named(range: MappedRange | JudgedRange): unknown {
    const region = 'core' in range.region ? this.regions.indexOf(range.region) : this.judged.indexOf(range.region as JudgedRegion);
    return { ...range, region };
  }

  /** Does it on both sides and compares. */
  step(op: Op): void {
    const [ours, theirs] = this.both(op);
    deepStrictEqual(ours, theirs, `${op.do} ended differently`);
    this.compare();
    if (op.do === 'write' || op.do === 'copy') this.compareBytes(false);
  }

  private both(op: Op): [unknown, unknown] {
    const { domain, judge } = this;
    switch (op.do) {
      case 'map': {
        const region = this.regions[op.region]!;
        if (region.gone) return [ending(() => domain.map(op.first, op.bytes, { ...op, region })), 'EBADF'];
        return [ending(() => domain.map(op.first, op.bytes, { ...op, region })) ?? 0, judge.map(this.judgedRange(op.first, op.bytes, op.region, op.position, op.readable, op.writable))];
      }
      case 'mapPages': {
        const region = this.regions[op.region]!;
        const pages = op.iovas.map((iova, i) => this.judgedRange(iova, op.bytes, op.region, op.positions[i]!, true, op.writable));
        const call = (): void => domain.mapPages(BigUint64Array.from(op.iovas), BigUint64Array.from(op.positions), op.bytes, { region, readable: true, writable: op.writable });
        return region.gone ? [ending(call), 'EBADF'] : [ending(call) ?? 0, judge.mapPages(pages)];
      }
      case 'unmap':
        return [ending(() => domain.unmap(op.first, op.last)), judge.unmap(op.first, op.last)];
      case 'read': {
        const target = new Uint8Array(op.bytes).fill(0x5a);
        const fault = ending(() => domain.read(op.iova, target));
        const answer = judge.read(op.iova, op.bytes);
        if (answer instanceof Uint8Array) return [[fault, target], [undefined, answer]];
        return [[fault, target], [answer, new Uint8Array(op.bytes).fill(0x5a)]];
      }
      case 'write': {
        const source = Uint8Array.from({ length: op.bytes }, (_, i) => (op.seed + i * 3) & 0xff);
        return [ending(() => domain.write(op.iova, source)), judge.write(op.iova, source)];
      }
      case 'copy':
        return [ending(() => domain.copy(op.to, op.from, op.bytes)), judge.copy(op.to, op.from, op.bytes)];
      case 'track':
        return [domain.trackDirty(op.on), judge.trackDirty(op.on)];
      case 'mark':
        return [domain.markDirty(op.first, op.last), judge.markDirty(op.first, op.last)];
      case 'readDirty':
        return [this.dirtyBits(op.first, op.last, op.shift, op.clear), judge.readDirty(op.first, op.last, 1n << BigInt(op.shift), op.clear)];
      case 'destroyRegion':
        this.judged[op.region]!.gone = true;
        return [this.regions[op.region]!.destroy(), undefined];
      case 'clear':
        return [domain.clear(), judge.clear()];
    }
  }

  private dirtyBits(first: bigint, last: bigint, shift: number, clear: boolean): number[] {
    const bitmap = new Uint8Array(Number(((last - first) >> BigInt(shift)) >> 3n) + 1);
    this.domain.readDirty(first, last, 1n << BigInt(shift), bitmap, clear);
    return Array.from({ length: bitmap.length * 8 }, (_, n) => n).filter((n) => (bitmap[n >> 3]! & (1 << (n & 7))) !== 0);
  }

  /** Ranges, single translations at every border, structure, dirty pages. */
  compare(): void {
    const { domain, judge } = this;
    domain.validate();
    deepStrictEqual(Array.from(domain.walk(), (range) => this.named(range)), judge.ranges.map((range) => this.named(range)));
    deepStrictEqual(domain.count, judge.ranges.length);
    deepStrictEqual(domain.tracksDirty, judge.tracksDirty);
    const borders = judge.ranges.flatMap(({ first, last }) => [first - 1n, first, last, last + 1n]).filter((at) => at >= 0n && at <= MAX);
    for (const at of borders) {
      const [ours, theirs] = [domain.translate(at), judge.translate(at)];
      deepStrictEqual(ours && this.named(ours), theirs && this.named(theirs));
    }
    for (const page of judge.dirty) deepStrictEqual(this.dirtyBits(page * 4096n, page * 4096n + 4095n, 12, false), [0]);
  }

  /** The bytes of each region; those of the ROM at the end only. */
  private compareBytes(all: boolean): void {
    this.regions.forEach((region, i) => {
      if (region.gone || (region.kind === 'rom' && !all)) return;
      const bytes = region.readBytes(0, new Uint8Array(Number(REGION_BYTES)));
      deepStrictEqual(Array.from(this.judged[i]!.bytes).filter(([at, byte]) => bytes[Number(at)] !== byte), []);
    });
  }

  /** Ends everything: the core is empty. */
  close(): void {
    this.compareBytes(true);
    for (const region of this.regions) region.destroy();
    this.domain.destroy();
    deepStrictEqual(this.engine.live(), { nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  }
}
