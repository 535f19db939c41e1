// The litmus runner: what it finds, what it counts, and that the core never shows an order that it does not list.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { litmus, litmusOrders, type LitmusTest, type Writer } from '../../src/litmus/index.ts';

const rings: LitmusTest['check'] = ({ wc, uc }) => uc.load(0) === 0 || (wc.load(0) === 1 && wc.load(1) === 2) || 'the doorbell rings before its entry is there';
const entry = ({ wc }: Writer): void => {
  wc.store(0, 1);
  wc.store(1, 2);
};
const unfenced: LitmusTest = {
  program: (writer) => {
    entry(writer);
    writer.uc.store(0, 1);
  },
  check: rings,
};
const fenced: LitmusTest = {
  ...unfenced,
  program: (writer) => {
    entry(writer);
    writer.fence();
    writer.uc.store(0, 1);
  },
};

describe('litmus a queue entry and a doorbell', () => {
  test('a missing fence is found within seven states, with a shortest order', () => {
    const { holds, broken, orders } = litmus('doorbell', { ...unfenced, maxStates: 7 });
    expect([holds, orders]).toEqual([false, undefined]);
    expect(broken).toEqual({ message: 'the doorbell rings before its entry is there', transactions: ['uc 0 <- 1'], waiting: ['wc line 0 <- 1', 'wc line 1 <- 2'] });
  });

  test('W-fence with it every order is good, and they are counted', () => {
    expect(litmus('doorbell', fenced)).toMatchObject({ holds: true, orders: 2n, broken: undefined });
    expect(litmusOrders(fenced).sort()).toEqual([
      ['wc line 0 <- 1', 'wc line 1 <- 2', 'uc 0 <- 1'],
      ['wc line 1 <- 2', 'wc line 0 <- 1', 'uc 0 <- 1'],
    ]);
  });

  test('W-same-device needs no fence', () => {
    expect(litmus('doorbell', { ...unfenced, sameDevice: true })).toMatchObject({ holds: true, orders: 2n });
  });

  test('W-read a read back does as well', () => {
    const report = litmus('read back', {
      program: (writer) => {
        entry(writer);
        writer.wc.read(5);
        writer.uc.store(0, 1);
      },
      check: rings,
    });
    expect(report).toMatchObject({ holds: true, orders: 2n });
  });

  test('a longer order is still the shortest: the second entry overwrites the first', () => {
    const { broken } = litmus('two entries', {
      program: ({ wc, uc, fence }) => {
        wc.store(0, 1);
        fence();
        uc.store(0, 1);
        wc.store(0, 2);
        uc.store(0, 2);
      },
      check: ({ wc, uc }) => wc.load(0) >= uc.load(0),
    });
    expect(broken).toEqual({ message: 'the check failed', transactions: ['wc line 0 <- 1', 'uc 0 <- 1', 'uc 0 <- 2'], waiting: ['wc line 0 <- 2'] });
  });
});

describe('litmus counts what a device can tell apart', () => {
  const lines = (n: number): LitmusTest => ({ program: ({ wc }) => Array.from({ length: n }, (_, i) => wc.store(i, i + 1)) });

  test.each([[1, 1n], [2, 2n], [3, 6n], [4, 24n], [5, 24n * 4n]])('W-evict %i lines in four buffers: %i orders', (n, orders) => {
    // The fifth line is stored when one of the first four has left, and so never leaves first.
    expect(litmus('lines', lines(n)).orders).toBe(orders);
    expect(litmusOrders(lines(n))).toHaveLength(Number(orders));
  });

  test('W-merge words that wait together may leave together, and runs in any order', () => {
    const orders = litmusOrders({
      program: ({ wc }) => {
        wc.store(0, 1);
        wc.store(0, 2, 1);
        wc.store(0, 3, 7);
      },
    }).map((order) => order.join('; ').replaceAll('wc line 0 ', ''));
    expect(orders.sort()).toEqual([
      '<- 1; word 1 <- 2; word 7 <- 3',
      '<- 1; word 7 <- 3; word 1 <- 2',
      'word 7 <- 3; words 0-1 <- 1, 2',
      'words 0-1 <- 1, 2; word 7 <- 3',
    ]);
  });

  test('the same order by two ways counts once', () => {
    const twice = litmusOrders({ program: ({ wc }) => [wc.store(0, 1), wc.store(0, 1)] });
    expect(twice.sort()).toEqual([['wc line 0 <- 1'], ['wc line 0 <- 1', 'wc line 0 <- 1']]);
  });

  test('reads are transactions, and end is asked when all has arrived', () => {
    const report = litmus('reads', {
      program: ({ wc, uc }) => {
        wc.store(0, 5);
        wc.read(0);
        uc.store(2, 6);
        uc.read(2);
      },
      end: ({ reads, wc, uc }) => `${reads.join()} ${wc.load(0)} ${uc.load(2)} ${wc.load(1, 3)}`,
    });
    expect(report.broken).toEqual({ message: '5,6 5 6 0', transactions: ['wc line 0 <- 5', 'wc line 0 read -> 5', 'uc 2 <- 6', 'uc 2 read -> 6'], waiting: [] });
  });

  test('a program of nothing holds in its only order', () => {
    expect(litmus('nothing', { program: () => undefined })).toMatchObject({ holds: true, orders: 1n, text: 'litmus nothing: holds in its only order' });
  });
});

