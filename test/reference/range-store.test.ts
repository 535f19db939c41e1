// The range store's lookups and writes, one literal example or more per rule.

import { describe, expect, test } from '@jest/globals';
import { EEXIST, EINVAL, U64_MAX, errnoOf, valueOf } from './index.ts';
import { parse, show, showRow, storeOf } from './notation.ts';

const MAX = U64_MAX;

describe('R-load', () => {
  test('R-load answers the value of the entry that holds the index, or 0', () => {
    const store = storeOf('{10-19=1}');
    expect([9n, 10n, 15n, 19n, 20n].map((i) => store.load(i))).toEqual([0, 1, 1, 1, 0]);
  });

  test('R-load at 0 and 2^64-1, in an empty store and in single-index entries', () => {
    const empty = storeOf('{}');
    expect([empty.load(0n), empty.load(MAX)]).toEqual([0, 0]);
    const ends = storeOf(`{0-0=7, ${MAX}-${MAX}=4294967295}`);
    expect([0n, 1n, MAX - 1n, MAX].map((i) => ends.load(i))).toEqual([7, 0, 0, 4294967295]);
  });
});

describe('R-order', () => {
  test('R-order first > last is EINVAL in store, insert, walk, gap and allocate, and changes nothing', () => {
    const store = storeOf('{10-19=1}');
    expect(errnoOf(store.store(11n, 10n, 2))).toBe(EINVAL);
    expect(errnoOf(store.store(MAX, 0n, 0))).toBe(EINVAL);
    expect(errnoOf(store.insert(31n, 30n, 2))).toBe(EINVAL);
    expect(errnoOf(store.walk(1n, 0n))).toBe(EINVAL);
    expect(errnoOf(store.lowestGap(1n, 1n, 1n, 0n))).toBe(EINVAL);
    expect(errnoOf(store.highestGap(1n, 1n, 1n, 0n))).toBe(EINVAL);
    expect(errnoOf(store.allocate(1n, 1n, 1n, 0n, 1, false))).toBe(EINVAL);
    expect(show(store.entries)).toBe('{10-19=1}');
  });

  test('R-order is looked at before anything else: an insert over an occupied range is EINVAL, not EEXIST', () => {
    expect(errnoOf(storeOf('{10-19=1}').insert(15n, 12n, 2))).toBe(EINVAL);
  });
});

describe('R-store', () => {
  test.each([
    ['cuts the neighbours', '{10-19=1}', 13n, 15n, 2, '{10-12=1, 13-15=2, 16-19=1}'],
    ['cuts on the left', '{10-19=1}', 15n, 24n, 2, '{10-14=1, 15-24=2}'],
    ['cuts on the right', '{10-19=1}', 5n, 14n, 2, '{5-14=2, 15-19=1}'],
    ['replaces exactly', '{10-19=1}', 10n, 19n, 2, '{10-19=2}'],
    ['swallows what it covers', '{3-4=1, 6-6=2, 8-9=3}', 4n, 8n, 9, '{3-3=1, 4-8=9, 9-9=3}'],
    ['fills a gap', '{3-4=1, 8-9=3}', 5n, 7n, 2, '{3-4=1, 5-7=2, 8-9=3}'],
    ['does not fuse equal neighbours', '{10-19=1}', 20n, 29n, 1, '{10-19=1, 20-29=1}'],
    ['does not fuse with the entry around it', '{10-19=1}', 13n, 15n, 1, '{10-12=1, 13-15=1, 16-19=1}'],
    ['of 0 erases exactly the range', '{13-15=2, 20-29=1}', 14n, 24n, 0, '{13-13=2, 25-29=1}'],
    ['of 0 makes a hole', '{10-19=1}', 13n, 15n, 0, '{10-12=1, 16-19=1}'],
    ['of 0 over a gap changes nothing', '{10-19=1}', 20n, 29n, 0, '{10-19=1}'],
    ['of 0 over the only entry empties the store', '{10-19=1}', 0n, MAX, 0, '{}'],
    ['takes the whole line', '{}', 0n, MAX, 1, `{0-${MAX}=1}`],
    ['cuts 0 off the whole line', `{0-${MAX}=1}`, 0n, 0n, 2, `{0-0=2, 1-${MAX}=1}`],
    ['cuts 2^64-1 off the whole line', `{0-${MAX}=1}`, MAX, MAX, 0, `{0-${MAX - 1n}=1}`],
  ])('R-store %s: %s, store %s-%s=%s gives %s', (_name, before, first, last, value, after) => {
    const store = storeOf(before);
    expect(store.store(first, last, value)).toEqual({ ok: true, value: undefined });
    expect(show(store.entries)).toBe(after);
  });
});

