// From the interrupt lines of a device to what PCI has for them: messages where the guest turned them on, else the pin.
//
//   line 0 --+-- rises --> MSI-X on: vector 0 | MSI on: message 0
//   line 1 --+-- rises --> vector 1           | message 1              vectors beyond those there are: line modulo their number
//     or     |
//            +----------> the pin, high while any line is (IntxLine gates it)
//
// A line that falls takes back what still waits behind a mask. A pulse (an edge-triggered interrupt) is a message, or nothing: a pin knows levels only.

import { integer } from '../../core/index.ts';
import type { PciFunction } from '../pci-function.ts';

/** As many as MSI-X has vectors; those that a register map drives are 0..63. */
const MAX_LINES = 2048;

/** The lines of one function. Each may have several sources, which are or'ed. */
export class InterruptLines {
  private readonly target: PciFunction;
  private readonly high = new Map<number, Set<unknown>>();

  /** @internal */
  constructor(target: PciFunction) {
    this.target = target;
  }

  /** Whether any source holds the line high. */
  isHigh(line: number): boolean {
    return this.high.has(line);
  }

  /**
   * A source raises or drops a line.
   *
   * @param line 0..2047.
   * @param source who: any value that tells sources apart.
   */
  set(line: number, level: boolean, source?: unknown): void {
    integer(`${this.target.slot} interrupt: line`, line, 0, MAX_LINES - 1);
    const sources = this.high.get(line) ?? new Set<unknown>();
    const before = sources.size > 0;
    if (level) sources.add(source);
    else sources.delete(source);
    const after = sources.size > 0;
    if (before === after) return;
    if (after) this.high.set(line, sources);
    else this.high.delete(line);
    if (after) this.message(line);
    else this.withdraw(line);
    this.target.intx?.set(this.high.size > 0);
  }

  /** A line is high, as it was before the device was migrated: its message has been sent there. */
  adopt(line: number, source?: unknown): void {
    integer(`${this.target.slot} interrupt: line`, line, 0, MAX_LINES - 1);
    this.high.set(line, (this.high.get(line) ?? new Set<unknown>()).add(source));
    this.target.intx?.set(true);
  }

  /** One edge: a message, where there are messages. */
  pulse(line: number): void {
    integer(`${this.target.slot} interrupt: line`, line, 0, MAX_LINES - 1);
    this.message(line);
  }

  /** @internal After a reset of the function: no line is high, and the pin has been lowered. */
  clear(): void {
    this.high.clear();
  }

  private message(line: number): void {
    const { msixVectors, msi } = this.target;
    if (msixVectors?.enabled === true) msixVectors.trigger(line % msixVectors.count);
    else if (msi?.enabled === true) msi.trigger(line % msi.count);
  }

  private withdraw(line: number): void {
    const { msixVectors, msi } = this.target;
    if (msixVectors?.enabled === true) msixVectors.withdraw(line % msixVectors.count);
    else if (msi?.enabled === true) msi.withdraw(line % msi.count);
  }
}