describe('litmus refuses', () => {
  test.each<[string, LitmusTest]>([
    ['a word outside the line', { program: ({ wc }) => wc.store(0, 1, 8) }],
    ['a negative line', { program: ({ wc }) => wc.read(-1) }],
    ['half a register', { program: ({ uc }) => uc.store(0.5, 1) }],
    ['no buffers', { program: () => undefined, buffers: 0 }],
    ['too many states', { program: ({ wc }) => Array.from({ length: 8 }, (_, i) => wc.store(i, 1)), buffers: 8, maxStates: 50 }],
  ])('%s', (_what, refused) => {
    expect(() => litmus('refused', refused)).toThrow(RangeError);
  });

  test('too many orders', () => {
    expect(() => litmusOrders({ program: ({ wc }) => [wc.store(0, 1), wc.store(1, 1), wc.store(2, 1)] }, 5)).toThrow(RangeError);
  });
});

describe('W-order the core shows only orders that the runner lists', () => {
  type Step = readonly ['wc' | 'uc', number, number] | readonly ['fence'];
  const programs: Record<string, readonly Step[]> = {
    'a doorbell': [['wc', 0, 1], ['wc', 1, 2], ['uc', 0, 1]],
    'a doorbell and a fence': [['wc', 0, 1], ['wc', 1, 2], ['fence'], ['uc', 0, 1], ['wc', 0, 3]],
    'more lines than buffers': [['wc', 0, 1], ['wc', 1, 1], ['wc', 2, 1], ['wc', 3, 1], ['wc', 4, 1], ['uc', 0, 1], ['wc', 0, 2], ['fence']],
  };

  test.each(Object.entries(programs))('%s', (_name, program) => {
    const listed = new Set(
      litmusOrders({
        program: ({ wc, uc, fence }) =>
          program.forEach((step) => {
            if (step[0] === 'fence') fence();
            else (step[0] === 'wc' ? wc : uc).store(step[1], step[2]);
          }),
      }).map((order) => order.join('; ')),
    );
    const shown = new Set<string>();
    for (let seed = 0; seed < 400; seed++) {
      const engine = createEngine();
      const space = engine.space();
      space.drainPolicy = seed === 0 ? 'in-order' : { seed: seed * 0x9e3779 };
      const order: string[] = [];
      const write = (text: string) => (position: number | bigint, _width: number, value: number | bigint) => void order.push(`${text} ${Number(position) / 64} <- ${value}`);
      space.map(0, engine.region({ kind: 'hook', size: 4096, write: write('wc line') }), { memoryType: 'write-combining' });
      space.map(4096, engine.region({ kind: 'hook', size: 4096, write: write('uc') }));
      for (const step of program) {
        if (step[0] === 'fence') space.fence();
        else space.write64((step[0] === 'wc' ? 0 : 4096) + step[1] * 64, step[2]);
      }
      space.fence();
      shown.add(order.join('; '));
    }
    for (const order of shown) expect(listed).toContain(order);
    expect(shown.size).toBeGreaterThan(1);
  });
});

test('what is no test is told', () => {
  for (const wrong of [null, undefined, {}]) expect(() => litmus('wrong', wrong as never)).toThrow('litmus: expected a test with a program');
});
