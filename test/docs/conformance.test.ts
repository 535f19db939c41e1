// docs/conformance.md shows a row that is in the table, names every kind of step, and cites rows that are there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
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

test('every kind of step of the table is explained', () => {
  const kinds = new Set(TABLE.sections.flatMap(({ rows }) => rows.flatMap(({ before = [], call, after = [] }) => [...before, call, ...after].map((step) => step.do))));
  for (const kind of kinds) expect(text).toContain(`\`${kind}\``);
});
