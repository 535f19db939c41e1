// The result cells: sixty-four static bytes for answers that do not fit one return value. See the CELL_ offsets of layout.json.

import { CELL_BYTES } from './layout.generated.ts';

export const cells = <u32>memory.data(CELL_BYTES);
