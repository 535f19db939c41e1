// What a register's hook sees of its access: the result cells, read when asked, so that no number becomes a BigInt on the way.

import type { RegisterAccess } from './bank.ts';
import { CELL_DATA, CELL_FIRST, CELL_LAST } from './layout.generated.ts';

/** @internal */
export class RegisterCells implements RegisterAccess {
  private readonly data: () => DataView;
  private readonly cells: number;

  constructor(data: () => DataView, cells: number) {
    this.data = data;
    this.cells = cells;
  }

  lanes32(): number {
    return this.data().getUint32(this.cells + CELL_FIRST, true);
  }

  lanes64(): bigint {
    return this.data().getBigUint64(this.cells + CELL_FIRST, true);
  }

  before32(): number {
    return this.data().getUint32(this.cells + CELL_LAST, true);
  }

  before64(): bigint {
    return this.data().getBigUint64(this.cells + CELL_LAST, true);
  }

  data32(): number {
    return this.data().getUint32(this.cells + CELL_DATA, true);
  }

  data64(): bigint {
    return this.data().getBigUint64(this.cells + CELL_DATA, true);
  }

  replace32(data: number): void {
    this.replace64(BigInt(data >>> 0));
  }

  replace64(data: bigint): void {
    this.data().setBigUint64(this.cells + CELL_DATA, BigInt.asUintN(64, data), true);
  }
}
