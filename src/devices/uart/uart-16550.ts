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
import { ModemControl } from './modem-control.ts';
import type { LineError, ModemInputs, ModemOutputs, UartOptions, UartState, UartWiring } from './options.ts';
import { frameBits } from './port.ts';
import type { Port } from './port.ts';
import { ERROR_SHIFT, Receiver } from './receiver.ts';
import * as bits from './registers.ts';
import type { UartRegisters, uartRegisters } from './registers.ts';
import { Transmitter } from './transmitter.ts';

const ERROR_BITS: Readonly<Record<LineError, number>> = { parity: bits.LSR_PE, framing: bits.LSR_FE, break: bits.LSR_BI };
const DEFAULT_CLOCK_HZ = 1_843_200;
const NS_PER_SECOND = 1e9;

/**
 * One port: `hooks` are for a register bar of {@link uartRegisters}, and the device calls `reset` once the bar is there and after each reset of the function.
 *
 * @example
 * ```ts
 * const port = new Uart16550({ regs: () => card.bar(0).regs, after: undefined, get isGone() { return card.isGone; } }, { onTransmit: (byte) => log(byte) });
 * const card = pciDevice(engine, { id, class: 0x070002, pin: 'A', bars: { 0: registerBar(uartRegisters, { hooks: port.hooks }) }, onReset: () => port.reset() }, host);
 * port.reset();
 * ```
 */
export class Uart16550 {
  /** For the register bar of the port. */
  readonly hooks: HooksOf<(typeof uartRegisters)['description']>;
  private readonly options: UartOptions;
  private readonly wiring: UartWiring;
  /** Undefined for a port whose bytes take no time. */
  private readonly after: UartWiring['after'];
  private readonly receiver: Receiver;
  private readonly transmitter: Transmitter;
  private readonly modem: ModemControl;
  private ier = 0;
  private fcr = 0;
  private divisor = 0;
  private outside: number[] = [];
  /** Takes back the byte that is coming in; undefined when none is. */
  private cancelArrival: (() => void) | undefined;

