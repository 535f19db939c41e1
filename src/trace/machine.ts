// The machine that a dump describes: two buses with windows onto platform ranges and PCI functions.
//
//   iomem   PCI MMCONFIG    -> a window per function (4 KiB of configuration space each); the rest reads all ones. Newer kernels call it PCI ECAM
//           PCI Bus ...     -> nothing of its own: its BARs come from lspci; what else is in it counts as the ranges outside do
//           anything else   -> demand pages: costs nothing until written
//   lspci   Region n, ROM   -> BARs of their true size, at their place
//   PC      fixed places    -> legacy ports, 0xcf8 / 0xcfc, the interrupt message window

import type { Engine, Region, Space, Window } from '../core/index.ts';
import { PCI_CONFIG_PORTS, PCI_HEADER_TYPE, PCI_HEADER_TYPE_MASK, PciFunction, configPorts, formatPciAddress, parsePciAddress } from '../pci/index.ts';
import type { PciFunctionDescription } from '../pci/index.ts';
import type { IomemRange } from './iomem.ts';
import type { LspciHexFunction } from './lspci-hex.ts';
import type { LspciFunction } from './lspci-verbose.ts';
import { MSI_WINDOW, PC_PORTS } from './pc-platform.ts';

/** Which bus an address is of. */
export type BusName = 'memory' | 'ports';

/** A part of a machine: a window and what is behind it. */
export interface MachineRegion {
  readonly name: string;
  readonly bus: BusName;
  readonly window: Window;
  /** The function that owns it, and the region index under which VFIO knows it; undefined for the platform. */
  readonly owner: { readonly function: PciFunction; readonly index: number } | undefined;
}

/** What a machine is made of. All are optional; without any it is a bare PC. */
export interface MachineDumps {
  readonly iomem?: readonly IomemRange[];
  /** `lspci -xxxx`: the functions' bytes. */
  readonly lspciHex?: readonly LspciHexFunction[];
  /** `lspci -vv`: sizes of BARs, names, interrupts. */
  readonly lspciVerbose?: readonly LspciFunction[];
}

/** A memory-mapped configuration window: the buses `firstBus` and up of a domain, 1 MiB each. */
export interface EcamWindow {
  readonly start: bigint;
  readonly size: bigint;
  readonly domain: number;
  readonly firstBus: number;
}

const CONFIG_REGION = 7;
const ROM_REGION = 6;
// Functions over the platform, the platform over what fills up.
const PRIORITY = { background: -1, platform: 0, function: 1 } as const;

/** A machine of an engine. Ends with {@link Machine.destroy}. */
export class Machine {
  readonly engine: Engine;
  readonly memory: Space;
  readonly ports: Space;
  readonly functions: PciFunction[] = [];
  readonly regions: MachineRegion[] = [];
  /** What of the dumps could not be used, in words. */
  readonly notes: string[] = [];
  private readonly byWindow = new Map<Window, MachineRegion>();
  private readonly platform: Region[] = [];

  constructor(engine: Engine) {
    this.engine = engine;
    this.memory = engine.space('memory');
    this.ports = engine.space('ports');
  }

  /** The address space of a bus. */
  space(bus: BusName): Space {
    return bus === 'memory' ? this.memory : this.ports;
  }

  /** Which part of the machine answers at an address. */
  at(bus: BusName, address: bigint): MachineRegion | undefined {
    const window = this.space(bus).windowAt(address);
    return window === undefined ? undefined : this.byWindow.get(window);
  }

  /** Puts a region of the platform's at an address. */
  addPlatform(bus: BusName, name: string, start: number | bigint, region: Region, priority: number = PRIORITY.platform): void {
    this.platform.push(region);
    this.add(bus, name, start, region, undefined, priority, region.size);
  }

