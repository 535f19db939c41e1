// Runs operations on both sides and compares everything that can be seen after each.

import { deepStrictEqual } from 'node:assert/strict';
import { createEngine, type Engine } from '../../../src/core/index.ts';
import { expectEmpty } from '../adapter.ts';
import { CoreSide } from './core-side.ts';
import type { Op } from './op.ts';
import { ReferenceSide } from './reference-side.ts';

const ENOMEM = -12;

export class World {
  readonly engine: Engine;
  readonly core: CoreSide;
  readonly reference: ReferenceSide;

  /** Without a trace the core takes shorter ways to plain bytes. */
  constructor(traced: boolean, engine = createEngine()) {
    this.engine = engine;
    this.core = new CoreSide(engine, traced);
    this.reference = new ReferenceSide(traced);
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

  /** As `step`, but the core may answer ENOMEM: then nothing has changed, and the reference is not asked. True when it did. */
  stepUnlessFull(op: Op): boolean {
    const before = this.core.state();
    const windows = this.core.windows.length;
    const full = this.core.perform(op) === ENOMEM;
    if (!full) {
      this.reference.perform(op);
      deepStrictEqual(this.core.takeLog(), this.reference.takeLog());
      deepStrictEqual(this.core.state(), this.reference.state());
      return false;
    }
    this.core.takeLog();
    this.core.windows.length = windows;
    deepStrictEqual(this.core.state(), { ...(before as { records: unknown }), records: (before as { records: unknown }).records && [] });
    return true;
  }

  /** Structural checks of every space, then the end of everything: nothing may be left. */
  close(): void {
    for (const space of this.core.spaces) if (!space.gone) space.validate();
    this.core.close();
    expectEmpty(this.engine);
  }
}

/** Plays the operations traced and untraced. */
export function play(ops: readonly Op[]): void {
  for (const traced of [true, false]) {
    const world = new World(traced);
    for (const op of ops) world.step(op);
    world.close();
  }
}
