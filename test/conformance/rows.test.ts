// The conformance table, row by row: what a VFIO program sees is what the behaviour text says.
import { describe, expect, test } from '@jest/globals';
import { ConformanceRunner, checkTable, failureText } from '../../src/conformance/index.ts';
import { TABLE } from './support.ts';

const runner = new ConformanceRunner(TABLE);

test('every word of the table is one that its runner knows', () => {
  expect(checkTable(TABLE)).toEqual([]);
});

describe.each(TABLE.sections.map((section) => [section.section, section] as const))('section %s', (_name, section) => {
  test.each(section.rows.map((row) => [row.id, row.statement, row] as const))('%s: %s', (_id, _statement, row) => {
    const differences = runner.run(row);
    if (differences.length > 0) throw new Error(failureText({ row, section, differences }));
  });
});
