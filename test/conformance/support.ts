// What the tests of the conformance table share: the table.
import { join } from 'node:path';
import { readTable } from '../../src/cli/conformance.ts';
import type { Row, Table } from '../../src/conformance/index.ts';

export const ROWS = join(__dirname, 'rows');
export const TABLE: Table = readTable(ROWS);

/** A row by its id. */
export function rowOf(id: string): Row {
  const found = TABLE.sections.flatMap(({ rows }) => rows).find((row) => row.id === id);
  if (found === undefined) throw new Error(`no row ${id}`);
  return found;
}
