// What the page asks of a machine, whichever guest runs in it.

import type { V86 } from 'v86';
import type { Engine } from 'maplebar';

/** A running machine. */
export interface Machine {
  /** `built-in`: our own small program; `linux`: a kernel. */
  readonly kind: 'built-in' | 'linux';
  /** What it is called on the page. */
  readonly title: string;
  readonly emulator: V86;
  /** The engine of all of its cards. */
  readonly engine: Engine;
  /** Bytes of its RAM. */
  readonly memoryBytes: number;
  /** Whether v86's WebAssembly calls the engine's, without JavaScript between. */
  readonly isLinked: boolean;
  /** Where a BAR may lie in RAM that nobody else uses; null where no RAM was kept free. */
  readonly reserved: { readonly start: number; readonly bytes: number } | null;
  /** What the guest has said so far, and says from now on. */
  onText(listener: (text: string) => void): void;
  /** Has the guest look for cards that came or went. */
  rescan(): Promise<void>;
  /** Has the guest forget a card before it is pulled. */
  release(slot: string): Promise<void>;
  /**
   * Nanoseconds that one 32-bit store to or load from an address takes in a loop of the guest, the quickest of some loops.
   *
   * @param address of the guest; null for RAM of its own.
   */
  measure(operation: 'store' | 'load', address: number | null): Promise<number>;
  /** Ends it. */
  end(): Promise<void>;
}

/** Text with listeners that are told what was said before them, up to a limit. */
export class GuestText {
  private said = '';
  private readonly listeners: ((text: string) => void)[] = [];

  listen(listener: (text: string) => void): void {
    this.listeners.push(listener);
    if (this.said !== '') listener(this.said);
  }

  say(text: string): void {
    this.said = (this.said + text).slice(-20_000);
    for (const listener of this.listeners) listener(text);
  }
}
