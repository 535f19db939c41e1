// Which ranges the BARs and the ROM of a function decode: docs/pci-functions.md, "BARs".
//
//   10 14 18 1c 20 24  BAR 0..5   | address .. 4 | prefetchable | type: 2 bits | 0 |   memory; type 2: 64 bits, the next register is the upper half
//                                 | address .. 2                     | reserved | 1 |   ports
//   30                 ROM        | address .. 11 | reserved .. 1            | enabled |

import type { ReferenceConfigBits } from './config-bits.ts';

export interface ReferenceRange {
  readonly bus: 'memory' | 'ports';
  readonly start: bigint;
  readonly size: bigint;
}

interface Bar {
  readonly index: number;
  readonly kind: 'io' | 'mem32' | 'mem64' | 'rom';
  readonly size: bigint;
  readonly offsets: readonly number[];
}

const ROM = 6;
const FOUR_GIB = 2n ** 32n;

export class ReferenceBars {
  private readonly bits: ReferenceConfigBits;
  private readonly bars: Bar[] = [];
  // What was last written to each byte of the registers, whether the register has bits there or not.
  private readonly written = new Map<number, number>();

  /** @param sizes bytes of BAR 0..5, 0n for what is not there; `rom` the same. */
  constructor(bits: ReferenceConfigBits, sizes: readonly bigint[], rom: bigint) {
    this.bits = bits;
    for (let index = 0; index < 6; index++) {
      const size = sizes[index] ?? 0n;
      if (size === 0n) continue;
      const at = 0x10 + 4 * index;
      const low = bits.value(at, 1);
      if ((low & 1) === 1) this.add({ index, kind: 'io', size, offsets: [at] }, 2);
      else if ((low & 6) === 4) this.add({ index, kind: 'mem64', size, offsets: [at, at + 4] }, 4);
      else this.add({ index, kind: 'mem32', size, offsets: [at] }, 4);
    }
    if (rom > 0n) this.add({ index: ROM, kind: 'rom', size: rom, offsets: [0x30] }, 11);
  }

  /** Address bits are writable from the size on, and from the lowest one that the register has. */
  private add(bar: Bar, lowest: number): void {
    this.bars.push(bar);
    const address = -bar.size & BigInt.asUintN(64, -(1n << BigInt(lowest)));
    bar.offsets.forEach((at, half) => {
      const bits = Number(BigInt.asUintN(32, address >> BigInt(32 * half)));
      this.bits.register(at, 4, { writable: (bits | (bar.kind === 'rom' ? 1 : 0)) >>> 0 });
    });
    this.forget();
  }

  /** One byte was written. */
  note(offset: number, value: number): void {
    if (this.written.has(offset)) this.written.set(offset, value);
  }

  /** The registers hold what nobody wrote, as after a reset. */
  forget(): void {
    for (const { offsets } of this.bars) for (const at of offsets) for (let k = 0; k < 4; k++) this.written.set(at + k, this.bits.bytes[at + k]!);
  }

  /** Whether the register was last written with ones in all bits that a guest writes to learn its size. */
  private isSized(at: number, from: number): boolean {
    let value = 0;
    for (let k = 0; k < 4; k++) value |= this.written.get(at + k)! << (8 * k);
    return value >>> from === 0xffff_ffff >>> from;
  }

  private addressOf({ kind, offsets }: Bar): bigint | null {
    const [low, high] = offsets;
    const lowest = kind === 'rom' ? 11 : 4;
    if (this.isSized(low!, lowest) || (high !== undefined && this.isSized(high, 0))) return null;
    const flags = kind === 'rom' ? 0x7ffn : kind === 'io' ? 0x3n : 0xfn;
    const value = (BigInt(high === undefined ? 0 : this.bits.value(high, 4)) << 32n) | BigInt(this.bits.value(low!, 4));
    return value & ~flags;
  }

  /** By index: BARs 0..5, the ROM at 6. `isAwake`: the function is in D0. */
  decoded(isAwake: boolean): (ReferenceRange | null)[] {
    const ranges: (ReferenceRange | null)[] = [null, null, null, null, null, null, null];
    const command = this.bits.value(0x04, 2);
    for (const bar of this.bars) {
      const { index, kind, size } = bar;
      const bus = kind === 'io' ? 'ports' : 'memory';
      const enabled = isAwake && (command & (bus === 'ports' ? 1 : 2)) !== 0 && (kind !== 'rom' || (this.bits.value(0x30, 1) & 1) === 1);
      if (!enabled) continue;
      const start = this.addressOf(bar);
      const isTopmost = start !== null && (start + size === FOUR_GIB || start + size === 2n ** 64n);
      if (start !== null && start !== 0n && !isTopmost) ranges[index] = { bus, start, size };
    }
    return ranges;
  }
}
