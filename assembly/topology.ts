// Changing the topology: mapping, aliasing, moving and removing windows, so that the range store of their space always holds what is visible.
//
// Each change adds up the nodes that all of its trees can need and reserves them, then changes; so it never stops halfway.
//
//   map      paint: show the window wherever it wins (S-priority)
//   unmap    hide: take its visible ranges out, then paint every window that overlaps them

import { CELL_FIRST, CELL_LAST, COUNT_INNER_NODES, COUNT_LEAVES, EINVAL, ENOMEM, OBJECT_SPACE, OBJECT_WINDOW } from './layout.generated.ts';
import { cells } from './cells.ts';
import { attachLines, detachLines, isCombining } from './combine/lines.ts';
import { deleteObject, handleOf, newObject } from './memory/objects.ts';
import { reserve } from './memory/slab.ts';
import { innerNeeded, leavesNeeded } from './maple/grow.ts';
import { treeFind, treeLoad } from './maple/read.ts';
import { treeClear, treeErase, treeStore } from './maple/write.ts';
import { firstWindow as firstOfRegion, setFirstWindow as setFirstOfRegion, size as regionSize } from './region.ts';
import { spaceTree, windowRegion, windowSpace, windowStart, windowLast, windowPosition, priority, age, firstInSpace, nextInSpace, firstAlias, forgetCached } from './space.ts';

let ages: u64 = 0;

export function createSpace(): i32 {
  const space = newObject(OBJECT_SPACE);
  return space == 0 ? -ENOMEM : handleOf(space);
}

// Lists: each is doubly linked through two words of the window record at `link`, with its head at `head`.

function pushFront(head: u32, window: u32, link: u32): void {
  const next = load<u32>(head);
  store<u32>(window + link, next);
  store<u32>(window + link, 0, 4);
  if (next != 0) store<u32>(next + link, window, 4);
  store<u32>(head, window);
}

function unlink(head: u32, window: u32, link: u32): void {
  const next = load<u32>(window + link);
  const previous = load<u32>(window + link, 4);
  if (next != 0) store<u32>(next + link, previous, 4);
  if (previous != 0) store<u32>(previous + link, next);
  else store<u32>(head, next);
}

function countWindows(space: u32, by: i32): void {
  store<u32>(space, load<u32>(space, 76) + by, 76);
}

function linkAll(window: u32): void {
  countWindows(windowSpace(window), 1);
  pushFront(windowSpace(window) + 32, window, 56);
  const head = firstOfRegion(windowRegion(window));
  store<u32>(window, head, 64);
  if (head != 0) store<u32>(head, window, 68);
  setFirstOfRegion(windowRegion(window), window);
  const target = load<u32>(window, 72);
  if (target != 0) pushFront(target + 76, window, 80);
}

function unlinkAll(window: u32): void {
  countWindows(windowSpace(window), -1);
  unlink(windowSpace(window) + 32, window, 56);
  const next = load<u32>(window, 64);
  const previous = load<u32>(window, 68);
  if (next != 0) store<u32>(next, previous, 68);
  if (previous != 0) store<u32>(previous, next, 64);
  else setFirstOfRegion(windowRegion(window), next);
  const target = load<u32>(window, 72);
  if (target != 0) unlink(target + 76, window, 80);
  if (firstInSpace(windowSpace(window)) == 0) store<u32>(windowSpace(window), 0, 36);
}

/** S-priority. */
function wins(window: u32, over: u32): bool {
  return priority(window) > priority(over) || (priority(window) == priority(over) && age(window) > age(over));
}

/** Makes `window` the visible one in from..to, joined with what it already shows on either side. */
function show(tree: u32, window: u32, from: u64, to: u64): void {
  let first = from;
  let last = to;
  if (from > 0 && treeLoad(tree, from - 1) == window) {
    treeFind(tree, from - 1, from - 1);
    first = load<u64>(cells, CELL_FIRST);
  }
  if (to < u64.MAX_VALUE && treeLoad(tree, to + 1) == window) {
    treeFind(tree, to + 1, to + 1);
    last = load<u64>(cells, CELL_LAST);
  }
  treeStore(tree, first, last, window);
}

