// The tree fuzzer: chunks of seeded operations on one build until enough are done or one differs.

import { CHUNK, createBench, instantiateTree, replayChunk, runChunk, type Difference } from './chunks.ts';

export interface TreeReport {
  readonly seed: number;
  readonly operations: number;
  /** Whether the build had every export of a range store. */
  readonly complete: boolean;
  readonly difference?: Difference;
}

/** Makes `operations` operations from `seed` on the module at `path`; `progress` hears of each chunk. */
export function fuzzTree(path: string, driverPath: string, seed: number, operations: number, progress: (done: number) => void = () => undefined): TreeReport {
  const bench = createBench(instantiateTree(path), driverPath);
  const { complete } = bench;
  for (let chunk = 0, done = 0; done < operations; chunk++) {
    const now = Math.min(CHUNK, operations - done);
    const message = runChunk(bench, seed, chunk, now);
    if (message !== undefined) {
      const fresh = () => createBench(instantiateTree(path), driverPath);
      const named = replayChunk(fresh(), seed, chunk, now, 1);
      return { seed, operations: done + now, complete, difference: named ?? { chunk, message: `${message}, but not when the chunk runs alone` } };
    }
    done += now;
    progress(done);
  }
  return { seed, operations, complete };
}
