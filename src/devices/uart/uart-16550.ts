// A 16550A: two FIFOs, a line to the outside, modem control, and one interrupt output with five reasons. The core of `serial` and `mtty`.
//
//   guest writes DATA --> [ THR or FIFO of 16 ] --> shift register --> onTransmit        LOOP: --+
//                                                                                                |
//   guest reads DATA <--- [ RBR or FIFO of 16 ] <-- one byte at a time <-- queue <-- receive() <-+
//
//   interrupts, the most urgent first       comes when                                    goes when
//     line      IER.RLSI                    OE, PE, FE or BI                              LSR is read
//     receive   IER.RDI                     trigger level reached (without FIFO: 1)       fewer are there
//     timeout   IER.RDI                     some are there, and nothing moved for         DATA is read
//                                           the time of 4 bytes
//     transmit  IER.THRI                    THR became empty, or is as THRI rises         IIR shows it, DATA is written
//     modem     IER.MSI                     a line changed                                MSR is read
//
// Timing: a byte takes (start + data + parity + stop bits) * 16 * divisor clock cycles, a divisor of 0 counting as 65536. With `timing: 'immediate'` it takes none:
// bytes leave inside the access that wrote them, and what is received waits outside until there is room.
//
// Source: Texas Instruments TL16C550C datasheet (SLLS177); Linux drivers/tty/serial/8250/8250_port.c for what a driver looks for

import { bytesOf, integer } from '../../core/index.ts';
import type { HooksOf } from '../../registers/index.ts';
import { VfioError } from '../../uapi/index.ts';
import * as bits from './registers.ts';
import type { UartRegisters, uartRegisters } from './registers.ts';

/** What a port is like, and who is at its other end. Callbacks come after the port has done its part; they may receive, change lines, or take the device away. */
export interface UartOptions {
  /** `divisor`: bytes take the time that they take, on `host.clock`. `immediate`: none. Default: `divisor` where the host has a clock. */
  readonly timing?: 'divisor' | 'immediate';
  /** The clock that the divisor divides, in Hz. Default 1 843 200, for 115 200 baud with divisor 1. */
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
  regs(): UartRegisters;
  /** Undefined where the host has no clock. */
  readonly after: ((delay: number, run: () => void) => () => void) | undefined;
  readonly isGone: boolean;
}

/** Everything that a port with nothing to transmit knows: what is migrated. */
export interface UartState {
  readonly ier: number;
  readonly fcr: number;
  readonly lcr: number;
  readonly mcr: number;
  readonly scr: number;
  readonly divisor: number;
  /** OE, PE, FE, BI. */
  readonly lineErrors: number;
  /** DCTS, DDSR, TERI, DDCD. */
  readonly modemDeltas: number;
  /** The oldest first. */
  readonly received: readonly number[];
}

const ERROR_BITS: Readonly<Record<LineError, number>> = { parity: 0x04, framing: 0x08, break: 0x10 };
const ERROR_SHIFT = 8;
const NS = 1e9;

/** One port. A byte with its errors is one number: the bits of LSR above the byte. */
export class Uart16550 {
  /** For the register bar of the port. */
  readonly hooks: HooksOf<(typeof uartRegisters)['description']>;
  private readonly options: UartOptions;
  private readonly wiring: UartWiring;
  /** Undefined for a port whose bytes take no time. */
  private readonly after: ((delay: number, run: () => void) => () => void) | undefined;
  private lines = 0xb0;
  private driven = 0;
  private ier = 0;
  private fcr = 0;
  private divisor = 0;
  private received: number[] = [];
  private outside: number[] = [];
  private toSend: number[] = [];
  private shifting = false;
  private arriving = false;
  private timedOut = false;
  private transmitPending = false;
  private cancelTimeout: (() => void) | undefined;

  /** @throws RangeError for a clock that is none; VfioError ENXIO when bytes are to take time, and the host has no clock. */
  constructor(wiring: UartWiring, options: UartOptions) {
    this.wiring = wiring;
    this.options = options;
    integer('uart: clockHz', options.clockHz ?? 1, 1, 1e9);
    this.after = options.timing === 'immediate' ? undefined : wiring.after;
    if (options.timing === 'divisor' && this.after === undefined) throw new VfioError('ENXIO', 'uart: timing', 'the host has no clock for the divisor to divide');
    this.hooks = {
      DATA: { beforeRead: () => this.readData(), beforeWrite: ({ data }) => this.writeData(data) },
      IER: { beforeWrite: ({ data }) => (this.dlab ? data : data & bits.IER_BITS), afterWrite: ({ value }) => this.writeIer(value) },
      IIR: { beforeWrite: ({ data }) => this.writeFcr(data), afterRead: ({ value }) => this.readIir(value) },
      LCR: { afterWrite: ({ old, value }) => this.writeLcr(old, value) },
      MCR: { afterWrite: () => this.followModem() },
      LSR: { afterRead: () => this.readLsr() },
      MSR: { afterRead: () => this.update() },
    };
  }

