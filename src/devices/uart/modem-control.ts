// Modem control of a UART: four lines from outside as MSR shows them, four that MCR drives, and the loop between them.
//
//   MCR   DTR  RTS  OUT1 OUT2  --> outputs             LOOP: outputs are inactive, and
//          |    |    |    |
//   MSR   DSR  CTS  RI   DCD   <-- inputs              each bit of MCR is one of MSR's
//
// Source: Texas Instruments TL16C550C datasheet (SLLS177), modem control and modem status registers

import type { ModemInputs, ModemOutputs } from './options.ts';
import * as bits from './registers.ts';
import type { UartRegisters } from './registers.ts';

const MODEM_BITS = { cts: 0x10, dsr: 0x20, ri: 0x40, dcd: 0x80 } as const;

/** What is outside of one port, and what the port drives. */
export class ModemControl {
  private readonly regs: () => UartRegisters;
  private inputs: number = MODEM_BITS.cts | MODEM_BITS.dsr | MODEM_BITS.dcd;
  private driven = 0;

  constructor(regs: () => UartRegisters) {
    this.regs = regs;
  }

  /** While it loops back, nothing goes out and nothing comes in. */
  get loops(): boolean {
    return (this.regs().MCR.peek() & bits.MCR_LOOP) !== 0;
  }

  /** What is not named stays. */
  setInputs(inputs: Partial<ModemInputs>): void {
    for (const [name, bit] of Object.entries(MODEM_BITS)) {
      const level = inputs[name as keyof ModemInputs];
      if (level !== undefined) this.inputs = level ? this.inputs | bit : this.inputs & ~bit;
    }
  }

  /** What is driven now. */
  outputs(): ModemOutputs {
    const { driven } = this;
    return { dtr: (driven & 1) !== 0, rts: (driven & 2) !== 0, out1: (driven & 4) !== 0, out2: (driven & 8) !== 0 };
  }

  /** The lines as MSR shows them; looped back, RTS is CTS, DTR is DSR, OUT1 is RI, OUT2 is DCD. */
  private shown(): number {
    const mcr = this.regs().MCR.peek();
    return this.loops ? ((mcr & 2) << 3) | ((mcr & 1) << 5) | ((mcr & 4) << 4) | ((mcr & 8) << 4) : this.inputs;
  }

  /** MSR shows the lines, and `deltas` as what has changed. */
  show(deltas: number): void {
    this.regs().MSR.poke(this.shown() | deltas);
  }

  /** All is as MCR and the lines from outside now say; MSR keeps what has changed since it was read. Returns whether the outputs have moved. */
  follow(): boolean {
    const { MCR, MSR } = this.regs();
    const lines = this.shown();
    const before = MSR.peek();
    const changed = (before ^ lines) & bits.MSR_LINES;
    const ringEnded = (changed & before & MODEM_BITS.ri) !== 0 ? bits.MSR_TERI : 0;
    MSR.poke(lines | (before & bits.MSR_DELTAS) | ((changed & ~MODEM_BITS.ri) >> 4) | ringEnded);
    const outputs = this.loops ? 0 : MCR.peek() & bits.MCR_OUTPUTS;
    const moved = outputs !== this.driven;
    this.driven = outputs;
    return moved;
  }
}
