// Entries as text, for tests: '{10-12=1, 13-15=2}'; in the rows of a walk a gap reads '16-19=0'.

import type { Entry } from './range-store.ts';
import { ReferenceRangeStore } from './range-store.ts';
import { valueOf } from './result.ts';

export function show(rows: readonly Entry[]): string {
  return `{${rows.map(showRow).join(', ')}}`;
}

export function showRow(row: Entry | undefined): string {
  return row === undefined ? 'nothing' : `${row.first}-${row.last}=${row.value}`;
}

export function parse(text: string): Entry[] {
  const rows = text.matchAll(/(\d+)-(\d+)=(\d+)/g);
  return Array.from(rows, ([, first, last, value]) => ({ first: BigInt(first!), last: BigInt(last!), value: Number(value) }));
}

export function storeOf(text: string): ReferenceRangeStore {
  const store = new ReferenceRangeStore();
  valueOf(store.bulkLoad(parse(text)));
  return store;
}
