// Mapping many pages at once: all of them or none.
//
//   columns -> checked -> sorted -> many, to what is there:  written out together, and a new tree (merge.ts)
//                                -> else:                    one by one, each looked for from where the one before went

import { EEXIST, EINVAL, ENOMEM } from '../layout.generated.ts';
import { putEntry } from '../maple/grow.ts';
import { CHILD, LEAF_BYTES, LEAF_CAPACITY, child, count, first, last } from '../maple/node.ts';
import { HEIGHT_MASK, ascendTo, descend, pathHigh, pathNode, pathSlot, setPathSlot, top } from '../maple/path.ts';
import { innerSlot } from '../maple/search.ts';
import { endTable } from '../maple/table-making.ts';
import { insertFound, treeErase } from '../maple/write.ts';
import { handleOf } from '../memory/objects.ts';
import { arePermissions, isInside, mappings } from './domain.ts';
import { isWorthMerging, mergePages } from './merge.ts';
import { giveRecord, newestChunk, reserveRecords, returnChunks, takeRecord } from './records.ts';
import { isAscending, sortColumns } from './sort.ts';

// Rows whose leaves are fetched at once.
const AHEAD: u32 = 32;
const nodes = <u32>memory.data(128);

function row(column: u32, i: u32): u64 {
  return load<u64>(column + (i << 3));
}

/** D-map-pages: 0, or a negative errno with nothing changed. The columns may be left in another order. */
export function mapPages(domain: u32, iovas: u32, positions: u32, n: u32, bytes: u64, region: u32, permission: u32): i32 {
  if (bytes == 0 || !arePermissions(permission)) return -EINVAL;
  for (let i: u32 = 0; i < n; i++) {
    if (bytes - 1 > u64.MAX_VALUE - row(iovas, i) || !isInside(region, row(positions, i), bytes)) return -EINVAL;
  }
  if (n == 0) return 0;
  const sorted = isAscending(iovas, n) || sortColumns(iovas, positions, n);
  if (sorted) for (let i: u32 = 1; i < n; i++) if (row(iovas, i) - row(iovas, i - 1) < bytes) return -EEXIST;
  const tree = mappings(domain);
  endTable(tree);
  const newest = newestChunk(domain);
  let status: i32 = -ENOMEM;
  if (reserveRecords(domain, n)) {
    if (sorted && isWorthMerging(domain, iovas, n)) status = mergePages(domain, iovas, positions, n, bytes, region, permission);
    if (status == -ENOMEM) status = insertAll(domain, iovas, positions, n, bytes, region, permission);
  }
  if (status != 0) returnChunks(domain, newest);
  return status;
}

/** One by one, in any order. */
function insertAll(domain: u32, iovas: u32, positions: u32, n: u32, bytes: u64, region: u32, permission: u32): i32 {
  const tree = mappings(domain);
  const handle = handleOf(region);
  // The leaf's level while the path stands in a leaf, right behind the row before.
  let level: i32 = -1;
  // The last IOVA that belongs to that leaf.
  let leafLast: u64 = 0;
  let before: u64 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const from = row(iovas, i);
    const to = from + (bytes - 1);
    if (i % AHEAD == 0) fetchLeaves(tree, iovas, i, min<u32>(i + AHEAD, n), leafLast);
    if (level < 0 || from <= before) {
      level = descend(tree, from);
      if (level >= 0) leafLast = pathHigh(level);
    } else if (from > leafLast) {
      ascendTo(level, from);
      leafLast = pathHigh(level);
    } else {
      skipTo(level, from);
    }
    if (level >= 0 && touches(level, to)) return undo(domain, iovas, i, -EEXIST);
    const record = takeRecord(domain, handle, permission, row(positions, i) - from);
    if (level >= 0 && count(pathNode(level)) < LEAF_CAPACITY) {
      putEntry(tree, level, from, to, record);
    } else {
      const status = insertFound(tree, level, from, to, record);
      if (status != 0) {
        giveRecord(domain, record);
        return undo(domain, iovas, i, status);
      }
      // Nodes were split.
      level = -1;
    }
    before = to;
  }
  return 0;
}

/**
 * Touches the leaves of the next rows, level by level: a big tree's nodes lie all over memory, and so they are waited for together. Not where all go into the leaf that the path stands
 * in.
 */
function fetchLeaves(tree: u32, iovas: u32, i: u32, end: u32, leafLast: u64): void {
  const word = top(tree);
  if (word == 0 || row(iovas, end - 1) <= leafLast) return;
  let node = word & ~HEIGHT_MASK;
  let rest = (word & HEIGHT_MASK) - 1;
  // What all rows have in common is walked once.
  for (; rest > 0; rest--) {
    const slot = innerSlot(node, row(iovas, i));
    if (slot != innerSlot(node, row(iovas, end - 1))) break;
    node = child(node, slot);
  }
  for (let next = i; next < end; next++) store<u32>(nodes + ((next - i) << 2), node);
  for (; rest > 0; rest--) {
    for (let next = i; next < end; next++) {
      const at = nodes + ((next - i) << 2);
      const parent = load<u32>(at);
      store<u32>(at, child(parent, innerSlot(parent, row(iovas, next))));
    }
    // Apart from finding them, which is so many instructions that a processor sees no further than one row.
    if (rest == 1) touchNodes(end - i, LEAF_BYTES);
    else if (rest == 2) touchNodes(end - i, CHILD + 128);
  }
}

function touchNodes(n: u32, bytes: u32): void {
  for (let at = nodes; at < nodes + (n << 2); at += 4) {
    const node = load<u32>(at);
    for (let line: u32 = 0; line < bytes; line += 64) load<u64>(node + line);
  }
}

/** Moves the path, inside its leaf, to the first entry that ends at an IOVA or behind it, as a search would. */
function skipTo(level: u32, from: u64): void {
  const leaf = pathNode(level);
  const n = count(leaf);
  let slot = pathSlot(level);
  while (slot < n && last(leaf, slot) < from) slot += 1;
  setPathSlot(level, slot);
}

function touches(level: u32, to: u64): bool {
  const leaf = pathNode(level);
  const slot = pathSlot(level);
  return slot < count(leaf) && first(leaf, slot) <= to;
}

function undo(domain: u32, iovas: u32, n: u32, status: i32): i32 {
  for (let i: u32 = 0; i < n; i++) giveRecord(domain, treeErase(mappings(domain), row(iovas, i)));
  return status;
}
