// RBR, or the FIFO in its place, with the errors that came with each byte, and the timeout of bytes that nobody reads.
//
// A byte with its errors is one number: the bits of LSR above the byte.

import { byteMask, depthOf } from './port.ts';
import type { Port } from './port.ts';
import * as bits from './registers.ts';

/** The errors of an entry lie so many bits up. */
export const ERROR_SHIFT = 8;
const TIMEOUT_BYTES = 4;

/** The receiving half of a port. */
export class Receiver {
  /** Bytes are there, and for the time of 4 bytes none came or was read. */
  timedOut = false;
  private entries: number[] = [];
  private cancelTimeout: (() => void) | undefined;
  private readonly port: Port;

  constructor(port: Port) {
    this.port = port;
  }

  /** How many bytes are there. */
  get length(): number {
    return this.entries.length;
  }

  /** Whether another byte fits. */
  get hasRoom(): boolean {
    return this.entries.length < depthOf(this.port);
  }

  /** The bytes that are there, the oldest first. */
  bytes(): number[] {
    return this.entries.map((entry) => entry & 0xff);
  }

  /** The oldest byte; 0 when there is none. */
  take(): number {
    const entry = this.entries.shift() ?? 0;
    this.moved();
    return entry & 0xff;
  }

  /** A byte is complete. Without room it overruns: a FIFO keeps what it has, RBR alone takes the newer one. */
  accept(entry: number): void {
    const byte = (entry & ~0xff) | (entry & byteMask(this.port));
    if (this.hasRoom) this.entries.push(byte);
    else {
      this.port.regs.LSR.OE.set();
      if (!this.port.fifosOn) this.entries[0] = byte;
    }
    this.moved();
  }

  /** LSR was read: the errors of the oldest byte have been told, and count no longer. */
  told(): void {
    if (this.entries.length > 0) this.entries[0]! &= 0xff;
    this.show();
  }

  /** What is on its way in, for {@link Receiver.restore}. */
  flow(): { readonly received: readonly number[]; readonly timedOut: boolean; readonly timeoutLeft: number | undefined } {
    return { received: [...this.entries], timedOut: this.timedOut, timeoutLeft: this.port.timeLeft(this.cancelTimeout) };
  }

  /** Becomes what {@link Receiver.flow} told. */
  restore({ received, timedOut, timeoutLeft }: ReturnType<Receiver['flow']>): void {
    this.forget();
    this.entries = [...received];
    this.show();
    if (timeoutLeft === undefined) this.timedOut = timedOut;
    else this.watch(timeoutLeft);
  }

  /** Has these bytes and no others. */
  fill(bytes: readonly number[]): void {
    this.entries = [...bytes];
    this.moved();
  }

  /** As after a reset. */
  forget(): void {
    this.entries = [];
    this.watch();
  }

  private moved(): void {
    this.show();
    this.watch();
  }

  /** DR, the errors of the byte that is read next, and whether any byte has some. */
  private show(): void {
    const { LSR } = this.port.regs;
    const [oldest = 0] = this.entries;
    const damaged = this.port.fifosOn && this.entries.some((entry) => entry >> ERROR_SHIFT !== 0);
    const kept = LSR.peek() & ~(bits.LSR_DR | bits.LSR_FIFO_ERROR);
    LSR.poke(kept | (oldest >> ERROR_SHIFT) | (this.entries.length > 0 ? bits.LSR_DR : 0) | (damaged ? bits.LSR_FIFO_ERROR : 0));
  }

  private watch(left = TIMEOUT_BYTES * this.port.byteNs): void {
    this.cancelTimeout?.();
    this.cancelTimeout = undefined;
    this.timedOut = false;
    if (!this.port.fifosOn || this.entries.length === 0) return;
    if (this.port.after === undefined) this.timedOut = true;
    else {
      this.cancelTimeout = this.port.after(left, () => {
        this.timedOut = true;
        this.port.update();
      });
    }
  }
}
