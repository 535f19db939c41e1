// MSI-X: up to 2048 vectors whose table and pending bits lie in a BAR. The bytes are the BAR's own where it is memory, else memory beside it; what lies over them in
// a guest's address space is the table's rules.
//
//   +00 address low   bits 1..0 read 0        table of `count` entries, 16 bytes each
//   +04 address high
//   +08 data
//   +0c control       bit 0: masked           the others read 0
//
//   vector triggered:  off -> nothing          masked, or function mask -> its pending bit          else -> message
//   unmasked, by entry, function mask or enable: what is pending goes
//
// Where VFIO maps the BAR itself, writes to the table set nothing off: triggers see them, and `deliver` sends what they have unmasked.
//
// Source: PCI Local Bus 3.0, 6.8.2; names from linux/pci_regs.h

import type { Engine, Region } from '../core/index.ts';
import type { FunctionRegisters } from './function-registers.ts';
import type { InterruptSink } from './intx.ts';
import { readU16 } from './little-endian.ts';
import { giveTo, maySend } from './msi.ts';
import type { MessageOwner } from './msi.ts';
import { PCI_MSIX_ENTRY_SIZE, PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, PCI_MSIX_FLAGS_MASKALL, msixPbaBytes } from './msix.ts';
import type { MsixCapability } from './msix.ts';
import type { BarOverlay } from './space-decoder.ts';

const CONTROL = 12;
/** Vector control: masked. Source: linux/pci_regs.h PCI_MSIX_ENTRY_CTRL_MASKBIT */
export const PCI_MSIX_ENTRY_CTRL_MASKBIT = 0x1;
/** Bits of an entry's four dwords that take a write. */
const WRITABLE = [0xffff_fffc, 0xffff_ffff, 0xffff_ffff, PCI_MSIX_ENTRY_CTRL_MASKBIT] as const;

/**
 * The vectors of a function with an MSI-X capability whose table lies in a BAR of known size.
 *
 * @example
 * ```ts
 * nvme.msixVectors!.trigger(1); // sink.message(address, data) of entry 1, or its pending bit
 * ```
 */
export class MsixVectors {
  /** Vectors, 1..2048. */
  readonly count: number;
  /** What lies over the BARs in a guest's address space: table and pending bits. */
  readonly overlays: readonly BarOverlay[];
  private readonly registers: FunctionRegisters;
  private readonly capability: MsixCapability;
  private readonly table: Region;
  private readonly pba: Region;
  /** Where the table and the pending bits begin in those. */
  private readonly tableAt: number;
  private readonly pbaAt: number;
  private readonly own: Region[] = [];
  private owner: MessageOwner | undefined;
  private readonly sink: InterruptSink;

  /** @internal `regions`: the BARs that hold the table and the pending bits. */
  constructor(engine: Engine, registers: FunctionRegisters, capability: MsixCapability, regions: { readonly table: Region; readonly pba: Region }, sink: InterruptSink) {
    this.registers = registers;
    this.capability = capability;
    this.count = capability.count;
    this.sink = sink;
    [this.table, this.tableAt] = this.behind(engine, regions.table, 'table', capability.tableOffset, PCI_MSIX_ENTRY_SIZE * this.count);
    let table: Region;
    let pba: Region;
    try {
      [this.pba, this.pbaAt] = this.behind(engine, regions.pba, 'pending bits', capability.pbaOffset, msixPbaBytes(this.count));
      this.own.push((table = this.makeTable(engine, regions.table)));
      this.own.push((pba = this.makePending(engine, regions.pba)));
    } catch (error) {
      this.destroy();
      throw error;
    }
    this.overlays = [
      { index: capability.tableBar, position: BigInt(capability.tableOffset), region: table },
      { index: capability.pbaBar, position: BigInt(capability.pbaOffset), region: pba },
    ];
    registers.observe({ written: () => this.deliver(), reset: () => this.reset() });
  }

  /** The bytes: the BAR's own, or memory beside a BAR that is none. */
  private behind(engine: Engine, bar: Region, what: string, offset: number, size: number): [Region, number] {
    if (bar.kind === 'ram' || bar.kind === 'demand') return [bar, offset];
    const region = engine.region({ kind: 'ram', size, name: `${bar.name} MSI-X ${what}, stored`, device: bar.device });
    this.own.push(region);
    return [region, 0];
  }

  private makeTable(engine: Engine, bar: Region): Region {
    return engine.region({
      kind: 'hook',
      name: `${bar.name} MSI-X table`,
      device: bar.device,
      size: PCI_MSIX_ENTRY_SIZE * this.count,
      maxWidth: 4,
      unaligned: false,
      read: (position, width) => readRegion(this.table, this.tableAt + Number(position), width),
      write: (position, width, value) => this.writeTable(Number(position), width, Number(value)),
    });
  }

