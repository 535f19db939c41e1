// Loops over snapshots, and over writes that go on beside them. For memory that is not shared.

import { OBJECT_SNAPSHOT } from '../../../assembly/layout.generated.ts';
import { resolve } from '../../../assembly/memory/objects.ts';
import { releaseSnapshot, treeSnapshot } from '../../../assembly/maple/version.ts';
import { treeErase, treeInsert } from '../../../assembly/maple/write.ts';
import { foldTree } from './read-loops';
import { eraseOrder, firsts, lasts, snapshotAt, treeAt, trees, u32At, u64At } from './trees.ts';

/** Takes a snapshot of the first tree and releases it, `times` times; how often there was one. */
export function snapshotRelease(times: u32): u32 {
  const tree = treeAt(0);
  let done: u32 = 0;
  for (let i: u32 = 0; i < times; i++) {
    const snapshot = resolve(treeSnapshot(tree), OBJECT_SNAPSHOT);
    if (snapshot == 0) break;
    releaseSnapshot(snapshot);
    done++;
  }
  return done;
}

/** Takes a snapshot of each tree; how many there are. */
export function holdSnapshots(): u32 {
  let held: u32 = 0;
  for (let t: u32 = 0; t < trees; t++) {
    const handle = treeSnapshot(treeAt(t));
    store<u32>(snapshotAt(t), handle);
    if (handle > 0) held++;
  }
  return held;
}

export function releaseSnapshots(): void {
  for (let t: u32 = 0; t < trees; t++) releaseSnapshot(resolve(load<u32>(snapshotAt(t)), OBJECT_SNAPSHOT));
}

/** As `contents`, of what the snapshots hold. */
export function heldContents(): u32 {
  let hash: u32 = 0;
  for (let t: u32 = 0; t < trees; t++) hash = foldTree(resolve(load<u32>(snapshotAt(t)), OBJECT_SNAPSHOT) + 8, hash);
  return hash;
}

/** Erases the first `pairs` ranges of the random order, and inserts each again at once with another value; how many inserts were done. */
export function exchange(pairs: u32, shift: u32): u32 {
  let done: u32 = 0;
  for (let t: u32 = 0; t < trees; t++) {
    const tree = treeAt(t);
    for (let k: u32 = 0; k < pairs; k++) {
      const i = u32At(eraseOrder, k);
      const from = u64At(firsts, i);
      treeErase(tree, from);
      if (treeInsert(tree, from, u64At(lasts, i), i + 1 + shift) == 0) done++;
    }
  }
  return done;
}
