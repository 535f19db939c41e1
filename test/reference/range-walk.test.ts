// Moving over the range store: next and previous, walks, cursors.

import { describe, expect, test } from '@jest/globals';
import { U64_MAX, valueOf } from './index.ts';
import { show, showRow, storeOf } from './notation.ts';

const MAX = U64_MAX;

describe('R-next', () => {
  const store = storeOf('{10-19=1, 20-29=2, 40-49=3}');

  test.each([
    [15n, MAX, '20-29=2', 'the entry after the one that holds i'],
    [9n, MAX, '10-19=1', 'from a gap'],
    [25n, 40n, '40-49=3', 'an entry that merely overlaps the limit counts'],
    [25n, 39n, 'nothing', 'first index above the limit'],
    [45n, MAX, 'nothing', 'nothing after'],
  ])('R-next next(%s, %s) in {10-19=1, 20-29=2, 40-49=3} is %s: %s', (i, limit, answer) => {
    expect(showRow(store.next(i, limit))).toBe(answer);
  });

  test.each([
    [25n, 0n, '10-19=1', 'the entry before the one that holds i'],
    [30n, 0n, '20-29=2', 'from a gap'],
    [45n, 29n, '20-29=2', 'an entry that merely overlaps the limit counts'],
    [45n, 30n, 'nothing', 'last index below the limit'],
    [15n, 0n, 'nothing', 'nothing before'],
  ])('R-next previous(%s, %s) in {10-19=1, 20-29=2, 40-49=3} is %s: %s', (i, limit, answer) => {
    expect(showRow(store.previous(i, limit))).toBe(answer);
  });

  test('R-next at 0 and 2^64-1', () => {
    const ends = storeOf(`{0-0=1, ${MAX}-${MAX}=2}`);
    expect(showRow(ends.next(0n, MAX))).toBe(`${MAX}-${MAX}=2`);
    expect(showRow(ends.next(MAX, MAX))).toBe('nothing');
    expect(showRow(ends.previous(MAX, 0n))).toBe('0-0=1');
    expect(showRow(ends.previous(0n, 0n))).toBe('nothing');
    expect(showRow(storeOf('{}').next(0n, MAX))).toBe('nothing');
    expect(showRow(storeOf('{}').previous(MAX, 0n))).toBe('nothing');
  });
});

describe('R-walk', () => {
  test('R-walk lists what touches the range, with its whole extent', () => {
    const store = storeOf('{10-19=1, 20-29=2, 40-49=3}');
    expect(show(valueOf(store.walk(19n, 40n)))).toBe('{10-19=1, 20-29=2, 40-49=3}');
    expect(show(valueOf(store.walk(20n, 39n)))).toBe('{20-29=2}');
    expect(show(valueOf(store.walk(30n, 39n)))).toBe('{}');
  });

  test('R-walk with gaps gives rows that touch each other, gaps not cut to the window', () => {
    const store = storeOf('{10-19=1, 20-29=2, 40-49=3}');
    expect(show(valueOf(store.walk(25n, 35n, { gaps: true })))).toBe('{20-29=2, 30-39=0}');
    expect(show(valueOf(store.walk(5n, 55n, { gaps: true })))).toBe(`{0-9=0, 10-19=1, 20-29=2, 30-39=0, 40-49=3, 50-${MAX}=0}`);
  });

  test('R-walk at 0 and 2^64-1: an empty store is one gap; a full one has none', () => {
    expect(show(valueOf(storeOf('{}').walk(5n, 5n, { gaps: true })))).toBe(`{0-${MAX}=0}`);
    expect(show(valueOf(storeOf('{}').walk(0n, MAX)))).toBe('{}');
    expect(show(valueOf(storeOf('{0-0=1}').walk(0n, MAX, { gaps: true })))).toBe(`{0-0=1, 1-${MAX}=0}`);
    expect(show(valueOf(storeOf(`{0-${MAX - 1n}=1}`).walk(MAX, MAX, { gaps: true })))).toBe(`{${MAX}-${MAX}=0}`);
    expect(show(valueOf(storeOf(`{${MAX}-${MAX}=1}`).walk(MAX, MAX, { gaps: true })))).toBe(`{${MAX}-${MAX}=1}`);
    expect(show(valueOf(storeOf(`{0-${MAX}=1}`).walk(0n, 0n, { gaps: true })))).toBe(`{0-${MAX}=1}`);
  });

  test('R-walk shows gaps as maximal: what erase and a store of 0 leave joins the gap beside it', () => {
    const store = storeOf('{10-19=1, 20-29=2, 30-39=3}');
    store.erase(25n);
    store.store(15n, 19n, 0);
    expect(show(valueOf(store.walk(10n, 39n, { gaps: true })))).toBe('{10-14=1, 15-29=0, 30-39=3}');
  });
});

describe('R-walk-back', () => {
  test('R-walk-back lists the rows of a walk from the highest down', () => {
    const store = storeOf('{10-19=1, 20-29=2, 40-49=3}');
    expect(show(valueOf(store.walkBack(19n, 40n)))).toBe('{40-49=3, 20-29=2, 10-19=1}');
    expect(show(valueOf(store.walkBack(25n, 35n, { gaps: true })))).toBe('{30-39=0, 20-29=2}');
    expect(store.walkBack(5n, 4n)).toEqual({ ok: false, errno: -22 });
  });
});

