// The range store against the reference: rules R, with the structural check after every step.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../src/core/index.ts';
import { ReferenceRangeStore, ReferenceXorshift, type Entry } from '../reference/index.ts';
import { MAX, answer, expectEmpty, innerNodes, outcome } from './adapter.ts';
import { expectSame, index, range, run, step, type Pair } from './range-steps.ts';

/** Entries `stride` apart from `base` on, each `length` long, bulk-loaded. */
function loaded(n: number, base: bigint, stride: bigint, length: bigint): Pair {
  const pair: Pair = { store: createEngine().rangeStore(), ref: new ReferenceRangeStore(), cursors: undefined };
  const entries: Entry[] = Array.from({ length: n }, (_, i) => ({ first: base + BigInt(i) * stride, last: base + BigInt(i) * stride + length - 1n, value: i + 1 }));
  pair.store.bulkLoad(entries);
  pair.ref.bulkLoad(entries);
  pair.store.validate();
  return pair;
}

function close(pair: Pair): void {
  pair.cursors?.[0].destroy();
  pair.store.destroy();
}

describe('R any sequence of steps answers what the rules say', () => {
  test('from an empty store', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const engine = createEngine();
        const pair: Pair = { store: engine.rangeStore(), ref: new ReferenceRangeStore(), cursors: undefined };
        for (const s of steps) run(pair, s);
        expectSame(pair);
        close(pair);
        expectEmpty(engine);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['two full levels', 150, 2n ** 32n - 300n, 4n, 2n],
    ['three levels that touch', 400, 2n ** 32n - 400n, 2n, 2n],
    ['up against 2^64-1', 280, MAX - 279n, 1n, 1n],
    ['wide and far apart', 300, 0n, 2n ** 55n, 2n ** 40n],
  ])('from a store that holds entries: %s', (_what, n, base, stride, length) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const pair = loaded(n, base, stride, length);
        for (const s of steps) run(pair, s);
        expectSame(pair);
        close(pair);
      }),
      { numRuns: 12 },
    );
  });
});

