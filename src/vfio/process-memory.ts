// The memory of a process: an address space, and which mapping owns which of its pages.
//
//   0x0000_7fff_ffff_f000  top; mappings are placed downwards from here
//   | anonymous | BAR 0 of fd 3 | ...                 a page of no mapping is EFAULT for calls
//   0x10000                bottom: a NULL pointer with a small offset never hits anything
//
//   page there    --- zap, or its protection does not allow all ---> guarded: each access is looked at (mapping-guard.ts)
//   guarded       --- access while the memory gate is open --------> page there
//
// Source: drivers/vfio/pci/vfio_pci_core.c vfio_pci_mmap_huge_fault; Behaviour text, sections 4.6 and 4.7

import type { Engine, RangeStore, Region, Space, Window } from '../core/index.ts';
import type { MemoryType } from '../core/index.ts';
import { VfioError } from '../uapi/index.ts';
import type { PinnedMemory, PinnedRun } from './files/open-file.ts';
import { PAGE_SIZE } from './device.ts';
import type { VfioDevice, VfioRegion } from './device.ts';
import { makeGuard } from './mapping-guard.ts';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from './mman.ts';
import { atEnd } from './model-error.ts';
import { VfioFault } from './vfio-fault.ts';

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
  /** The device's name, or undefined for anonymous memory and dma-bufs. */
  readonly device: string | undefined;
  /** Region index and bytes from its start. Undefined for anonymous memory and dma-bufs. */
  readonly region: { readonly index: number; readonly position: bigint } | undefined;
}

/** What is mapped. @internal */
export interface MappingSource {
  readonly region: Region;
  readonly position: bigint;
  readonly memoryType: MemoryType;
  readonly protection: number;
  readonly device: VfioDevice | undefined;
  readonly vfioRegion: VfioRegion | undefined;
  /** Memory of the process itself, not of a file. */
  readonly isAnonymous: boolean;
  /** Called once when no page of the mapping is left. */
  readonly release: () => void;
}

interface Held {
  readonly source: MappingSource;
  pieces: number;
  /** How often devices hold pages of it: it outlives its pieces for them. */
  pins: number;
  /** Why the last zap was. */
  zapped: string;
  stopListening?: () => void;
}

interface Piece {
  readonly first: bigint;
  readonly last: bigint;
  readonly position: bigint;
  readonly held: Held;
  /** Onto the region, or onto the guard. */
  window: Window | undefined;
  guard: Region | undefined;
}

/** Whether pages can be taken away: those of BARs. */
function isZappable({ vfioRegion, device }: MappingSource): boolean {
  return device !== undefined && vfioRegion?.kind === 'bar';
}

/** On x86 what may be written may be read. */
function allowsAll(protection: number): boolean {
  return (protection & PROT_WRITE) !== 0;
}

/** @internal */
export class ProcessMemory {
  readonly space: Space;
  private readonly engine: Engine;
  private readonly areas: RangeStore;
  private readonly pieces = new Map<number, Piece>();
  private nextPiece = 1;

  constructor(engine: Engine, name: string) {
    this.engine = engine;
    this.space = engine.space(`${name} memory`);
    this.areas = engine.rangeStore();
  }

  /** Maps `length` bytes (whole pages) where there is room; the address. VfioError ENOMEM when there is none. */
  map(length: bigint, source: MappingSource): bigint {
    const first = this.room(length);
    const held: Held = { source, pieces: 0, pins: 0, zapped: 'COMMAND.MEM is 0, or it is in D3hot' };
    this.place(first, first + length - 1n, source.position, held);
    if (isZappable(source)) held.stopListening = source.device!.mappings.add((why) => this.zap(held, why));
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
    const piece: Piece = { first, last, position, held, window: undefined, guard: undefined };
    const { source } = held;
    if (held.pieces === 0 || !source.region.gone) {
      if (allowsAll(source.protection) && !this.isClosed(source)) this.show(piece);
      else this.guard(piece);
    }
    const id = this.nextPiece++;
    try {
      this.areas.insert(first, last, id);
    } catch (error) {
      this.hide(piece);
      throw error;
    }
    this.pieces.set(id, piece);
    held.pieces++;
    return id;
  }

  private isClosed(source: MappingSource): boolean {
    return isZappable(source) && (source.device!.isPulled || !source.device!.showsPages());
  }

  /** Makes a piece show the region itself, as far as there is one: behind the end of one that ends inside a page there is nothing. */
  private show(piece: Piece): void {
    const { first, last, position, held, guard } = piece;
    const { region, memoryType } = held.source;
    const size = last - first + 1n;
    const present = region.size - position < size ? region.size - position : size;
    piece.window = present > 0n ? this.space.map(first, region, { position, size: present, memoryType }) : undefined;
    piece.guard = undefined;
    guard?.destroy();
  }

  /** Makes every access to a piece ask first. */
  private guard(piece: Piece): void {
    const { first, last, position, held, window } = piece;
    const size = last - first + 1n;
    const { region, device } = held.source;
    const guard = makeGuard(this.engine, { region, end: position + size, isPulled: () => device?.isPulled === true, check: (access, at) => this.check(piece, access, at) });
    try {
      piece.window = this.space.map(first, guard, { position, size });
    } catch (error) {
      guard.destroy();
      throw error;
    }
    piece.guard = guard;
    window?.unmap();
  }

