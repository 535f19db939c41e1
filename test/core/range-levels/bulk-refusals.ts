// Sequences of bulk loads with one row that is wrong, at every place: each is refused, and leaves nothing.

import { strictEqual } from 'node:assert/strict';
import type { Entry } from '../../reference/index.ts';
import { MAX, Pair, type BulkForm } from './pair.ts';
import type { Sequence } from './sequences.ts';

// Three leaves' worth, and one entry more.
const MOST = 34;
const good = (i: number): Entry => ({ first: BigInt(i) * 10n + 3n, last: BigInt(i) * 10n + 8n, value: i + 1 });

/** What is wrong with row i of `n`; undefined where that cannot be wrong there. */
type Wrong = (i: number, n: number) => Entry | undefined;

const wrongs: Record<string, Wrong> = {
  'overlaps the row before by one index': (i) => (i === 0 ? undefined : { ...good(i), first: good(i - 1).last }),
  'begins where the row before begins': (i) => (i === 0 ? undefined : { ...good(i), first: good(i - 1).first }),
  'lies below the row before': (i) => (i === 0 ? undefined : { first: good(i - 1).first - 2n, last: good(i - 1).first - 1n, value: 1 }),
  'ends before it begins': (i) => ({ ...good(i), last: good(i).first - 1n }),
  'has no value': (i) => ({ ...good(i), value: 0 }),
};

/** Rows that no f64 can say. */
const wideWrongs: Record<string, Wrong> = {
  'ends at 2^64-1 and has rows behind it': (i, n) => (i === n - 1 ? undefined : { ...good(i), last: MAX }),
  'is 0..2^64-1 and has rows behind it': (i, n) => (i === n - 1 ? undefined : { first: 0n, last: MAX, value: 1 }),
};

function refusals(form: BulkForm, wrong: Wrong): Sequence {
  return (core, driverPath) => {
    const pair = new Pair(core, driverPath, 100);
    for (let n = 1; n <= MOST; n++) {
      for (let i = 0; i < n; i++) {
        const bad = wrong(i, n);
        if (bad === undefined) continue;
        pair.bulk(Array.from({ length: n }, (_, k) => (k === i ? bad : good(k))), form);
        strictEqual(pair.ref.count(), 0, `row ${i} of ${n}`);
      }
    }
    pair.empty();
    core.treeDestroy!(pair.handle);
  };
}

function touching(form: BulkForm): Sequence {
  return (core, driverPath) => {
    const pair = new Pair(core, driverPath, 100);
    for (let n = 1; n <= MOST; n++) {
      pair.bulk(Array.from({ length: n }, (_, i) => ({ first: BigInt(i) * 10n, last: BigInt(i) * 10n + 9n, value: i + 1 })), form);
      pair.same();
      pair.clear();
    }
    pair.empty();
    core.treeDestroy!(pair.handle);
  };
}

const forms: readonly BulkForm[] = ['rows', 'integers', 'numbers'];

export const bulkRefusalSequences: readonly (readonly [string, Sequence])[] = [
  ...forms.map((form) => [`bulk loads of ${form} that touch`, touching(form)] as const),
  ...forms.flatMap((form) => Object.entries({ ...wrongs, ...(form === 'numbers' ? {} : wideWrongs) }).map(([what, wrong]) => [`bulk loads of ${form} of which one ${what}`, refusals(form, wrong)] as const)),
];
