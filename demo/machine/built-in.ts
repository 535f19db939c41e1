// The machine with our own guest: no firmware, no system. The page writes scripts, the guest's processor does them.

import type { V86 } from 'v86';
import { createEngine } from 'maplebar';
import type { Engine } from 'maplebar';
import { GO, ACKNOWLEDGE, RESULTS, SAYS, SCRIPT, TAKEN, guestProgram } from '../guest/program.ts';
import { configRead, configWrite, hasResult, scriptBytes, setUp } from '../guest/script.ts';
import type { Step } from '../guest/script.ts';
import { makeEmulator } from './emulator.ts';
import { GuestText } from './machine.ts';
import type { Machine } from './machine.ts';

const MEMORY_BYTES = 64 << 20;
/** Half of the memory, for BARs that lie in RAM. */
const RESERVED = { start: 32 << 20, bytes: 32 << 20 } as const;
const FIRST_ADDRESS = 0xa000_0000;
const END_OF_WINDOW = 0xd000_0000;
const VECTOR = 0x2b; // line 11
const BARS = [0, 1, 2, 3, 4, 5] as const;

/** A card as the guest has found it. */
export interface FoundCard {
  readonly devfn: number;
  /** Vendor in the low half, device in the high one. */
  readonly id: number;
  /** Addresses by BAR; 0 for none. */
  readonly bars: readonly number[];
}

/** Our own guest. */
export class BuiltInMachine implements Machine {
  readonly kind = 'built-in';
  readonly title = 'built-in guest program';
  readonly reserved = RESERVED;
  readonly emulator: V86;
  readonly engine: Engine = createEngine();
  private readonly text = new GuestText();
  private queue: Promise<unknown> = Promise.resolve();
  private done: (() => void) | undefined;
  private begins = 0;
  private spent = 0;
  private cards: FoundCard[] = [];
  private isOver = false;

  private constructor(emulator: V86) {
    this.emulator = emulator;
    emulator.add_listener('serial0-output-byte', (byte: number) => this.hear(byte));
  }

  static async start(): Promise<BuiltInMachine> {
    const machine = new BuiltInMachine(await makeEmulator({ memoryBytes: MEMORY_BYTES, bios: guestProgram().buffer as ArrayBuffer, acpi: false, screen: null }));
    const first = machine.run(setUp());
    await machine.emulator.run();
    await first;
    machine.say('guest: interrupt controllers are set up, all pins on line 11');
    return machine;
  }

  onText(listener: (text: string) => void): void {
    this.text.listen(listener);
  }

  say(line: string): void {
    this.text.say(`${line}\n`);
  }

  /** Cards that the guest has placed. */
  get found(): readonly FoundCard[] {
    return this.cards;
  }

  private hear(byte: number): void {
    if (byte === SAYS.begins) this.begins = performance.now();
    else if (byte === SAYS.ends) this.spent = performance.now() - this.begins;
    else if (byte === SAYS.done) this.done?.();
  }

  private poke(address: number, ...values: number[]): void {
    this.emulator.write_memory(new Uint8Array(Uint32Array.from(values).buffer), address);
  }

  private peek(address: number, dwords: number): number[] {
    const bytes = this.emulator.read_memory(address, 4 * dwords);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Array.from({ length: dwords }, (_, i) => view.getUint32(4 * i, true));
  }

  /** Has the guest's processor do the steps, after those that were asked for before; answers what the loads found. */
  run(steps: readonly Step[]): Promise<number[]> {
    const next = this.queue.then(() => this.runNow(steps));
    this.queue = next.catch(() => undefined);
    return next;
  }

  private async runNow(steps: readonly Step[]): Promise<number[]> {
    if (this.isOver) return [];
    this.emulator.write_memory(scriptBytes(steps), SCRIPT);
    const over = new Promise<void>((resolve) => (this.done = resolve));
    this.poke(GO, 1);
    // Its interrupt ends the guest's sleep.
    if (this.emulator.is_running()) this.emulator.serial0_send('\u0001');
    await over;
    return this.peek(RESULTS, steps.filter(hasResult).length);
  }

  /** Nanoseconds that one store to or one load from an address takes: the quickest of some loops. */
  async measure(operation: 'storeMany' | 'loadMany', address: number, value = 0): Promise<number> {
    const accesses = 50_000;
    let least = Infinity;
    for (let i = 0; i < 9; i++) {
      await this.run([[operation, address, accesses, value]]);
      least = Math.min(least, (1e6 * this.spent) / accesses);
    }
    return least;
  }

