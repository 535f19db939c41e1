// Sequences in which memory runs out: a refused write changes nothing, with and without a snapshot that makes writes copy.

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { Pair } from './pair.ts';
import type { Sequence } from './sequences.ts';

const ENOMEM = -12;

/** Inserts in steps of 5 with a stride that visits leaves all over, until refused; then stores in the middle of entries until refused. */
function runsOut(snapshot: boolean, stride: bigint): Sequence {
  return (core, driverPath) => {
    const pair = new Pair(core, driverPath, 30_000);
    for (let i = 0n; i < 200n; i++) pair.insert(i * 50n, i * 50n + 3n, 1);
    if (snapshot && core.treeSnapshot === undefined) return;
    const kept = snapshot ? core.treeSnapshot!(pair.handle) : 0;
    core.limitMemory!(core.memory.buffer.byteLength);
    let refused = 0;
    for (let i = 1n; refused < 40 && i < 25_000n; i++) {
      const at = 10_000n + ((i * stride) % 24_989n) * 5n;
      const status = core.treeInsert!(pair.handle, at, at + 3n, 2);
      if (status === ENOMEM) refused++;
      else strictEqual(status, pair.ref.insert(at, at + 3n, 2));
      if (i % 200n === 0n || status === ENOMEM) pair.check();
    }
    ok(refused > 0, 'memory never ran out');
    pair.same();
    refused = 0;
    for (let i = 0; refused < 40 && i < 400; i++) {
      const { first } = pair.ref.at((i * 37) % pair.ref.count());
      const status = core.treeStore!(pair.handle, first + 1n, first + 1n, i % 2);
      if (status === ENOMEM) refused++;
      else strictEqual(status, pair.ref.store(first + 1n, first + 1n, i % 2));
      pair.check();
    }
    pair.same();
    core.limitMemory!(2 ** 32);
    strictEqual(core.treeDestroy!(pair.handle), 0);
    if (snapshot) {
      strictEqual(core.treeValidate!(kept), 0);
      strictEqual(core.treeCount!(kept), 200);
      core.treeDestroy!(kept);
    }
    deepStrictEqual([0, 1, 3].map((what) => core.liveCount!(what)), [0, 0, 0]);
  };
}

export const memorySequences: readonly (readonly [string, Sequence])[] = [
  ['memory runs out, ascending', runsOut(false, 1n)],
  ['memory runs out, all over', runsOut(false, 7919n)],
  ['memory runs out below a snapshot, ascending', runsOut(true, 1n)],
  ['memory runs out below a snapshot, all over', runsOut(true, 7919n)],
];