  private add(bus: BusName, name: string, start: number | bigint, region: Region, owner: MachineRegion['owner'], priority: number, size: bigint): void {
    const window = this.space(bus).map(start, region, { priority, size });
    const part = { name, bus, window, owner };
    this.regions.push(part);
    this.byWindow.set(window, part);
  }

  /** Puts a function's BARs where its registers say, and its configuration space into the one of the windows that covers its bus. */
  addFunction(description: PciFunctionDescription, windows: readonly EcamWindow[] = []): PciFunction {
    const made = new PciFunction(this.engine, description);
    this.functions.push(made);
    for (const { index, kind, address, region } of made.bars) {
      if (address === 0n) this.notes.push(`${made.slot} BAR ${index} has no address: not mapped`);
      else this.add(kind === 'io' ? 'ports' : 'memory', `${made.slot} BAR ${index}`, address, region, { function: made, index }, PRIORITY.function, region.size);
    }
    if (made.rom?.enabled === true) {
      this.add('memory', `${made.slot} ROM`, made.rom.address, made.rom.region, { function: made, index: ROM_REGION }, PRIORITY.function, made.rom.region.size);
    }
    for (const { start, size, domain, firstBus } of windows) {
      const offset = BigInt(made.ecamOffset) - (BigInt(firstBus) << 20n);
      if (domain !== made.address.domain || offset < 0n || offset + made.config.size > size) continue;
      this.add('memory', `${made.slot} config`, start + offset, made.config, { function: made, index: CONFIG_REGION }, PRIORITY.function, made.config.size);
      break;
    }
    return made;
  }

  /** Ends every region, space and function. */
  destroy(): void {
    // Spaces first: without windows, nothing has to be uncovered for what goes.
    this.memory.destroy();
    this.ports.destroy();
    for (const one of this.functions) one.destroy();
    for (const region of this.platform) region.destroy();
  }
}

function sizesOf(seen: LspciFunction | undefined): PciFunctionDescription['sizes'] {
  if (seen === undefined) return undefined;
  const bars = [0, 1, 2, 3, 4, 5].map((index) => {
    const region = seen.regions.find((one) => one.index === index);
    // What lspci does not print is not there. What it prints without a size, or from no register, tells nothing of the register's size.
    return region === undefined ? 0 : region.virtual === true ? null : region.size;
  });
  return { bars, rom: seen.rom === undefined ? 0 : seen.rom.size };
}

function describe(bytes: LspciHexFunction, seen: LspciFunction | undefined): PciFunctionDescription {
  const sizes = sizesOf(seen);
  return {
    slot: bytes.slot,
    config: bytes.bytes,
    ...(sizes !== undefined && { sizes }),
    ...(seen !== undefined && {
      names: {
        class: seen.headline.className,
        device: seen.headline.device.name,
        ...(seen.headline.progIf?.name !== undefined && { progIf: seen.headline.progIf.name }),
        ...(seen.subsystem !== undefined && { subsystem: seen.subsystem.name }),
      },
    }),
    ...(seen?.irq !== undefined && { irq: seen.irq }),
    ...(seen?.kernelDriver !== undefined && { driver: seen.kernelDriver }),
  };
}

/**
 * What the dumps say of each function, ready for {@link PciFunction}; bridges, which are none, included (see {@link isEndpoint}).
 *
 * @throws RangeError when the `-vv` text has a function whose bytes no `-xxxx` text has, or a text has a function twice.
 */
export function describeFunctions(dumps: MachineDumps): PciFunctionDescription[] {
  // By address: one text may have been made with `lspci -D`, which prints domains, and the other without.
  const hex = byAddress('-xxxx', dumps.lspciHex ?? []);
  const verbose = byAddress('-vv', dumps.lspciVerbose ?? []);
  for (const [address, { slot }] of verbose) {
    if (!hex.has(address)) throw new RangeError(`lspci -vv has ${slot}, but no lspci -xxxx text has its bytes`);
  }
  return [...hex].map(([address, one]) => describe(one, verbose.get(address)));
}

