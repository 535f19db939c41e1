// The machine that a dump describes: two buses with windows onto platform ranges and PCI functions.
//
//   iomem   PCI MMCONFIG    -> a window per function (4 KiB of configuration space each); the rest reads all ones
//           PCI Bus ...     -> nothing of its own: its BARs come from lspci
//           anything else   -> demand pages: costs nothing until written
//   lspci   Region n, ROM   -> BARs of their true size, at their place
//   PC      fixed places    -> legacy ports, 0xcf8 / 0xcfc, the interrupt message window

import type { Engine, Region, Space, Window } from '../core/index.ts';
import { PCI_CONFIG_PORTS, PciFunction, configPorts } from '../pci/index.ts';
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

  /** Puts a function's BARs where its registers say, and its configuration space into the memory-mapped window at `ecam`. */
  addFunction(description: PciFunctionDescription, ecam: { readonly start: bigint; readonly size: bigint } | undefined): PciFunction {
    const made = new PciFunction(this.engine, description);
    this.functions.push(made);
    for (const { index, kind, address, region } of made.bars) {
      if (address === 0n) this.notes.push(`${made.slot} BAR ${index} has no address: not mapped`);
      else this.add(kind === 'io' ? 'ports' : 'memory', `${made.slot} BAR ${index}`, address, region, { function: made, index }, PRIORITY.function, region.size);
    }
    if (made.rom?.enabled === true) {
      this.add('memory', `${made.slot} ROM`, made.rom.address, made.rom.region, { function: made, index: ROM_REGION }, PRIORITY.function, made.rom.region.size);
    }
    if (ecam !== undefined && BigInt(made.ecamOffset) + made.config.size <= ecam.size) {
      this.add('memory', `${made.slot} config`, ecam.start + BigInt(made.ecamOffset), made.config, { function: made, index: CONFIG_REGION }, PRIORITY.function, made.config.size);
    }
    return made;
  }

  /** Ends every region, space and function. */
  destroy(): void {
    for (const one of this.functions) one.destroy();
    for (const region of this.platform) region.destroy();
    this.memory.destroy();
    this.ports.destroy();
  }
}

function sizesOf(seen: LspciFunction | undefined): PciFunctionDescription['sizes'] {
  if (seen === undefined) return undefined;
  const bars = [0, 1, 2, 3, 4, 5].map((index) => seen.regions.find((region) => region.index === index)?.size ?? 0);
  return { bars, rom: seen.rom?.size ?? 0 };
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
 * What the dumps say of each function, ready for {@link PciFunction}.
 *
 * @throws RangeError when the `-vv` text has a function whose bytes no `-xxxx` text has.
 */
export function describeFunctions(dumps: MachineDumps): PciFunctionDescription[] {
  const hex = dumps.lspciHex ?? [];
  const verbose = dumps.lspciVerbose ?? [];
  for (const { slot } of verbose) {
    if (!hex.some((one) => one.slot === slot)) throw new RangeError(`lspci -vv has ${slot}, but no lspci -xxxx text has its bytes`);
  }
  return hex.map((one) => describe(one, verbose.find(({ slot }) => slot === one.slot)));
}

function isContainer({ name }: IomemRange): boolean {
  return name.startsWith('PCI Bus ');
}

function addIomem(machine: Machine, ranges: readonly IomemRange[]): { start: bigint; size: bigint } | undefined {
  let ecam: { start: bigint; size: bigint } | undefined;
  for (const { start, last, name, children } of ranges) {
    const size = last - start + 1n;
    if (isContainer({ start, last, name, children })) continue;
    if (name.startsWith('PCI MMCONFIG ')) {
      ecam = { start, size };
      // Where no function is, configuration reads all ones.
      const empty = machine.engine.region({ kind: 'hook', size, name: 'MMCONFIG' });
      machine.addPlatform('memory', 'MMCONFIG', start, empty, PRIORITY.background);
    } else {
      machine.addPlatform('memory', name, start, machine.engine.region({ kind: 'demand', size, name }));
    }
  }
  return ecam;
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
    const ecam = addIomem(machine, dumps.iomem ?? []);
    const range = (bus: BusName, { name, start, size }: (typeof PC_PORTS)[number], priority?: number): void =>
      machine.addPlatform(bus, name, start, engine.region({ kind: 'demand', size, name }), priority);
    range('memory', MSI_WINDOW, PRIORITY.background);
    for (const one of PC_PORTS) range('ports', one);
    machine.addPlatform('ports', 'pci-conf', PCI_CONFIG_PORTS, engine.region(configPorts(() => machine.functions)));
    for (const description of described) {
      machine.addFunction(description, ecam);
      if (description.sizes === undefined) machine.notes.push(`${description.slot}: no lspci -vv text, so the sizes of its BARs are unknown and they are not mapped`);
    }
  } catch (error) {
    machine.destroy();
    throw error;
  }
  return machine;
}
