// A recorded boot replayed from power-on: the guest's configuration accesses, through ports and memory, into functions that start as a reset leaves them.
//
//   lspci dumps  ->  PciFunction  ->  resetToPowerOn        the dumps show the end of the boot; firmware has to get there once more
//   trace        ->  0xcf8/0xcfc, MMCONFIG only             what the guest did to BARs themselves changes no register of configuration space
//                ->  every read compared with the recorded value, register by register
//
// The BARs follow the registers into the machine's spaces: after the last access they are where the guest put them.

import type { Engine } from '../core/index.ts';
import { PciFunction, SpaceDecoder } from '../pci/index.ts';
import type { ConfigField, PciFunctionDescription } from '../pci/index.ts';
import { ACCESS_PORT, ACCESS_WRITE } from './access-trace.ts';
import type { AccessBlock } from './access-trace.ts';
import { Machine, buildMachine, describeFunctions, isEndpoint } from './machine.ts';
import type { MachineDumps } from './machine.ts';
import { vendorRegisters } from './replay-registers.ts';

const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const PORTS_END = 0xd00;
const ENABLE = 0x8000_0000;
/** Functions over the configuration window's own region, which reads all ones. */
const PRIORITY = 1;

/** A configuration register of which reads did not return what was recorded. */
export interface ConfigMismatch {
  /** `00:01.0`. */
  readonly slot: string;
  /** Byte offset and width of the reads. */
  readonly offset: number;
  readonly width: number;
  /** Its name, when a rule covers it. */
  readonly name: string | undefined;
  reads: number;
  /** The first one. */
  readonly recorded: number;
  readonly seen: number;
}

/** What a boot replay came to. Reads and writes are of configuration space; those of the address port are left out. */
export interface BootResult {
  readonly reads: number;
  readonly writes: number;
  readonly matched: number;
  /** Reads of functions that are there, and how many of them matched. */
  readonly present: { readonly reads: number; readonly matched: number };
  readonly mismatches: readonly ConfigMismatch[];
}

/** How {@link BootReplay} makes its functions. */
export interface BootOptions {
  /** Registers beyond the header and the capabilities. Default: those of the chipsets that {@link vendorRegisters} knows. */
  readonly registers?: (description: PciFunctionDescription) => readonly ConfigField[];
}

interface Target {
  readonly one: PciFunction | undefined;
  readonly offset: number;
  readonly slot: string;
}

const slotOf = (bdf: number): string => `${(bdf >> 8).toString(16).padStart(2, '0')}:${((bdf >> 3) & 31).toString(16).padStart(2, '0')}.${bdf & 7}`;

/**
 * A machine at power-on and the replay of a boot into it.
 *
 * @example
 * ```ts
 * const boot = new BootReplay(createEngine(), dumps);
 * for await (const block of readAccessBlocks(file, { wideReads: 'cut' })) boot.run(block);
 * boot.result().mismatches; // []
 * boot.machine.memory.windowAt(0xfebf8000)?.start; // the BAR is where the guest has put it
 * boot.destroy();
 * ```
 */
export class BootReplay {
  readonly machine: Machine;
  /** The windows of each function's BARs. */
  readonly shown = new Map<PciFunction, SpaceDecoder>();
  private readonly byBdf = new Map<number, PciFunction>();
  private readonly ecam: { readonly start: number; readonly end: number } | undefined;
  private readonly mismatches = new Map<string, ConfigMismatch>();
  private address = 0;
  private reads = 0;
  private writes = 0;
  private matched = 0;
  private presentReads = 0;
  private presentMatched = 0;

  /** @throws RangeError when the dumps contradict each other; VfioError ENOMEM when the core is full. */
  constructor(engine: Engine, dumps: MachineDumps, options: BootOptions = {}) {
    const registersOf = options.registers ?? vendorRegisters;
    // The platform alone: the functions are made here, because they do not start where the dumps show them.
    this.machine = buildMachine(engine, dumps.iomem === undefined ? {} : { iomem: dumps.iomem });
    try {
      const window = this.machine.regions.find(({ name }) => name === 'MMCONFIG')?.window;
      this.ecam = window === undefined ? undefined : { start: Number(window.start), end: Number(window.start + window.size) };
      for (const description of describeFunctions(dumps)) {
        if (!isEndpoint(description)) continue;
        this.add(new PciFunction(engine, { ...description, registers: [...(description.registers ?? []), ...registersOf(description)] }));
      }
    } catch (error) {
      this.machine.destroy();
      throw error;
    }
  }