  private get regs(): UartRegisters {
    return this.wiring.regs();
  }

  private get dlab(): boolean {
    return (this.regs.LCR.peek() & bits.LCR_DLAB) !== 0;
  }

  private get loops(): boolean {
    return (this.regs.MCR.peek() & bits.MCR_LOOP) !== 0;
  }

  private get fifosOn(): boolean {
    return (this.fcr & bits.FCR_ENABLE) !== 0;
  }

  private get depth(): number {
    return this.fifosOn ? bits.FIFO_DEPTH : 1;
  }

  private get trigger(): number {
    return this.fifosOn ? bits.FCR_TRIGGERS[this.fcr >> 6]! : 1;
  }

  private get byteMask(): number {
    return 0xff >> (3 - (this.regs.LCR.peek() & 3));
  }

  /** How long a byte takes, in ns. */
  private get byteNs(): number {
    const lcr = this.regs.LCR.peek();
    const data = 5 + (lcr & 3);
    const stop = (lcr & bits.LCR_STOP) === 0 ? 1 : data === 5 ? 1.5 : 2;
    const sent = 1 + data + ((lcr & bits.LCR_PARITY) === 0 ? 0 : 1) + stop;
    return Math.round((sent * 16 * (this.divisor === 0 ? 0x1_0000 : this.divisor) * NS) / (this.options.clockHz ?? 1_843_200));
  }

  /**
   * Bytes come in from outside, one after the other; without FIFO room they wait (`immediate`), or overrun (`divisor`).
   *
   * @param error how all of them are damaged.
   */
  receive(bytes: Uint8Array, error?: LineError): void {
    const damage = error === undefined ? 0 : ERROR_BITS[error] << ERROR_SHIFT;
    for (const byte of bytesOf('receive: bytes', bytes)) this.outside.push(error === 'break' ? damage : byte | damage);
    this.listen();
  }

  /** A byte comes in now, whether there is room or not. While the port loops back it is lost. */
  arrive(byte: number): void {
    if (this.wiring.isGone || this.loops) return;
    this.accept(integer('arrive: byte', byte, 0, 0xff));
    this.update();
  }

  /** Lines from outside become active (true) or inactive; what is not named stays. */
  setModemInputs(inputs: Partial<ModemInputs>): void {
    const weights = { cts: 0x10, dsr: 0x20, ri: 0x40, dcd: 0x80 };
    for (const [name, bit] of Object.entries(weights)) {
      const level = inputs[name as keyof ModemInputs];
      if (level !== undefined) this.lines = level ? this.lines | bit : this.lines & ~bit;
    }
    if (!this.wiring.isGone) this.followModem();
  }

  /** What the port drives now. */
  modemOutputs(): ModemOutputs {
    const { driven } = this;
    return { dtr: (driven & 1) !== 0, rts: (driven & 2) !== 0, out1: (driven & 4) !== 0, out2: (driven & 8) !== 0 };
  }

  /** The registers hold their reset values: so does everything else, but the world outside. Also called once the bank is there. */
  reset(): void {
    this.forget();
    this.ier = this.fcr = this.divisor = 0;
    this.outside = [];
    this.regs.MSR.poke(this.lines);
    this.followModem();
  }

  private forget(): void {
    this.cancelTimeout?.();
    this.cancelTimeout = undefined;
    this.received = [];
    this.toSend = [];
    this.shifting = this.arriving = this.timedOut = this.transmitPending = false;
  }

