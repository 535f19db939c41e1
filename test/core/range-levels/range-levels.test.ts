// The range store through its raw exports: sequences chosen to split, share, join and span nodes on every level, in both builds.

import { describe, test } from '@jest/globals';
import { instantiateTree } from '../../fuzz/tree/chunks.ts';
import { buildPath, builtDriver } from '../../fuzz/tree/driver.ts';
import { tallSequences } from './grow-and-shrink.ts';
import { sequences } from './sequences.ts';

const driverPath = builtDriver();

describe.each(['range-map.wasm', 'range-map.simd.wasm'])('%s', (build) => {
  test.each([...sequences, ...tallSequences])('%s', (_name, run) => run(instantiateTree(buildPath(build)), driverPath));
});