  private hide(piece: Piece): void {
    piece.window?.unmap();
    piece.guard?.destroy();
  }

  /** An access to a guarded piece. */
  private check(piece: Piece, access: 'read' | 'write', position: bigint): void {
    const { first, held } = piece;
    const { source } = held;
    const { protection, region } = source;
    const address = first + position - piece.position;
    const isAllowed = access === 'write' ? (protection & PROT_WRITE) !== 0 : (protection & (PROT_READ | PROT_WRITE | PROT_EXEC)) !== 0;
    if (!isAllowed) throw new VfioFault('SIGSEGV', access, address, `the mapping was made with protection ${protection}, which allows no ${access}`);
    if (region.gone || source.device?.isPulled === true) return;
    if (this.isClosed(source)) throw new VfioFault('SIGBUS', access, address, `${source.device!.name} does not answer memory accesses: ${held.zapped}`);
    // From inside an access this is made when the access has ended; once is enough.
    if (allowsAll(protection) && piece.guard !== undefined) this.show(piece);
  }

  /** Takes the pages of a mapping away. */
  private zap(held: Held, why: string): void {
    held.zapped = why;
    const isShown = (piece: Piece): boolean => piece.held === held && piece.guard === undefined && !held.source.region.gone;
    if (held.source.memoryType === 'write-combining' && [...this.pieces.values()].some(isShown)) this.drain();
    // What drains may have led to an munmap of the pieces.
    for (const [id, piece] of [...this.pieces]) if (this.pieces.get(id) === piece && isShown(piece)) this.guard(piece);
  }

  private remove(id: number): void {
    const piece = this.pieces.get(id)!;
    this.areas.erase(piece.first);
    this.pieces.delete(id);
    this.hide(piece);
    piece.held.pieces--;
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
    const inside = (): { readonly id: number; readonly piece: Piece }[] => [...this.areas.walk(first, last)].map(({ value }) => ({ id: value, piece: this.pieces.get(value)! }));
    if (inside().some(({ piece }) => piece.held.source.memoryType === 'write-combining')) this.drain();
    // Only now: what drained may have led to an munmap.
    const touched = inside();
    const isWhole = (piece: Piece): boolean => piece.first >= first && piece.last <= last;
    for (const { id, piece } of touched) if (!isWhole(piece)) this.cut(id, first, last);
    const gone: Held[] = [];
    for (const { id, piece } of touched) {
      const { held } = piece;
      if (!isWhole(piece) || this.pieces.get(id) !== piece) continue;
      this.remove(id);
      if (held.pieces > 0) continue;
      held.stopListening?.();
      if (held.pins === 0) gone.push(held);
    }
    // The last mapping of a device's last file closes the device, which may not like that.
    atEnd(gone.map(({ source }) => () => source.release()));
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

  /** Whether a driver may pin the page at an address, if it is there: none of a device, none that is read-only. */
  mayPin(address: bigint): boolean {
    const id = this.areas.find(address, address)?.value;
    if (id === undefined) return true;
    const { isAnonymous, protection } = this.pieces.get(id)!.held.source;
    return isAnonymous && (protection & PROT_WRITE) !== 0;
  }

  /** Pins pages; see CallingProcess.pin. VfioError EFAULT. */
  pin(call: string, address: bigint, bytes: bigint, { writes, devices }: { readonly writes: boolean; readonly devices: boolean }): PinnedMemory {
    const last = address + bytes - 1n;
    const runs: PinnedRun[] = [];
    const held: Held[] = [];
    let at = address;
    for (const { first, last: end, value } of last < TASK_SIZE ? [...this.areas.walk(address, last)] : []) {
      if (first > at) break;
      const { position, held: holder } = this.pieces.get(value)!;
      const { region, protection, isAnonymous, device } = holder.source;
      const isAllowed = writes ? (protection & PROT_WRITE) !== 0 : (protection & (PROT_READ | PROT_WRITE | PROT_EXEC)) !== 0;
      if (!isAllowed || region.gone || !(isAnonymous || (devices && device !== undefined))) break;
      const to = end < last ? end : last;
      runs.push({ region, position: position + (at - first), bytes: to - at + 1n, isDevice: !isAnonymous });
      if (isAnonymous) held.push(holder);
      at = to + 1n;
    }
    if (at <= last) throw new VfioError('EFAULT', call, `the page at 0x${at.toString(16)} cannot be pinned to be ${writes ? 'written' : 'read'}`);
    for (const holder of held) holder.pins++;
    return { runs, release: () => atEnd(held.map((holder) => () => this.unpin(holder))) };
  }

  private unpin(held: Held): void {
    if (--held.pins === 0 && held.pieces === 0) held.source.release();
  }

  list(): Mapping[] {
    return [...this.areas.walk()].map(({ value }) => {
      const { first, last, position, held } = this.pieces.get(value)!;
      const { protection, memoryType, device, vfioRegion } = held.source;
      const region = vfioRegion === undefined ? undefined : { index: vfioRegion.index, position };
      return { address: Number(first), length: Number(last - first + 1n), protection, memoryType, device: device?.name, region };
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
      const { region, isAnonymous } = held.source;
      if (first > at || !isAnonymous || region.gone) break;
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
    atEnd([() => this.unmap(0n, 0xffff_ffff_ffff_ffffn), () => this.areas.destroy(), () => this.space.destroy()]);
  }
}