  private update(): void {
    const { IIR, LSR, MSR } = this.regs;
    const { ier } = this;
    const reason =
      (ier & bits.IER_RLSI) !== 0 && (LSR.peek() & bits.LSR_ERRORS) !== 0 ? bits.IIR_ID.line
        : (ier & bits.IER_RDI) !== 0 && this.received.length >= this.trigger ? bits.IIR_ID.receive
          : (ier & bits.IER_RDI) !== 0 && this.timedOut ? bits.IIR_ID.timeout
            : (ier & bits.IER_THRI) !== 0 && this.transmitPending ? bits.IIR_ID.transmit
              : (ier & bits.IER_MSI) !== 0 && (MSR.peek() & bits.MSR_DELTAS) !== 0 ? bits.IIR_ID.modem
                : undefined;
    IIR.poke((reason === undefined ? bits.IIR_NO_INT : reason | bits.IIR_OUTPUT) | (this.fifosOn ? bits.IIR_FIFOS : 0));
  }

  private readData(): void {
    const { DATA } = this.regs;
    if (this.dlab) {
      DATA.byte.poke(this.divisor & 0xff);
      return;
    }
    DATA.byte.poke((this.received.shift() ?? 0) & 0xff);
    this.showReceived();
    this.watchReceiver();
    this.listen();
  }

  private writeData(byte: number): undefined {
    if (this.dlab) {
      this.divisor = (this.divisor & 0xff00) | byte;
      return;
    }
    this.transmitPending = false;
    if (this.toSend.length < this.depth) this.toSend.push(byte);
    else if (!this.fifosOn) this.toSend[0] = byte;
    this.regs.LSR.THRE.clear();
    this.regs.LSR.TEMT.clear();
    if (this.shifting) this.update();
    else this.shift();
  }

  /** The next byte goes to the shift register, and out: now, or when it is through. */
  private shift(): void {
    const byte = this.toSend.shift()! & this.byteMask;
    this.shifting = true;
    if (this.toSend.length === 0) this.emptied();
    if (this.after === undefined) {
      this.shifted(byte);
      return;
    }
    this.after(this.byteNs, () => this.shifted(byte));
    this.update();
  }

  private shifted(byte: number): void {
    this.shifting = false;
    const { loops } = this;
    if (loops) this.accept(byte);
    if (this.toSend.length > 0) this.shift();
    else {
      this.regs.LSR.TEMT.set();
      this.update();
    }
    if (!loops) this.options.onTransmit?.(byte);
  }

  private emptied(): void {
    this.regs.LSR.THRE.set();
    this.transmitPending = true;
  }

  private writeIer(value: number): void {
    if (this.dlab) {
      this.divisor = (this.divisor & 0xff) | (value << 8);
      return;
    }
    const risen = value & ~this.ier;
    this.ier = value;
    if ((risen & bits.IER_THRI) !== 0 && this.regs.LSR.THRE.get() === 1) this.transmitPending = true;
    this.update();
  }

  private readIir(value: number): void {
    if ((value & bits.IIR_ID_BITS) !== bits.IIR_ID.transmit) return;
    this.transmitPending = false;
    this.update();
  }

  private writeFcr(fcr: number): undefined {
    const on = (fcr & bits.FCR_ENABLE) !== 0;
    const switched = on !== this.fifosOn;
    // Without the enable bit none of the others is taken.
    this.fcr = on ? fcr & ~(bits.FCR_CLEAR_RECEIVER | bits.FCR_CLEAR_TRANSMITTER) : 0;
    if (switched || (on && (fcr & bits.FCR_CLEAR_RECEIVER) !== 0)) {
      this.received = [];
      this.showReceived();
      this.watchReceiver();
    }
    if ((switched || (on && (fcr & bits.FCR_CLEAR_TRANSMITTER) !== 0)) && this.toSend.length > 0) {
      this.toSend = [];
      this.emptied();
    }
    this.listen();
  }

  private writeLcr(old: number, value: number): void {
    const changed = old ^ value;
    if ((changed & bits.LCR_DLAB) !== 0) this.regs.IER.poke(this.dlab ? this.divisor >> 8 : this.ier);
    if ((changed & bits.LCR_BREAK) === 0) return;
    const held = (value & bits.LCR_BREAK) !== 0;
    if (this.loops && held) this.accept(ERROR_BITS.break << ERROR_SHIFT);
    this.update();
    if (!this.loops) this.options.onBreak?.(held);
  }

  private readLsr(): void {
    // The errors of the oldest byte have been told, and count no longer.
    if (this.received.length > 0) this.received[0]! &= 0xff;
    this.showReceived();
    this.update();
  }

