// The function's interrupt pin: what the device asserts, what COMMAND lets out, and the level that the line has.
//
//   device asserts --> STATUS.INTERRUPT        always shows what the device asserts
//                  --> and COMMAND.INTX_DISABLE is 0, MSI and MSI-X are off, the function is in D0  --> line level
//
// Source: PCI Local Bus 3.0, 2.2.6, 6.2.2, 6.2.3 and 6.8.3.3

import { PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, PCI_INTERRUPT_PIN, PCI_STATUS, PCI_STATUS_INTERRUPT } from './config-space.ts';
import type { FunctionRegisters } from './function-registers.ts';
import { readU16 } from './little-endian.ts';

/** Where a function's interrupts go. */
export interface InterruptSink {
  /** The pin's level has changed. Called with changes only; the level starts low. */
  setLevel?(level: boolean): void;
  /** A message interrupt: a write of 4 bytes `data` to `address`. May be called inside an access of the guest to the function. */
  message?(address: bigint, data: number): void;
}

/**
 * The pin of a function that has one.
 *
 * @example
 * ```ts
 * card.intx!.set(true);  // STATUS.INTERRUPT is 1, sink.setLevel(true)
 * card.config.write16(PCI_COMMAND, PCI_COMMAND_INTX_DISABLE); // sink.setLevel(false); STATUS.INTERRUPT stays 1
 * ```
 */
export class IntxLine {
  /** 1..4 for INTA..INTD. */
  readonly pin: number;
  private readonly registers: FunctionRegisters;
  private readonly sink: InterruptSink;
  private readonly usesMessages: () => boolean;
  private asserted = false;
  private isHigh = false;
  private owner: (() => void) | undefined;

  /** @internal */
  constructor(registers: FunctionRegisters, sink: InterruptSink, usesMessages: () => boolean) {
    this.pin = registers.bytes[PCI_INTERRUPT_PIN]!;
    this.registers = registers;
    this.sink = sink;
    this.usesMessages = usesMessages;
    registers.observe({ written: () => this.update(), reset: () => this.set(false) });
  }

  /** Whether the line is asserted now, behind all gates. */
  get level(): boolean {
    return this.isHigh;
  }

  /** Whether the device asserts its interrupt, before all gates but that of the power state. */
  get isAsserted(): boolean {
    return this.asserted && this.registers.powerState === 0;
  }

  /** Whether COMMAND keeps the interrupt in. */
  get isDisabled(): boolean {
    return (readU16(this.registers.bytes, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE) !== 0;
  }

  /** @internal From now on `changed` is told of every write and assertion, and the sink of nothing. Returns what ends that. */
  connect(changed: () => void): () => void {
    this.owner = changed;
    this.update();
    return () => {
      this.owner = undefined;
      this.update();
    };
  }

  /** The device asserts its interrupt, or no longer does. */
  set(asserted: boolean): void {
    this.asserted = asserted;
    const { bytes } = this.registers;
    bytes[PCI_STATUS] = (bytes[PCI_STATUS]! & ~PCI_STATUS_INTERRUPT) | (asserted ? PCI_STATUS_INTERRUPT : 0);
    this.update();
  }

  private update(): void {
    const level = this.owner === undefined && this.isAsserted && !this.isDisabled && !this.usesMessages();
    if (level !== this.isHigh) {
      this.isHigh = level;
      this.sink.setLevel?.(level);
    }
    this.owner?.();
  }
}
