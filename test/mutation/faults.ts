// The faults that `npm run mutate` plants, one at a time: one operator, bound or call each, as an exact replacement in one source.

import { domainFaults } from './domain-faults.ts';
import { readFaults } from './read-faults.ts';
import { shapeFaults } from './shape-faults.ts';
import { tableFaults } from './table-faults.ts';
import { writeFaults } from './write-faults.ts';

export interface Fault {
  readonly file: string;
  /** Text that stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** What is wrong then. */
  readonly why: string;
  /** Only in the build with vectors. */
  readonly simd?: boolean;
  /** Why no answer and no structure can show it; such a fault is expected to survive. */
  readonly equivalent?: string;
}

export const faults: readonly Fault[] = [...writeFaults, ...shapeFaults, ...readFaults, ...tableFaults, ...domainFaults];
