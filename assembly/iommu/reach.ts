// What an access of a device reaches: all of it is looked at before a byte is moved.
//
// No look here runs a hook, and none writes the tree, so a leaf and a slot of it are a place that stays.

import { COUNT_INNER_NODES, COUNT_LEAVES, COUNT_PAGES, IOMMU_PERMISSION, IOMMU_READABLE, IOMMU_TARGET, IOMMU_UNMAPPED, IOMMU_WRITABLE, OBJECT_REGION, REGION_REENTRANT } from '../layout.generated.ts';
import { isWhole } from '../block.ts';
import { innerNeeded, leavesNeeded } from '../maple/grow.ts';
import { count, first, last, ordered, value } from '../maple/node.ts';
import { HEIGHT_MASK, MAX_HEIGHT, top } from '../maple/path.ts';
import { leafOf, leafSlot } from '../maple/search.ts';
import { resolve } from '../memory/objects.ts';
import { live, reserve } from '../memory/slab.ts';
import { base, flags, isBusy, isDemand, missingPages, pageTree } from '../region.ts';
import { groupOf, marks, missingBitmaps, tracks } from './dirty.ts';
import { mappings } from './domain.ts';
import { delta, permissions, regionHandle } from './records.ts';

/** Where the last access that could not be made was stopped. */
export let faultAt: u64 = 0;

export function setFaultAt(iova: u64): void {
  faultAt = iova;
}

/** Whether the bytes of the last range that was looked at can be moved as they lie: no cycle of it runs a hook or is counted. */
export let isPlain: bool = true;

/** Between which addresses of linear memory, both included, all bytes lie that the last reach led to; everywhere, where it met a demand region. */
export let lowest: u32 = 0;
export let highest: u32 = 0;

function noteAddresses(bytes: u64): void {
  const at = isDemand(region) ? 0 : base(region) + <u32>position;
  lowest = min<u32>(lowest, at);
  highest = max<u32>(highest, isDemand(region) ? u32.MAX_VALUE : at + (<u32>bytes - 1));
}

// What the last look found: a region, the position of the IOVA in it, and the last IOVA of the range.
export let region: u32 = 0;
export let position: u64 = 0;
export let rangeLast: u64 = 0;

// Where a walk stands, and the region that its handle was resolved to.
let leaf: u32 = 0;
let slot: u32 = 0;
let knownHandle: u32 = 0;

function stand(tree: u32, iova: u64): void {
  const word = top(tree);
  leaf = word == 0 ? 0 : leafOf(word & ~HEIGHT_MASK, word & HEIGHT_MASK, ordered(iova));
  slot = leaf == 0 ? 0 : leafSlot(leaf, iova);
}

/** Begins at an IOVA: 0, or why a device cannot go there. */
export function enter(domain: u32, iova: u64, writes: u32): u32 {
  knownHandle = 0;
  stand(mappings(domain), iova);
  return look(iova, writes);
}

/** Goes on behind the range it stands on. */
export function goOn(domain: u32, writes: u32): u32 {
  const iova = rangeLast + 1;
  slot += 1;
  if (slot >= count(leaf)) stand(mappings(domain), iova);
  return look(iova, writes);
}

// A walk that waits while another one goes on:  0 leaf u32 | 4 slot u32 | 8 known handle u32 | 12 region u32 | 16 position u64 | 24 last IOVA of the range u64
export const PLACE_BYTES: u32 = 32;

export function keepPlace(place: u32): void {
  store<u32>(place, leaf);
  store<u32>(place, slot, 4);
  store<u32>(place, knownHandle, 8);
  store<u32>(place, region, 12);
  store<u64>(place, position, 16);
  store<u64>(place, rangeLast, 24);
}

export function takePlace(place: u32): void {
  leaf = load<u32>(place);
  slot = load<u32>(place, 4);
  knownHandle = load<u32>(place, 8);
  region = load<u32>(place, 12);
  position = load<u64>(place, 16);
  rangeLast = load<u64>(place, 24);
}

function look(iova: u64, writes: u32): u32 {
  if (leaf == 0 || slot >= count(leaf) || first(leaf, slot) > iova) return stop(iova, IOMMU_UNMAPPED);
  const record = value(leaf, slot);
  if ((permissions(record) & (writes != 0 ? IOMMU_WRITABLE : IOMMU_READABLE)) == 0) return stop(iova, IOMMU_PERMISSION);
  if (regionHandle(record) != knownHandle) {
    region = resolve(regionHandle(record), OBJECT_REGION);
    if (region == 0 || (isBusy(region) && (flags(region) & REGION_REENTRANT) == 0)) {
      knownHandle = 0;
      return stop(iova, IOMMU_TARGET);
    }
    knownHandle = regionHandle(record);
  }
  position = iova + delta(record);
  rangeLast = last(leaf, slot);
  return 0;
}

function stop(iova: u64, reason: u32): u32 {
  faultAt = iova;
  return reason;
}

const HIGHEST_PATH: u32 = MAX_HEIGHT + 2;

// What a write will have to make: pages of demand regions, bitmaps of marks, and nodes of the trees that hold them.
let pages: u64 = 0;
let leaves: u64 = 0;
let inner: u64 = 0;
let trees: u32 = 0;

/** Begins to add up. */
export function planNothing(): void {
  pages = 0;
  leaves = 0;
  inner = 0;
  trees = 0;
}

function plan(tree: u32, inserts: u64): void {
  if (inserts == 0) return;
  const n = <u32>min<u64>(inserts, 1 << 20);
  pages += inserts;
  leaves += leavesNeeded(n);
  // An insert makes sure of a whole path of its own besides.
  inner += innerNeeded(tree, n) + HIGHEST_PATH;
  trees += 1;
}

/** Makes sure that what was added up can be made. */
export function reservePlan(): bool {
  if (pages == 0) return true;
  if (pages > 1 << 20) return false;
  const most = live(COUNT_INNER_NODES) + <u32>pages + 2 * HIGHEST_PATH * trees;
  return reserve(COUNT_PAGES, <u32>pages) && reserve(COUNT_LEAVES, <u32>leaves) && reserve(COUNT_INNER_NODES, <u32>min<u64>(inner, most));
}

/** Looks at all of from..to: 0, or why a device cannot go there, with the place in `faultAt`. A write adds up what it will have to make. */
export function reach(domain: u32, from: u64, to: u64, writes: u32): u32 {
  isPlain = true;
  lowest = u32.MAX_VALUE;
  highest = 0;
  let reason = enter(domain, from, writes);
  // The demand region whose missing pages are being added up.
  let demand: u32 = 0;
  let missing: u64 = 0;
  let at = from;
  while (reason == 0) {
    if (!isWhole(region)) isPlain = false;
    const end = min<u64>(rangeLast, to);
    noteAddresses(end - at + 1);
    if (writes != 0 && isDemand(region)) {
      if (region != demand) {
        if (demand != 0) plan(pageTree(demand), missing);
        demand = region;
        missing = 0;
      }
      missing += missingPages(region, position, position + (end - at));
    }
    if (rangeLast >= to) break;
    at = rangeLast + 1;
    reason = goOn(domain, writes);
  }
  if (demand != 0) plan(pageTree(demand), missing);
  if (writes != 0 && reason == 0 && tracks(domain)) plan(marks(domain), missingBitmaps(domain, groupOf(from), groupOf(to)));
  return reason;
}