  /** What the interrupt handler writes, to quiet who asked: 1 or 4 bytes; address 0 for nothing. */
  acknowledgeWith(address: number, value: number, width: 1 | 4 = 1): void {
    this.poke(ACKNOWLEDGE, address, value, width);
  }

  /** Interrupts that the guest has taken from cards. */
  get taken(): number {
    return this.peek(TAKEN + 4 * VECTOR, 1)[0]!;
  }

  /** Looks at every slot of the bus, and gives each memory BAR of a new card an address. */
  async rescan(): Promise<void> {
    const devfns = Array.from({ length: 32 }, (_, device) => device << 3);
    const ids = await this.run(devfns.flatMap((devfn) => configRead(devfn, 0)));
    const classes = await this.run(devfns.flatMap((devfn) => configRead(devfn, 8)));
    const before = this.cards;
    this.cards = [];
    for (const [i, devfn] of devfns.entries()) {
      // The host bridge, the ISA bridge and its power management, and v86's own VGA.
      const id = ids[i]!;
      if (id === 0xffff_ffff || id >>> 16 === 0xffff || id === 0 || (id & 0xffff) === 0x8086 || classes[i]! >>> 16 === 0x0300) continue;
      const known = before.find((card) => card.devfn === devfn && card.id === id);
      this.cards.push(known !== undefined && (await this.isPlaced(known)) ? known : await this.place(devfn, id));
    }
    for (const { devfn } of before) if (!this.cards.some((card) => card.devfn === devfn)) this.say(`guest: slot ${(devfn >> 3).toString(16).padStart(2, '0')} is empty now`);
  }

  private async isPlaced({ devfn, bars }: FoundCard): Promise<boolean> {
    const now = await this.run(BARS.flatMap((bar) => configRead(devfn, 0x10 + 4 * bar)));
    return bars.every((address, bar) => (now[bar]! & ~0xf) >>> 0 === address);
  }

  private async place(devfn: number, id: number): Promise<FoundCard> {
    const registers = await this.run(BARS.flatMap((bar) => configRead(devfn, 0x10 + 4 * bar)));
    const masks = await this.run(BARS.flatMap((bar) => [...configWrite(devfn, 0x10 + 4 * bar, 0xffff_ffff), ...configRead(devfn, 0x10 + 4 * bar)]));
    const bars = BARS.map(() => 0);
    let next = FIRST_ADDRESS;
    for (const { bars: taken } of this.cards) for (const address of taken) if (address >= next) next = address + (32 << 20);
    for (const bar of BARS) {
      const mask = masks[bar]!;
      const isUpperHalf = bar > 0 && (masks[bar - 1]! & 7) === 4;
      if (mask === 0 || (mask & 1) === 1 || isUpperHalf) {
        if (isUpperHalf) await this.run(configWrite(devfn, 0x10 + 4 * bar, 0));
        continue;
      }
      const bytes = (~(mask & ~0xf) + 1) >>> 0;
      // Fixed where it is: in RAM, reached without a trap.
      const fixed = (registers[bar]! & ~0xf) >>> 0;
      if (fixed >= RESERVED.start && fixed < RESERVED.start + RESERVED.bytes) bars[bar] = fixed;
      else {
        bars[bar] = Math.ceil(next / bytes) * bytes;
        next = bars[bar]! + Math.max(bytes, 0x1000);
        if (next > END_OF_WINDOW) throw new Error('the guest has no addresses left');
      }
      await this.run(configWrite(devfn, 0x10 + 4 * bar, bars[bar]!));
    }
    await this.run(configWrite(devfn, 4, 0x6, 16));
    this.say(`guest: slot ${(devfn >> 3).toString(16).padStart(2, '0')} is ${(id & 0xffff).toString(16).padStart(4, '0')}:${(id >>> 16).toString(16).padStart(4, '0')}; ${bars.flatMap((address, bar) => (address === 0 ? [] : [`BAR ${bar} at ${address.toString(16)}`])).join(', ')}`);
    return { devfn, id, bars };
  }

  release(): Promise<void> {
    this.acknowledgeWith(0, 0);
    return Promise.resolve();
  }

  async end(): Promise<void> {
    this.isOver = true;
    this.done?.();
    await this.emulator.destroy();
  }
}