/** 0..n-1 in a seeded random order. */
function shuffled(n: number, seed: number): number[] {
  const random = new ReferenceXorshift(seed);
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random.next() % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

describe('R-insert R-erase a tree grows to height 4 and shrinks to nothing', () => {
  const N = 9000;
  const orders = {
    ascending: () => Array.from({ length: N * 2 }, (_, i) => i),
    descending: () => Array.from({ length: N }, (_, i) => N - 1 - i),
    random: () => shuffled(N, 7),
    'from both ends': () => Array.from({ length: N }, (_, i) => (i % 2 === 0 ? i / 2 : N - (i + 1) / 2)),
  };
  const names = Object.keys(orders) as (keyof typeof orders)[];
  test.each(names.flatMap((grow) => names.map((shrink) => [grow, shrink] as const)))('%s in, %s out', (grow, shrink) => {
    const engine = createEngine();
    const store = engine.rangeStore();
    const at = (i: number) => BigInt(i) * 3n;
    const inOrder = orders[grow]();
    inOrder.forEach((i, done) => {
      store.insert(at(i), at(i) + 1n, i + 1);
      if (done % 97 === 0) store.validate();
    });
    store.validate();
    expect(innerNodes(engine)).toBeGreaterThan(31);
    const present = new Set(inOrder);
    const outOrder = [...orders[shrink]().filter((i) => present.has(i)), ...inOrder.filter((i) => i >= N)];
    let left = inOrder.length;
    for (const i of outOrder) {
      if (store.erase(at(i)) !== 0) left--;
      if (left % 97 === 0 || left < 30) store.validate();
    }
    const rest = [...store.walk()].map((entry) => entry.first);
    for (const first of rest) store.erase(first);
    expect(store.count).toBe(0);
    expect(engine.live().nodes).toBe(0);
    store.destroy();
    expectEmpty(engine);
  });

  test('R-insert a full inner node that is not on the right edge splits in halves, also for its last child', () => {
    const { store } = loaded(900, 64n, 64n, 60n);
    // The last entry but one below the first of the inner nodes: pieces of it split the last leaf there again and again.
    const at = 64n + 64n * (22n * 11n - 2n);
    for (let k = 0n; k < 60n; k += 2n) {
      store.store(at + k, at + k, 5);
      store.validate();
    }
  });

  test('R-store one range over everything removes every entry, and its neighbours keep their rests', () => {
    const { store, ref, cursors } = loaded(2600, 1000n, 4n, 3n);
    for (const [first, last] of [[5001n, 9001n], [0n, 4000n], [11001n, MAX]] as const) {
      store.store(first, last, 9);
      ref.store(first, last, 9);
      store.validate();
      expectSame({ store, ref, cursors });
    }
    store.store(0, MAX, 0);
    store.validate();
    expect([store.count, store.core.exports.liveCount(0), store.core.exports.liveCount(1)]).toEqual([0, 0, 0]);
  });
});

describe('R-find R-next R-walk step over every border of nodes', () => {
  test.each([[13], [300], [5000]])('in a tree of %i entries', (n) => {
    const { store } = loaded(n, 10n, 10n, 4n);
    for (let i = 0n; i < BigInt(n); i++) {
      const at = 10n + 10n * i;
      const [here, below] = [{ first: at, last: at + 3n, value: Number(i) + 1 }, i === 0n ? undefined : { first: at - 10n, last: at - 7n, value: Number(i) }];
      expect([store.find(at - 1n), store.findPrevious(at - 1n), store.previous(at), store.next(at - 1n), store.load(at - 1n), store.load(at)]).toEqual([here, below, below, here, 0, here.value]);
      expect([...store.walk(at - 1n, at, { gaps: true })]).toEqual([{ first: i === 0n ? 0n : at - 6n, last: at - 1n, value: 0 }, here]);
    }
  });
});

describe('R-bulk', () => {
  test('R-bulk any number of entries makes a sound tree that answers like one grown by inserts', () => {
    for (const n of [0, 1, 2, 11, 12, 13, 22 * 11, 22 * 11 + 1, 23 * 11, 23 * 11 + 1, 22 * 22 * 11 + 1, 23 * 22 * 11, 23 * 22 * 11 + 1]) {
      const pair = loaded(n, 5n, 7n, 3n);
      expect(pair.store.count).toBe(n);
      expect([...pair.store.walk()].length).toBe(n);
      close(pair);
    }
    const pair = loaded(700, 5n, 7n, 3n);
    expectSame(pair);
  });

  test('R-bulk only sorted, disjoint rows with values, and only into an empty store: all or nothing', () => {
    const row = fc.record({ first: fc.bigInt(0n, 60n), last: fc.bigInt(0n, 60n), value: fc.nat({ max: 3 }) });
    const top = fc.constantFrom({ first: 70n, last: MAX, value: 1 }, { first: MAX, last: MAX, value: 1 });
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 8, arbitrary: row }, { weight: 1, arbitrary: top }), { maxLength: 5 }), fc.boolean(), fc.boolean(), (rows, sort, full) => {
        const engine = createEngine();
        const pair: Pair = { store: engine.rangeStore(), ref: new ReferenceRangeStore(), cursors: undefined };
        if (full) run(pair, { do: 'insert', range: [1n, 2n], value: 3 });
        if (sort) rows.sort((a, b) => (a.first < b.first ? -1 : 1));
        expect(outcome(() => pair.store.bulkLoad(rows))).toEqual(answer(pair.ref.bulkLoad(rows)));
        expectSame(pair);
        close(pair);
        expectEmpty(engine);
      }),
      { numRuns: 300 },
    );
  });
});

