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
const PAGE = 0x1000;
const VECTOR = 0x2b; // line 11
/** RAM that is nobody's. */
const FREE = 0x18_0000;
const [MOST_LOOPS, ENOUGH, ACCESSES] = [24, 5, 50_000] as const;
const BARS = [0, 1, 2, 3, 4, 5] as const;

/** A card as the guest has found it. */
export interface FoundCard {
  readonly devfn: number;
  /** Vendor in the low half, device in the high one. */
  readonly id: number;
  /** Addresses by BAR; 0 for none. */
  readonly bars: readonly number[];
  /** Bytes by BAR. */
  readonly sizes: readonly number[];
}

const slotText = (devfn: number): string => (devfn >> 3).toString(16).padStart(2, '0');
const isReserved = (address: number): boolean => address >= RESERVED.start && address < RESERVED.start + RESERVED.bytes;

/** Our own guest. */
export class BuiltInMachine implements Machine {
  readonly kind = 'built-in';
  readonly title = 'built-in guest program';
  readonly reserved = RESERVED;
  readonly memoryBytes = MEMORY_BYTES;
  readonly emulator: V86;
  readonly engine: Engine;
  readonly isLinked: boolean;
  private readonly text = new GuestText();
  private queue: Promise<unknown> = Promise.resolve();
  private done: (() => void) | undefined;
  private begins = 0;
  private spent = 0;
  private cards: FoundCard[] = [];
  private isOver = false;

  private constructor(emulator: V86, engine: Engine, isLinked: boolean) {
    this.emulator = emulator;
    this.engine = engine;
    this.isLinked = isLinked;
    emulator.add_listener('serial0-output-byte', (byte: number) => this.hear(byte));
  }

  static async start(isLinked: boolean): Promise<BuiltInMachine> {
    const engine = createEngine();
    const emulator = await makeEmulator({ memoryBytes: MEMORY_BYTES, bios: guestProgram().buffer as ArrayBuffer, acpi: false, screen: null, linkedTo: isLinked ? engine : null });
    const machine = new BuiltInMachine(emulator, engine, isLinked);
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

  async measure(operation: 'store' | 'load', address: number | null): Promise<number> {
    let least = Infinity;
    // Browsers compile what runs often, and take their time: until several loops are no quicker.
    for (let loop = 0, slower = 0; loop < MOST_LOOPS && slower < ENOUGH; loop++) {
      await this.run([[operation === 'store' ? 'storeMany' : 'loadMany', address ?? FREE, ACCESSES, 0]]);
      const spent = (1e6 * this.spent) / ACCESSES;
      slower = spent < 0.98 * least ? 0 : slower + 1;
      least = Math.min(least, spent);
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
    for (const { devfn } of before) if (!this.cards.some((card) => card.devfn === devfn)) this.say(`guest: slot ${slotText(devfn)} is empty now`);
  }

  private async isPlaced({ devfn, bars }: FoundCard): Promise<boolean> {
    const now = await this.run(BARS.flatMap((bar) => configRead(devfn, 0x10 + 4 * bar)));
    return bars.every((address, bar) => (now[bar]! & ~0xf) >>> 0 === address);
  }

  private async place(devfn: number, id: number): Promise<FoundCard> {
    const registers = await this.run(BARS.flatMap((bar) => configRead(devfn, 0x10 + 4 * bar)));
    const masks = await this.run(BARS.flatMap((bar) => [...configWrite(devfn, 0x10 + 4 * bar, 0xffff_ffff), ...configRead(devfn, 0x10 + 4 * bar)]));
    const bars = BARS.map(() => 0);
    const sizes = BARS.map(() => 0);
    const card: FoundCard = { devfn, id, bars, sizes };
    for (const bar of BARS) {
      const mask = masks[bar]!;
      const isUpperHalf = bar > 0 && (masks[bar - 1]! & 7) === 4;
      if (mask === 0 || (mask & 1) === 1 || isUpperHalf) {
        if (isUpperHalf) await this.run(configWrite(devfn, 0x10 + 4 * bar, 0));
        continue;
      }
      sizes[bar] = (~(mask & ~0xf) + 1) >>> 0;
      // Fixed where it is: in RAM, reached without a trap.
      const fixed = (registers[bar]! & ~0xf) >>> 0;
      bars[bar] = isReserved(fixed) ? fixed : this.freeFor(sizes[bar]!, [card]);
      await this.run(configWrite(devfn, 0x10 + 4 * bar, bars[bar]!));
    }
    await this.run(configWrite(devfn, 4, 0x6, 16));
    this.say(`guest: slot ${slotText(devfn)} is ${(id & 0xffff).toString(16).padStart(4, '0')}:${(id >>> 16).toString(16).padStart(4, '0')}; ${bars.flatMap((address, bar) => (address === 0 ? [] : [`BAR ${bar} at ${address.toString(16)}`])).join(', ')}`);
    return card;
  }

  /** The lowest addresses that no BAR has. */
  private freeFor(bytes: number, others: readonly FoundCard[]): number {
    const taken = [...this.cards, ...others].flatMap(({ bars, sizes }) => bars.map((start, bar) => ({ start, end: start + sizes[bar]! })));
    for (let at = FIRST_ADDRESS; at + bytes <= END_OF_WINDOW; at += Math.max(bytes, PAGE)) if (!taken.some(({ start, end }) => start < at + bytes && end > at)) return at;
    throw new Error('the guest has no addresses left');
  }

  /** Has the guest put each BAR of a card elsewhere, as a system does that makes room: closed, moved, opened. A BAR that is fixed in RAM stays. */
  async move(devfn: number): Promise<void> {
    const card = this.cards.find((one) => one.devfn === devfn);
    if (card === undefined) throw new Error('the guest does not know that card');
    const bars = [...card.bars];
    await this.run(configWrite(devfn, 4, 0x4, 16));
    for (const [bar, from] of card.bars.entries()) {
      if (from === 0 || isReserved(from)) continue;
      const to = this.freeFor(card.sizes[bar]!, [{ ...card, bars }]);
      bars[bar] = to;
      await this.run(configWrite(devfn, 0x10 + 4 * bar, to));
      this.acknowledgeMoved(from, card.sizes[bar]!, to);
      this.say(`guest: slot ${slotText(devfn)}: BAR ${bar} goes from ${from.toString(16)} to ${to.toString(16)}`);
    }
    await this.run(configWrite(devfn, 4, 0x6, 16));
    this.cards = this.cards.map((one) => (one === card ? { ...card, bars } : one));
  }

  private acknowledgeMoved(from: number, bytes: number, to: number): void {
    const [address] = this.peek(ACKNOWLEDGE, 1);
    if (address! >= from && address! < from + bytes) this.poke(ACKNOWLEDGE, address! - from + to);
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