  private add(one: PciFunction): void {
    const { machine } = this;
    machine.functions.push(one);
    one.resetToPowerOn();
    this.shown.set(one, one.mapInto({ memory: machine.memory, ports: machine.ports }, { priority: PRIORITY }));
    this.byBdf.set(one.ecamOffset >> 12, one);
    if (this.ecam !== undefined && this.ecam.start + one.ecamOffset < this.ecam.end) {
      machine.memory.map(this.ecam.start + one.ecamOffset, one.config, { priority: PRIORITY });
    }
  }

  /** Which register an access reaches; undefined for what is no configuration data. */
  private locate(isPort: boolean, address: number): Target | undefined {
    if (isPort) {
      if (address < CONFIG_DATA || address >= PORTS_END || (this.address & ENABLE) === 0) return undefined;
      const bdf = (this.address >>> 8) & 0xffff;
      return { one: this.byBdf.get(bdf), slot: slotOf(bdf), offset: (this.address & 0xfc) + (address - CONFIG_DATA) };
    }
    if (this.ecam === undefined || address < this.ecam.start || address >= this.ecam.end) return undefined;
    const at = address - this.ecam.start;
    const bdf = Math.floor(at / 4096);
    return { one: this.byBdf.get(bdf), slot: slotOf(bdf), offset: at & 0xfff };
  }

  /** Replays the configuration accesses of a block, in order; the others are passed over. */
  run(block: AccessBlock): void {
    for (let i = 0; i < block.length; i++) {
      const isPort = block.space[i] === ACCESS_PORT;
      const address = block.addressHigh[i]! * 2 ** 32 + block.addressLow[i]!;
      const width = block.size[i]!;
      if (width === 8) continue;
      const isAddressPort = isPort && address >= CONFIG_ADDRESS && address < CONFIG_DATA;
      const target = isAddressPort ? undefined : this.locate(isPort, address);
      if (target === undefined && !isAddressPort) continue;
      const value = block.valueLow[i]!;
      if (block.op[i] === ACCESS_WRITE) {
        this.write(isPort, address, width, value);
        if (address === CONFIG_ADDRESS && isPort && width === 4) this.address = value;
        if (target !== undefined) this.writes++;
      } else if (target !== undefined) this.compare(target, width, value, this.read(isPort, address, width));
    }
  }

  private read(isPort: boolean, address: number, width: number): number {
    const space = isPort ? this.machine.ports : this.machine.memory;
    return width === 1 ? space.read8(address) : width === 2 ? space.read16(address) : space.read32(address);
  }

  private write(isPort: boolean, address: number, width: number, value: number): void {
    const space = isPort ? this.machine.ports : this.machine.memory;
    if (width === 1) space.write8(address, value);
    else if (width === 2) space.write16(address, value);
    else space.write32(address, value);
  }

  private compare({ one, slot, offset }: Target, width: number, recorded: number, seen: number): void {
    this.reads++;
    const isRight = seen === recorded;
    if (one !== undefined) {
      this.presentReads++;
      if (isRight) this.presentMatched++;
    }
    if (isRight) {
      this.matched++;
      return;
    }
    const key = `${slot} ${offset} ${width}`;
    const known = this.mismatches.get(key);
    if (known !== undefined) known.reads++;
    else this.mismatches.set(key, { slot, offset, width, name: one?.registerAt(offset)?.name, reads: 1, recorded, seen });
  }

  /** What happened so far; registers in the order in which they first differed. */
  result(): BootResult {
    const { reads, writes, matched } = this;
    return { reads, writes, matched, present: { reads: this.presentReads, matched: this.presentMatched }, mismatches: [...this.mismatches.values()] };
  }

  /** Ends the machine and its functions. */
  destroy(): void {
    this.machine.destroy();
  }
}
