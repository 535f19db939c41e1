// What the two halves of a port share: its registers, the frame of a byte, and time.

import * as bits from './registers.ts';
import type { UartRegisters } from './registers.ts';

/** A port, as its receiver and its transmitter see it. */
export interface Port {
  readonly regs: UartRegisters;
  /** Undefined for a port whose bytes take no time. */
  readonly after: ((delay: number, run: () => void) => () => void) | undefined;
  /** Of what `after` returned: ns until it is due. */
  timeLeft(cancel: (() => void) | undefined): number | undefined;
  readonly fifosOn: boolean;
  /** How long a byte takes, in ns. */
  readonly byteNs: number;
  /** Something changed that interrupts may depend on. */
  update(): void;
}

/** How many entries a FIFO has, and what takes its place when FIFOs are off. */
export function depthOf(port: Port): number {
  return port.fifosOn ? bits.FIFO_DEPTH : 1;
}

/** The data bits of a byte. */
export function byteMask(port: Port): number {
  return 0xff >> (3 - (port.regs.LCR.peek() & 3));
}

/** Bits of a byte on the line: start, data, parity, stop. */
export function frameBits(lcr: number): number {
  const data = 5 + (lcr & 3);
  const stop = (lcr & bits.LCR_STOP) === 0 ? 1 : data === 5 ? 1.5 : 2;
  return 1 + data + ((lcr & bits.LCR_PARITY) === 0 ? 0 : 1) + stop;
}
