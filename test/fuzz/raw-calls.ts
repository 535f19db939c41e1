// Garbage for the raw exports: handles that are stale, foreign, invented or of another kind, and batch rows of random bytes. Nothing may trap or change.

import { deepStrictEqual } from 'node:assert/strict';
import type { Engine, Region, Space } from '../../src/core/index.ts';
import { BATCH_ROW_BYTES } from '../../src/core/layout.generated.ts';
import type { Random } from './random.ts';

/** The exports whose first argument is a handle and what they answer to a bad one. */
const REFUSALS: readonly (readonly [name: string, bad: number])[] = [
  ['treeDestroy', -9], ['treeLoad', 0], ['treeLoadF', 0], ['treeStore', -9], ['treeInsert', -9], ['treeErase', 0], ['treeFind', 0], ['treeFindPrevious', 0], ['treeNext', 0],
  ['treePrevious', 0], ['treeGap', -9], ['treeAllocate', -9], ['treeClear', -9], ['treeCount', -9], ['treeValidate', -9], ['treeTableBytes', -9], ['treeWalk', -9], ['treeBulk', -9], ['cursorCreate', -9],
  ['cursorDestroy', -9], ['cursorNext', 0], ['cursorPrevious', 0], ['regionDestroy', -9], ['regionBase', 0], ['regionRefused', -9], ['regionDropPages', -9], ['spaceDestroy', -9],
  ['spaceMap', -9], ['windowAlias', -9], ['windowUnmap', -9], ['windowMove', -9], ['spaceWindowAt', 0], ['spaceUnclaimed', -9], ['spaceIsClaimed', -9], ['spaceValidate', -9],
  ['spaceRead', -9], ['spaceReadF', -9], ['spaceRead64', -9], ['spaceRead64F', -9], ['spaceWrite', -9], ['spaceWriteF', -9], ['spaceBlock', -9], ['regionRead', -9], ['regionReadF', -9],
  ['regionRead64', -9], ['regionRead64F', -9], ['regionWrite', -9], ['regionWriteF', -9], ['regionBlock', -9], ['cookieTableDestroy', -9], ['cookieRequest', -9], ['cookieResolve', -9],
  ['cookieResolveF', -9],
];

type Export = (...args: (number | bigint)[]) => number;

/** Calls with the number or bigint arguments that the export takes, found by trying. */
function callWith(call: Export, handle: number, random: Random): number {
  const args: (number | bigint)[] = [handle];
  const numbers = [0, 1, 0xffff_ffff, Number.NaN, -1, 1e300, 0.5];
  while (args.length < call.length) args.push(random.pick(numbers));
  for (let i = 1; i < 4; i++) {
    // Where an export takes an i64, a number is a TypeError that names no argument: turn them to bigints from the left.
    for (let mask = 0; mask < 1 << (call.length - 1); mask++) {
      const typed = args.map((arg, at) => (at > 0 && (mask >> (at - 1)) & 1 ? random.u64() : arg));
      try {
        return call(...typed);
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof SyntaxError || error instanceof RangeError)) throw error;
      }
    }
  }
  throw new Error('no argument types fit');
}

export class RawFuzz {
  private readonly engine: Engine;
  private readonly space: Space;
  private readonly region: Region;
  private readonly stale: number[] = [];
  private readonly before: string;

  constructor(engine: Engine) {
    this.engine = engine;
    this.space = engine.space();
    this.region = engine.region({ kind: 'ram', size: 64 });
    this.space.map(0x1000, this.region);
    const store = engine.rangeStore();
    this.stale.push(store.handle, 0, 0xffff_ffff, 0x7fff_ffff, 0x8000_0000, this.space.handle ^ 0x0010_0000, this.region.handle + 0x4000_0000);
    store.destroy();
    this.before = JSON.stringify(engine.live());
  }

  call(random: Random): void {
    if (random.once(4)) this.rows(random);
    else this.garbage(random);
    deepStrictEqual(JSON.stringify(this.engine.live()), this.before);
  }

  private garbage(random: Random): void {
    const [name, bad] = random.pick(REFUSALS);
    const live = [this.space.handle, this.region.handle];
    const handle = random.once(3) ? random.next() : random.pick(this.stale);
    if (live.includes(handle)) return;
    const call = (this.engine.core.exports as unknown as Record<string, Export>)[name]!;
    deepStrictEqual([name, callWith(call, handle, random)], [name, bad]);
  }

  /** Rows of random bytes: each ends with an errno or is a real access to the one space there is. */
  private rows(random: Random): void {
    const n = 1 + random.below(8);
    const { exports } = this.engine.core;
    const buffer = exports.takeBuffer(n * BATCH_ROW_BYTES);
    const view = this.engine.core.data();
    for (let i = 0; i < n * BATCH_ROW_BYTES; i += 4) view.setUint32(buffer + i, random.next(), true);
    const good = random.below(n);
    view.setUint32(buffer + good * BATCH_ROW_BYTES + 20, this.space.handle, true);
    const exceptions = exports.batchRun(buffer, n);
    if (exceptions < n - 1 || exceptions > n) throw new Error(`${exceptions} of ${n} garbage rows were refused`);
    exports.giveBuffer(buffer, n * BATCH_ROW_BYTES);
  }

  close(): void {
    this.space.destroy();
    this.region.destroy();
  }
}
