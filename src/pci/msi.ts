// MSI: up to 32 messages whose address and data stand in configuration space, and their masks and pending bits where the function has them.
//
//   data sent = the register's, its low log2(messages in use) bits replaced by the vector
//
//   masked vector triggered   -> its pending bit; the message goes when the guest unmasks it
//   MSI off, or MASTER off    -> nothing is sent: a message is a memory write of the function's own
//
// Source: PCI Local Bus 3.0, 6.8.1; names from linux/pci_regs.h

import type { InterruptSink } from './intx.ts';
import { PCI_MSI_ADDRESS_LO, PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE, PCI_MSI_FLAGS_QSIZE, msiLayout } from './capability-rules.ts';
import type { MsiLayout } from './capability-rules.ts';
import { PCI_COMMAND, PCI_COMMAND_MASTER } from './config-space.ts';
import type { FunctionRegisters } from './function-registers.ts';
import { readU16, readU32 } from './little-endian.ts';

/** Who takes all messages of a function, whatever its registers say: VFIO, which programs them itself. @internal */
export interface MessageOwner {
  /** Vectors that it has allocated. */
  readonly count: number;
  readonly deliver: (vector: number) => void;
}

/** Whether the function may send messages: it masters the bus, and is in D0. */
export function maySend(registers: FunctionRegisters): boolean {
  return (readU16(registers.bytes, PCI_COMMAND) & PCI_COMMAND_MASTER) !== 0 && registers.powerState === 0;
}

/** Gives a message to its owner, if the function may send it and the owner has the vector. @internal */
export function giveTo({ count, deliver }: MessageOwner, registers: FunctionRegisters, vector: number): boolean {
  if (vector >= count || !maySend(registers)) return false;
  deliver(vector);
  return true;
}

/**
 * The messages of a function with an MSI capability.
 *
 * @example
 * ```ts
 * disk.msi!.trigger(0); // sink.message(0xfee01004n, 0x26)
 * ```
 */
export class MsiVectors {
  /** Messages that the function can ask for: 1, 2, 4 .. 32. */
  readonly count: number;
  private readonly registers: FunctionRegisters;
  private readonly at: number;
  private readonly sink: InterruptSink;
  private readonly layout: MsiLayout;
  private owner: MessageOwner | undefined;

  /** @internal */
  constructor(registers: FunctionRegisters, at: number, sink: InterruptSink) {
    this.registers = registers;
    this.at = at;
    this.sink = sink;
    this.layout = msiLayout(registers.bytes, at);
    this.count = 1 << this.layout.log2Count;
    registers.observe({ written: () => this.deliver(), reset: () => this.setPending(0) });
  }

  private get flags(): number {
    return readU16(this.registers.bytes, this.at + PCI_MSI_FLAGS);
  }

  /** @internal From now on `owner` gets the messages; undefined ends that. */
  own(owner: MessageOwner | undefined): void {
    this.owner = owner;
  }

  /** Whether the guest, or the owner of the messages, has turned MSI on. */
  get enabled(): boolean {
    return this.owner !== undefined || (this.flags & PCI_MSI_FLAGS_ENABLE) !== 0;
  }

  /** Messages that the guest gave it: never more than {@link MsiVectors.count}. */
  get inUse(): number {
    return Math.min(1 << ((this.flags & PCI_MSI_FLAGS_QSIZE) >> 4), this.count);
  }

  /** Pending bits, one per vector; 0 without per-vector masking. */
  get pending(): number {
    return this.layout.pending === null ? 0 : readU32(this.registers.bytes, this.layout.pending);
  }

  private setPending(bits: number): void {
    const { pending } = this.layout;
    if (pending !== null) for (let i = 0; i < 4; i++) this.registers.bytes[pending + i] = bits >>> (8 * i);
  }

  private checked(vector: number): number {
    if (!Number.isInteger(vector) || vector < 0 || vector >= this.count) throw new RangeError(`MSI vector ${vector} is outside 0..${this.count - 1}`);
    return this.owner === undefined ? vector & (this.inUse - 1) : vector % this.owner.count;
  }

  /**
   * The device wants to interrupt. With fewer messages in use than it can ask for, vectors share them: the low bits count.
   *
   * @param vector 0..count-1.
   * @returns whether a message was sent now.
   * @throws RangeError for a vector that is none.
   */
  trigger(vector: number): boolean {
    const number = this.checked(vector);
    if (this.owner !== undefined) return giveTo(this.owner, this.registers, number);
    if (!this.enabled) return false;
    const { mask } = this.layout;
    if (mask !== null && ((readU32(this.registers.bytes, mask) >>> number) & 1) !== 0) {
      this.setPending((this.pending | (1 << number)) >>> 0);
      return false;
    }
    return this.send(number);
  }

  /** The device no longer wants what it triggered while it was masked. */
  withdraw(vector: number): void {
    this.setPending(this.pending & ~(1 << this.checked(vector)));
  }

  private send(number: number): boolean {
    if (!maySend(this.registers)) return false;
    const { bytes } = this.registers;
    const { is64Bit, data } = this.layout;
    const low = BigInt(readU32(bytes, this.at + PCI_MSI_ADDRESS_LO));
    const address = is64Bit ? (BigInt(readU32(bytes, this.at + PCI_MSI_ADDRESS_LO + 4)) << 32n) | low : low;
    this.sink.message?.(address, (readU16(bytes, data) & ~(this.inUse - 1)) | number);
    return true;
  }

  /** Sends what is pending and no longer masked. */
  private deliver(): void {
    const { mask } = this.layout;
    if (mask === null || this.owner !== undefined || !this.enabled || !maySend(this.registers)) return;
    const ready = this.pending & ~readU32(this.registers.bytes, mask);
    if (ready === 0) return;
    this.setPending(this.pending & ~ready);
    for (let vector = 0; vector < this.count; vector++) if (((ready >>> vector) & 1) !== 0) this.send(vector);
  }
}
