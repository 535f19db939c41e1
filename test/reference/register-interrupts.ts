// Interrupts of the reference bank (B-irq): levels of lines, and edges.

import type { InterruptModel, InterruptPair } from '../../src/registers/index.ts';
import { bitsIn, type StoredRegister } from './register-bits.ts';

export type InterruptEvent = { readonly kind: 'level'; readonly line: number; readonly up: boolean } | { readonly kind: 'edge'; readonly line: number; readonly rose: number };

export class ReferenceInterrupts {
  /** What the host was told, oldest first. */
  readonly events: InterruptEvent[] = [];
  /** The lines that are up. */
  readonly up = new Set<number>();
  private readonly interrupts: readonly InterruptModel[];
  private readonly registers: readonly StoredRegister[];
  /** Of an edge-triggered one: names of the bits that were pending when it was evaluated last. */
  private readonly pending = new Map<InterruptModel, Set<string>>();

  constructor(interrupts: readonly InterruptModel[], registers: readonly StoredRegister[]) {
    this.interrupts = interrupts;
    this.registers = registers;
  }

  /** Whether an interrupt depends on a register. */
  watches(register: number): boolean {
    return this.interrupts.some((interrupt) => interrupt.pairs.some((pair) => pair.status.register === register || pair.mask?.register === register));
  }

  /** Edges in the order of the map, then the lines that changed from the lowest up. */
  evaluate(): void {
    const now = new Set<number>();
    for (const interrupt of this.interrupts) {
      const pending = new Set(interrupt.pairs.flatMap((pair) => this.pendingBits(interrupt, pair)));
      if (!interrupt.edge) {
        if (pending.size > 0) now.add(interrupt.line);
        continue;
      }
      const before = this.pending.get(interrupt) ?? new Set();
      const rose = [...pending].filter((bit) => !before.has(bit)).length;
      this.pending.set(interrupt, pending);
      if (rose > 0) this.events.push({ kind: 'edge', line: interrupt.line, rose });
    }
    for (let line = 0; line < 64; line++) {
      if (now.has(line) === this.up.has(line)) continue;
      if (now.has(line)) this.up.add(line);
      else this.up.delete(line);
      this.events.push({ kind: 'level', line, up: now.has(line) });
    }
  }

  /** After a reset a pending bit has risen again. */
  forgetEdges(): void {
    this.pending.clear();
  }

  private pendingBits({ disables }: InterruptModel, { name, status, mask }: InterruptPair): string[] {
    const statusBits = bitsIn(status.mask).map((i) => this.registers[status.register]!.bits[i] === 1);
    const maskBits = mask === undefined ? undefined : bitsIn(mask.mask).map((i) => this.registers[mask.register]!.bits[i] === 1);
    return statusBits.flatMap((isSet, k) => {
      const enabled = maskBits === undefined || maskBits[k] !== disables;
      return isSet && enabled ? [`${name}[${k}]`] : [];
    });
  }
}
