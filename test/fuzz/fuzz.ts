// The fuzzer: seeded random calls over everything, each compared with the reference. The first difference ends it.

import { createEngine } from '../../src/core/index.ts';
import { expectEmpty } from '../core/adapter.ts';
import { World } from '../core/world/world.ts';
import { LaneCalls } from './lane-calls.ts';
import { Random } from './random.ts';
import { RawFuzz } from './raw-calls.ts';
import { OffsetsFuzz, StoreFuzz } from './tables.ts';
import { CALLS_PER_WORLD, worldCall } from './world-calls.ts';

export interface FuzzReport {
  readonly seed: number;
  readonly calls: number;
  readonly traps: number;
  readonly differences: number;
  /** What differed, and at which call. */
  readonly failure?: { readonly call: number; readonly message: string };
}

/** Calls of one kind, one after another, on objects of their own. */
interface Subject {
  call(n: number): void;
  close(): void;
}

function subject(random: Random): Subject {
  const kind = random.below(10);
  if (kind < 6) {
    const world = new World(random.once(2));
    const lanes = random.once(2) ? new LaneCalls() : undefined;
    return {
      call: (n) => {
        world.step(lanes?.call(random, n) ?? worldCall(random, n));
        if (n % 50 === 49) world.compareVisible();
      },
      close: () => world.close(),
    };
  }
  const engine = createEngine();
  const made = kind < 8 ? new StoreFuzz(engine, random) : kind < 9 ? new OffsetsFuzz(engine, random) : new RawFuzz(engine);
  return {
    call: () => made.call(random),
    close: () => {
      made.close();
      expectEmpty(engine);
    },
  };
}

/** Makes `calls` calls from `seed`; `progress` hears of each batch. */
export function fuzz(seed: number, calls: number, progress: (done: number) => void = () => undefined): FuzzReport {
  const random = new Random(seed);
  let done = 0;
  try {
    while (done < calls) {
      const one = subject(random);
      const end = Math.min(calls, done + CALLS_PER_WORLD);
      for (let n = 0; done < end; n++, done++) one.call(n);
      one.close();
      progress(done);
    }
    return { seed, calls, traps: 0, differences: 0 };
  } catch (error) {
    const trap = error instanceof Error && error.name === 'RuntimeError';
    const message = error instanceof Error ? error.message : String(error);
    return { seed, calls: done + 1, traps: trap ? 1 : 0, differences: trap ? 0 : 1, failure: { call: done, message } };
  }
}
