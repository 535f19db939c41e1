// Looks a table over before it is run: a word that no runner knows, or a step that compares nothing, would make a row say less than it seems to.

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
const ROW = ['id', 'statement', 'cites', 'choice', 'device', 'open', 'before', 'call', 'after'];
const SECTION = ['section', 'title', 'rows'];

/** Events of a device that are compared with what the step says, and which word says it. */
const COMPARED: Readonly<Record<string, 'out' | 'lines' | 'in'>> = { registers: 'out', bytes: 'out', token: 'out', poke: 'in', cycles: 'lines', arcs: 'lines', masters: 'lines' };

/** A step that cannot fail, or does nothing. */
function vacuous(step: Step): string[] {
  const { do: kind, event = '', times = 1 } = step;
  const found: string[] = [];
  if (!Number.isInteger(times) || times < 1) found.push(`it is made ${times} times; expected 1 or more`);
  const name = event.split(' ')[0]!;
  const word = kind === 'device' && Object.hasOwn(COMPARED, name) ? COMPARED[name] : undefined;
  // No lines are an answer, too; no bytes are none.
  if (word !== undefined && (step[word] === undefined || step[word] === '')) found.push(`${name} without ${word} ${word === 'in' ? 'changes' : 'compares'} nothing`);
  return found;
}

function strangeWords(what: string, value: object, words: readonly string[]): string[] {
  return Object.keys(value)
    .filter((key) => !words.includes(key))
    .map((key) => `${what}: ${key} is nothing that it can say`);
}

function checkRow(row: Row, { section }: Section, table: Table): string[] {
  const steps = stepsOf(row).flatMap(({ name, step }) => {
    const words = (WORDS as Partial<typeof WORDS>)[step.do];
    const what = `${row.id}, ${name}`;
    if (words === undefined) return [`${what}: ${JSON.stringify(step.do)} is no kind of step`];
    return [...strangeWords(what, step, [...ANY, ...words]), ...vacuous(step).map((one) => `${what}: ${one}`)];
  });
  const found = [...strangeWords(row.id, row, ROW), ...steps];
  if (!row.id.startsWith(`${section}-`)) found.push(`${row.id}: it stands in section ${section}`);
  if (!Object.hasOwn(table.devices, row.device)) found.push(`${row.id}: no device is called ${row.device}`);
  if (row.choice !== undefined && (row.choice as unknown) !== true) found.push(`${row.id}: choice is ${JSON.stringify(row.choice)}; expected true, or nothing`);
  if (row.statement.length === 0) found.push(`${row.id}: it states nothing`);
  return found;
}

/** What is wrong with a table, a line each. None: it can be run. */
export function checkTable(table: Table): string[] {
  const ids = table.sections.flatMap(({ rows }) => rows.map(({ id }) => id));
  const twice = ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `${id}: two rows are called so`);
  return [...twice, ...table.sections.flatMap((section) => [...strangeWords(`section ${section.section}`, section, SECTION), ...section.rows.flatMap((row) => checkRow(row, section, table))])];
}
