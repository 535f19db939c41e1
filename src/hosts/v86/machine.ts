// What one emulator has while cards are in it: two spaces of an engine, the tables of v86 that lead into them, and the overrides. Made with the first card. Without cards it
// goes on, so that a driver which still writes to its card's slot does no harm, until a card is detached.
//
//   attachV86(emulator, edu)       V86Machine of the emulator
//   attachV86(emulator, serial)      memory space <- MemoryBlocks, wide stores        cards by device and function number
//                                    port space   <- PortRuns                             00:04.0 -> edu
//                                    configuration cycles, reset, doorbells, ACPI         00:05.0 -> serial

import { createEngine } from '../../core/index.ts';
import type { Engine, GuestLink, Space } from '../../core/index.ts';
import type { PciFunction } from '../../pci/index.ts';
import { overrideAcpiHotplug } from './acpi-hotplug.ts';
import { overrideConfigCycles } from './config-cycles.ts';
import type { ConfigTarget } from './config-cycles.ts';
import type { InterruptWire } from './interrupt-wire.ts';
import type { V86Internals } from './internals.ts';
import { MemoryBlocks } from './memory-blocks.ts';
import { Overrides } from './override.ts';
import { PortRuns } from './port-runs.ts';
import { linkOf } from './wasm-fn.ts';
import { overrideWideStores } from './wide-stores.ts';

/** A card as its machine knows it. */
export interface PluggedCard extends ConfigTarget {
  readonly function: PciFunction;
  readonly wire: InterruptWire;
  /** The machine is reset. */
  readonly reset: () => void;
}

const machines = new WeakMap<object, V86Machine>();

/** The cards of one emulator. */
export class V86Machine {
  readonly engine: Engine;
  readonly memory: Space;
  readonly ports: Space;
  readonly blocks: MemoryBlocks;
  readonly portRuns: PortRuns;
  readonly cards = new Map<number, PluggedCard>();
  private readonly internals: V86Internals;
  private readonly overrides = new Overrides();
  private readonly link: GuestLink | undefined;
  private isOverridden = false;

  constructor(internals: V86Internals, engine: Engine, link?: GuestLink) {
    this.internals = internals;
    this.engine = engine;
    this.link = link;
    this.memory = engine.space('v86 memory');
    this.ports = engine.space('v86 ports');
    this.blocks = new MemoryBlocks(internals.cpu, this.memory, link);
    this.portRuns = new PortRuns(internals.io, this.ports);
  }

  /** Whether it has or has had a card. */
  get isUsed(): boolean {
    return this.isOverridden;
  }

  /** A card is there: its function is found on the bus. */
  add(devfn: number, card: PluggedCard): void {
    if (!this.isOverridden) this.override();
    this.cards.set(devfn, card);
  }

  /** Has the regions' counts say what was counted without JavaScript, too. */
  collectCounts(): void {
    this.link?.collect();
  }

  /** A card is gone: its place on the bus is empty. */
  remove(devfn: number): void {
    this.cards.delete(devfn);
    this.internals.pci.device_spaces[devfn] = undefined;
    this.internals.pci.devices[devfn] = undefined;
  }

  /** Ends the machine when it has no cards: everything of v86 is as it was. */
  endIfEmpty(): void {
    if (this.cards.size > 0 || this.memory.gone) return;
    this.overrides.restore();
    this.memory.destroy();
    this.ports.destroy();
    machines.delete(this.internals.cpu);
  }

  private override(): void {
    this.isOverridden = true;
    const { cpu, io, pci } = this.internals;
    const { overrides } = this;
    overrideWideStores(cpu, this.blocks, overrides);
    if (this.link !== undefined && typeof io.mmap_register === 'function') {
      // Whoever registers memory over a card's has it, also where no JavaScript is asked.
      overrides.replace(io, 'mmap_register', (original) => (...values) => {
        original!(...values);
        this.blocks.showLink();
      });
    }
    overrideConfigCycles(pci, io.ports, {
      at: (devfn) => this.cards.get(devfn),
      rerouting: (write) => this.reroute(write),
    }, overrides);
    // Before the original: it registers the BIOS anew, over whatever is decoded there.
    overrides.replace(cpu, 'reboot_internal', (original) => () => {
      for (const card of [...this.cards.values()]) card.reset();
      original();
    });
    // Doorbells are told where v86 looks at its own timers: between two runs of instructions.
    overrides.replace(cpu, 'run_hardware_timers', (original) => (acpi, now) => {
      this.pump();
      return original(acpi, now);
    });
    overrideAcpiHotplug(this.internals, overrides);
  }

  private reroute(write: () => void): void {
    const up = [...this.cards.values()].filter(({ wire }) => wire.isHigh);
    const [first, ...rest] = up;
    if (first === undefined) write();
    else first.wire.rerouted(() => this.rerouteRest(rest, write));
  }

  private rerouteRest(rest: readonly PluggedCard[], write: () => void): void {
    const [first, ...others] = rest;
    if (first === undefined) write();
    else first.wire.rerouted(() => this.rerouteRest(others, write));
  }

  private pump(): void {
    try {
      this.engine.pump();
    } catch (error) {
      // Nobody knows whose doorbell it was.
      for (const card of this.cards.values()) card.failed(error);
    }
  }
}

/**
 * The machine of an emulator, or a new one.
 *
 * @param engine the one asked for; default: the machine's, or a new one.
 * @throws TypeError when the cards that are there live in another engine.
 */
export function machineOf(call: string, internals: V86Internals, engine: Engine | undefined): V86Machine {
  const found = machines.get(internals.cpu);
  if (found !== undefined) {
    if (engine !== undefined && engine !== found.engine) throw new TypeError(`${call}: the emulator has cards of another engine; cards of one emulator share one`);
    return found;
  }
  const linked = linkOf(internals.cpu.wasm_memory);
  if (linked !== undefined && engine !== undefined && engine !== linked.engine) throw new TypeError(`${call}: the emulator was made with wasmFn of another engine; its cards live in that one`);
  const made = new V86Machine(internals, linked?.engine ?? engine ?? createEngine(), linked?.link);
  machines.set(internals.cpu, made);
  return made;
}
