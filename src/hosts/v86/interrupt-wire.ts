// The wire of one card: what its function asserts, what gets through to the processor, and how much that is.
//
//   function --level--> held? --> storm? --> pin at v86's routing
//            --message-> storm? ---------> local APIC, or memory
//
// A cap turns a storm into a trickle: above `limit` interrupts in `per` ns nothing more gets through until those are over; then the level is what it is, and a message that waits goes
// once, however often it was sent. A level that stays up for `held` ns, because no handler of the guest lowers it, is taken down until the card lowers it itself.

import { integer } from '../../core/index.ts';
import type { DeviceClock, InterruptSink } from '../../pci/index.ts';
import type { V86Internals } from './internals.ts';
import { lowerPin, raisePin, sendMessage } from './processor-interrupts.ts';

/** How many interrupts a card may send. */
export interface StormCap {
  /** Interrupts within `per`; 1 to 2^31-1. Default: as many as it likes. */
  readonly limit?: number;
  /** Nanoseconds, 1 to 2^53-1. Default 1 s. */
  readonly per?: number;
  /** Nanoseconds after which a level that nobody lowers is taken down, 1 to 2^53-1. Default: never. */
  readonly held?: number;
}

/** A storm that was capped. */
export interface InterruptStorm {
  readonly slot: string;
  /** `rate`: too many; `held`: the level stayed up. */
  readonly kind: 'rate' | 'held';
  /** Interrupts so far, capped ones too. */
  readonly total: number;
}

/** Interrupts of a card so far. */
export interface InterruptCounts {
  /** Rises of the pin's level. */
  readonly raised: number;
  /** Messages, those too that nobody took. */
  readonly messages: number;
  /** Rises and messages that a cap kept back. */
  readonly capped: number;
  /** Messages to an APIC that is not there, as the emulator was made without `acpi: true`; or that are no interrupt of a vector from 16 on. */
  readonly lost: number;
}

/** What a wire needs. */
export interface WireOptions {
  readonly slot: string;
  readonly devfn: number;
  readonly clock: DeviceClock;
  readonly cap: StormCap | undefined;
  readonly storm: ((storm: InterruptStorm) => void) | undefined;
  /** A message to memory. */
  readonly store: (address: bigint, data: number) => void;
}

const MAX = Number.MAX_SAFE_INTEGER;
const SECOND = 1_000_000_000;
/** Where a function's pin is in v86's copy of configuration space; 0: it has none. */
const PIN_DWORD = 0x3c >> 2;
const PIN_MASK = 0xff00;

/** Refuses a cap that is none. RangeError that names the option. */
export function checkCap(call: string, cap: StormCap | undefined): void {
  if (cap === undefined) return;
  if (typeof cap !== 'object' || (cap as unknown) === null) throw new TypeError(`${call}: storm is ${typeof cap}; expected { limit, per, held }`);
  if (cap.limit !== undefined) integer(`${call}: storm.limit`, cap.limit, 1, 2 ** 31 - 1);
  if (cap.per !== undefined) integer(`${call}: storm.per`, cap.per, 1, MAX);
  if (cap.held !== undefined) integer(`${call}: storm.held`, cap.held, 1, MAX);
}

/** The interrupts of one card. */
export class InterruptWire implements InterruptSink {
  private readonly internals: V86Internals;
  private readonly options: WireOptions;
  private level = false;
  private isUp = false;
  private isHeldDown = false;
  private isSilent = false;
  private isOver = false;
  private inWindow = 0;
  private windowEnd = 0n;
  private readonly waiting = new Map<string, { readonly address: bigint; readonly data: number }>();
  private cancelHeld: (() => void) | undefined;
  private cancelWindow: (() => void) | undefined;
  private readonly counted = { raised: 0, messages: 0, capped: 0, lost: 0 };

  constructor(internals: V86Internals, options: WireOptions) {
    this.internals = internals;
    this.options = options;
  }

  /** A copy. */
  get counts(): InterruptCounts {
    return { ...this.counted };
  }

  /** Whether v86's routing sees the pin high. */
  get isHigh(): boolean {
    return this.isUp;
  }

