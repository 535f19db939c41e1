// The states of migration: every path of every combination of features equals the tables of section 3.4, which were generated independently.
import { describe, expect, test } from '@jest/globals';
import { hasState, nextState, pathTo } from '../../src/vfio/migration/state-machine.ts';

const NAMES = ['ERROR', 'STOP', 'RUNNING', 'STOP_COPY', 'RESUMING', 'RUNNING_P2P', 'PRE_COPY', 'PRE_COPY_P2P'];

// As the text has them: from the row's name to the column's.
const TABLES: Readonly<Record<number, string>> = {
  0x1: `
| from \\ to | RUNNING | STOP_COPY | STOP | RESUMING |
| RUNNING | - | STOP > STOP_COPY | STOP | STOP > RESUMING |
| STOP_COPY | STOP > RUNNING | - | STOP | STOP > RESUMING |
| STOP | RUNNING | STOP_COPY | - | RESUMING |
| RESUMING | STOP > RUNNING | STOP > STOP_COPY | STOP | - |`,
  0x3: `
| from \\ to | RUNNING | RUNNING_P2P | STOP_COPY | STOP | RESUMING |
| RUNNING | - | RUNNING_P2P | RUNNING_P2P > STOP > STOP_COPY | RUNNING_P2P > STOP | RUNNING_P2P > STOP > RESUMING |
| RUNNING_P2P | RUNNING | - | STOP > STOP_COPY | STOP | STOP > RESUMING |
| STOP_COPY | STOP > RUNNING_P2P > RUNNING | STOP > RUNNING_P2P | - | STOP | STOP > RESUMING |
| STOP | RUNNING_P2P > RUNNING | RUNNING_P2P | STOP_COPY | - | RESUMING |
| RESUMING | STOP > RUNNING_P2P > RUNNING | STOP > RUNNING_P2P | STOP > STOP_COPY | STOP | - |`,
  0x5: `
| from \\ to | RUNNING | PRE_COPY | STOP_COPY | STOP | RESUMING |
| RUNNING | - | PRE_COPY | STOP > STOP_COPY | STOP | STOP > RESUMING |
| PRE_COPY | RUNNING | - | STOP_COPY | RUNNING > STOP | RUNNING > STOP > RESUMING |
| STOP_COPY | STOP > RUNNING | EINVAL | - | STOP | STOP > RESUMING |
| STOP | RUNNING | RUNNING > PRE_COPY | STOP_COPY | - | RESUMING |
| RESUMING | STOP > RUNNING | STOP > RUNNING > PRE_COPY | STOP > STOP_COPY | STOP | - |`,
  0x7: `
| from \\ to | RUNNING | RUNNING_P2P | PRE_COPY | PRE_COPY_P2P | STOP_COPY | STOP | RESUMING |
| RUNNING | - | RUNNING_P2P | PRE_COPY | RUNNING_P2P > PRE_COPY_P2P | RUNNING_P2P > STOP > STOP_COPY | RUNNING_P2P > STOP | RUNNING_P2P > STOP > RESUMING |
| RUNNING_P2P | RUNNING | - | RUNNING > PRE_COPY | PRE_COPY_P2P | STOP > STOP_COPY | STOP | STOP > RESUMING |
| PRE_COPY | RUNNING | RUNNING > RUNNING_P2P | - | PRE_COPY_P2P | PRE_COPY_P2P > STOP_COPY | RUNNING > RUNNING_P2P > STOP | RUNNING > RUNNING_P2P > STOP > RESUMING |
| PRE_COPY_P2P | RUNNING_P2P > RUNNING | RUNNING_P2P | PRE_COPY | - | STOP_COPY | RUNNING_P2P > STOP | RUNNING_P2P > STOP > RESUMING |
| STOP_COPY | STOP > RUNNING_P2P > RUNNING | STOP > RUNNING_P2P | EINVAL | EINVAL | - | STOP | STOP > RESUMING |
| STOP | RUNNING_P2P > RUNNING | RUNNING_P2P | RUNNING_P2P > RUNNING > PRE_COPY | RUNNING_P2P > PRE_COPY_P2P | STOP_COPY | - | RESUMING |
| RESUMING | STOP > RUNNING_P2P > RUNNING | STOP > RUNNING_P2P | STOP > RUNNING_P2P > RUNNING > PRE_COPY | STOP > RUNNING_P2P > PRE_COPY_P2P | STOP > STOP_COPY | STOP | - |`,
};

