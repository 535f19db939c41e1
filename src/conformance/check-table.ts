// Looks a table over before it is run: a word that no runner knows would make a row say less than it seems to.

import type { Row, Section, Step, Table } from './table.ts';
import { stepsOf } from './runner.ts';

const ANY = ['do', 'returns', 'times'];
const IO = ['fd', 'in', 'out', 'length', 'room'];

/** What each kind of step may say. */
const WORDS: Readonly<Record<Step['do'], readonly string[]>> = {
  open: ['as', 'device', 'options'],
  eventfd: ['as', 'value'],
  group: ['as', 'value'],
  ioctl: ['fd', 'as', 'request', 'in', 'out', 'argument', 'memory', 'memoryOut'],
  read: IO,
  write: IO,
  pread: [...IO, 'offset'],
  pwrite: [...IO, 'offset'],
  lseek: ['fd'],
  poll: ['fd', 'events'],
  dup: ['fd', 'as'],
  close: ['fd'],
  mmap: ['fd', 'as', 'length', 'protection', 'flags', 'offset'],
  munmap: ['map', 'at', 'length'],
  load: ['map', 'at', 'length', 'out'],
  store: ['map', 'at', 'in'],
  events: ['fd'],
  device: ['device', 'event', 'lines', 'at', 'in', 'out'],
};
const ROW = ['id', 'statement', 'cites', 'device', 'open', 'before', 'call', 'after'];
const SECTION = ['section', 'title', 'rows'];

function strangeWords(what: string, value: object, words: readonly string[]): string[] {
  return Object.keys(value)
    .filter((key) => !words.includes(key))
    .map((key) => `${what}: ${key} is nothing that it can say`);
}

function checkRow(row: Row, { section }: Section, table: Table): string[] {
  const steps = stepsOf(row).flatMap(({ name, step }) => {
    const words = (WORDS as Partial<typeof WORDS>)[step.do];
    return words === undefined ? [`${row.id}, ${name}: ${JSON.stringify(step.do)} is no kind of step`] : strangeWords(`${row.id}, ${name}`, step, [...ANY, ...words]);
  });
  const found = [...strangeWords(row.id, row, ROW), ...steps];
  if (!row.id.startsWith(`${section}-`)) found.push(`${row.id}: it stands in section ${section}`);
  if (!Object.hasOwn(table.devices, row.device)) found.push(`${row.id}: no device is called ${row.device}`);
  if (row.statement.length === 0) found.push(`${row.id}: it states nothing`);
  return found;
}

/** What is wrong with a table, a line each. None: it can be run. */
export function checkTable(table: Table): string[] {
  const ids = table.sections.flatMap(({ rows }) => rows.map(({ id }) => id));
  const twice = ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `${id}: two rows are called so`);
  return [...twice, ...table.sections.flatMap((section) => [...strangeWords(`section ${section.section}`, section, SECTION), ...section.rows.flatMap((row) => checkRow(row, section, table))])];
}
