// The configuration space of one function of type 0: what every byte holds after a write or a reset, and what the function decodes then.
//
//   00 | vendor      | device        |     0c | cache line | latency | header | BIST |     2c | subsystem vendor, id |
//   04 | COMMAND     | STATUS        |     10 .. 24 BAR 0..5                            |     30 | ROM | 34 | capabilities |
//   08 | revision    | class         |     28 | CIS                                     |     3c | interrupt line | pin | 0 | 0 |
//
// Source: PCI Local Bus 3.0, 6.2; PCI Express 5.0, 6.6.2 and 7.5.1; docs/pci-functions.md and docs/replay.md where these leave a choice

import { ReferenceConfigBits } from './config-bits.ts';
import type { BitRules } from './config-bits.ts';
import { standardCapabilities } from './config-capabilities.ts';
import type { ActiveRegisters } from './config-capabilities.ts';
import { ReferenceBars } from './config-decode.ts';
import type { ReferenceRange } from './config-decode.ts';
import { extendedCapabilities } from './config-extended.ts';

/** A function as the judge knows it. */
export interface ReferenceFunction {
  /** 256 or 4096 bytes. */
  readonly bytes: Uint8Array;
  /** Bytes of BAR 0..5; 0n for those that are not there. */
  readonly bars?: readonly bigint[];
  readonly rom?: bigint;
  /** Registers of the vendor's own, which go over what a capability says. */
  readonly registers?: readonly (BitRules & { readonly offset: number; readonly width: 1 | 2 | 4 })[];
}

export class ReferenceConfigSpace {
  private readonly bits: ReferenceConfigBits;
  private readonly bars: ReferenceBars;
  private readonly active: ActiveRegisters = { states: new Set([0]), resetBits: [] };

  constructor({ bytes, bars = [], rom = 0n, registers = [] }: ReferenceFunction) {
    this.bits = new ReferenceConfigBits(bytes);
    // IO, MEMORY, MASTER, parity response, SERR, INTX_DISABLE. The others are PCI's, and 0 in Express.
    this.bits.register(0x04, 2, { writable: 0x0547 });
    this.bits.register(0x06, 2, { clearedByOne: 0xf900 });
    this.bits.register(0x0c, 1, { writable: 0xff });
    this.bits.register(0x3c, 1, { writable: 0xff });
    this.bars = new ReferenceBars(this.bits, bars, rom);
    standardCapabilities(this.bits, this.active);
    extendedCapabilities(this.bits);
    for (const { offset, width, ...rules } of registers) this.bits.register(offset, width, rules);
  }

  /** Every byte as it is now. Not a copy. */
  get bytes(): Uint8Array {
    return this.bits.bytes;
  }

  /** 0 (D0) to 3 (D3hot). */
  get powerState(): number {
    return this.active.pmcsr === undefined ? 0 : this.bits.value(this.active.pmcsr, 1) & 3;
  }

  /** By index: BARs 0..5, the ROM at 6. */
  get decoded(): (ReferenceRange | null)[] {
    return this.bars.decoded(this.powerState === 0);
  }

  /** A guest's write of 1, 2 or 4 bytes. One that is not aligned is as many cycles as it has aligned pieces, the widest first. */
  write(offset: number, width: 1 | 2 | 4, value: number): void {
    for (let done = 0; done < width; ) {
      const at = offset + done;
      const piece = width - done >= 4 && at % 4 === 0 ? 4 : width - done >= 2 && at % 2 === 0 ? 2 : 1;
      this.cycle(at, piece, value >>> (8 * done));
      done += piece;
    }
  }

  private cycle(offset: number, width: number, value: number): void {
    const before = this.powerState;
    let resets = false;
    for (let k = 0; k < width; k++) {
      const written = (value >>> (8 * k)) & 0xff;
      this.bits.writeByte(offset + k, written);
      this.bars.note(offset + k, written);
      for (const one of this.active.resetBits) if (one.offset === offset + k && (written >>> one.bit) % 2 === 1) resets = true;
    }
    const { pmcsr, states } = this.active;
    if (pmcsr !== undefined) {
      const asked = this.powerState;
      // To D0 or deeper, and to states that are there. Else the write ends normally, and the state is what it was.
      const isEntered = asked === 0 || (asked >= before && states.has(asked));
      if (!isEntered) this.bytes[pmcsr] = (this.bytes[pmcsr]! & ~3) | before;
      // No_Soft_Reset (3) says that leaving D3hot loses nothing.
      if (before === 3 && this.powerState === 0 && (this.bytes[pmcsr]! & 0x08) === 0) resets = true;
    }
    if (resets) this.reset('function');
  }

  /** FLR, AF's reset and leaving D3hot are resets of the function. */
  reset(kind: 'power-on' | 'function'): void {
    this.bits.reset(kind);
    this.bars.forget();
  }
}
