// Faults in what changes a tree: writing and sharing.

import type { Fault } from './faults.ts';

export const writeFaults: readonly Fault[] = [
  {
    file: 'assembly/maple/write.ts',
    find: 'slot < count(leaf) && first(leaf, slot) <= to;\n}',
    replace: 'slot < count(leaf) && first(leaf, slot) < to;\n}',
    why: 'an insert that touches an entry only at its first index is let in',
  },
  {
    file: 'assembly/maple/write.ts',
    find: 'count(pathNode(level)) < LEAF_CAPACITY && !isVersioned(tree)',
    replace: 'count(pathNode(level)) <= LEAF_CAPACITY && !isVersioned(tree)',
    why: 'nothing is reserved before a leaf splits',
  },
  {
    file: 'assembly/maple/write.ts',
    find: 'while (end < n && first(leaf, end) <= to) end += 1;',
    replace: 'while (end < n && first(leaf, end) < to) end += 1;',
    why: 'a store stops in front of an entry of which it touches the first index',
  },
  {
    file: 'assembly/maple/write.ts',
    find: 'addPiece(first(leaf, slot), from - 1, value(leaf, slot));\n  if (v != 0)',
    replace: 'addPiece(first(leaf, slot), from, value(leaf, slot));\n  if (v != 0)',
    why: 'the left rest keeps one index too many',
  },
  {
    file: 'assembly/maple/write.ts',
    find: 'addPiece(to + 1, last(leaf, end - 1), value(leaf, end - 1))',
    replace: 'addPiece(to + 2, last(leaf, end - 1), value(leaf, end - 1))',
    why: 'the right rest starts one index late',
  },
  {
    file: 'assembly/maple/write.ts',
    find: 'addPiece(to + 1, last(leaf, end - 1), value(leaf, end - 1))',
    replace: 'addPiece(to + 1, last(leaf, end - 1), value(leaf, slot))',
    why: 'the right rest gets the value of the left-most entry',
  },
  {
    file: 'assembly/maple/write.ts',
    find: 'if (last(leaf, end - 1) > to) addPiece',
    replace: 'if (last(leaf, end - 1) >= to) addPiece',
    why: 'a right rest also where nothing is left',
  },
  {
    file: 'assembly/maple/write.ts',
    find: 'if (n > 0 && n <= LEAF_CAPACITY) {',
    replace: 'if (n > 0 && n <= LEAF_CAPACITY + 1) {',
    why: 'a splice puts one entry more into a leaf than it holds',
  },
  {
    file: 'assembly/maple/write.ts',
    find: 'behind >= to || onRightEdge(level)',
    replace: 'behind >= to || true',
    why: 'a store that goes on in the next leaf ends with the first',
  },
  {
    file: 'assembly/maple/write.ts',
    find: '    own(tree, level);\n    setValue',
    replace: '    setValue',
    why: 'a value is replaced in a node that a snapshot shows',
  },
  {
    file: 'assembly/maple/write.ts',
    find: 'if (splicedCount(level, end - slot) > LEAF_CAPACITY) {',
    replace: 'if (splicedCount(level, end - slot) >= LEAF_CAPACITY) {',
    why: 'the way round a full leaf is taken one entry early, whatever the pieces are',
  },
  {
    file: 'assembly/maple/write.ts',
    find: 'if (behind >= to) return;',
    replace: 'if (behind > to) return;',
    why: 'an erase that ended looks once more',
    equivalent: 'the look finds nothing: the entries up to `to` are gone, and `touches` says so',
  },
  {
    file: 'assembly/maple/write.ts',
    find: 'insertAtPath(tree, descend(tree, to + 1), to + 1, behind, v);',
    replace: 'insertAtPath(tree, descend(tree, to + 1), to + 1, behind - 1, v);',
    why: 'the right rest of a cut in a full leaf ends one index early',
  },
  {
    file: 'assembly/maple/write.ts',
    find: 'drop(tree, node);\n}',
    replace: 'if (!isLeaf(node)) drop(tree, node);\n}',
    why: 'clear keeps the leaves',
  },
  {
    file: 'assembly/maple/node.ts',
    find: 'movePivots(inner, slot + 1, inner, slot, n - 1 - slot);',
    replace: 'movePivots(inner, slot + 1, inner, slot, n - 2 - slot);',
    why: 'a new child forgets to move the last pivot',
  },
  {
    file: 'assembly/maple/share.ts',
    find: '  setPivot(left, nl - 1, border);\n  movePivots(left, nl, right, 0, nr - 1);\n  setCount',
    replace: '  movePivots(left, nl, right, 0, nr - 1);\n  setCount',
    why: 'joining inner nodes forgets the pivot between them',
  },
  {
    file: 'assembly/maple/share.ts',
    find: '    between = pivot(right, moved - 1);',
    replace: '    between = pivot(right, moved);',
    why: 'the pivot between two evened inner nodes is its neighbour',
  },
  {
    file: 'assembly/maple/share.ts',
    find: '    setPivot(right, moved - 1, border);',
    replace: '    setPivot(right, moved, border);',
    why: 'sharing to the right puts the old border one slot too high',
  },
  {
    file: 'assembly/maple/share.ts',
    find: 'movePivots(parent, slot, parent, slot + 1, n - slot - 2);',
    replace: 'movePivots(parent, slot, parent, slot + 1, n - slot - 3);',
    why: 'removing a child forgets to move the last pivot',
  },
  {
    file: 'assembly/maple/share.ts',
    find: 'movePivots(parent, slot - 1, parent, slot, n - 1 - slot);',
    replace: 'movePivots(parent, slot, parent, slot + 1, n - 1 - slot);',
    why: 'joining a child removes the pivot behind it',
  },
];
