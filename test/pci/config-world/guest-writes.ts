// What a guest could write to configuration space, from a seed: everywhere, with a liking for the registers that do something and for the values that firmware writes.

import type { Random } from '../../fuzz/random.ts';

export type Width = 1 | 2 | 4;
/** The ways into configuration space: the region itself, the ports 0xcf8 and 0xcfc, and a VFIO device file. */
export type Way = 'region' | 'ports' | 'vfio';

export interface GuestWrite {
  readonly way: Way;
  readonly offset: number;
  readonly width: Width;
  readonly value: number;
}

const SIZING = [0xffff_ffff, 0xffff_fff0, 0xffff_fff8, 0xffff_fffe, 0xffff_fffc, 0xffff_f800, 0x0000_ffff, 0xffff_0000, 0x7fff_ffff] as const;
/** In the apertures of a testbench, on its RAM, and at the ends of what 32 bits and 16 bits reach. Upper halves: 10 and 11, and the last of a BAR of 8 GiB. */
const ADDRESSES = [0xc000_0000, 0xc010_0000, 0xfebf_8000, 0xfee0_0000, 0x0010_0000, 0x0000_1000, 0x0000_c040, 0, 0xffff_0000, 0x10, 0x11, 1, 0xffff_fffe] as const;
const COMMANDS = [0, 1, 2, 3, 7, 7, 0x407, 0x507, 0x503] as const;
const HEADER = [0x04, 0x06, 0x0c, 0x0d, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x3c, 0x3d] as const;
const BARS = [0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x30] as const;
const WIDTHS = [1, 2, 4] as const;
const WAYS = ['region', 'region', 'ports', 'vfio'] as const;
const REMEMBERED = 16;
/** A capability's registers, with room to spare. */
const CAPABILITY_BYTES = 0x38;

export class GuestWrites {
  private readonly random: Random;
  private readonly size: number;
  private readonly capabilities: readonly number[];
  /** Where the power state is, if the function has one. */
  private readonly pmcsr: number | undefined;
  private readonly seen: number[] = [0];
  private readonly planned: GuestWrite[] = [];

  /** @param size bytes of configuration space. */
  constructor(random: Random, size: number, capabilities: readonly { readonly id: number; readonly at: number }[]) {
    this.random = random;
    this.size = size;
    this.capabilities = capabilities.map(({ at }) => at);
    const power = capabilities.find(({ id, at }) => id === 1 && at < 0x100);
    this.pmcsr = power === undefined ? undefined : power.at + 4;
  }

  /** The guest read this, and may write it back. */
  remember(value: number): void {
    this.seen[this.random.below(REMEMBERED)] = value;
  }

  next(): GuestWrite {
    const planned = this.planned.shift();
    if (planned !== undefined) return planned;
    // Left alone, a function would sleep most of the time, with nothing decoded.
    if (this.random.once(24)) this.wake();
    const offset = this.offset();
    const width = this.width(offset);
    return this.made(offset, width, this.value(offset));
  }

  /** A write by some way that reaches the offset. */
  private made(offset: number, width: Width, value: number): GuestWrite {
    const way = this.random.pick(WAYS);
    // The ports reach the first 256 bytes, dword by dword.
    const isReached = way !== 'ports' || (offset < 0x100 && (offset & 3) + width <= 4);
    return { way: isReached ? way : 'region', offset, width, value: width === 4 ? value >>> 0 : value & (width === 2 ? 0xffff : 0xff) };
  }

  /** What a driver does: to D0, BARs somewhere, decoding on. */
  private wake(): void {
    if (this.pmcsr !== undefined) this.planned.push(this.made(this.pmcsr, 2, this.random.once(2) ? 0 : 0x8000));
    for (const at of BARS) if (this.random.once(2)) this.planned.push(this.made(at, 4, at === 0x30 ? (this.address() | 1) >>> 0 : this.address()));
    this.planned.push(this.made(0x04, 2, 7));
  }

  private offset(): number {
    const style = this.random.below(8);
    if (style === 0) return this.random.below(this.size);
    if (style === 1) return this.random.below(0x40);
    if (style < 5 || this.capabilities.length === 0) {
      const register = this.random.pick(HEADER);
      return this.random.once(4) ? register + this.random.below(4) : register;
    }
    const at = this.random.pick(this.capabilities) + this.random.below(CAPABILITY_BYTES);
    const aligned = this.random.once(3) ? at : at & ~3;
    return aligned < this.size ? aligned : this.size - 1;
  }

  private width(offset: number): Width {
    const aligned = offset % 4 === 0 ? 4 : offset % 2 === 0 ? 2 : 1;
    const width = this.random.once(2) ? aligned : this.random.pick(WIDTHS);
    return offset + width <= this.size ? width : 1;
  }

  /** Inside an aperture or near one. */
  private address(): number {
    const at = this.random.pick(ADDRESSES);
    return this.random.once(2) ? at : (at + (this.random.next() & 0x0fff_fff0)) >>> 0;
  }

  private value(offset: number): number {
    if ((offset & ~3) === 0x04 && this.random.once(2)) return this.random.pick(COMMANDS);
    switch (this.random.below(8)) {
      case 0:
        return 0xffff_ffff;
      case 1:
        return 0;
      case 2:
        return this.random.pick(SIZING);
      case 3:
        return this.address();
      case 4:
        return (1 << this.random.below(32)) >>> 0;
      case 5:
        return this.random.pick(this.seen);
      case 6:
        return (this.random.pick(this.seen) ^ (1 << this.random.below(32))) >>> 0;
      default:
        return this.random.next();
    }
  }
}
