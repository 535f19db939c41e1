// Publishing: where memory is shared, readers look at a second header of a store, which the writer renews with one store of a word when an operation is complete.
//
//   store record   0 handle | 4 kind | 8 the writer's tree (16 bytes) | 24 u8: the last cyclic allocation ended at 2^64-1 | 32 the readers' tree (16 bytes)

import { tick } from '../memory/clock.ts';
import { isReader } from '../memory/readers.ts';
import { collect, collectSome, holdBack, letGo } from './retire.ts';

const WRITERS: u32 = 8;
const READERS: u32 = 32;

// The tree whose changes stay the writer's own for now.
let held: u32 = 0;

/** The tree of a store record that this instance looks things up in. */
export function visibleTree(record: u32): u32 {
  return record + (ASC_FEATURE_THREADS && isReader() ? READERS : WRITERS);
}

/** Shows readers what the writer has made of a tree; nothing where memory is not shared. */
export function publish(tree: u32): void {
  if (!ASC_FEATURE_THREADS || held == tree) return;
  const shown = tree + (READERS - WRITERS);
  const word = load<u32>(tree);
  if (word == load<u32>(shown)) return;
  store<u64>(shown, load<u64>(tree, 8), 8);
  atomic.store<u32>(shown, word);
  tick();
  collectSome();
}

/** Keeps what becomes of a tree from readers until `release`. One tree at a time: holding another shows this one. */
export function hold(tree: u32): void {
  if (held != 0) release(held);
  held = tree;
  holdBack();
}

/** Publishes a tree that was written while held. */
export function release(tree: u32): void {
  held = 0;
  letGo();
  publish(tree);
}

/** Shows readers that a tree has ended. */
export function withdraw(tree: u32): void {
  if (!ASC_FEATURE_THREADS) return;
  if (held == tree) {
    held = 0;
    letGo();
  }
  atomic.store<u32>(tree + (READERS - WRITERS), 0);
  tick();
  collect();
}
