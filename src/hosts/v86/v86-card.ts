// A card in a running v86: what `attachV86` answers.

import { bytesOf } from '../../core/index.ts';
import type { PciFunction } from '../../pci/index.ts';
import { VfioError } from '../../uapi/index.ts';
import { loadCard, saveCard } from './card-state.ts';
import { refreshCopy } from './config-cycles.ts';
import type { DecodedRegions, V86Region } from './decoded-regions.ts';
import type { DirectBars } from './direct-bars.ts';
import type { ShownBits } from './enhanced-allocation.ts';
import type { InterruptCounts, InterruptWire } from './interrupt-wire.ts';
import type { Mistakes } from './mistakes.ts';
import type { V86TraceSink } from './region-counts.ts';

/** What a device is that can be attached: it has a function, and can be taken away. */
export interface AttachableDevice {
  readonly function: PciFunction;
  destroy(): void;
}

/** What a card is made of. */
export interface CardParts<Device extends AttachableDevice> {
  readonly device: Device;
  readonly slot: string;
  readonly copy: Int32Array;
  readonly shown: ShownBits;
  readonly wire: InterruptWire;
  readonly direct: DirectBars;
  readonly regions: DecodedRegions;
  /** Takes the card off the bus. */
  readonly takeOff: () => void;
  /** Gives v86 back when there are no cards. */
  readonly leave: () => void;
  readonly mistakes: Mistakes;
}

/** A device at a slot of an emulator. Made by {@link attachV86}. */
export class V86Card<Device extends AttachableDevice = AttachableDevice> {
  /** What was made. */
  readonly device: Device;
  /** `00:05.0` */
  readonly slot: string;
  private readonly parts: CardParts<Device>;
  private gone = false;

  /** @internal */
  constructor(parts: CardParts<Device>) {
    this.parts = parts;
    this.device = parts.device;
    this.slot = parts.slot;
  }

  /** Whether the card was pulled. */
  get isGone(): boolean {
    return this.gone;
  }

  /** The regions by rising index: where the guest has put them, and how often it reached them. */
  regions(): V86Region[] {
    return this.parts.regions.list();
  }

  /**
   * Has `sink` hear of every access of the guest from now on, in place of whoever did: `undefined` ends that. In an emulator of {@link wasmFn}, a card's accesses are linked while nobody
   * hears of them, so a trace can be looked at for a while and cost nothing else.
   *
   * @throws TypeError for what is no function, VfioError EBADF when the card was pulled.
   * @example
   * ```ts
   * card.trace(({ bar, offset, value }) => console.log(bar, offset, value));
   * card.trace(undefined);
   * ```
   */
  trace(sink: V86TraceSink | undefined): void {
    this.live('trace');
    if (sink !== undefined && typeof (sink as unknown) !== 'function') throw new TypeError(`${this.slot}: trace: the sink is ${(sink as unknown) === null ? 'null' : `a ${typeof sink}`}; expected a function, or undefined for none`);
    this.parts.regions.retrace(sink);
  }

  /** Interrupts so far. */
  get interrupts(): InterruptCounts {
    return this.parts.wire.counts;
  }

  /**
   * How often the device threw in an access of the guest, which read all ones or wrote nothing then, or in a reset of the machine; or one of the page's callbacks threw. And what was
   * thrown last.
   */
  get mistakes(): { readonly count: number; readonly last: unknown } {
    const { count, last } = this.parts.mistakes;
    return { count, last };
  }

  private live(call: string): void {
    if (this.gone) throw new VfioError('EBADF', `${this.slot}: ${call}`, 'the card is unplugged');
  }

  /**
   * Copies what the guest wrote to direct BARs into their regions, where the device finds it. Nothing for trapped ones, whose regions the guest writes to itself.
   *
   * @throws VfioError EBADF when it was pulled.
   */
  sync(): void {
    this.live('sync');
    this.parts.direct.syncAll();
  }

  /**
   * The card as bytes: configuration space, and what the device is migrated with or, for one of plain memory, its memory. Take it where `emulator.save_state` is called.
   *
   * @throws VfioError ENOTSUP for a device of registers or functions, or of more than 2^32 bytes, that was made without `migration`, EBUSY while a VFIO program migrates it, EBADF when it was pulled.
   */
  save(): Uint8Array {
    this.live('save');
    this.parts.direct.syncAll();
    return saveCard(this.device.function);
  }

  /**
   * The card becomes what `save` of such a card answered. Call it when {@link restoreState} has ended.
   *
   * @throws VfioError EINVAL for bytes that are no state of such a card; card and machine are as they were. EBUSY while a VFIO program migrates it, EBADF when it was pulled.
   */
  load(state: Uint8Array): void {
    this.live('load');
    const bytes = bytesOf(`${this.slot}: load: the state`, state);
    const { wire, direct, device, copy, shown } = this.parts;
    const one = device.function;
    wire.quietly(() => {
      loadCard(one, bytes, (register, value) => direct.accepts(register, value));
      direct.showAgain();
    }, () => one.intx?.level ?? false);
    // Before the pin: v86 looks in the copy for where it leads.
    refreshCopy({ function: one, copy, shown });
    wire.repeat();
  }

  /**
   * Tells v86 the card's configuration space and pin once more. `load` does; call it when `emulator.restore_state` has ended and there is no state of the card to load, or v86 goes by
   * what the card was when its own state was saved, and hears of no interrupt of a pin that is up already.
   *
   * @throws VfioError EBADF when it was pulled.
   */
  resync(): void {
    this.live('resync');
    const { wire, device, copy, shown } = this.parts;
    refreshCopy({ function: device.function, copy, shown });
    wire.renew();
  }

  /**
   * Pulls the card: its addresses and its slot are nobody's, its transfers and timers end, and the device is destroyed. What was changed of v86 stays, so that a driver which still
   * writes to the slot does no harm (v86 alone fails on that), and another card can be plugged. A second call does nothing.
   *
   * @throws what the device's `destroy` throws; the card is pulled all the same.
   */
  unplug(): void {
    if (this.gone) return;
    this.gone = true;
    this.parts.takeOff();
  }

  /** Pulls the card, if it is there; and when the emulator has no other, everything of v86 is as it was before the first. Throws as {@link V86Card.unplug}, and has given back. */
  detach(): void {
    try {
      this.unplug();
    } finally {
      this.parts.leave();
    }
  }
}
