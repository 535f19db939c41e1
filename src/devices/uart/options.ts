// What a port can be asked to be, what it is told from outside, and what it needs of the device that it is in.

import type { UartRegisters } from './registers.ts';

/** What a port is like, and who is at its other end. Callbacks come after the port has done its part; they may receive, change lines, or take the device away. */
export interface UartOptions {
  /** `divisor`: bytes take the time that they take, on `host.clock`. `immediate`: none. Default: `divisor` where the host has a clock. */
  readonly timing?: 'divisor' | 'immediate';
  /** The clock that the divisor divides, in Hz, 1 to 10^9. Default 1 843 200, for 115 200 baud with divisor 1. */
  readonly clockHz?: number;
  /** A byte has left. */
  readonly onTransmit?: (byte: number) => void;
  /** The transmit line is held low (true), or is released. */
  readonly onBreak?: (held: boolean) => void;
  /** Modem control outputs changed. */
  readonly onModemControl?: (outputs: ModemOutputs) => void;
}

/** What a port drives: active is true. All are inactive while it loops back. */
export interface ModemOutputs {
  readonly dtr: boolean;
  readonly rts: boolean;
  readonly out1: boolean;
  readonly out2: boolean;
}

/** What drives a port. */
export interface ModemInputs {
  readonly cts: boolean;
  readonly dsr: boolean;
  readonly ri: boolean;
  readonly dcd: boolean;
}

/** How a byte arrives damaged: a `break` is a byte of 0. */
export type LineError = 'parity' | 'framing' | 'break';

/** What a port gets from the device that it is in. */
export interface UartWiring {
  /** The registers of the port. */
  regs(): UartRegisters;
  /** Calls `run` once, `delay` ns from now. Undefined where the host has no clock. */
  readonly after: ((delay: number, run: () => void) => () => void) | undefined;
  /** Of what `after` returned: ns until it is due. Default: not known, and the port cannot be saved with its flow. */
  readonly timeLeft?: (cancel: () => void) => number | undefined;
  /** Whether the device was taken away. */
  readonly isGone: boolean;
  /** Whether the device is stopped to be migrated: bytes from outside wait. */
  readonly isPaused?: boolean;
}

/** Everything that a port with nothing to transmit knows: what is migrated. */
export interface UartState {
  readonly ier: number;
  readonly fcr: number;
  readonly lcr: number;
  readonly mcr: number;
  readonly scr: number;
  readonly divisor: number;
  /** OE, PE, FE, BI, as LSR has them. */
  readonly lineErrors: number;
  /** DCTS, DDSR, TERI, DDCD, as MSR has them. */
  readonly modemDeltas: number;
  /** The oldest first. */
  readonly received: readonly number[];
  /** What is on its way. Default: nothing. */
  readonly flow?: UartFlow;
}

/** Bytes on their way through a port, and what is left of their time in ns. A byte with its errors has those of LSR above it. */
export interface UartFlow {
  /** The transmit interrupt waits to be shown. */
  readonly transmitPending: boolean;
  readonly onLine: { readonly byte: number; readonly left: number } | undefined;
  /** Behind that, the oldest first. */
  readonly waiting: readonly number[];
  /** As {@link UartState.received}, with their errors. */
  readonly received: readonly number[];
  readonly timedOut: boolean;
  readonly timeoutLeft: number | undefined;
  /** Of the byte that is coming in: the first of `outside`. */
  readonly arrivalLeft: number | undefined;
  readonly outside: readonly number[];
}