describe('R-insert', () => {
  test('R-insert takes a free range, also between touching neighbours', () => {
    const store = storeOf('{3-4=1, 8-9=3}');
    expect(errnoOf(store.insert(5n, 7n, 2))).toBe(0);
    expect(show(store.entries)).toBe('{3-4=1, 5-7=2, 8-9=3}');
  });

  test.each([
    [5n, 10n, 'its last index only'],
    [19n, 30n, 'its first index only'],
    [12n, 13n, 'the inside of an entry'],
    [0n, MAX, 'everything'],
  ])('R-insert %s-%s into {10-19=1} is EEXIST and writes nothing: it touches %s', (first, last) => {
    const store = storeOf('{10-19=1}');
    expect(errnoOf(store.insert(first, last, 2))).toBe(EEXIST);
    expect(show(store.entries)).toBe('{10-19=1}');
  });

  test('R-insert of 0 is EINVAL: over a gap, over an occupied range, and over the only range, which stays', () => {
    const store = storeOf('{10-19=1}');
    expect(errnoOf(store.insert(30n, 39n, 0))).toBe(EINVAL);
    expect(errnoOf(store.insert(15n, 25n, 0))).toBe(EINVAL);
    expect(errnoOf(store.insert(10n, 19n, 0))).toBe(EINVAL);
    expect(show(store.entries)).toBe('{10-19=1}');
  });

  test('R-insert at 0 and at 2^64-1', () => {
    const store = storeOf('{}');
    expect([store.insert(MAX, MAX, 2), store.insert(0n, 0n, 1), store.insert(0n, 0n, 3)].map(errnoOf)).toEqual([0, 0, EEXIST]);
    expect(show(store.entries)).toBe(`{0-0=1, ${MAX}-${MAX}=2}`);
  });
});

describe('R-erase', () => {
  test('R-erase removes the whole entry, whichever of its indices is named, and answers its value', () => {
    for (const i of [10n, 15n, 19n]) {
      const store = storeOf('{10-19=1, 20-29=2}');
      expect(store.erase(i)).toBe(1);
      expect(show(store.entries)).toBe('{20-29=2}');
    }
  });

  test('R-erase in a gap answers 0 and changes nothing', () => {
    const store = storeOf('{10-19=1}');
    expect([store.erase(9n), store.erase(20n), store.erase(0n), store.erase(MAX)]).toEqual([0, 0, 0, 0]);
    expect(show(store.entries)).toBe('{10-19=1}');
  });

  test('R-erase treats the rests of a cut as entries of their own: erase(18) removes 16-19 only', () => {
    const store = storeOf('{10-19=1}');
    store.store(13n, 15n, 2);
    expect(store.erase(18n)).toBe(1);
    expect(show(store.entries)).toBe('{10-12=1, 13-15=2}');
  });

  test('R-erase of the whole line', () => {
    const store = storeOf(`{0-${MAX}=5}`);
    expect(store.erase(MAX)).toBe(5);
    expect(store.count).toBe(0);
  });
});

describe('R-find', () => {
  const store = storeOf('{10-19=1, 30-39=2}');

  test.each([
    [15n, MAX, '10-19=1', 'holds it'],
    [20n, MAX, '30-39=2', 'next above'],
    [0n, 10n, '10-19=1', 'first index at the limit'],
    [0n, 9n, 'nothing', 'first index above the limit'],
    [15n, 12n, '10-19=1', 'the limit is below i, but not below the first index'],
    [15n, 9n, 'nothing', 'holds it, but starts above the limit'],
    [40n, MAX, 'nothing', 'nothing above'],
  ])('R-find find(%s, %s) in {10-19=1, 30-39=2} is %s: %s', (i, limit, answer) => {
    expect(showRow(store.find(i, limit))).toBe(answer);
  });

  test.each([
    [35n, 0n, '30-39=2', 'holds it'],
    [25n, 0n, '10-19=1', 'next below'],
    [MAX, 39n, '30-39=2', 'last index at the limit'],
    [MAX, 40n, 'nothing', 'last index below the limit'],
    [9n, 0n, 'nothing', 'nothing below'],
  ])('R-find findPrevious(%s, %s) in {10-19=1, 30-39=2} is %s: %s', (i, limit, answer) => {
    expect(showRow(store.findPrevious(i, limit))).toBe(answer);
  });

  test('R-find at 0 and 2^64-1', () => {
    const ends = storeOf(`{0-0=1, ${MAX}-${MAX}=2}`);
    expect(showRow(ends.find(0n, 0n))).toBe('0-0=1');
    expect(showRow(ends.find(1n, MAX))).toBe(`${MAX}-${MAX}=2`);
    expect(showRow(ends.find(1n, MAX - 1n))).toBe('nothing');
    expect(showRow(ends.findPrevious(MAX, MAX))).toBe(`${MAX}-${MAX}=2`);
    expect(showRow(ends.findPrevious(MAX - 1n, 0n))).toBe('0-0=1');
    expect(showRow(ends.findPrevious(MAX - 1n, 1n))).toBe('nothing');
  });
});

