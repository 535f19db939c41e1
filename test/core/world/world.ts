// Runs operations on both sides and compares everything that can be seen after each.

import { deepStrictEqual } from 'node:assert/strict';
import { createEngine, type Engine } from '../../../src/core/index.ts';
import { MAX, expectEmpty } from '../adapter.ts';
import { CoreSide } from './core-side.ts';
import type { Op } from './op.ts';
import { ReferenceSide } from './reference-side.ts';

const ENOMEM = -12;
const CROWDED = [...Array.from({ length: 0x90 }, (_, i) => 0x1000n + BigInt(i)), ...Array.from({ length: 20 }, (_, i) => MAX - BigInt(i))];

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

  /** Which window is visible, at every address of the crowded places. */
  compareVisible(): void {
    for (const [id, space] of this.core.spaces.entries()) {
      if (space.gone) continue;
      const reference = this.reference.spaces[id]!;
      for (const address of CROWDED) {
        const [window, expected] = [space.windowAt(address), reference.visible(address)];
        if ((window && this.core.windows.indexOf(window)) === (expected && this.reference.windows.indexOf(expected))) continue;
        throw new Error(`${space.name} shows another window at ${address}`);
      }
    }
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
    for (const op of ops) {
      world.step(op);
      if (!('on' in op) && op.do !== 'look') world.compareVisible();
    }
    world.close();
  }
}
