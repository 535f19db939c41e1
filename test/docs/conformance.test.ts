// docs/conformance.md shows a row that is in the table, explains every kind of step, event and key of it, and cites rows that are there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { stepsOf } from '../../src/conformance/index.ts';
import { TABLE, rowOf } from '../conformance/support.ts';

const text = readFileSync(join(__dirname, '../../docs/conformance.md'), 'utf8');

test('the row that is drawn is in the table', () => {
  const row = rowOf(/"id": "([^"]+)"/.exec(text)![1]!);
  for (const shown of [row.statement, row.device, row.call.request!, row.call.in!, row.call.out!]) expect(text).toContain(JSON.stringify(shown));
});

test('rows that are cited are there', () => {
  const ids = [...text.matchAll(/--row ([\w.-]+)/g)].map((found) => found[1]!);
  expect(ids.length).toBeGreaterThan(0);
  for (const id of ids) expect(rowOf(id).id).toBe(id);
});

const rows = TABLE.sections.flatMap((section) => section.rows);
const steps = rows.flatMap((row) => stepsOf(row).map(({ step }) => step));

/** Words that stand in the page as such: `` `word` ``, or `` `word 3` ``. */
const unexplained = (words: Iterable<string>): string[] => [...new Set(words)].filter((word) => !text.includes(`\`${word}\``) && !text.includes(`\`${word} `));

test('every kind of step of the table is explained, and every word of one', () => {
  expect(unexplained(steps.flatMap((step) => Object.keys(step)))).toEqual([]);
  expect(unexplained(steps.map((step) => step.do))).toEqual([]);
});

test('every event of a device is', () => {
  const events = steps.flatMap(({ event }) => (event === undefined ? [] : [event.split(' ')[0]!]));
  expect(new Set(events).size).toBeGreaterThan(15);
  expect(unexplained(events)).toEqual([]);
});

test('every word of a row is, and every option of an open', () => {
  const inRow = text.slice(text.indexOf('## A row'));
  for (const word of new Set(rows.flatMap((row) => Object.keys(row)))) expect(inRow).toMatch(new RegExp(`"${word}"|\`${word}\``));
  expect(unexplained([...rows.map((row) => row.open), ...steps.map((step) => step.options)].flatMap((open) => Object.keys({ ...open, ...open?.cdev })))).toEqual([]);
});

/** Keys of a device's data, however deep; not those that are addresses, indices and arcs. */
function keysOf(data: object): string[] {
  const isMap = (key: string): boolean => ['regions', 'bytes', 'vpd', 'refuses'].includes(key);
  return Object.entries(data).flatMap(([key, value]: [string, unknown]) => {
    if (typeof value !== 'object' || value === null) return [key];
    const below = isMap(key) ? Object.values(value).filter((one) => typeof one === 'object') : [value];
    return [...(Array.isArray(data) ? [] : [key]), ...below.flatMap((one) => keysOf(one as object))];
  });
}

test('every key of devices.json is', () => {
  const keys = Object.values(TABLE.devices).flatMap((device) => keysOf(device).filter((key) => !/^\d+$/.test(key)));
  expect(new Set(keys).size).toBeGreaterThan(45);
  expect(unexplained(keys)).toEqual([]);
});

test('what is not explained is found', () => {
  expect(unexplained(['flood', 'poke'])).toEqual(['flood']);
  expect(keysOf({ regions: { 0: { size: 1, bytes: { '0x10': '00' } } }, hotReset: [{ bus: 1 }, { bus: 2, group: 3 }] })).toEqual(['regions', 'size', 'bytes', 'hotReset', 'bus', 'bus', 'group']);
});
