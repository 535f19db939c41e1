// All sequences: each a name and a function that throws at the first answer, content or structure that is not as it should be.

import type { TreeExports } from '../../fuzz/tree/chunks.ts';
import { bulkRefusalSequences } from './bulk-refusals.ts';
import { cornerSequences } from './corners.ts';
import { growAndShrinkSequences } from './grow-and-shrink.ts';
import { memorySequences } from './memory.ts';
import { spanSequences } from './spans.ts';
import { tableSequences } from './tables.ts';
import { tallTreeSequences } from './tall.ts';

/** Runs on a fresh instance; `driverPath` is where the compiled sorted array lies. */
export type Sequence = (core: TreeExports, driverPath: string) => void;

export const sequences: readonly (readonly [string, Sequence])[] = [...cornerSequences, ...memorySequences, ...bulkRefusalSequences, ...growAndShrinkSequences, ...spanSequences, ...tallTreeSequences, ...tableSequences];