describe('R-range', () => {
  test('R-range is the entry or the whole gap', () => {
    const store = storeOf('{10-19=1, 20-29=2, 40-49=3}');
    expect([9n, 10n, 29n, 30n, 39n, 50n].map((i) => showRow(store.range(i)))).toEqual(['0-9=0', '10-19=1', '20-29=2', '30-39=0', '30-39=0', `50-${MAX}=0`]);
    expect(showRow(storeOf('{}').range(7n))).toBe(`0-${MAX}=0`);
    expect(showRow(storeOf(`{0-${MAX}=1}`).range(7n))).toBe(`0-${MAX}=1`);
  });
});

describe('R-cursor', () => {
  test('R-cursor nextRange and previousRange stop at gaps too, and mix with next and previous', () => {
    const cursor = storeOf('{10-19=1, 20-29=2, 40-49=3}').cursor(15n);
    const steps = [cursor.nextRange(MAX), cursor.next(MAX), cursor.nextRange(MAX), cursor.nextRange(MAX), cursor.nextRange(MAX), cursor.previousRange(0n), cursor.previous(0n), cursor.previousRange(0n)];
    expect(show(steps.map((step) => step!))).toBe(`{10-19=1, 20-29=2, 30-39=0, 40-49=3, 50-${MAX}=0, 40-49=3, 20-29=2, 10-19=1}`);
    expect(showRow(cursor.previousRange(0n))).toBe('0-9=0');
    expect(showRow(cursor.previousRange(0n))).toBe('nothing');
    expect(showRow(cursor.nextRange(MAX))).toBe('10-19=1');
  });

  test('R-cursor nextRange and previousRange at a limit answer nothing and do not move', () => {
    const cursor = storeOf('{10-19=1, 30-39=2}').cursor(20n);
    expect(showRow(cursor.nextRange(19n))).toBe('nothing');
    expect(showRow(cursor.nextRange(20n))).toBe('20-29=0');
    expect(showRow(cursor.previousRange(20n))).toBe('nothing');
    expect(showRow(cursor.previousRange(19n))).toBe('10-19=1');
    const end = storeOf(`{${MAX}-${MAX}=1}`).cursor(MAX);
    expect(showRow(end.nextRange(MAX))).toBe(`${MAX}-${MAX}=1`);
    expect(showRow(end.nextRange(MAX))).toBe('nothing');
  });

  test('R-cursor first steps are find and findPrevious', () => {
    const store = storeOf('{10-19=1, 30-39=2}');
    expect(showRow(store.cursor(15n).next(MAX))).toBe('10-19=1');
    expect(showRow(store.cursor(20n).next(MAX))).toBe('30-39=2');
    expect(showRow(store.cursor(15n).previous(0n))).toBe('10-19=1');
    expect(showRow(store.cursor(9n).previous(0n))).toBe('nothing');
  });

  test('R-cursor goes up and down again', () => {
    const cursor = storeOf('{10-19=1, 20-29=2, 40-49=3}').cursor(0n);
    const steps = [cursor.next(MAX), cursor.next(MAX), cursor.next(MAX), cursor.previous(0n), cursor.previous(0n), cursor.next(MAX)];
    expect(show(steps.map((step) => step!))).toBe('{10-19=1, 20-29=2, 40-49=3, 20-29=2, 10-19=1, 20-29=2}');
  });

  test('R-cursor at a limit answers nothing and does not move', () => {
    const cursor = storeOf('{10-19=1, 30-39=2}').cursor(0n);
    expect(showRow(cursor.next(9n))).toBe('nothing');
    expect(showRow(cursor.next(10n))).toBe('10-19=1');
    expect(showRow(cursor.next(29n))).toBe('nothing');
    expect(showRow(cursor.previous(0n))).toBe('nothing');
    expect(showRow(cursor.next(30n))).toBe('30-39=2');
    expect(showRow(cursor.previous(20n))).toBe('nothing');
    expect(showRow(cursor.previous(19n))).toBe('10-19=1');
  });

  test('R-cursor continues after the last index delivered: 10-19 delivered, 15-25 stored, next is 15-25', () => {
    const store = storeOf('{10-19=1}');
    const cursor = store.cursor(10n);
    cursor.next(MAX);
    store.store(15n, 25n, 2);
    expect(showRow(cursor.next(MAX))).toBe('15-25=2');
  });

  test('R-cursor continues before the first index delivered, going back', () => {
    const store = storeOf('{10-19=1}');
    const cursor = store.cursor(15n);
    cursor.previous(0n);
    store.store(5n, 14n, 2);
    expect(showRow(cursor.previous(0n))).toBe('5-14=2');
  });

  test('R-cursor survives the erasure of the entry it stands on', () => {
    const store = storeOf('{10-19=1, 20-29=2, 30-39=3}');
    const cursor = store.cursor(20n);
    cursor.next(MAX);
    store.clear();
    store.store(29n, 30n, 4);
    expect(showRow(cursor.next(MAX))).toBe('29-30=4');
  });

  test('R-cursor stops at 0 and 2^64-1 and does not wrap', () => {
    const cursor = storeOf(`{0-0=1, ${MAX}-${MAX}=2}`).cursor(0n);
    expect(showRow(cursor.next(MAX))).toBe('0-0=1');
    expect(showRow(cursor.previous(0n))).toBe('nothing');
    expect(showRow(cursor.next(MAX))).toBe(`${MAX}-${MAX}=2`);
    expect(showRow(cursor.next(MAX))).toBe('nothing');
    expect(showRow(cursor.previous(0n))).toBe('0-0=1');
  });
});
