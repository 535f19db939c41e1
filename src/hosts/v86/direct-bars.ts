// BARs whose bytes lie in the guest's RAM: the processor reads and writes them as it does RAM, and nobody hears of it.
//
//   guest's RAM   |   the kernel's      | reserved |   the kernel's   |        reserved: by the BIOS, or `memmap=` (docs/v86.md)
//                                       ^ BAR, fixed here: its register takes sizing, and no other address
//
// While the BAR is decoded, its bytes are those in RAM; else those of its region. `sync` copies them to the region while the card goes on, for a card that looks at it.

import { hex, u64 } from '../../core/index.ts';
import type { U64 } from '../../core/index.ts';
import type { BarRegion, DecodeRange, PciFunction } from '../../pci/index.ts';
import { VfioError } from '../../uapi/index.ts';
import type { DirectRegions } from './decoded-regions.ts';
import type { FixedBar } from './enhanced-allocation.ts';
import { isGuestRam } from './guest-memory.ts';
import type { V86Internals } from './internals.ts';

/** Where BARs lie that are to cost nothing: the address of reserved RAM by BAR. */
export type DirectPlaces = Readonly<Partial<Record<0 | 1 | 2 | 3 | 4 | 5, U64>>>;

interface DirectBar {
  readonly bar: BarRegion;
  readonly address: bigint;
  readonly bytes: number;
  isShown: boolean;
}

const CHUNK = 1 << 16;

/** The direct BARs of one card. */
export class DirectBars implements DirectRegions {
  private readonly internals: V86Internals;
  private readonly function: PciFunction;
  private readonly bars = new Map<number, DirectBar>();

  /** @throws TypeError for a BAR that has no plain memory; RangeError for a place that is not RAM, not aligned to the BAR's size, or another direct BAR's. */
  constructor(call: string, internals: V86Internals, one: PciFunction, places: DirectPlaces, others: readonly DirectBars[]) {
    this.internals = internals;
    this.function = one;
    for (const [key, place] of Object.entries(places)) {
      const index = Number(key);
      const address = u64(`${call}: direct[${key}]`, place);
      const bar = one.bars.find((found) => found.index === index);
      if (bar?.size == null) throw new RangeError(`${call}: direct[${key}]: there is no BAR ${key}; the card has ${one.bars.map((found) => found.index).join(', ') || 'none'}`);
      if (bar.kind === 'io' || (bar.region.kind !== 'ram' && bar.region.kind !== 'demand')) {
        throw new TypeError(`${call}: direct[${key}]: BAR ${key} is ${bar.kind === 'io' ? 'one of ports' : `a ${bar.region.kind} region`}; only plain memory can lie in RAM`);
      }
      if (address % bar.size !== 0n) throw new RangeError(`${call}: direct[${key}]: ${hex(address)} is no multiple of the BAR's ${hex(bar.size)} bytes`);
      if (!isGuestRam(internals, address, Number(bar.size))) {
        throw new RangeError(`${call}: direct[${key}]: ${hex(bar.size)} bytes at ${hex(address)} are not all RAM of the guest, which has ${hex(internals.cpu.memory_size[0]!)} bytes`);
      }
      for (const other of [...others, this]) {
        const taken = other.meeting(address, bar.size);
        if (taken !== undefined) throw new RangeError(`${call}: direct[${key}]: ${hex(bar.size)} bytes at ${hex(address)} meet BAR ${taken.bar.index} of ${other.function.slot} at ${hex(taken.address)}`);
      }
      this.bars.set(index, { bar, address, bytes: Number(bar.size), isShown: false });
    }
    this.place();
  }

  private meeting(address: bigint, size: bigint): DirectBar | undefined {
    return [...this.bars.values()].find((found) => found.address < address + size && address < found.address + BigInt(found.bytes));
  }

  /** Puts the places into the registers: at the beginning, after resets, and after writes of anything but a size. */
  place(): void {
    for (const { bar, address } of this.bars.values()) {
      const type = this.function.peek(bar.registers[0]!) & 0xf;
      this.function.poke(bar.registers[0]!, 4, Number(address & 0xffff_fff0n) + type);
      if (bar.kind === 'mem64') this.function.poke(bar.registers[1]!, 4, 0);
    }
  }

  /** A dword of configuration space was written. */
  written(dword: number, value: number): void {
    for (const { bar } of this.bars.values()) {
      if (!bar.registers.includes(dword)) continue;
      // All ones ask for the size; the next write ends that.
      if ((value | 0xf) >>> 0 !== 0xffff_ffff) this.place();
    }
  }

  /** Where they are. */
  fixed(): FixedBar[] {
    return [...this.bars].map(([index, { address, bytes }]) => ({ index, address, bytes }));
  }

  has(index: number): boolean {
    return this.bars.has(index);
  }

  prepare(index: number, to: DecodeRange): void {
    const { address } = this.bars.get(index)!;
    if (to.start !== address) throw new VfioError('EINVAL', `${this.function.slot} BAR ${index}`, `it is fixed at ${hex(address)}, in the guest's RAM, and would be decoded at ${hex(to.start)}`);
  }

  shown(index: number): void {
    const one = this.bars.get(index)!;
    one.isShown = true;
    const part = new Uint8Array(Math.min(CHUNK, one.bytes));
    for (let at = 0; at < one.bytes; at += part.length) this.internals.emulator.write_memory(one.bar.region.readBytes(at, part), Number(one.address) + at);
  }

  hidden(index: number): void {
    this.sync(index);
    this.bars.get(index)!.isShown = false;
  }

  /** Copies what the guest has written to the region, while the BAR is decoded. */
  sync(index: number): void {
    const one = this.bars.get(index);
    if (one?.isShown !== true) return;
    for (let at = 0; at < one.bytes; at += CHUNK) {
      one.bar.region.writeBytes(at, this.internals.emulator.read_memory(Number(one.address) + at, Math.min(CHUNK, one.bytes - at)).slice());
    }
  }

  /** Copies all of them. */
  syncAll(): void {
    for (const index of this.bars.keys()) this.sync(index);
  }

  /** Puts the regions' bytes into RAM again: a state was loaded into them. */
  showAgain(): void {
    for (const [index, { isShown }] of this.bars) if (isShown) this.shown(index);
  }

  /** Whether a register of configuration space may hold `value`. */
  accepts(register: number, value: number): boolean {
    for (const { bar, address } of this.bars.values()) {
      if (register === bar.registers[0]) return (value & ~0xf) >>> 0 === Number(address & 0xffff_fff0n);
      if (register === bar.registers[1]) return value === 0;
    }
    return true;
  }
}
