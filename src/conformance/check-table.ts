// Looks a table over before it is run: a word that no runner knows, or a step that compares nothing, would make a row say less than it seems to.

import { checkHosts } from './check-hosts.ts';
import type { HostOfSteps } from './check-hosts.ts';
import { stepsOf } from './runner.ts';
import { strangeWords, vacuous } from './check-step.ts';
import { processesOf } from './host-bench.ts';
import type { Row, Section, Step, Table } from './table.ts';
import { HOST_EVENTS } from './host-steps.ts';

const ANY = ['do', 'by', 'returns', 'times'];
const IO = ['fd', 'in', 'out', 'length', 'room'];

/** What each kind of step may say. */
const WORDS: Readonly<Record<Step['do'], readonly string[]>> = {
  open: ['as', 'device', 'options', 'path'],
  eventfd: ['as', 'value'],
  group: ['as', 'value'],
  ioctl: ['fd', 'as', 'request', 'in', 'out', 'argument', 'value', 'text', 'memory', 'memoryOut'],
  read: IO,
  write: IO,
  pread: [...IO, 'offset'],
  pwrite: [...IO, 'offset'],
  lseek: ['fd'],
  poll: ['fd', 'events'],
  dup: ['fd', 'as'],
  send: ['fd', 'to', 'as'],
  close: ['fd'],
  mmap: ['fd', 'as', 'length', 'protection', 'flags', 'offset'],
  munmap: ['map', 'at', 'length'],
  load: ['map', 'at', 'length', 'out'],
  store: ['map', 'at', 'in'],
  events: ['fd'],
  device: ['device', 'event', 'lines', 'at', 'in', 'out'],
};
const ROW = ['id', 'statement', 'cites', 'choice', 'device', 'host', 'from', 'open', 'before', 'call', 'after'];
const SECTION = ['section', 'title', 'rows'];

/** What of a step is about a host: functions and processes that it has, and what only a row with one may say. */
function wrongOfHost(step: Step, host: HostOfSteps): string[] {
  if (host === 'unknown') return [];
  const { do: kind, by, to, path, device, event = '', options } = step;
  const isEvent = kind === 'device' && HOST_EVENTS.includes(event.split(' ')[0]!);
  if (host === undefined) {
    const said = [kind === 'send' && 'send', by !== undefined && 'by', path !== undefined && 'path', isEvent && event].filter((one) => one !== false);
    return said.map((one) => `${one} is for rows with a host`);
  }
  const found: string[] = [];
  for (const one of [by, to]) if (one !== undefined && !Object.hasOwn(processesOf(host), one)) found.push(`no process of the host is called ${one}`);
  if (kind === 'send' && to === undefined) found.push('it is sent to nobody');
  if (kind === 'device' && device !== undefined && !Object.hasOwn(host.functions, device)) found.push(`no function of the host is called ${device}`);
  if (kind === 'open' && (path === undefined || device !== undefined || options !== undefined)) found.push('of a host, a path is opened');
  for (const [, name] of (path ?? '').matchAll(/\{(?:group|cdev) ([^}]*)\}/g)) if (!Object.hasOwn(host.functions, name!)) found.push(`no function of the host is called ${name!}`);
  if (/[{}]/.test((path ?? '').replace(/\{(?:group|cdev) [^}]*\}/g, ''))) found.push(`${path!} names neither a group nor a character device`);
  return found;
}

/** What is wrong with one step. `what` is what it is called. */
function checkStep(what: string, step: Step, host: HostOfSteps): string[] {
  const words = (WORDS as Partial<typeof WORDS>)[step.do];
  if (words === undefined) return [`${what}: ${JSON.stringify(step.do)} is no kind of step`];
  return [...strangeWords(what, step, [...ANY, ...words]), ...[...vacuous(step), ...wrongOfHost(step, host)].map((one) => `${what}: ${one}`)];
}

/** What a row is about: one device, one host, or what a start is about. */
function checkSubject({ id, device, host, from, open }: Row, { devices, hosts, starts }: Table): string[] {
  if ([device, host, from].filter((one) => one !== undefined).length !== 1) return [`${id}: it says more, or less, than one of device, host and from`];
  const found: string[] = [];
  if (device !== undefined && !Object.hasOwn(devices, device)) found.push(`${id}: no device is called ${device}`);
  if (host !== undefined && !Object.hasOwn(hosts, host)) found.push(`${id}: no host is called ${host}`);
  if (from !== undefined && !Object.hasOwn(starts, from)) found.push(`${id}: no start is called ${from}`);
  if (device === undefined && open !== undefined) found.push(`${id}: open is for rows with a device`);
  return found;
}

/** A row that is about nothing that is there has been told so. */
function hostOfRow({ device, host, from = '' }: Row, { hosts, starts }: Table): HostOfSteps {
  return device !== undefined ? undefined : (hosts[host ?? starts[from]?.host ?? ''] ?? 'unknown');
}

function checkRow(row: Row, { section }: Section, table: Table): string[] {
  const host = hostOfRow(row, table);
  const steps = stepsOf(row).flatMap(({ name, step }) => checkStep(`${row.id}, ${name}`, step, host));
  const found = [...strangeWords(row.id, row, ROW), ...steps];
  if (!row.id.startsWith(`${section}-`)) found.push(`${row.id}: it stands in section ${section}`);
  found.push(...checkSubject(row, table));
  if (row.choice !== undefined && (row.choice as unknown) !== true) found.push(`${row.id}: choice is ${JSON.stringify(row.choice)}; expected true, or nothing`);
  if (row.statement.length === 0) found.push(`${row.id}: it states nothing`);
  return found;
}

/** What is wrong with a table, a line each. None: it can be run. */
export function checkTable(table: Table): string[] {
  const ids = table.sections.flatMap(({ rows }) => rows.map(({ id }) => id));
  const twice = ids.filter((id, i) => ids.indexOf(id) !== i).map((id) => `${id}: two rows are called so`);
  const rows = table.sections.flatMap((section) => [...strangeWords(`section ${section.section}`, section, SECTION), ...section.rows.flatMap((row) => checkRow(row, section, table))]);
  return [...twice, ...checkHosts(table, checkStep), ...rows];
}
