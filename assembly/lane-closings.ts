// Closings: how often lanes have closed, for a host that remembers lanes in variables of its own. A lane is open while the number is the one that was read with it.
//
//   cells   CELL_PLAIN_CLOSINGS    closings of lanes of plain bytes
//           CELL_MASKED_CLOSINGS   closings of masked lanes, plus one; 0 while a hook runs
//
// At LANE_LAST_CLOSING the count stands still and nothing can be remembered any more, so that no number comes back.

import { CELL_MASKED_CLOSINGS, CELL_PLAIN_CLOSINGS, LANE_LAST_CLOSING } from './layout.generated.ts';
import { cells } from './cells.ts';

let masked: u32 = 1;
store<u32>(cells, masked, CELL_MASKED_CLOSINGS);

function after(closings: u32): u32 {
  return closings == LANE_LAST_CLOSING ? closings : closings + 1;
}

export function plainClosed(): void {
  store<u32>(cells, after(load<u32>(cells, CELL_PLAIN_CLOSINGS)), CELL_PLAIN_CLOSINGS);
}

export function maskedClosed(): void {
  masked = after(masked);
  if (load<u32>(cells, CELL_MASKED_CLOSINGS) != 0) store<u32>(cells, masked, CELL_MASKED_CLOSINGS);
}

/** The outermost hook begins. */
export function maskedWait(): void {
  store<u32>(cells, 0, CELL_MASKED_CLOSINGS);
}

/** It has ended. */
export function maskedGoOn(): void {
  store<u32>(cells, masked, CELL_MASKED_CLOSINGS);
}
