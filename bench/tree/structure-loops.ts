// The loops over a range map that is called from JavaScript, one operation per call.

import { fold } from './loops.ts';
import type { Loops } from './loops.ts';
import type { Structure } from './structure.ts';
import { BASE, LIMIT, PAGE, PAIRS, TAIL_SIZE, treeCount } from './workload.ts';
import type { Workload } from './workload.ts';

function contentsOf(structures: readonly Structure[]): number {
  let hash = 0;
  for (const structure of structures) structure.visit((first, _last, value) => void (hash = fold(hash, first, value)));
  return hash;
}

/** Bytes of the JavaScript heap and of the buffers behind it. */
function heapBytes(): number {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error('bytes need --expose-gc');
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Loops over maps that `make` makes. */
export function structureLoops(make: () => Structure, workload: Workload): Loops {
  const { n, firsts, lasts, insertOrder, eraseOrder, keys, fillSizes, pairRanges, pairSizes } = workload;
  const trees = treeCount(n);
  // An array of fixed length: growing it would be measured as the maps' memory.
  const maps: Structure[] = Array.from({ length: trees }, make);
  const probe = make();
  let copies: Structure[] = [];

  const loops: Loops = {
    trees,
    orderless: probe.orderless === true,
    clear() {
      for (const map of maps) map.clear();
    },
    insertAscending() {
      let done = 0;
      for (const map of maps) for (let i = 0; i < n; i++) if (map.insert(firsts[i]!, lasts[i]!, i + 1)) done++;
      return done;
    },
    insertRandom() {
      let done = 0;
      for (const map of maps) {
        for (let k = 0; k < n; k++) {
          const i = insertOrder[k]!;
          if (map.insert(firsts[i]!, lasts[i]!, i + 1)) done++;
        }
      }
      return done;
    },
    eraseRandom() {
      let sum = 0;
      for (const map of maps) for (let k = 0; k < n; k++) sum = (sum + map.erase(firsts[eraseOrder[k]!]!)) >>> 0;
      return sum;
    },
    load(from, to) {
      const map = maps[0]!;
      let sum = 0;
      for (let q = from; q < to; q++) sum = (sum + map.load(keys[q]!)) | 0;
      return sum >>> 0;
    },
    loadDependent(from, to) {
      const map = maps[0]!;
      let sum = 0;
      let before = 0;
      for (let q = from; q < to; q++) {
        // Adds nothing: values are below 2^31. But the key is known only when the answer before it is.
        before = map.load(keys[q + (before >>> 31)]!);
        sum = (sum + before) | 0;
      }
      return sum >>> 0;
    },
    contents: () => contentsOf(maps),
    copiedContents: () => contentsOf(copies),
    bytes: () => (probe.outsideBytes === undefined ? heapBytes() : probe.outsideBytes()),
    iterate(times) {
      const map = maps[0]!;
      let sum = 0;
      for (let i = 0; i < times; i++) sum = (sum + map.total()) >>> 0;
      return sum;
    },
  };

  if (probe.outsideBytes === undefined) {
    loops.drop = () => void maps.splice(0);
    loops.renew = () => {
      for (let t = 0; t < trees; t++) maps[t] = make();
    };
  }
  if (probe.walk !== undefined) {
    loops.walk = (from, to) => {
      const map = maps[0]!;
      let sum = 0;
      let lengths = 0;
      for (let q = from; q < to; q++) {
        sum = (sum + map.walk!(keys[q]!)) | 0;
        lengths += map.foundLast - map.foundFirst + 1;
      }
      return (sum + ((lengths / PAGE) % 2 ** 32)) >>> 0;
    };
  }
  if (probe.store !== undefined) {
    loops.replace = (shift) => {
      for (const map of maps) {
        for (let k = 0; k < n; k++) {
          const i = eraseOrder[k]!;
          map.store!(firsts[i]!, lasts[i]!, i + 1 + shift);
        }
      }
    };
    loops.splitRestore = () => {
      for (const map of maps) {
        for (let k = 0; k < n; k++) {
          const i = eraseOrder[k]!;
          map.store!(firsts[i]! + 1024, firsts[i]! + 2047, i + 1 + n);
          map.store!(firsts[i]!, lasts[i]!, i + 1);
        }
      }
    };
  }
  if (probe.gap !== undefined) {
    loops.gapsUp = () => {
      const map = maps[0]!;
      let sum = 0;
      for (let p = 0; p < PAIRS; p++) sum += map.gap!(pairSizes[p]!, firsts[pairRanges[p]!]!, LIMIT, false) / PAGE;
      return sum;
    };
    loops.gapsDown = () => {
      const map = maps[0]!;
      let sum = 0;
      for (let p = 0; p < PAIRS; p++) sum += map.gap!(pairSizes[p]!, 0, lasts[pairRanges[p]!]!, true) / PAGE;
      return sum;
    };
    loops.gapsTail = (times) => {
      const map = maps[0]!;
      let sum = 0;
      for (let p = 0; p < times; p++) sum += map.gap!(TAIL_SIZE, BASE, LIMIT, false) / PAGE;
      return sum;
    };
  }
  if (probe.allocate !== undefined) {
    loops.allocateErase = () => {
      const map = maps[0]!;
      let sum = 0;
      for (let p = 0; p < PAIRS; p++) {
        const at = map.allocate!(pairSizes[p]!, firsts[pairRanges[p]!]!, LIMIT, n + 1);
        if (map.erase(at) !== n + 1) throw new Error('what was allocated was not there');
        sum += at / PAGE;
      }
      return sum;
    };
    loops.fill = () => {
      let sum = 0;
      for (const map of maps) for (let k = 0; k < fillSizes.length; k++) sum += map.allocate!(fillSizes[k]!, BASE, LIMIT, n + 1 + k) / PAGE;
      return sum;
    };
  }
  if (probe.bulk !== undefined) {
    loops.bulk = () => {
      for (const map of maps) map.bulk!(firsts, lasts);
    };
  }
  if (probe.duplicate !== undefined) {
    loops.duplicate = () => {
      copies = maps.map((map) => map.duplicate!());
    };
    loops.dropCopies = () => {
      for (const copy of copies) copy.destroy?.();
      copies = [];
    };
  }
  return loops;
}