/** Shows `window` wherever it wins within from..to. */
function paint(window: u32, from: u64, to: u64): void {
  const space = windowSpace(window);
  const tree = spaceTree(space);
  let at = from;
  let more = true;
  while (more) {
    const over = treeFind(tree, at, to);
    if (over == 0) {
      show(tree, window, at, to);
      return;
    }
    const first = max<u64>(load<u64>(cells, CELL_FIRST), at);
    const last = min<u64>(load<u64>(cells, CELL_LAST), to);
    if (first > at) show(tree, window, at, first - 1);
    if (over != window) {
      store<u32>(space, 1, 36);
      if (wins(window, over)) show(tree, window, first, last);
    }
    more = last < to;
    at = last + 1;
  }
}

/** How many visible ranges from..to touches. */
function visibleRanges(tree: u32, from: u64, to: u64): u32 {
  let n: u32 = 0;
  let more = treeFind(tree, from, to) != 0;
  while (more) {
    n += 1;
    const last = load<u64>(cells, CELL_LAST);
    more = last < to && treeFind(tree, last + 1, to) != 0;
  }
  return n;
}

// A change of the topology can show and hide in many trees. What it needs is added up and reserved before the first of them changes.
let planNumber: u32 = 0;
let plannedLeaves: u32 = 0;
let plannedInner: u32 = 0;

function startPlan(): void {
  planNumber += 1;
  plannedLeaves = 0;
  plannedInner = 0;
}

/** Adds `inserts` to what is planned for a space, which never needs more than a few per window: w windows show at most 2w - 1 ranges, in whatever order they are painted. */
function plan(space: u32, inserts: u32): bool {
  const before = load<u32>(space, 80) == planNumber ? load<u32>(space, 84) : 0;
  const after = min<u32>(before + inserts, 4 * load<u32>(space, 76) + 8);
  store<u32>(space, planNumber, 80);
  store<u32>(space, after, 84);
  const tree = spaceTree(space);
  plannedLeaves += leavesNeeded(after) - (before == 0 ? 0 : leavesNeeded(before));
  plannedInner += innerNeeded(tree, after) - (before == 0 ? 0 : innerNeeded(tree, before));
  return reserve(COUNT_LEAVES, plannedLeaves) && reserve(COUNT_INNER_NODES, plannedInner);
}

/** Nodes for showing a window at from..to: each visible range in it may be cut and replaced. */
function planShow(space: u32, from: u64, to: u64): bool {
  return plan(space, 4 * visibleRanges(spaceTree(space), from, to) + 4);
}

/** Nodes for taking a window away: none for its own ranges, and what it uncovers has at most two borders per window that overlaps it. */
function planHide(window: u32): bool {
  const space = windowSpace(window);
  if (load<u32>(space, 36) == 0) return true;
  let overlapping: u32 = 0;
  let other = firstInSpace(space);
  while (other != 0) {
    if (other != window && windowStart(other) <= windowLast(window) && windowLast(other) >= windowStart(window)) overlapping += 1;
    other = nextInSpace(other);
  }
  return overlapping == 0 || plan(space, 4 * overlapping + 4);
}

/** Takes a window out of the visible ranges and shows what lay below. Nodes are reserved. */
function hide(window: u32): void {
  const space = windowSpace(window);
  const tree = spaceTree(space);
  const to = windowLast(window);
  let at = windowStart(window);
  let more = true;
  while (more) {
    const visible = treeFind(tree, at, to);
    const last = load<u64>(cells, CELL_LAST);
    if (visible == window) treeErase(tree, last);
    more = visible != 0 && last < to;
    at = last + 1;
  }
  forgetCached(space);
  if (load<u32>(space, 36) == 0) return;
  let other = firstInSpace(space);
  while (other != 0) {
    const from = max<u64>(windowStart(other), windowStart(window));
    const last = min<u64>(windowLast(other), to);
    if (other != window && from <= last) paint(other, from, last);
    other = nextInSpace(other);
  }
}

