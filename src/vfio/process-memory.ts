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

/** The first address that no mapping can have. @internal */
export const TASK_SIZE = TOP + 1n;

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
    const first = this.room(length);
    this.place(first, first + length - 1n, source.position, { source, pieces: 0 });
    return first;
  }

  private room(length: bigint): bigint {
    // Large device mappings start where huge pages could serve them, if there is such a place.
    for (const alignment of length >= HUGE ? [HUGE, BigInt(PAGE_SIZE)] : [BigInt(PAGE_SIZE)]) {
      try {
        return this.areas.highestGap({ size: length, alignment, first: BOTTOM, last: TOP });
      } catch (error) {
        if (!(error instanceof VfioError)) throw error;
      }
    }
    throw new VfioError('ENOMEM', 'mmap', `no room for 0x${length.toString(16)} bytes in the address space`);
  }

  private place(first: bigint, last: bigint, position: bigint, held: Held): number {
    const { region, memoryType } = held.source;
    // Behind the end of a region that ends inside a page there is nothing, and nothing is left of one that was destroyed.
    const size = last - first + 1n;
    const present = region.size - position < size ? region.size - position : size;
    const isThere = present > 0n && (held.pieces === 0 || !region.gone);
    const window = isThere ? this.space.map(first, region, { position, size: present, memoryType }) : undefined;
    const id = this.nextPiece++;
    try {
      this.areas.insert(first, last, id);
    } catch (error) {
      window?.unmap();
      throw error;
    }
    this.pieces.set(id, { first, last, position, held, window });
    held.pieces++;
    return id;
  }

  private remove(id: number): void {
    const { first, window, held } = this.pieces.get(id)!;
    this.areas.erase(first);
    this.pieces.delete(id);
    window?.unmap();
    held.pieces--;
  }

  /** Replaces a piece by what lies outside first..last. If there is no memory for that it stays whole. */
  private cut(id: number, first: bigint, last: bigint): void {
    const piece = this.pieces.get(id)!;
    const { held } = piece;
    const rests: number[] = [];
    // One more while neither the piece nor a rest is there: the mapping lives on.
    held.pieces++;
    this.remove(id);
    try {
      if (piece.first < first) rests.push(this.place(piece.first, first - 1n, piece.position, held));
      if (piece.last > last) rests.push(this.place(last + 1n, piece.last, piece.position + (last + 1n - piece.first), held));
    } catch (error) {
      for (const rest of rests) this.remove(rest);
      this.place(piece.first, piece.last, piece.position, held);
      throw error;
    } finally {
      held.pieces--;
    }
  }

  /** Unmaps every page of first..last; mappings that reach beyond are cut, and that comes first because it can fail. */
  unmap(first: bigint, last: bigint): void {
    const touched = [...this.areas.walk(first, last)].map(({ value }) => ({ id: value, ...this.pieces.get(value)! }));
    const whole = touched.filter((piece) => piece.first >= first && piece.last <= last);
    if (touched.some(({ held }) => held.source.memoryType === 'write-combining')) this.drain();
    for (const { id } of touched.filter((piece) => !whole.includes(piece))) this.cut(id, first, last);
    for (const { id, held } of whole) {
      this.remove(id);
      if (held.pieces === 0) held.source.release();
    }
  }

  /** What waits in line buffers goes before anything is taken down: what a hook throws then comes while every mapping is whole. */
  private drain(): void {
    try {
      this.space.fence();
    } catch (error) {
      // From inside a hook of the device: the windows are removed when the access has ended, and drain then.
      if (!(error instanceof VfioError && ['EDEADLK', 'ELOOP'].includes(error.code))) throw error;
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

  /**
   * At most `length` bytes of anonymous memory as they stand, up to the first byte that is none: no access to the address space, so that nothing drains and no device
   * hears of it.
   */
  peek(address: bigint, length: number): Uint8Array {
    const parts: Uint8Array[] = [];
    let at = address;
    const end = address + BigInt(length) < TASK_SIZE ? address + BigInt(length) : TASK_SIZE;
    if (at >= end) return new Uint8Array(0);
    for (const { first, last, value } of [...this.areas.walk(address, end - 1n)]) {
      const { position, held } = this.pieces.get(value)!;
      const { region, vfioRegion } = held.source;
      if (first > at || vfioRegion !== undefined || region.gone) break;
      const next = last + 1n < end ? last + 1n : end;
      parts.push(region.readBytes(position + (at - first), new Uint8Array(Number(next - at))));
      at = next;
    }
    const bytes = new Uint8Array(Number(at - address));
    let filled = 0;
    for (const part of parts) {
      bytes.set(part, filled);
      filled += part.length;
    }
    return bytes;
  }

  destroy(): void {
    this.unmap(0n, 0xffff_ffff_ffff_ffffn);
    this.areas.destroy();
    this.space.destroy();
  }
}
