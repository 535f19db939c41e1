// Nodes and records that no version of a tree uses any more: given back at once, or where memory is shared, when no reader can hold them.
//
// What waits stands in two queues by the version that did without it, oldest first; a node's stamp then says which that was.
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
  const before = min<u64>(clock(), oldestAnnounced());
  while (firstNode != 0 && stamp(firstNode) < before) {
    const node = firstNode;
    firstNode = nextRetired(node);
    waiting -= 1;
    giveNode(node);
  }
  while (firstRecord != 0 && load<u64>(firstRecord, 104) < before) {
    const record = firstRecord;
    firstRecord = load<u32>(record, 96);
    store<u32>(record, load<u32>(record, 100));
    deleteObject(record);
  }
}

/** Nodes that wait for readers. */
export function waitingNodes(): u32 {
  return waiting;
}
