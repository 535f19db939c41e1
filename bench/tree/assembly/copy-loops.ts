// The loop that copies all trees.

import { treeDuplicate } from '../../../assembly/maple/copy.ts';
import { copyAt, treeAt, trees } from './trees.ts';

export function duplicate(): void {
  for (let t: u32 = 0; t < trees; t++) treeDuplicate(treeAt(t), copyAt(t));
}