describe('R-bulk, R-clear', () => {
  test('R-bulk loads ascending, disjoint entries, touching ones too', () => {
    expect(show(storeOf(`{0-0=1, 1-5=1, ${MAX}-${MAX}=2}`).entries)).toBe(`{0-0=1, 1-5=1, ${MAX}-${MAX}=2}`);
  });

  const refused = ['{10-19=1, 5-6=2}', '{10-19=1, 19-20=2}', '{1-2=1, 10-9=2}', '{1-2=1, 3-4=0}', `{0-${MAX}=1, 0-0=1}`];

  test.each(refused)('R-bulk of %s is EINVAL and loads nothing', (text) => {
    const store = storeOf('{}');
    expect(errnoOf(store.bulkLoad(parse(text)))).toBe(EINVAL);
    expect(store.count).toBe(0);
  });

  test('R-bulk into a store that is not empty is EEXIST, whatever the entries are', () => {
    const store = storeOf('{10-19=1}');
    expect([store.bulkLoad(parse('{30-39=2}')), store.bulkLoad([]), store.bulkLoad(parse('{3-2=0}'))].map(errnoOf)).toEqual([EEXIST, EEXIST, EEXIST]);
    expect(show(store.entries)).toBe('{10-19=1}');
  });

  test('R-clear removes everything; count is the number of entries', () => {
    const store = storeOf(`{0-0=1, 10-19=1, ${MAX}-${MAX}=3}`);
    expect(store.count).toBe(3);
    store.clear();
    expect([store.count, store.load(0n), store.load(MAX)]).toEqual([0, 0, 0]);
    expect(valueOf(store.walk(0n, MAX))).toEqual([]);
  });
});

describe('R-duplicate', () => {
  test('R-duplicate a copy goes its own way', () => {
    const [store, copy] = [storeOf('{10-19=1}'), storeOf('{}')];
    expect(errnoOf(store.duplicate(copy))).toBe(0);
    store.store(15n, 15n, 2);
    expect([show(store.entries), show(copy.entries)]).toEqual(['{10-14=1, 15-15=2, 16-19=1}', '{10-19=1}']);
  });

  test('R-duplicate a target that is not empty, or the source itself, is EINVAL', () => {
    const store = storeOf('{10-19=1}');
    expect(errnoOf(store.duplicate(storeOf('{1-1=1}')))).toBe(EINVAL);
    expect(errnoOf(store.duplicate(store))).toBe(EINVAL);
    const empty = storeOf('{}');
    expect(errnoOf(empty.duplicate(empty))).toBe(EINVAL);
  });
});

describe('R-snapshot', () => {
  test('R-snapshot holds what the store held, and outlives its changes', () => {
    const store = storeOf('{10-19=1}');
    const snapshot = valueOf(store.snapshot());
    store.clear();
    expect([show(store.entries), show(snapshot.entries), snapshot.load(15n)]).toEqual(['{}', '{10-19=1}', 1]);
  });

  test('R-snapshot a write to it is EROFS, an erase 0, a snapshot of it EROFS', () => {
    const snapshot = valueOf(storeOf('{10-19=1}').snapshot());
    const writes = [snapshot.store(0n, 1n, 2), snapshot.insert(0n, 1n, 2), snapshot.allocate(1n, 1n, 0n, MAX, 1, false), snapshot.allocateCyclic(1n, 1n, 0n, MAX, 0n, 1), snapshot.bulkLoad([]), snapshot.clear(), snapshot.snapshot()];
    expect(writes.map(errnoOf)).toEqual(writes.map(() => -30));
    expect(snapshot.erase(10n)).toBe(0);
    expect(show(snapshot.entries)).toBe('{10-19=1}');
  });
});