  private makePending(engine: Engine, bar: Region): Region {
    return engine.region({
      kind: 'hook',
      name: `${bar.name} MSI-X pending bits`,
      device: bar.device,
      size: msixPbaBytes(this.count),
      maxWidth: 4,
      unaligned: false,
      read: (position, width) => readRegion(this.pba, this.pbaAt + Number(position), width),
    });
  }

  private get flags(): number {
    return readU16(this.registers.bytes, this.capability.offset + PCI_MSIX_FLAGS);
  }

  /** @internal From now on `owner` gets the messages; undefined ends that. */
  giveTo(owner: MessageOwner | undefined): void {
    this.owner = owner;
  }

  /** Whether the guest, or the owner of the messages, has turned MSI-X on; the function mask is another bit. */
  get enabled(): boolean {
    return this.owner !== undefined || (this.flags & PCI_MSIX_FLAGS_ENABLE) !== 0;
  }

  private checked(vector: number): number {
    if (!Number.isInteger(vector) || vector < 0 || vector >= this.count) throw new RangeError(`MSI-X vector ${vector} is outside 0..${this.count - 1}`);
    return vector;
  }

  private entry(vector: number): number {
    return this.tableAt + PCI_MSIX_ENTRY_SIZE * vector;
  }

  /** Whether a vector's own mask bit is set; the function mask is another one. */
  isMasked(vector: number): boolean {
    return (this.table.read32(this.entry(this.checked(vector)) + CONTROL) & PCI_MSIX_ENTRY_CTRL_MASKBIT) !== 0;
  }

  /** Whether a vector waits to be unmasked. */
  isPending(vector: number): boolean {
    return ((this.pba.read8(this.pbaAt + (this.checked(vector) >> 3)) >> (vector & 7)) & 1) !== 0;
  }

  private setPending(vector: number, value: boolean): void {
    const at = this.pbaAt + (vector >> 3);
    const bit = 1 << (vector & 7);
    this.pba.write8(at, value ? this.pba.read8(at) | bit : this.pba.read8(at) & ~bit);
  }

  /**
   * The device wants to interrupt.
   *
   * @param vector 0..count-1.
   * @returns whether a message was sent now.
   * @throws RangeError for a vector that is none.
   */
  trigger(vector: number): boolean {
    this.checked(vector);
    if (this.owner !== undefined) return giveTo(this.owner, this.registers, vector);
    if (!this.enabled) return false;
    if ((this.flags & PCI_MSIX_FLAGS_MASKALL) !== 0 || this.isMasked(vector)) {
      this.setPending(vector, true);
      return false;
    }
    return this.send(vector);
  }

  /** The device no longer wants what it triggered while it was masked. */
  withdraw(vector: number): void {
    this.setPending(this.checked(vector), false);
  }

  private send(vector: number): boolean {
    if (!maySend(this.registers)) return false;
    const at = this.entry(vector);
    this.sink.message?.((BigInt(this.table.read32(at + 4)) << 32n) | BigInt(this.table.read32(at)), this.table.read32(at + 8));
    return true;
  }

  /** Sends what is pending and no longer masked: done at every write to the table, to the capability and to COMMAND that a guest makes. */
  deliver(): void {
    if (this.owner !== undefined || !this.enabled || (this.flags & PCI_MSIX_FLAGS_MASKALL) !== 0 || !maySend(this.registers)) return;
    for (let first = 0; first < this.count; first += 32) {
      if (this.pba.read32(this.pbaAt + first / 8) === 0) continue;
      for (let vector = first; vector < Math.min(first + 32, this.count); vector++) {
        if (!this.isPending(vector) || this.isMasked(vector)) continue;
        this.setPending(vector, false);
        this.send(vector);
      }
    }
  }

  private writeTable(position: number, width: 1 | 2 | 4 | 8, value: number): void {
    const at = this.tableAt + position;
    for (let i = 0; i < width; i++) {
      const mask = (WRITABLE[((position + i) >> 2) & 3]! >>> (8 * ((position + i) & 3))) & 0xff;
      this.table.write8(at + i, (value >>> (8 * i)) & mask);
    }
    this.deliver();
  }

  /** Every vector masked, nothing pending, addresses and data 0. */
  private reset(): void {
    for (let vector = 0; vector < this.count; vector++) {
      const at = this.entry(vector);
      for (const field of [0, 4, 8]) this.table.write32(at + field, 0);
      this.table.write32(at + CONTROL, PCI_MSIX_ENTRY_CTRL_MASKBIT);
      this.setPending(vector, false);
    }
  }

  /** @internal */
  destroy(): void {
    for (const region of this.own) region.destroy();
  }
}

function readRegion(region: Region, at: number, width: 1 | 2 | 4 | 8): number {
  return width === 1 ? region.read8(at) : width === 2 ? region.read16(at) : region.read32(at);
}
