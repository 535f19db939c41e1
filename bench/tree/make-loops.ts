// The loops of each contender that runs in a process of Node. Each is a module of its own, so that a process loads only what it measures.

import type { Loops } from './loops.ts';
import { structureLoops } from './structure-loops.ts';
import type { Workload } from './workload.ts';

// Relative to build/bench/bench/tree/, where this module runs.
const built = new URL('../../../bench-tree/', import.meta.url);

/** Loops of the contender `name` over one workload. */
export async function makeLoops(name: string, workload: Workload): Promise<Loops> {
  switch (name) {
    case 'wasm-simd':
      return (await import('./wasm-loops.ts')).wasmLoops(new URL('loops.simd.wasm', built), workload);
    case 'wasm-scalar':
      return (await import('./wasm-loops.ts')).wasmLoops(new URL('loops.wasm', built), workload);
    case 'wasm-shared':
      return (await import('./wasm-loops.ts')).wasmLoops(new URL('loops.shared.wasm', built), workload, true);
    case 'js': {
      const { OurRangeMap } = await import('./structures/range-map.ts');
      return structureLoops(() => new OurRangeMap(), workload);
    }
    case 'batch-64':
      return (await import('./batch-loops.ts')).batchLoops(64, workload);
    case 'batch-4096':
      return (await import('./batch-loops.ts')).batchLoops(4096, workload);
    case 'sorted-btree': {
      const { SortedBTree } = await import('./structures/sorted-btree.ts');
      return structureLoops(() => new SortedBTree(), workload);
    }
    case 'flatten': {
      const { FlattenIntervalTree } = await import('./structures/interval-tree.ts');
      return structureLoops(() => new FlattenIntervalTree(), workload);
    }
    case 'arrays': {
      const { SortedArrays } = await import('./structures/sorted-arrays.ts');
      return structureLoops(() => new SortedArrays(), workload);
    }
    case 'typed-btree': {
      const { TypedBTree } = await import('./structures/typed-btree.ts');
      return structureLoops(() => new TypedBTree(), workload);
    }
    default:
      throw new Error(`no contender ${name}`);
  }
}