  /** DR, and the errors of the byte that is read next. */
  private showReceived(): void {
    const { LSR } = this.regs;
    const [oldest = 0] = this.received;
    const damaged = this.fifosOn && this.received.some((entry) => entry >> ERROR_SHIFT !== 0);
    const kept = LSR.peek() & ~0x81;
    LSR.poke(kept | ((oldest >> ERROR_SHIFT) & bits.LSR_BYTE_ERRORS) | (this.received.length > 0 ? 0x01 : 0) | (damaged ? 0x80 : 0));
  }

  /** Something moved in the receiver: its timeout begins anew. */
  private watchReceiver(): void {
    this.cancelTimeout?.();
    this.cancelTimeout = undefined;
    this.timedOut = false;
    if (!this.fifosOn || this.received.length === 0) return;
    if (this.after === undefined) this.timedOut = true;
    else {
      this.cancelTimeout = this.after(4 * this.byteNs, () => {
        this.timedOut = true;
        this.update();
      });
    }
  }

  /** A byte is complete in the receiver. */
  private accept(entry: number): void {
    const damaged = entry & ~0xff;
    const byte = damaged | (entry & this.byteMask);
    if (this.received.length < this.depth) this.received.push(byte);
    else {
      this.regs.LSR.OE.set();
      if (!this.fifosOn) this.received[0] = byte;
    }
    this.showReceived();
    this.watchReceiver();
  }

  /** Takes in what waits outside. */
  private listen(): void {
    if (this.wiring.isGone) return;
    if (this.after === undefined) {
      while (!this.loops && this.outside.length > 0 && this.received.length < this.depth) this.accept(this.outside.shift()!);
    } else if (!this.arriving && this.outside.length > 0) {
      this.arriving = true;
      this.after(this.byteNs, () => this.hear());
    }
    this.update();
  }

  private hear(): void {
    this.arriving = false;
    const entry = this.outside.shift();
    // While it loops back, the receiver is not connected.
    if (entry !== undefined && !this.loops) this.accept(entry);
    this.listen();
  }

  /** The lines as MSR shows them; looped back, RTS is CTS, DTR is DSR, OUT1 is RI, OUT2 is DCD. */
  private shownLines(): number {
    const mcr = this.regs.MCR.peek();
    return this.loops ? ((mcr & 2) << 3) | ((mcr & 1) << 5) | ((mcr & 4) << 4) | ((mcr & 8) << 4) : this.lines;
  }

  private followModem(): void {
    const { MCR, MSR } = this.regs;
    const lines = this.shownLines();
    const before = MSR.peek();
    const changed = (before ^ lines) & bits.MSR_LINES;
    const ringEnded = (changed & before & bits.MSR_RI) !== 0 ? bits.MSR_TERI : 0;
    MSR.poke(lines | (before & bits.MSR_DELTAS) | ((changed & ~bits.MSR_RI) >> 4) | ringEnded);
    const outputs = this.loops ? 0 : MCR.peek() & bits.MCR_OUTPUTS;
    const moved = outputs !== this.driven;
    this.driven = outputs;
    // Back from a loop, the receiver hears what waited.
    this.listen();
    if (moved) this.options.onModemControl?.(this.modemOutputs());
  }

  /** What is to be migrated. Bytes that have not left yet and bytes outside are not in it, nor the errors of received bytes but the oldest. */
  save(): UartState {
    const { LCR, MCR, LSR, MSR, SCR } = this.regs;
    return {
      ier: this.ier,
      fcr: this.fcr,
      lcr: LCR.peek(),
      mcr: MCR.peek(),
      scr: SCR.peek(),
      divisor: this.divisor,
      lineErrors: LSR.peek() & bits.LSR_ERRORS,
      modemDeltas: MSR.peek() & bits.MSR_DELTAS,
      received: this.received.map((entry) => entry & 0xff),
    };
  }

  /** Becomes what was saved. A transmit interrupt that may have been pending is raised once more: too many do no harm, one too few does. */
  restore(state: UartState): void {
    const { IER, LCR, MCR, LSR, MSR, SCR } = this.regs;
    this.forget();
    this.ier = state.ier;
    this.fcr = state.fcr;
    this.divisor = state.divisor;
    this.received = [...state.received];
    this.transmitPending = true;
    LCR.poke(state.lcr);
    MCR.poke(state.mcr);
    SCR.poke(state.scr);
    IER.poke(this.dlab ? this.divisor >> 8 : this.ier);
    LSR.poke(0x60 | state.lineErrors);
    MSR.poke(this.shownLines() | state.modemDeltas);
    this.showReceived();
    this.watchReceiver();
    this.followModem();
  }
}
