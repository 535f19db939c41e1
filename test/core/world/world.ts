// Runs operations on both sides and compares everything that can be seen after each.

import { deepStrictEqual } from 'node:assert/strict';
import { createEngine, type Engine } from '../../../src/core/index.ts';
import { expectEmpty } from '../adapter.ts';
import { CoreSide } from './core-side.ts';
import type { Op } from './op.ts';
import { ReferenceSide } from './reference-side.ts';

export class World {
  readonly engine: Engine = createEngine();
  readonly core = new CoreSide(this.engine);
  readonly reference = new ReferenceSide();

  constructor() {
    this.core.takeLog();
    this.reference.takeLog();
  }

  /** Performs `op` on both sides; throws when anything differs. */
  step(op: Op): void {
    this.core.perform(op);
    this.reference.perform(op);
    deepStrictEqual(this.core.takeLog(), this.reference.takeLog());
    deepStrictEqual(this.core.state(), this.reference.state());
  }

  /** Structural checks of every space, then the end of everything: nothing may be left. */
  close(): void {
    for (const space of this.core.spaces) if (!space.gone) space.validate();
    this.core.close();
    expectEmpty(this.engine);
  }
}

export function play(ops: readonly Op[]): void {
  const world = new World();
  for (const op of ops) world.step(op);
  world.close();
}
