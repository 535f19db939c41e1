// Nodes and records that no version of a tree uses any more: given back at once, or where memory is shared, when no reader can hold them.
//
// What waits stands in two queues by the version that did without it, oldest first; a node's stamp then says which that was.
//
// While a tree is held (publish.ts), readers go on seeing what it has done without, and they do so in versions that other trees begin meanwhile. So nothing retired since goes before the
// release, and counts as retired then.
//
//   a retired record:   0 u32 0: its handle is stale | 96 next u32 | 100 handle u32 | 104 version u64

import { COUNT_INNER_NODES, COUNT_LEAVES } from '../layout.generated.ts';
import { clock } from '../memory/clock.ts';
import { deleteObject, handleOf } from '../memory/objects.ts';
import { oldestAnnounced } from '../memory/readers.ts';
import { give } from '../memory/slab.ts';
import { isLeaf, nextRetired, setNextRetired, setStamp, stamp } from './node.ts';

// So many nodes may wait before the writer asks the readers.
const PATIENCE: u32 = 64;

let firstNode: u32 = 0;
let lastNode: u32 = 0;
let waiting: u32 = 0;
let firstRecord: u32 = 0;
let lastRecord: u32 = 0;

// The version that a tree is held since, 0 for none, and what stood last in the queues then.
let heldSince: u64 = 0;
let nodeBefore: u32 = 0;
let recordBefore: u32 = 0;

function giveNode(node: u32): void {
  give(isLeaf(node) ? COUNT_LEAVES : COUNT_INNER_NODES, node);
}

/** No version uses this node any more. */
export function retireNode(node: u32): void {
  // A node of the version in the making was never there for others to see.
  if (!ASC_FEATURE_THREADS || stamp(node) == clock()) {
    giveNode(node);
    return;
  }
  setStamp(node, clock());
  setNextRetired(node, 0);
  if (firstNode == 0) firstNode = node;
  else setNextRetired(lastNode, node);
  lastNode = node;
  waiting += 1;
}

/** Ends a record that readers may be looking at: its handle is stale at once, its bytes stay. */
export function retireRecord(record: u32): void {
  if (!ASC_FEATURE_THREADS) {
    deleteObject(record);
    return;
  }
  store<u32>(record, handleOf(record), 100);
  store<u32>(record, 0);
  store<u64>(record, clock(), 104);
  store<u32>(record, 0, 96);
  if (firstRecord == 0) firstRecord = record;
  else store<u32>(lastRecord, record, 96);
  lastRecord = record;
}

/** Gives back what no reader can hold any more, if enough of it waits to be worth asking. */
export function collectSome(): void {
  if (waiting >= PATIENCE) collect();
}

/** Gives back what no reader can hold any more. */
export function collect(): void {
  let before = min<u64>(clock(), oldestAnnounced());
  if (heldSince != 0) before = min<u64>(before, heldSince);
  while (firstNode != 0 && stamp(firstNode) < before) {
    const node = firstNode;
    firstNode = nextRetired(node);
    waiting -= 1;
    if (node == nodeBefore) nodeBefore = 0;
    giveNode(node);
  }
  while (firstRecord != 0 && load<u64>(firstRecord, 104) < before) {
    const record = firstRecord;
    firstRecord = load<u32>(record, 96);
    if (record == recordBefore) recordBefore = 0;
    // Without a kind, the handle stays stale for readers in the moment that it stands in the record again.
    atomic.store<u8>(record, 0, 4);
    atomic.store<u32>(record, load<u32>(record, 100));
    deleteObject(record);
  }
}

/** Keeps what is retired from now on until `letGo`. */
export function holdBack(): void {
  heldSince = clock();
  nodeBefore = firstNode == 0 ? 0 : lastNode;
  recordBefore = firstRecord == 0 ? 0 : lastRecord;
}

/** What was retired since `holdBack` counts as retired in this version. */
export function letGo(): void {
  if (heldSince != 0 && heldSince != clock()) {
    for (let node = nodeBefore == 0 ? firstNode : nextRetired(nodeBefore); node != 0; node = nextRetired(node)) setStamp(node, clock());
    for (let record = recordBefore == 0 ? firstRecord : load<u32>(recordBefore, 96); record != 0; record = load<u32>(record, 96)) store<u64>(record, clock(), 104);
  }
  heldSince = 0;
}

/** Nodes that wait for readers. */
export function waitingNodes(): u32 {
  return waiting;
}