  setLevel(level: boolean): void {
    if (level && !this.level && !this.isSilent) this.counted.raised++;
    this.level = level;
    if (!level) this.isHeldDown = false;
    this.drive(true);
  }

  message(address: bigint, data: number): void {
    if (this.isSilent || this.isOver) return;
    this.counted.messages++;
    if (!this.admit()) {
      this.counted.capped++;
      this.waiting.set(`${address.toString(16)} ${data}`, { address, data });
    } else this.send(address, data);
  }

  private send(address: bigint, data: number): void {
    const end = sendMessage(this.internals, address, data);
    if (end === 'lost') this.counted.lost++;
    else if (end === 'not-interrupt') this.options.store(address, data);
  }

  /** Whether another interrupt may go now. */
  private admit(): boolean {
    const { limit, per = SECOND } = this.options.cap ?? {};
    if (limit === undefined) return true;
    const now = this.options.clock.now();
    if (now >= this.windowEnd) {
      this.windowEnd = now + BigInt(per);
      this.inWindow = 0;
    }
    if (this.inWindow < limit) {
      this.inWindow++;
      return true;
    }
    if (this.cancelWindow === undefined) {
      this.cancelWindow = this.options.clock.after(Number(this.windowEnd - now), () => this.windowOver());
      this.tell('rate');
    }
    return false;
  }

  private windowOver(): void {
    this.cancelWindow = undefined;
    const messages = [...this.waiting.values()];
    this.waiting.clear();
    for (const [index, { address, data }] of messages.entries()) {
      if (this.admit()) this.send(address, data);
      else {
        for (const one of messages.slice(index)) this.waiting.set(`${one.address.toString(16)} ${one.data}`, one);
        break;
      }
    }
    this.drive(false);
  }

  private tell(kind: InterruptStorm['kind']): void {
    const { slot, storm } = this.options;
    storm?.({ slot, kind, total: this.counted.raised + this.counted.messages });
  }

  /** Makes the pin what the level and the caps say. */
  private drive(counts: boolean): void {
    let wanted = this.level && !this.isHeldDown && !this.isSilent && !this.isOver;
    if (wanted && !this.isUp && !this.admit()) {
      if (counts) this.counted.capped++;
      wanted = false;
    }
    if (wanted === this.isUp) return;
    this.isUp = wanted;
    this.cancelHeld?.();
    this.cancelHeld = undefined;
    const { held } = this.options.cap ?? {};
    if (wanted && held !== undefined) {
      this.cancelHeld = this.options.clock.after(held, () => {
        this.cancelHeld = undefined;
        this.isHeldDown = true;
        this.counted.capped++;
        this.drive(false);
        this.tell('held');
      });
    }
    if (wanted) raisePin(this.internals, this.options.devfn);
    else lowerPin(this.internals, this.options.devfn);
  }

  /** Runs `change` while nothing gets through; then the pin is what the function has it. */
  quietly(change: () => void, level: () => boolean): void {
    this.isSilent = true;
    try {
      change();
    } finally {
      this.isSilent = false;
      this.level = level();
      this.drive(false);
    }
  }

  /**
   * Tells v86 once more what the pin is: after a state of the whole machine was loaded, its controllers know another. A pin that is down is not lowered, as its line may be held by
   * somebody else now; unless a cap keeps it down, as the state may have it up.
   */
  repeat(): void {
    if (this.isUp) raisePin(this.internals, this.options.devfn);
    else if (this.level) lowerPin(this.internals, this.options.devfn);
  }

  /** Makes v86's pin what it is here, whatever v86 takes it for; for a card that has one. */
  renew(): void {
    const { devfn } = this.options;
    if (this.isUp) raisePin(this.internals, devfn);
    else if ((this.internals.pci.device_spaces[devfn]![PIN_DWORD]! & PIN_MASK) !== 0) lowerPin(this.internals, devfn);
  }

  /** The card goes: nothing is heard from it any more. */
  end(): void {
    this.isOver = true;
    this.cancelWindow?.();
    this.waiting.clear();
    this.drive(false);
  }
}
