// A FIFO behind a register of the reference: its entries, the oldest first, and what went wrong at either end.

export class ReferenceFifo {
  readonly depth: number;
  readonly entries: bigint[] = [];
  dropped = 0;
  takenEmpty = 0;

  constructor(depth: number) {
    this.depth = depth;
  }
}
