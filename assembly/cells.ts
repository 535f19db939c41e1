// The result cells: sixty-four bytes for answers that do not fit one return value. See the CELL_ offsets of layout.json.

import { CELL_BYTES } from './layout.generated.ts';

export let cells = <u32>memory.data(CELL_BYTES);

/** Answers go to another address from now on: each reader of a shared memory has its own cells. */
export function useCellsAt(address: u32): void {
  cells = address;
}
