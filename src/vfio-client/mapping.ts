// A mapped part of a region: loads and stores at positions from its start. Behaviour text, section 4.7.

import { ask, end } from './calls.ts';
import type { VfioCalls } from './calls.ts';

// asm-generic/mman-common.h
const PROT_READ = 0x1;
const PROT_WRITE = 0x2;
const MAP_SHARED = 0x1;

/** @internal */
export interface MappedPart {
  /** In the device file. */
  readonly offset: bigint;
  readonly size: bigint;
  readonly readable: boolean;
  readonly writable: boolean;
}

/** A mapping. Loads and stores are the program's own: each is one access of its width, and what a page that is not there does to the program, it does here. */
export class MappingClient {
  /** In the memory of the program that calls. */
  readonly address: number;
  /** Bytes. */
  readonly size: bigint;
  private readonly calls: VfioCalls;
  private isMapped = true;

  /** @internal */
  constructor(calls: VfioCalls, fd: number, { offset, size, readable, writable }: MappedPart) {
    // An alias shows neither flag and can be mapped both ways.
    const both = !readable && !writable;
    const protection = (readable || both ? PROT_READ : 0) | (writable || both ? PROT_WRITE : 0);
    this.calls = calls;
    this.size = size;
    this.address = ask('mmap', () => calls.mmap(size, protection, MAP_SHARED, fd, offset));
  }

  private place(what: string, at: number, length: number): number {
    if (!this.isMapped) throw new TypeError(`${what}: the mapping was unmapped`);
    if (!Number.isSafeInteger(at) || at < 0 || BigInt(at + length) > this.size) {
      throw new RangeError(`${what}: ${length} bytes at ${String(at)} are not in the mapping, which has 0x${this.size.toString(16)} bytes`);
    }
    return this.address + at;
  }

  /** RangeError outside the mapping, TypeError after unmap; whatever a load of that page does. */
  read8(at: number): number {
    return this.calls.memory.read8(this.place('read8', at, 1));
  }

  /** Throws as read8. */
  read16(at: number): number {
    return this.calls.memory.read16(this.place('read16', at, 2));
  }

  /** Throws as read8. */
  read32(at: number): number {
    return this.calls.memory.read32(this.place('read32', at, 4));
  }

  /** Throws as read8. */
  read64(at: number): bigint {
    return this.calls.memory.read64(this.place('read64', at, 8));
  }

  /** Throws as read8. */
  write8(at: number, value: number): void {
    this.calls.memory.write8(this.place('write8', at, 1), value);
  }

  /** Throws as read8. */
  write16(at: number, value: number): void {
    this.calls.memory.write16(this.place('write16', at, 2), value);
  }

  /** Throws as read8. */
  write32(at: number, value: number): void {
    this.calls.memory.write32(this.place('write32', at, 4), value);
  }

  /** Throws as read8. */
  write64(at: number, value: bigint): void {
    this.calls.memory.write64(this.place('write64', at, 8), value);
  }

  /** Ends it. A second call does nothing. VfioError as munmap says. */
  unmap(): void {
    if (!this.isMapped) return;
    end('munmap', () => this.calls.munmap(this.address, this.size));
    this.isMapped = false;
  }
}