describe('R-walk', () => {
  test('R-walk more rows than one batch holds, with writes between two steps', () => {
    const { store } = loaded(1000, 0n, 4n, 2n);
    const seen: bigint[] = [];
    for (const entry of store.walk()) {
      seen.push(entry.first);
      // What lies in front of the walk is cleared once: the walk goes on behind the last row delivered.
      if (seen.length === 500) store.store(2800n, 3199n, 0);
    }
    expect(seen.slice(0, 500)).toEqual(Array.from({ length: 500 }, (_, i) => BigInt(i) * 4n));
    expect(seen.filter((first) => first >= 2800n && first < 3200n).every((first) => first < 2728n * 4n)).toBe(true);
    expect(seen.at(-1)).toBe(3996n);
  });

  test('R-walk with gaps touches row to row over many batches', () => {
    const pair = loaded(1100, 3n, 5n, 2n);
    expectSame(pair);
    let next = 0n;
    for (const row of pair.store.walk(0n, MAX, { gaps: true })) {
      expect(row.first).toBe(next);
      next = row.last + 1n;
    }
    expect(next).toBe(MAX + 1n);
  });

  test('R-walk an empty store is one gap; a window inside it shows the whole gap', () => {
    const store = createEngine().rangeStore();
    expect([...store.walk(5n, 9n, { gaps: true })]).toEqual([{ first: 0n, last: MAX, value: 0 }]);
    expect([...store.walk(5n, 9n)]).toEqual([]);
  });
});

describe('R-gap in large trees', () => {
  test('R-gap the searches visit every leaf that could hold the block', () => {
    const pair = loaded(900, 64n, 64n, 60n);
    const { store, ref } = pair;
    fc.assert(
      fc.property(fc.bigInt(1n, 12n), fc.nat({ max: 7 }), range, fc.integer({ min: 0, max: 899 }), fc.boolean(), (size, power, [first, last], hole, fromTop) => {
        const at = 64n + 64n * BigInt(hole);
        store.store(at + 30n, at + 40n, 0);
        ref.store(at + 30n, at + 40n, 0);
        const alignment = 1n << BigInt(power);
        for (const [from, to] of [[first, last], [0n, 64_000n], [at - 500n > 0n ? at - 500n : 0n, at + 39n]] as const) {
          const request = { size, alignment, first: from, last: to };
          if (fromTop) expect(outcome(() => store.highestGap(request))).toEqual(answer(ref.highestGap(size, alignment, from, to)));
          else expect(outcome(() => store.lowestGap(request))).toEqual(answer(ref.lowestGap(size, alignment, from, to)));
        }
        store.store(at + 30n, at + 40n, 5);
        ref.store(at + 30n, at + 40n, 5);
        store.validate();
      }),
      { numRuns: 100 },
    );
  });

  test('R-allocate fills a window without a hole, from the bottom and from the top', () => {
    for (const fromTop of [false, true]) {
      const store = createEngine().rangeStore();
      const starts = Array.from({ length: 300 }, (_, i) => store.allocate({ size: 0x1000n, alignment: 0x1000, first: 0x1000, last: 0x1000 * 301 - 1, value: i + 1, fromTop }));
      expect(starts).toEqual(Array.from({ length: 300 }, (_, i) => 0x1000n * BigInt(fromTop ? 300 - i : i + 1)));
      expect(outcome(() => store.allocate({ size: 1, first: 0x1000, last: 0x1000 * 301 - 1, value: 1 }))).toBe(-16);
      store.validate();
    }
  });
});

describe('R-cursor', () => {
  test('R-cursor a cursor survives any write between two steps', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.option(range)), { maxLength: 30 }), index, (moves, start) => {
        const pair = loaded(60, 0n, 5n, 3n);
        run(pair, { do: 'cursor', up: true, limit: undefined, fresh: start });
        for (const [up, write] of moves) {
          run(pair, { do: 'cursor', up, limit: undefined, fresh: null });
          if (write !== null) run(pair, { do: 'store', range: write, value: write[0] % 2n === 0n ? 0 : 8 });
        }
        close(pair);
      }),
      { numRuns: 100 },
    );
  });
});
