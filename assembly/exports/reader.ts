// Exports of the shared builds only: readers in other threads, and when they see what the writer did.

import { EBADF, EROFS, OBJECT_READER } from '../layout.generated.ts';
import { resolve } from '../memory/objects.ts';
import * as readers from '../memory/readers.ts';
import { collect, waitingNodes } from '../maple/retire.ts';
import * as publishing from '../maple/publish.ts';
import { refusal, writable } from './range-store.ts';

/** The writer makes room for one reader: a handle that a reader's instance attaches to. */
export function readerOpen(): i32 {
  return readers.isReader() ? -EROFS : readers.openReader();
}

/** The writer ends a reader that will not call again. */
export function readerClose(handle: u32): i32 {
  if (readers.isReader()) return -EROFS;
  const reader = resolve(handle, OBJECT_READER);
  if (reader == 0) return -EBADF;
  readers.closeReader(reader);
  return 0;
}

/** This instance is that reader from now on: it writes nothing but its own frame, whose address is the answer. */
export function readerAttach(handle: u32): i32 {
  const reader = resolve(handle, OBJECT_READER);
  return reader == 0 ? -EBADF : readers.becomeReader(reader);
}

/** Begins a turn: what is looked up from now on stays whole until `readerLeave`. */
export function readerEnter(): void {
  if (readers.isReader()) readers.enter();
}

export function readerLeave(): void {
  if (readers.isReader()) readers.leave();
}

/** The writer's changes stay its own until `treeRelease`: many writes, seen as one. */
export function treeHold(handle: u32): i32 {
  const tree = writable(handle);
  if (tree == 0) return refusal(handle);
  publishing.hold(tree);
  return 0;
}

export function treeRelease(handle: u32): i32 {
  const tree = writable(handle);
  if (tree == 0) return refusal(handle);
  publishing.release(tree);
  return 0;
}

/** Gives back what no reader can hold any more; how many nodes still wait. */
export function collectRetired(): u32 {
  if (!readers.isReader()) collect();
  return waitingNodes();
}
