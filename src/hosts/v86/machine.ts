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
import type { DirectBars } from './direct-bars.ts';
import type { InterruptWire } from './interrupt-wire.ts';
import type { V86Internals } from './internals.ts';
import { MemoryBlocks } from './memory-blocks.ts';
import { Overrides } from './override.ts';
import { PinLines } from './pin-lines.ts';
import { PortRuns } from './port-runs.ts';
import { linkOf } from './wasm-fn.ts';
import { overrideWideStores } from './wide-stores.ts';

/** A card as its machine knows it. */
export interface PluggedCard extends ConfigTarget {
  readonly function: PciFunction;
  readonly wire: InterruptWire;
  readonly direct: DirectBars;
  /** The machine is reset. Throws nothing. */
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
  /** Places on the bus for which cards are being made. */
  readonly reserved = new Set<number>();
  private readonly internals: V86Internals;
  private readonly overrides = new Overrides();
  private readonly link: GuestLink | undefined;
  private isOverridden = false;

  constructor(internals: V86Internals, engine: Engine, link?: GuestLink) {
    this.internals = internals;
    this.engine = engine;
    this.link = link;
    this.memory = engine.space('v86 memory');
    const made = [this.memory];
    try {
      this.ports = engine.space('v86 ports');
      made.push(this.ports);
      this.blocks = new MemoryBlocks(internals.cpu, engine, this.memory, link);
    } catch (error) {
      for (const space of made) space.destroy();
      throw error;
    }
    this.portRuns = new PortRuns(internals.io, this.ports);
  }

  /** Whether there is no card, and none is being made. */
  get isEmpty(): boolean {
    return this.cards.size === 0 && this.reserved.size === 0;
  }

  /** Whether it has or has had a card, or follows one that has. */
  get isUsed(): boolean {
    return this.isOverridden;
  }

  /** Those of all cards. */
  directBars(): DirectBars[] {
    return [...this.cards.values()].map(({ direct }) => direct);
  }

  /** A card is there: its function is found on the bus. */
  add(devfn: number, card: PluggedCard): void {
    this.override();
    this.cards.set(devfn, card);
  }

  /** Has the regions' counts say what was counted without JavaScript, too. */
  collectCounts(): void {
    this.blocks.collectCounts();
  }

  /** A card is gone: its place on the bus is empty. */
  remove(devfn: number): void {
    this.cards.delete(devfn);
    this.internals.pci.device_spaces[devfn] = undefined;
    this.internals.pci.devices[devfn] = undefined;
  }

  /** Ends the machine when it has no cards: everything of v86 is as it was. */
  endIfEmpty(): void {
    if (!this.isEmpty) return;
    this.overrides.restore();
    this.blocks.end();
    this.memory.destroy();
    this.ports.destroy();
    machines.delete(this.internals.cpu);
  }

  /** Replaces what is to be replaced of v86, once. */
  override(): void {
    if (this.isOverridden) return;
    this.isOverridden = true;
    const { cpu, io, pci } = this.internals;
    const { overrides } = this;
    const lines = new PinLines(this.internals, () => [...this.cards].filter(([, { wire }]) => wire.isHigh).map(([devfn]) => devfn));
    lines.override(overrides);
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
      rerouting: (write) => lines.reroute(write),
    }, overrides);
    // Before the original: it registers the BIOS anew, over whatever is decoded there.
    overrides.replace(cpu, 'reboot_internal', (original) => () => {
      for (const card of [...this.cards.values()]) card.reset();
      original();
      // A card whose reset went wrong may still hold its pin, and the controllers were reset.
      for (const { wire } of this.cards.values()) if (wire.isHigh) wire.repeat();
    });
    // Doorbells are told where v86 looks at its own timers: between two runs of instructions.
    overrides.replace(cpu, 'run_hardware_timers', (original) => (acpi, now) => {
      this.pump();
      return original(acpi, now);
    });
    overrideAcpiHotplug(this.internals, overrides);
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
  if (found !== undefined && (engine === undefined || engine === found.engine)) return found;
  if (found?.isEmpty === false) throw new TypeError(`${call}: the emulator has cards of another engine; cards of one emulator share one`);
  const linked = linkOf(internals.cpu.wasm_memory);
  if (linked !== undefined && engine !== undefined && engine !== linked.engine) throw new TypeError(`${call}: the emulator was made with wasmFn of another engine; its cards live in that one`);
  const made = new V86Machine(internals, linked?.engine ?? engine ?? createEngine(), linked?.link);
  if (found !== undefined) {
    found.endIfEmpty();
    // A driver may still write to the slot of a card that is pulled.
    made.override();
  }
  machines.set(internals.cpu, made);
  return made;
}

/** Ends the machine of an emulator, if it has one, and that no cards. */
export function leaveMachine(internals: V86Internals): void {
  machines.get(internals.cpu)?.endIfEmpty();
}
