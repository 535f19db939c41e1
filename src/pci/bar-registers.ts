// The base address registers as a guest uses them: which bits take a write, and which addresses the function decodes for what they hold now.
//
//   guest writes   ffffffff  ->  register holds  fffe0000   the size shows as the bits that did not take it: 128 KiB
//                  feb80000                      feb80000   an address: decoded while COMMAND, the power state and (for the ROM) the enable bit allow
//                  fffffff0, fffff800 (ROM), high half first, one half only: sizing too
//
// A register that is being sized decodes nothing. It is being sized while its address bits 31..4 (the ROM's: 31..11; an upper half: all 32) were last written
// as ones, and while what it holds is the topmost slot below 4 GiB, or of all addresses: no system puts a BAR there, and sizing leaves just that. A BAR at address 0
// is not assigned and decodes nothing either.
//
// A 64-bit BAR is two registers, and each write of a half counts at once, as in hardware: between two halves the BAR decodes a mixture. Guests that care turn
// decoding off, or write the half that changes.
//
// Source: PCI Local Bus 3.0, 6.2.5; Linux drivers/pci/probe.c __pci_read_base; SeaBIOS src/fw/pciinit.c; OpenBSD sys/dev/pci/pci_map.c

import { PCI_ROM_ADDRESS_ENABLE } from './bars.ts';
import type { BarKind, DecodedBars } from './bars.ts';
import type { ConfigField } from './config-rules.ts';
import { PCI_BASE_ADDRESS_0, PCI_COMMAND_IO, PCI_COMMAND_MEMORY, PCI_ROM_ADDRESS, PCI_STD_NUM_BARS } from './config-space.ts';
import { readU32 } from './little-endian.ts';

/** Where the expansion ROM stands among the BARs 0..5: the index that VFIO gives it. */
export const ROM_INDEX = 6;
/** BARs and ROM. */
export const DECODE_COUNT = 7;

/** Addresses that a BAR decodes. */
export interface DecodeRange {
  readonly bus: 'memory' | 'ports';
  readonly start: bigint;
  /** Bytes. */
  readonly size: bigint;
}

/** What a function decodes, by index: BARs 0..5 and the ROM at 6; `null` for what is not decoded. */
export type Decodes = readonly (DecodeRange | null)[];

interface Slot {
  readonly index: number;
  readonly kind: BarKind | 'rom';
  /** Changes for resizable BARs only. */
  size: bigint;
  /** Offsets of its registers: one, or the lower and the upper half. */
  readonly registers: readonly number[];
}

const FOUR_GIB = 1n << 32n;
const low32 = (value: bigint): number => Number(BigInt.asUintN(32, value));

/** Which of the seven registers lies at an offset, or -1. */
function registerAt(offset: number): number {
  if (offset === PCI_ROM_ADDRESS) return ROM_INDEX;
  const index = (offset - PCI_BASE_ADDRESS_0) / 4;
  return index >= 0 && index < PCI_STD_NUM_BARS ? index : -1;
}

const ADDRESS_BITS: Readonly<Record<Slot['kind'], number>> = { io: 0xffff_fffc, mem32: 0xffff_fff0, mem64: 0xffff_fff0, rom: 0xffff_f800 };
/** Bits that are ones in every sizing write of a register, whoever writes it: the rest differs between systems. */
const PROBE_BITS: Readonly<Record<Slot['kind'], number>> = { io: 0xffff_fff0, mem32: 0xffff_fff0, mem64: 0xffff_fff0, rom: 0xffff_f800 };

/**
 * The BARs of one function: their rules for {@link ConfigRules}, and what they decode. Holds no bytes of configuration space; it only remembers what was last
 * written to each register, because that tells sizing from an address.
 */
export class BarRegisters {
  private readonly slots: readonly Slot[];
  private readonly written = new Uint32Array(DECODE_COUNT);

  /** BARs of unknown size are left out: their registers are read-only. */
  constructor({ bars, rom }: DecodedBars) {
    const slots: Slot[] = bars.filter(({ size }) => size !== null).map(({ index, kind, size, registers }) => ({ index, kind, size: size!, registers }));
    if (rom?.size != null) slots.push({ index: ROM_INDEX, kind: 'rom', size: rom.size, registers: [PCI_ROM_ADDRESS] });
    this.slots = slots;
  }