/** S-map: a window's handle, or a negative errno. `target` is the window that this one is an alias of, or 0. */
export function mapWindow(space: u32, start: u64, bytes: u64, region: u32, position: u64, level: i32, attributes: u32, target: u32): i32 {
  if (bytes == 0 || bytes - 1 > u64.MAX_VALUE - start) return -EINVAL;
  if (bytes > regionSize(region) || position > regionSize(region) - bytes) return -EINVAL;
  const last = start + (bytes - 1);
  startPlan();
  if (!planShow(space, start, last)) return -ENOMEM;
  const window = newObject(OBJECT_WINDOW);
  if (window == 0) return -ENOMEM;
  store<u32>(window, region, 8);
  store<u32>(window, space, 12);
  store<u64>(window, start, 16);
  store<u64>(window, last, 24);
  store<u64>(window, position, 32);
  store<i32>(window, level, 40);
  store<u32>(window, attributes, 44);
  store<u64>(window, ++ages, 48);
  store<u32>(window, target, 72);
  if (isCombining(window) && !attachLines(window)) {
    deleteObject(window);
    return -ENOMEM;
  }
  linkAll(window);
  paint(window, start, last);
  forgetCached(space);
  return handleOf(window);
}

/** S-alias. */
export function aliasWindow(target: u32, offset: u64, bytes: u64, space: u32, start: u64, level: i32, attributes: u32): i32 {
  const targetBytes = windowLast(target) - windowStart(target);
  if (bytes == 0 || offset > targetBytes || bytes - 1 > targetBytes - offset) return -EINVAL;
  return mapWindow(space, start, bytes, windowRegion(target), windowPosition(target) + offset, level, attributes, target);
}

/** S-move: 0, or a negative errno. */
export function moveWindow(window: u32, start: u64): i32 {
  const length = windowLast(window) - windowStart(window);
  if (length > u64.MAX_VALUE - start) return -EINVAL;
  startPlan();
  if (!planHide(window) || !planShow(windowSpace(window), start, start + length)) return -ENOMEM;
  hide(window);
  store<u64>(window, start, 16);
  store<u64>(window, start + length, 24);
  store<u64>(window, ++ages, 48);
  paint(window, start, start + length);
  return 0;
}

/** The next window to remove when `window` goes with all its aliases: one that has none itself. */
function deepestAlias(window: u32): u32 {
  let deepest = window;
  while (firstAlias(deepest) != 0) deepest = firstAlias(deepest);
  return deepest;
}

/** S-unmap, with all aliases: 0, or -ENOMEM with nothing changed. */
export function unmapWindow(window: u32): i32 {
  startPlan();
  if (!planTree(window, 0)) return -ENOMEM;
  removeTree(window);
  return 0;
}

function removeTree(window: u32): void {
  let gone: u32 = 0;
  while (gone != window) {
    gone = deepestAlias(window);
    hide(gone);
    unlinkAll(gone);
    if (isCombining(gone)) detachLines(gone);
    deleteObject(gone);
  }
}

/** Plans the removal of a window and of every alias below it, save in the space `but`, whose tree is not needed any more. */
function planTree(window: u32, but: u32): bool {
  let at = window;
  while (windowSpace(at) == but || planHide(at)) {
    if (firstAlias(at) != 0) {
      at = firstAlias(at);
    } else {
      while (at != window && load<u32>(at, 80) == 0) at = load<u32>(at, 72);
      if (at == window) return true;
      at = load<u32>(at, 80);
    }
  }
  return false;
}

/** S-region-gone: removes all windows of a region. 0, or -ENOMEM with nothing changed. */
export function unmapRegion(region: u32): i32 {
  startPlan();
  let window = firstOfRegion(region);
  while (window != 0) {
    if (!planHide(window)) return -ENOMEM;
    window = load<u32>(window, 64);
  }
  // An alias shows the same region, so the list holds every alias too.
  while (firstOfRegion(region) != 0) removeTree(firstOfRegion(region));
  return 0;
}

/** S-region-gone: ends a space with all its windows and their aliases elsewhere. 0, or -ENOMEM with nothing changed. */
export function destroySpace(space: u32): i32 {
  startPlan();
  let window = firstInSpace(space);
  while (window != 0) {
    if (!planTree(window, space)) return -ENOMEM;
    window = nextInSpace(window);
  }
  // With nothing visible and nothing overlapped, hiding the windows of this space changes no tree but those of other spaces.
  treeClear(spaceTree(space));
  store<u32>(space, 0, 36);
  while (firstInSpace(space) != 0) removeTree(firstInSpace(space));
  deleteObject(space);
  return 0;
}
