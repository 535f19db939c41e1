// From completion queues to interrupts.
//
//   MSI-X     a message of the queue's vector for each posting; taken back while it waits behind a mask, once the host has taken all entries
//   MSI, pin  PENDING has a bit for each vector with entries to take, and INTMS hides some: the pin is high while any is left,
//             MSI sends a message when the first comes, and again when entries are left after the host took some, or come
//
// Source: NVM Express 1.4, 7.5.1

import type { BarOf, PciDevice } from '../../pci/index.ts';
import type { CompletionQueue } from './queues.ts';
import type { nvmeRegisters } from './registers.ts';

/** The line that the register map drives from PENDING. */
const PENDING_LINE = 0;

/** The interrupts of one device. */
export class CompletionInterrupts {
  private readonly card: PciDevice<{ readonly 0: BarOf<typeof nvmeRegisters> }>;
  /** Queues with entries that the host has not taken. */
  private readonly unread = new Set<CompletionQueue>();

  constructor(card: PciDevice<{ readonly 0: BarOf<typeof nvmeRegisters> }>) {
    this.card = card;
  }

  private get usesMsix(): boolean {
    return this.card.function.msixVectors?.enabled === true;
  }

  /** The entries of a queue changed; `posted`: some were added. */
  show(queue: CompletionQueue, posted: boolean): void {
    const isHigh = queue.interrupts && queue.unread > 0 && !queue.isDeleted;
    if (isHigh) this.unread.add(queue);
    else this.unread.delete(queue);
    const { interrupts } = this.card;
    const { usesMsix } = this;
    const sends = usesMsix && posted && isHigh && interrupts.isHigh(queue.vector);
    // The source of a line is the queue: several may share a vector.
    interrupts.set(queue.vector, usesMsix && isHigh, queue);
    if (sends) interrupts.pulse(queue.vector);
    if (!this.card.isGone) this.showPending(usesMsix, isHigh);
  }

  private showPending(usesMsix: boolean, again: boolean): void {
    const { PENDING, INTMS } = this.card.bar(0).regs;
    const before = PENDING.peek() & ~INTMS.peek();
    let bits = 0;
    if (!usesMsix) for (const { vector } of this.unread) bits |= 1 << (vector & 31);
    PENDING.poke(bits >>> 0);
    if (again && !this.card.isGone && (before & bits) !== 0) this.card.interrupts.pulse(PENDING_LINE);
  }

  /** A queue that was migrated: what it interrupted with has been sent, and its line is high. */
  adopt(queue: CompletionQueue): void {
    if (!queue.interrupts || queue.unread === 0) return;
    this.unread.add(queue);
    if (this.usesMsix) this.card.interrupts.adopt(queue.vector, queue);
    else this.showPending(false, false);
  }

  /** There are no queues any more. */
  clear(): void {
    for (const queue of this.unread) this.card.interrupts.set(queue.vector, false, queue);
    this.unread.clear();
    if (!this.card.isGone) this.card.bar(0).regs.PENDING.poke(0);
  }
}
