// docs/conformance.md and docs/conformance-hosts.md show rows that are in the table, explain every kind of step, event and key of it, and cite rows that are there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { stepsOf } from '../../src/conformance/index.ts';
import type { HostData } from '../../src/conformance/index.ts';
import { TABLE, rowOf } from '../conformance/support.ts';

const page = (name: string): string => readFileSync(join(__dirname, '../../docs', name), 'utf8');
const ofDevices = page('conformance.md');
const ofHosts = page('conformance-hosts.md');
const text = ofDevices + ofHosts;

test('the row that is drawn is in the table', () => {
  const row = rowOf(/"id": "([^"]+)"/.exec(text)![1]!);
  for (const shown of [row.statement, row.device, row.call.request!, row.call.in!, row.call.out!]) expect(ofDevices).toContain(JSON.stringify(shown));
});

test('and so are the row, the start and the host of the page about hosts', () => {
  const row = rowOf(/"id": "([^"]+)"/.exec(ofHosts)![1]!);
  const { call, from } = row;
  const start = TABLE.starts[from!]!;
  for (const shown of [row.statement, from, start.host, start.about, call.request!, call.in!, call.out!]) expect(ofHosts).toContain(JSON.stringify(shown));
});

test('rows that are cited are there', () => {
  const ids = [...text.matchAll(/--row ([\w.-]+)/g)].map((found) => found[1]!);
  const inLists = [...ofHosts.matchAll(/^\| `([\w.-]+)`/gm)].map((found) => found[1]!).filter((word) => /^\d/.test(word));
  expect(ids.length).toBeGreaterThan(0);
  expect(inLists.length).toBeGreaterThan(5);
  for (const id of [...ids, ...inLists]) expect(rowOf(id).id).toBe(id);
});

const rows = TABLE.sections.flatMap((section) => section.rows);
const steps = [...rows.flatMap((row) => stepsOf(row).map(({ step }) => step)), ...Object.values(TABLE.starts).flatMap((start) => start.steps)];

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

/** Keys of a host's data, but for names of functions and processes. */
function keysOfHost({ functions, processes = {}, ...rest }: HostData): string[] {
  return ['functions', 'processes', ...keysOf(rest), ...[...Object.values(functions), ...Object.values(processes)].flatMap((one) => keysOf(one as object))].filter((key) => !/^\d+$/.test(key));
}

test('every key of hosts and starts is', () => {
  const keys = [...Object.values(TABLE.hosts).flatMap(keysOfHost), ...Object.values(TABLE.starts).flatMap((start) => Object.keys(start))];
  expect(new Set(keys).size).toBeGreaterThan(15);
  expect(unexplained(keys)).toEqual([]);
});

test('what is not explained is found', () => {
  expect(unexplained(['flood', 'poke'])).toEqual(['flood']);
  expect(keysOf({ regions: { 0: { size: 1, bytes: { '0x10': '00' } } }, hotReset: [{ bus: 1 }, { bus: 2, group: 3 }] })).toEqual(['regions', 'size', 'bytes', 'hotReset', 'bus', 'bus', 'group']);
});
