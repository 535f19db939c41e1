// A core with almost no memory left: everything that can be taken is taken, and given back piece by piece.

import type { Engine } from '../../src/core/index.ts';
import { outcome } from './adapter.ts';

const ENOMEM = -12;

export class Pressure {
  private readonly engine: Engine;
  private readonly held: (() => void)[] = [];
  private frames = 0;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Takes frames, then what the slabs still hold: stores of two leaves and an inner node, of one leaf, and bare objects. */
  exhaust(): void {
    const { engine, held } = this;
    const { exports } = engine.core;
    for (let at = exports.takeBuffer(4096); at !== 0; at = exports.takeBuffer(4096)) {
      const frame = at;
      held.push(() => exports.giveBuffer(frame, 4096));
    }
    this.frames = held.length;
    for (const entries of [13, 1]) while (this.takeStore(entries));
    // Spaces of the core's: those of its TypeScript side hold much more than an object.
    for (let space = exports.spaceCreate(); space > 0; space = exports.spaceCreate()) {
      const one = space;
      held.push(() => void exports.spaceDestroy(one));
    }
  }

  private takeStore(entries: number): boolean {
    const store = outcome(() => this.engine.rangeStore());
    if (typeof store === 'number') return false;
    for (let i = 0; i < entries; i++) {
      if (outcome(() => store.insert(i * 2, i * 2, 1)) === ENOMEM) {
        store.destroy();
        return false;
      }
    }
    this.held.push(() => store.destroy());
    return true;
  }

  /** Gives `n` of the things back that were taken, from place `from` on. */
  relieve(from: number, n: number): void {
    const start = this.held.length === 0 ? 0 : from % this.held.length;
    for (const give of this.held.splice(start, n)) give();
  }

  /** Gives back all but the frames: nodes and objects can be had, chunks of them and buffers cannot. */
  relieveNodes(): void {
    this.relieve(this.frames, this.held.length - this.frames);
  }

  relieveAll(): void {
    this.relieve(0, this.held.length);
  }
}
