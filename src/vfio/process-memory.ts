// The memory of a process: an address space, and which mapping owns which of its pages.
//
//   0x0000_7fff_ffff_f000  top; mappings are placed downwards from here
//   | anonymous | BAR 0 of fd 3 | ...                 a page of no mapping is EFAULT for calls
//   0x10000                bottom: a NULL pointer with a small offset never hits anything

import type { Engine, RangeStore, Region, Space, Window } from '../core/index.ts';
import type { MemoryType } from '../core/index.ts';
import { VfioError } from '../uapi/index.ts';
import { PAGE_SIZE } from './device.ts';
import type { VfioRegion } from './device.ts';

const BOTTOM = 0x1_0000n;
const TOP = 0x7fff_ffff_efffn;
const HUGE = 1n << 30n;

/** A mapping of a process, as `/proc/PID/maps` would list it. */
export interface Mapping {
  /** First address. */
  readonly address: number;
  /** Bytes, whole pages. */
  readonly length: number;
  /** PROT_READ | PROT_WRITE bits. */
  readonly protection: number;
  readonly memoryType: MemoryType;
  /** The device's name, or undefined for anonymous memory. */
  readonly device: string | undefined;
  /** Region index and bytes from its start. Undefined for anonymous memory. */
  readonly region: { readonly index: number; readonly position: bigint } | undefined;
}

/** What is mapped. @internal */
export interface MappingSource {
  readonly region: Region;
  readonly position: bigint;
  readonly memoryType: MemoryType;
  readonly protection: number;
  readonly device: string | undefined;
  readonly vfioRegion: VfioRegion | undefined;
  /** Called once when no page of the mapping is left. */
  readonly release: () => void;
}

interface Held {
  readonly source: MappingSource;
  pieces: number;
}

interface Piece {
  readonly first: bigint;
  readonly last: bigint;
  readonly position: bigint;
  readonly held: Held;
  readonly window: Window | undefined;
}

/** @internal */
export class ProcessMemory {
  readonly space: Space;
  private readonly areas: RangeStore;
  private readonly pieces = new Map<number, Piece>();
  private nextPiece = 1;

  constructor(engine: Engine, name: string) {
    this.space = engine.space(`${name} memory`);
    this.areas = engine.rangeStore();
  }

  /** Maps `length` bytes (whole pages) where there is room; the address. VfioError ENOMEM when there is none. */
  map(length: bigint, source: MappingSource): bigint {
    let first: bigint;
    try {
      // Large device mappings start where huge pages could serve them.
      const alignment = length >= HUGE ? HUGE : BigInt(PAGE_SIZE);
      first = this.areas.highestGap({ size: length, alignment, first: BOTTOM, last: TOP });
    } catch (error) {
      if (error instanceof VfioError) throw new VfioError('ENOMEM', 'mmap', `no room for 0x${length.toString(16)} bytes in the address space`);
      throw error;
    }
    this.place(first, first + length - 1n, source.position, { source, pieces: 0 });
    return first;
  }

  private place(first: bigint, last: bigint, position: bigint, held: Held): void {
    const { region, memoryType } = held.source;
    // Behind the end of a region that ends inside a page there is nothing.
    const size = last - first + 1n;
    const present = region.size - position < size ? region.size - position : size;
    const window = present > 0n ? this.space.map(first, region, { position, size: present, memoryType }) : undefined;
    const id = this.nextPiece++;
    this.areas.insert(first, last, id);
    this.pieces.set(id, { first, last, position, held, window });
    held.pieces++;
  }

  private remove(id: number, piece: Piece): void {
    this.areas.erase(piece.first);
    this.pieces.delete(id);
    piece.window?.unmap();
  }

  private dropped(held: Held): void {
    if (--held.pieces === 0) held.source.release();
  }

  /** Unmaps every page of first..last; mappings that reach beyond are cut. */
  unmap(first: bigint, last: bigint): void {
    for (const { value } of [...this.areas.walk(first, last)]) {
      const piece = this.pieces.get(value)!;
      this.remove(value, piece);
      if (piece.first < first) this.place(piece.first, first - 1n, piece.position, piece.held);
      if (piece.last > last) this.place(last + 1n, piece.last, piece.position + (last + 1n - piece.first), piece.held);
      this.dropped(piece.held);
    }
  }

  list(): Mapping[] {
    return [...this.areas.walk()].map(({ value }) => {
      const { first, last, position, held } = this.pieces.get(value)!;
      const { protection, memoryType, device, vfioRegion } = held.source;
      const region = vfioRegion === undefined ? undefined : { index: vfioRegion.index, position };
      return { address: Number(first), length: Number(last - first + 1n), protection, memoryType, device, region };
    });
  }

  destroy(): void {
    this.unmap(0n, 0xffff_ffff_ffff_ffffn);
    this.areas.destroy();
    this.space.destroy();
  }
}
