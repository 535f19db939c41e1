// THR, or the FIFO in its place, and the shift register. A byte leaves when its time on the line is over.

import { byteMask, depthOf } from './port.ts';
import type { Port } from './port.ts';

/** The sending half of a port. */
export class Transmitter {
  /** THR became empty, and IIR has not shown it yet. */
  pending = false;
  private waiting: number[] = [];
  /** Takes back the byte that is on the line; undefined when none is. */
  private cancelByte: (() => void) | undefined;
  /** That byte. */
  private byte = 0;
  private readonly port: Port;
  private readonly leaves: (byte: number) => void;

  /** @param leaves told each byte, after everything else: it may do what it likes. */
  constructor(port: Port, leaves: (byte: number) => void) {
    this.port = port;
    this.leaves = leaves;
  }

  /** A byte for THR. What does not fit in a FIFO is lost; without one, it takes the place of what is there. */
  write(byte: number): void {
    const { LSR } = this.port.regs;
    this.pending = false;
    if (this.waiting.length < depthOf(this.port)) this.waiting.push(byte);
    else if (!this.port.fifosOn) this.waiting[0] = byte;
    LSR.THRE.clear();
    LSR.TEMT.clear();
    if (this.cancelByte !== undefined) this.port.update();
    else this.shift();
  }

  /** What waits is dropped. */
  clear(): void {
    if (this.waiting.length === 0) return;
    this.waiting = [];
    this.emptied();
  }

  /** As after a reset. */
  forget(): void {
    this.cancelByte?.();
    this.cancelByte = undefined;
    this.waiting = [];
    this.pending = false;
  }

  private shift(): void {
    const byte = this.waiting.shift()! & byteMask(this.port);
    if (this.waiting.length === 0) this.emptied();
    if (this.port.after === undefined) {
      this.shifted(byte);
      return;
    }
    this.send(byte, this.port.byteNs);
    this.port.update();
  }

  private send(byte: number, left: number): void {
    this.byte = byte;
    this.cancelByte = this.port.after!(left, () => this.shifted(byte));
  }

  /** What is on its way out, for {@link Transmitter.restore}. */
  flow(): { readonly transmitPending: boolean; readonly onLine: { readonly byte: number; readonly left: number } | undefined; readonly waiting: readonly number[] } {
    const left = this.port.timeLeft(this.cancelByte);
    return { transmitPending: this.pending, onLine: left === undefined ? undefined : { byte: this.byte, left }, waiting: [...this.waiting] };
  }

  /** Becomes what {@link Transmitter.flow} told; where bytes take no time, they leave now. */
  restore({ transmitPending, onLine, waiting }: ReturnType<Transmitter['flow']>): void {
    const { LSR } = this.port.regs;
    this.forget();
    this.pending = transmitPending;
    if (this.port.after === undefined) {
      for (const byte of [...(onLine === undefined ? [] : [onLine.byte]), ...waiting]) this.leaves(byte);
      return;
    }
    if (onLine === undefined) return;
    this.waiting = [...waiting];
    LSR.TEMT.clear();
    if (waiting.length > 0) LSR.THRE.clear();
    this.send(onLine.byte, onLine.left);
  }

  private shifted(byte: number): void {
    this.cancelByte = undefined;
    if (this.waiting.length > 0) this.shift();
    else {
      this.port.regs.LSR.TEMT.set();
      this.port.update();
    }
    this.leaves(byte);
  }

  private emptied(): void {
    this.port.regs.LSR.THRE.set();
    this.pending = true;
  }
}