function byAddress<Item extends LspciHexFunction | LspciFunction>(text: string, items: readonly Item[]): Map<string, Item> {
  const found = new Map<string, Item>();
  for (const item of items) {
    const key = formatPciAddress(item.address);
    if (found.has(key)) throw new RangeError(`lspci ${text} has ${item.slot} twice`);
    found.set(key, item);
  }
  return found;
}

/** Whether a described function can be a {@link PciFunction}: bridges have another header. */
export function isEndpoint({ config }: PciFunctionDescription): boolean {
  return (config[PCI_HEADER_TYPE]! & PCI_HEADER_TYPE_MASK) === 0;
}

const ECAM = /^PCI (?:MMCONFIG|ECAM) ([0-9a-f]{4}) \[bus ([0-9a-f]{2})-[0-9a-f]{2}\]$/;

function ecamOf({ start, last, name }: IomemRange): EcamWindow | undefined {
  const match = ECAM.exec(name);
  return match === null ? undefined : { start, size: last - start + 1n, domain: parseInt(match[1]!, 16), firstBus: parseInt(match[2]!, 16) };
}

function addIomem(machine: Machine, ranges: readonly IomemRange[]): EcamWindow[] {
  const windows: EcamWindow[] = [];
  if (ranges.length > 0 && ranges.every(({ last }) => last === 0n)) {
    machine.notes.push('iomem has no addresses: /proc/iomem shows them to root only');
    return windows;
  }
  // A stack instead of recursion: depth is the text's. Ranges inside a platform range are details of it, save a configuration window.
  const open = ranges.map((range) => ({ range, isDetail: false })).reverse();
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const { range, isDetail } = entry;
    const { start, last, name, children } = range;
    const ecam = ecamOf(range);
    if (ecam !== undefined) {
      windows.push(ecam);
      // Where no function is, configuration reads all ones.
      machine.addPlatform('memory', 'MMCONFIG', start, machine.engine.region({ kind: 'hook', size: ecam.size, name: 'MMCONFIG' }));
    } else if (parsePciAddress(name) === null) {
      const isBus = name.startsWith('PCI Bus ');
      if (!isBus && !isDetail) machine.addPlatform('memory', name, start, machine.engine.region({ kind: 'demand', size: last - start + 1n, name }));
      for (const child of children.toReversed()) open.push({ range: child, isDetail: isDetail || !isBus });
    }
  }
  return windows;
}

/**
 * Builds a machine from dumps.
 *
 * @throws RangeError when the dumps contradict each other; VfioError ENOMEM when the core is full.
 */
export function buildMachine(engine: Engine, dumps: MachineDumps): Machine {
  const described = describeFunctions(dumps);
  const machine = new Machine(engine);
  try {
    const windows = addIomem(machine, dumps.iomem ?? []);
    const range = (bus: BusName, { name, start, size }: (typeof PC_PORTS)[number], priority?: number): void =>
      machine.addPlatform(bus, name, start, engine.region({ kind: 'demand', size, name }), priority);
    range('memory', MSI_WINDOW, PRIORITY.background);
    for (const one of PC_PORTS) range('ports', one);
    machine.addPlatform('ports', 'pci-conf', PCI_CONFIG_PORTS, engine.region(configPorts(() => machine.functions)));
    for (const description of described) {
      const { slot, sizes } = description;
      if (!isEndpoint(description)) {
        machine.notes.push(`${slot} is a bridge: it is left out`);
        continue;
      }
      machine.addFunction(description, windows);
      if (sizes === undefined) machine.notes.push(`${slot}: no lspci -vv text, so the sizes of its BARs are unknown and they are not mapped`);
      sizes?.bars?.forEach((size, index) => size === null && machine.notes.push(`${slot} BAR ${index}: lspci -vv does not tell its size: not mapped`));
    }
  } catch (error) {
    machine.destroy();
    throw error;
  }
  return machine;
}