  /** @throws RangeError for a clock that is none; VfioError ENXIO when bytes are to take time, and the host has no clock. */
  constructor(wiring: UartWiring, options: UartOptions) {
    this.wiring = wiring;
    this.options = options;
    integer('uart: clockHz', options.clockHz ?? DEFAULT_CLOCK_HZ, 1, NS_PER_SECOND);
    this.after = options.timing === 'immediate' ? undefined : wiring.after;
    if (options.timing === 'divisor' && this.after === undefined) throw new VfioError('ENXIO', 'uart: timing', 'the host has no clock for the divisor to divide');
    this.modem = new ModemControl(() => wiring.regs());
    const port = this.asPort();
    this.receiver = new Receiver(port);
    this.transmitter = new Transmitter(port, (byte) => this.leave(byte));
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

  private asPort(): Port {
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    const uart = this;
    return {
      after: uart.after,
      timeLeft: (cancel) => uart.timeLeft(cancel),
      update: () => uart.update(),
      get regs() {
        return uart.regs;
      },
      get fifosOn() {
        return uart.fifosOn;
      },
      get byteNs() {
        return uart.byteNs;
      },
    };
  }

  private timeLeft(cancel: (() => void) | undefined): number | undefined {
    return cancel && this.wiring.timeLeft?.(cancel);
  }

  private get regs(): UartRegisters {
    return this.wiring.regs();
  }

  private get dlab(): boolean {
    return (this.regs.LCR.peek() & bits.LCR_DLAB) !== 0;
  }

  private get fifosOn(): boolean {
    return (this.fcr & bits.FCR_ENABLE) !== 0;
  }

  private get byteNs(): number {
    const { clockHz = DEFAULT_CLOCK_HZ } = this.options;
    return Math.round((frameBits(this.regs.LCR.peek()) * 16 * (this.divisor === 0 ? 0x1_0000 : this.divisor) * NS_PER_SECOND) / clockHz);
  }

  /**
   * Bytes come in from outside, one after the other; without room they wait (`immediate`), or overrun (`divisor`).
   *
   * @param error how all of them are damaged.
   * @throws TypeError for what is no bytes.
   */
  receive(bytes: Uint8Array, error?: LineError): void {
    const damage = error === undefined ? 0 : ERROR_BITS[error] << ERROR_SHIFT;
    for (const byte of bytesOf('receive: bytes', bytes)) this.outside.push(error === 'break' ? damage : byte | damage);
    this.listen();
  }

  /**
   * A byte comes in now, whether there is room or not. While the port loops back it is lost.
   *
   * @param byte 0 to 255.
   */
  arrive(byte: number): void {
    integer('arrive: byte', byte, 0, 0xff);
    if (this.wiring.isGone || this.modem.loops) return;
    this.receiver.accept(byte);
    this.update();
  }

  /** Lines from outside become active (true) or inactive; what is not named stays. At first CTS, DSR and DCD are active. */
  setModemInputs(inputs: Partial<ModemInputs>): void {
    this.modem.setInputs(inputs);
    if (!this.wiring.isGone) this.followModem();
  }

  /** What the port drives now. */
  modemOutputs(): ModemOutputs {
    return this.modem.outputs();
  }

  /** The registers hold their reset values: so does everything else, but the world outside. */
  reset(): void {
    this.forget();
    this.ier = this.fcr = this.divisor = 0;
    this.outside = [];
    this.modem.show(0);
    this.followModem();
  }

  private forget(): void {
    this.cancelArrival?.();
    this.cancelArrival = undefined;
    this.receiver.forget();
    this.transmitter.forget();
  }

  private reason(): number | undefined {
    const { LSR, MSR } = this.regs;
    const { ier, receiver } = this;
    const trigger = this.fifosOn ? bits.FCR_TRIGGERS[this.fcr >> 6]! : 1;
    if ((ier & bits.IER_RLSI) !== 0 && (LSR.peek() & bits.LSR_ERRORS) !== 0) return bits.IIR_ID.line;
    if ((ier & bits.IER_RDI) !== 0 && receiver.length >= trigger) return bits.IIR_ID.receive;
    if ((ier & bits.IER_RDI) !== 0 && receiver.timedOut) return bits.IIR_ID.timeout;
    if ((ier & bits.IER_THRI) !== 0 && this.transmitter.pending) return bits.IIR_ID.transmit;
    if ((ier & bits.IER_MSI) !== 0 && (MSR.peek() & bits.MSR_DELTAS) !== 0) return bits.IIR_ID.modem;
    return undefined;
  }

  private update(): void {
    const reason = this.reason();
    this.regs.IIR.poke((reason === undefined ? bits.IIR_NO_INT : reason | bits.IIR_OUTPUT) | (this.fifosOn ? bits.IIR_FIFOS : 0));
  }

  private readData(): void {
    const { DATA } = this.regs;
    if (this.dlab) {
      DATA.byte.poke(this.divisor & 0xff);
      return;
    }
    DATA.byte.poke(this.receiver.take());
    this.listen();
  }

  private writeData(byte: number): undefined {
    if (this.dlab) this.divisor = (this.divisor & 0xff00) | byte;
    else this.transmitter.write(byte);
  }

  private leave(byte: number): void {
    if (!this.modem.loops) this.options.onTransmit?.(byte);
    else {
      this.receiver.accept(byte);
      this.update();
    }
  }

  private writeIer(value: number): void {
    if (this.dlab) {
      this.divisor = (this.divisor & 0xff) | (value << 8);
      return;
    }
    const risen = value & ~this.ier;
    this.ier = value;
    if ((risen & bits.IER_THRI) !== 0 && this.regs.LSR.THRE.get() === 1) this.transmitter.pending = true;
    this.update();
  }

  private readIir(value: number): void {
    if ((value & bits.IIR_ID_BITS) !== bits.IIR_ID.transmit) return;
    this.transmitter.pending = false;
    this.update();
  }

  private writeFcr(fcr: number): undefined {
    const on = (fcr & bits.FCR_ENABLE) !== 0;
    const switched = on !== this.fifosOn;
    // Without the enable bit none of the others is taken.
    this.fcr = on ? fcr & ~(bits.FCR_CLEAR_RECEIVER | bits.FCR_CLEAR_TRANSMITTER) : 0;
    if (switched || (on && (fcr & bits.FCR_CLEAR_RECEIVER) !== 0)) this.receiver.fill([]);
    if (switched || (on && (fcr & bits.FCR_CLEAR_TRANSMITTER) !== 0)) this.transmitter.clear();
    this.listen();
  }

  private writeLcr(old: number, value: number): void {
    const changed = old ^ value;
    if ((changed & bits.LCR_DLAB) !== 0) this.regs.IER.poke(this.dlab ? this.divisor >> 8 : this.ier);
    if ((changed & bits.LCR_BREAK) === 0) return;
    const held = (value & bits.LCR_BREAK) !== 0;
    if (!this.modem.loops) this.options.onBreak?.(held);
    else if (held) {
      this.receiver.accept(bits.LSR_BI << ERROR_SHIFT);
      this.update();
    }
  }

  private readLsr(): void {
    this.receiver.told();
    this.update();
  }

  /** Takes in what waits outside. */
  private listen(): void {
    if (this.wiring.isGone) return;
    if (this.wiring.isPaused !== true) this.takeIn();
    this.update();
  }

  private takeIn(): void {
    if (this.after === undefined) {
      while (!this.modem.loops && this.outside.length > 0 && this.receiver.hasRoom) this.receiver.accept(this.outside.shift()!);
    } else if (this.cancelArrival === undefined && this.outside.length > 0) this.awaitByte(this.byteNs);
  }

  private awaitByte(left: number): void {
    this.cancelArrival = this.after!(left, () => this.hear());
  }

  private hear(): void {
    this.cancelArrival = undefined;
    const entry = this.outside.shift();
    // While it loops back, the receiver is not connected.
    if (entry !== undefined && !this.modem.loops) this.receiver.accept(entry);
    this.listen();
  }

  private followModem(): void {
    const moved = this.modem.follow();
    // Back from a loop, the receiver hears what waited.
    this.listen();
    if (moved) this.options.onModemControl?.(this.modemOutputs());
  }

  /** The device goes on: what waited outside comes in. */
  resumed(): void {
    this.listen();
  }

  /** What is to be migrated, with the bytes that are on their way. */
  saveWithFlow(): UartState {
    const flow = { ...this.transmitter.flow(), ...this.receiver.flow(), arrivalLeft: this.timeLeft(this.cancelArrival), outside: [...this.outside] };
    return { ...this.save(), flow };
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
      received: this.receiver.bytes(),
    };
  }

  /** Becomes what was saved. Without a flow, a transmit interrupt that may have been pending is raised once more: too many do no harm, one too few does. */
  restore(state: UartState): void {
    const { IER, LCR, MCR, LSR, SCR } = this.regs;
    this.forget();
    this.ier = state.ier;
    this.fcr = state.fcr;
    this.divisor = state.divisor;
    this.transmitter.pending = true;
    LCR.poke(state.lcr);
    MCR.poke(state.mcr);
    SCR.poke(state.scr);
    IER.poke(this.dlab ? this.divisor >> 8 : this.ier);
    LSR.poke(bits.LSR_IDLE | state.lineErrors);
    this.modem.show(state.modemDeltas);
    const { flow } = state;
    if (flow === undefined) this.receiver.fill(state.received);
    else {
      this.receiver.restore(flow);
      this.transmitter.restore(flow);
      this.outside = [...flow.outside];
      if (this.after !== undefined && flow.arrivalLeft !== undefined) this.awaitByte(flow.arrivalLeft);
    }
    this.update();
    this.followModem();
  }
}
