// Faults in the table that stands beside a tree which is read much.

import type { Fault } from './faults.ts';

export const tableFaults: readonly Fault[] = [
  { file: 'assembly/maple/table.ts', find: 'if (b >= <u64>load<u32>(tree, BUCKETS)) return 0;', replace: 'if (b > <u64>load<u32>(tree, BUCKETS)) return 0;', why: 'what lies one bucket too high is read from behind the buckets' },
  { file: 'assembly/maple/table.ts', find: 'return below == SPAN ? 0 :', replace: 'return below > SPAN ? 0 :', why: 'a crowd is looked up in the leaf behind four' },
  { file: 'assembly/maple/table.ts', find: 'load<i64>(pivots, 16) < key', replace: 'load<i64>(pivots, 16) <= key', why: 'the last index of a leaf is looked up in the next one' },
  { file: 'assembly/maple/table.ts', find: 'i64x2.gt_s(k, v128.load(pivots, 16))', replace: 'i64x2.ge_s(k, v128.load(pivots, 16))', why: 'the same with vectors', simd: true },
  { file: 'assembly/maple/table.ts', find: 'if (previous == 0) firstTree = next;', replace: 'if (previous != 0) firstTree = next;', why: 'a table that went is still in the list of those that can go' },
  { file: 'assembly/maple/table.ts', find: '  while (firstTree != 0) discardTable(firstTree);\n', replace: '  discardTable(firstTree);\n', why: 'of several tables only one goes when memory is short' },
  { file: 'assembly/maple/table-making.ts', find: '  if (hasTable(tree)) discardTable(tree);\n', replace: '', why: 'a write leaves the table as it was' },
  { file: 'assembly/maple/table-making.ts', find: '  if (making == tree) abandon();\n', replace: '', why: 'a write leaves a table in the making as it was' },
  { file: 'assembly/maple/table-making.ts', find: "if (phase != COUNT) giveFrames(pivots, tableBytes(n, bucketCount));", replace: '', why: 'a table given up keeps its frames' },
  { file: 'assembly/maple/table-making.ts', find: 'slot < children - 1 ? pivot(parent, slot) : high', replace: 'slot < children ? pivot(parent, slot) : high', why: 'the last leaf below a node ends nowhere' },
  { file: 'assembly/maple/table-making.ts', find: 'if (slot < count(node) - 1) high = pivot(node, slot);', replace: 'high = pivot(node, slot);', why: 'the last node of a level ends at the last index' },
  { file: 'assembly/maple/table-making.ts', find: '< ordered(base + (<u64>bucket << <u64>shift))', replace: '<= ordered(base + (<u64>bucket << <u64>shift))', why: 'a leaf that ends where a bucket begins is not in it' },
  { file: 'assembly/maple/table-making.ts', find: 'for (let i: u32 = 0; i < SPAN - 1; i++)', replace: 'for (let i: u32 = 0; i < SPAN - 2; i++)', why: 'one pivot behind the last is what the frames held before' },
  { file: 'assembly/maple/table-making.ts', find: 'if (missed > n / 2) {', replace: 'if (missed > n) {', why: 'a table that answers nothing is kept' },
  { file: 'assembly/maple/table-making.ts', find: 'base = first(left, 0);', replace: 'base = last(left, 0);', why: 'the first entry lies before the first bucket' },
  { file: 'assembly/exports/range-store.ts', find: '  if (!ASC_FEATURE_THREADS) endTable(snapshot + 8);\n', replace: '', why: 'a snapshot leaves its table behind' },
  { file: 'assembly/exports/range-store.ts', find: '  if (!ASC_FEATURE_THREADS) endTable(record + 8);\n', replace: '', why: 'no write ends a table' },
  { file: 'assembly/memory/arena.ts', find: 'if (start == 0 && giveSpare()) start = findFrames(<u32>wanted);', replace: '', why: 'tables keep memory that a write needs' },
];