  /** The registers and the bits of them that take a write: address bits above the size, and the ROM's enable bit. */
  fields(): ConfigField[] {
    return this.slots.flatMap(({ index, kind, size, registers }) => {
      const name = kind === 'rom' ? 'ROM_ADDRESS' : `BASE_ADDRESS_${index}`;
      const address = (low32(-size) & ADDRESS_BITS[kind]) >>> 0;
      const lower: ConfigField = { name, offset: registers[0]!, bytes: 4, writable: kind === 'rom' ? address + PCI_ROM_ADDRESS_ENABLE : address };
      return kind === 'mem64' ? [lower, { name: `BASE_ADDRESS_${index + 1}`, offset: registers[1]!, bytes: 4, writable: low32(-size >> 32n) }] : [lower];
    });
  }

  /** Bytes of a BAR now; undefined for one of unknown size, or none. */
  sizeOf(index: number): bigint | undefined {
    return this.slots.find((one) => one.index === index)?.size;
  }

  /** Gives a BAR another size. False when it has that already, or is no BAR of a function. */
  resize(index: number, size: bigint): boolean {
    const slot = this.slots.find((one) => one.index === index && one.kind !== 'rom');
    if (slot === undefined || slot.size === size) return false;
    slot.size = size;
    return true;
  }

  /** Whether the register at an offset is the upper half of a 64-bit BAR: it has no type bits. */
  isUpperHalf(offset: number): boolean {
    return this.slots.some(({ registers }) => registers[1] === offset);
  }

  /** Whether a dword of configuration space is one of the registers. */
  holds(offset: number): boolean {
    return this.slots.some(({ registers }) => registers.includes(offset));
  }

  /** Takes what is in `config` as what was written. */
  load(config: Uint8Array): void {
    for (const { registers } of this.slots) for (const at of registers) this.written[registerAt(at)] = readU32(config, at);
  }

  /** Notes a write to the register at `offset`, a multiple of 4: `lanes` are the bits written. Returns what it takes to undo that. */
  note(offset: number, value: number, lanes: number): () => void {
    const index = registerAt(offset);
    const before = this.written[index]!;
    this.written[index] = (before & ~lanes) | (value & lanes);
    return () => {
      this.written[index] = before;
    };
  }

  private isSized({ kind, registers }: Slot): boolean {
    return registers.some((at, half) => {
      const bits = half === 1 ? 0xffff_ffff : PROBE_BITS[kind];
      return ((this.written[registerAt(at)]! & bits) >>> 0) === bits;
    });
  }

  private rangeOf(slot: Slot, config: Uint8Array): DecodeRange | null {
    const { kind, size, registers } = slot;
    let start = BigInt((readU32(config, registers[0]!) & ADDRESS_BITS[kind]) >>> 0);
    if (kind === 'mem64') start |= BigInt(readU32(config, registers[1]!)) << 32n;
    const end = start + size;
    if (start === 0n || end === FOUR_GIB || end === 1n << 64n || this.isSized(slot)) return null;
    return { bus: kind === 'io' ? 'ports' : 'memory', start, size };
  }

  /**
   * What the function decodes for the registers in `config`.
   *
   * @param command the COMMAND register's bits.
   * @param isAwake whether it is in D0: in other states a function answers configuration accesses only.
   */
  decodes(config: Uint8Array, command: number, isAwake: boolean): Decodes {
    const found: (DecodeRange | null)[] = Array.from({ length: DECODE_COUNT }, () => null);
    if (!isAwake) return found;
    for (const slot of this.slots) {
      const gate = slot.kind === 'io' ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
      if ((command & gate) === 0) continue;
      if (slot.kind === 'rom' && (readU32(config, PCI_ROM_ADDRESS) & PCI_ROM_ADDRESS_ENABLE) === 0) continue;
      found[slot.index] = this.rangeOf(slot, config);
    }
    return found;
  }
}
