// Queues: rings in guest memory, of which the host moves one end by a doorbell and the controller the other.
//
//   submission  |   | c | c | c |   |   |      the host adds at tail, the controller fetches at head; head == tail: empty
//                     head        tail
//   completion  | 1 | 1 | 0 | 0 | 0 | 1 |      the controller adds at tail, the host takes at head; tail + 1 == head: full
//                         tail        head     numbers are phase tags: they turn each time around, so that the host sees what is new
//
// Source: NVM Express 1.4, 4.1 and 4.6

/** Bytes of a completion queue entry. */
export const COMPLETION_BYTES = 16;

/** How a command ended, on its way to a completion queue. */
export interface Completion {
  readonly queue: { readonly id: number; readonly head: number };
  readonly command: number;
  readonly status: number;
  readonly result: number;
}

/** Where a queue is, and how long. */
export interface QueuePlace {
  readonly id: number;
  readonly address: bigint;
  /** Entries, 2 or more. */
  readonly size: number;
}

/** A ring that the host fills. */
export class SubmissionQueue {
  readonly id: number;
  readonly address: bigint;
  readonly size: number;
  readonly completions: CompletionQueue;
  /** Commands that were fetched and have not ended, as they lay in memory, by identifier. */
  readonly running = new Map<number, Uint8Array>();
  head = 0;
  tail = 0;
  isDeleted = false;
  private waiting: (() => void)[] = [];

  constructor({ id, address, size }: QueuePlace, completions: CompletionQueue) {
    this.id = id;
    this.address = address;
    this.size = size;
    this.completions = completions;
  }

  /** Commands that the host added and that lie one behind the other in memory. */
  get contiguous(): number {
    return (this.tail >= this.head ? this.tail : this.size) - this.head;
  }

  /** The host added commands; false for a tail that cannot be. */
  moveTail(tail: number): boolean {
    if (tail >= this.size) return false;
    this.tail = tail;
    return true;
  }

  fetched(commands: number): void {
    this.head = (this.head + commands) % this.size;
  }

  ended(command: number): void {
    this.running.delete(command);
    if (this.running.size > 0) return;
    for (const resume of this.waiting.splice(0)) resume();
  }

  /** Resolves once nothing of the queue runs. */
  async idle(): Promise<void> {
    if (this.running.size > 0) await new Promise<void>((resolve) => void this.waiting.push(resolve));
  }
}

/** What a completion queue is besides its place. */
export interface CompletionQueueOptions {
  readonly vector: number;
  readonly interrupts: boolean;
}

/** A ring that the controller fills. */
export class CompletionQueue {
  readonly id: number;
  readonly address: bigint;
  readonly size: number;
  readonly vector: number;
  readonly interrupts: boolean;
  /** Ended commands for which there was no room yet. */
  readonly waiting: Completion[] = [];
  head = 0;
  tail = 0;
  isDeleted = false;
  /** Entries are on their way to memory. */
  isPosting = false;
  phase = 1;
  /** Those entries, and where the tail was before them. */
  posting: { readonly entries: readonly Completion[]; readonly tail: number; readonly phase: number } | null = null;

  constructor({ id, address, size }: QueuePlace, { vector, interrupts }: CompletionQueueOptions) {
    this.id = id;
    this.address = address;
    this.size = size;
    this.vector = vector;
    this.interrupts = interrupts;
  }

  /** Entries that the host has not taken. */
  get unread(): number {
    return (this.tail - this.head + this.size) % this.size;
  }

  /** Entries that may be added. */
  get room(): number {
    return this.size - 1 - this.unread;
  }

  /** The host took entries; false for a head that cannot be. */
  moveHead(head: number): boolean {
    if (head >= this.size || (head - this.head + this.size) % this.size > this.unread) return false;
    this.head = head;
    return true;
  }

  /** Takes what waits, as far as there is room without going around, and answers its bytes and where they go. */
  take(): { readonly address: bigint; readonly bytes: Uint8Array } {
    const first = this.tail;
    const entries = this.waiting.splice(0, Math.min(this.waiting.length, this.room, this.size - first));
    this.posting = { entries, tail: first, phase: this.phase };
    const bytes = new Uint8Array(COMPLETION_BYTES * entries.length);
    const data = new DataView(bytes.buffer);
    entries.forEach(({ queue, command, status, result }, i) => {
      const at = COMPLETION_BYTES * i;
      data.setUint32(at, result, true);
      data.setUint16(at + 8, queue.head, true);
      data.setUint16(at + 10, queue.id, true);
      data.setUint16(at + 12, command, true);
      data.setUint16(at + 14, (status << 1) | this.phase, true);
    });
    this.tail = (first + entries.length) % this.size;
    if (this.tail < first) this.phase ^= 1;
    return { address: this.address + BigInt(COMPLETION_BYTES * first), bytes };
  }
}