const ARCS_1 = ['RUNNING>STOP', 'STOP>RUNNING', 'STOP>STOP_COPY', 'STOP_COPY>STOP', 'STOP>RESUMING', 'RESUMING>STOP'];
const ARCS: Readonly<Record<number, readonly string[]>> = {
  0x1: ARCS_1,
  0x3: ['RUNNING>RUNNING_P2P', 'RUNNING_P2P>RUNNING', 'RUNNING_P2P>STOP', 'STOP>RUNNING_P2P', 'STOP>STOP_COPY', 'STOP_COPY>STOP', 'STOP>RESUMING', 'RESUMING>STOP'],
  0x5: [...ARCS_1, 'RUNNING>PRE_COPY', 'PRE_COPY>RUNNING', 'PRE_COPY>STOP_COPY'],
  0x7: [
    'RUNNING>RUNNING_P2P', 'RUNNING_P2P>RUNNING', 'RUNNING_P2P>STOP', 'STOP>RUNNING_P2P', 'STOP>STOP_COPY', 'STOP_COPY>STOP', 'STOP>RESUMING', 'RESUMING>STOP',
    'RUNNING>PRE_COPY', 'PRE_COPY>RUNNING', 'PRE_COPY>PRE_COPY_P2P', 'PRE_COPY_P2P>PRE_COPY', 'PRE_COPY_P2P>RUNNING_P2P', 'RUNNING_P2P>PRE_COPY_P2P', 'PRE_COPY_P2P>STOP_COPY',
  ],
};

/** `from to` to the path, `-` or `EINVAL`; a pair that is not in the table is EINVAL. */
function parse(table: string): Map<string, string> {
  const [head, ...rows] = table.trim().split('\n').map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
  return new Map(rows.flatMap(([from, ...cells]) => cells.map((cell, i): [string, string] => [`${from!} ${head![i + 1]!}`, cell])));
}

describe.each(Object.keys(TABLES).map(Number))('3.4: flags %i', (flags) => {
  test('all 64 pairs', () => {
    const expected = parse(TABLES[flags]!);
    for (const [from, fromName] of NAMES.entries()) {
      for (const [to, toName] of NAMES.entries()) {
        const pair = `${fromName} ${toName}`;
        const path = pathTo(flags, from, to);
        // Nobody goes anywhere from a state to itself, whether there is such a state or not.
        const found = from === to ? '-' : path === undefined ? 'EINVAL' : path.map((state) => NAMES[state]!).join(' > ');
        expect([pair, found]).toEqual([pair, from === to ? '-' : (expected.get(pair) ?? 'EINVAL')]);
      }
    }
  });

  test('exactly the arcs that a driver must know', () => {
    const arcs = new Set<string>();
    for (let from = 0; from < 8; from++) {
      for (let to = 0; to < 8; to++) (pathTo(flags, from, to) ?? []).reduce((at, next) => (arcs.add(`${NAMES[at]!}>${NAMES[next]!}`), next), from);
    }
    expect([...arcs].sort()).toEqual([...ARCS[flags]!].sort());
  });

  test('a new file is made by the last arc of a path, never before', () => {
    const makesFile = ['STOP>STOP_COPY', 'STOP>RESUMING', 'RUNNING>PRE_COPY', 'RUNNING_P2P>PRE_COPY_P2P'];
    for (let from = 0; from < 8; from++) {
      for (let to = 0; to < 8; to++) {
        const states = [from, ...(pathTo(flags, from, to) ?? [])].map((state) => NAMES[state]!);
        const arcs = states.slice(1).map((state, i) => `${states[i]!}>${state}`);
        for (const arc of arcs.slice(0, -1)) expect(makesFile).not.toContain(arc);
      }
    }
  });
});

test('numbers that are no states lead nowhere', () => {
  for (const flags of [1, 3, 5, 7]) {
    for (const state of [-1, 0, 8, 9, 0x7fff_ffff, 0xffff_ffff, 1.5, NaN]) {
      expect([hasState(flags, state), nextState(flags, 2, state), nextState(flags, state, 2)]).toEqual([false, undefined, undefined]);
    }
  }
});
