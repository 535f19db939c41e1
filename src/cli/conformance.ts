// `maplebar conformance`: runs the table of calls with expected bytes, or prints it for other code bases.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConformanceRunner, checkTable, failureText } from '../conformance/index.ts';
import type { DeviceData, HostData, RowResult, Section, Start, Table } from '../conformance/index.ts';
import { readText } from './files.ts';
import { progress, table } from './terminal.ts';
import type { Output } from './terminal.ts';

/** What ends the command with exit code 2: it was asked for what is not there, or its table cannot be run. */
class NotToBeRun extends Error {}

/** The options of the command. */
export interface ConformanceCommand {
  readonly section?: string;
  readonly row?: string;
  readonly json?: boolean;
}

const DEVICES = 'devices.json';
const HOSTS = 'hosts';
const STARTS = 'starts';

/** 1.4 before 1.10 before 3, and B last. */
function bySection(a: Section, b: Section): number {
  return a.section.localeCompare(b.section, 'en', { numeric: true });
}

/** Files of a kind, hosts.json and hosts-NAME.json, as one. A name that two of them have is refused: one of them would be lost. */
function merged(names: readonly string[], kind: string, json: (name: string) => unknown): Record<string, unknown> {
  const all = names.filter((name) => isOf(kind, name)).flatMap((name) => Object.entries(json(name) as object));
  const twice = all.find(([key], i) => all.findIndex(([other]) => other === key) !== i);
  if (twice !== undefined) throw new NotToBeRun(`two of ${kind}*.json have a ${twice[0]}`);
  return Object.fromEntries(all);
}

function isOf(kind: string, name: string): boolean {
  return name === `${kind}.json` || name.startsWith(`${kind}-`);
}

/** Sections, each once: 6.8-map.json goes on with what 6.8.json has begun. */
function joined(parts: readonly Section[]): Section[] {
  const byName = new Map<string, Section>();
  for (const part of parts) {
    const begun = byName.get(part.section);
    byName.set(part.section, { ...part, ...begun, rows: [...(begun?.rows ?? []), ...part.rows] });
  }
  return [...byName.values()];
}

/** The table in a folder: devices.json, hosts and starts, and the files of each section. */
export function readTable(folder: string): Table {
  const json = (name: string): unknown => JSON.parse(readText(join(folder, name)));
  const stem = (name: string): string => name.slice(0, -'.json'.length);
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort((a, b) => (stem(a) < stem(b) ? -1 : 1));
  const parts = names.filter((name) => name !== DEVICES && !isOf(HOSTS, name) && !isOf(STARTS, name));
  return {
    devices: json(DEVICES) as Readonly<Record<string, DeviceData>>,
    hosts: merged(names, HOSTS, json) as Readonly<Record<string, HostData>>,
    starts: merged(names, STARTS, json) as Readonly<Record<string, Start>>,
    sections: joined(parts.map((name) => json(name) as Section)).sort(bySection),
  };
}

/** Section 3.3 of `3.3` and `3`, not of `3.30`. */
function isIn(section: string, wanted: string): boolean {
  return section === wanted || section.startsWith(`${wanted}.`);
}

function choose(sections: readonly Section[], { section, row }: ConformanceCommand): Section[] {
  const chosen = sections
    .filter((one) => section === undefined || isIn(one.section, section))
    .map((one) => (row === undefined ? one : { ...one, rows: one.rows.filter(({ id }) => id === row) }))
    .filter(({ rows }) => rows.length > 0);
  if (chosen.length > 0) return chosen;
  const there = sections.map((one) => one.section).join(', ');
  throw new NotToBeRun(row === undefined ? `no section ${section!}; there are ${there}` : `no row ${row}${section === undefined ? '' : ` in section ${section}`}; rows are called as 1.4-01, of sections ${there}`);
}

function summary(sections: readonly Section[], results: readonly RowResult[]): string {
  const failed = (section: Section): number => results.filter((one) => one.section === section && one.differences.length > 0).length;
  const line = (name: string, title: string, rows: number, bad: number): string[] => [name, title, String(rows), String(rows - bad), String(bad)];
  const all = results.filter(({ differences }) => differences.length > 0).length;
  const lines = [...sections.map((section) => line(section.section, section.title, section.rows.length, failed(section))), line('total', '', results.length, all)];
  return `${table(['section', 'about', 'rows', 'passed', 'failed'], lines, ['rows', 'passed', 'failed'])}\n`;
}

function chosenTable(folder: string, options: ConformanceCommand): Table {
  const whole = readTable(folder);
  const chosen: Table = { ...whole, sections: choose(whole.sections, options) };
  const wrong = checkTable(chosen);
  if (wrong.length > 0) throw new NotToBeRun(wrong.join('\n'));
  return chosen;
}

/** Runs the command; the exit code: 0 when all rows pass, 1 when some fail, 2 when there is no such row, or no such table. */
export function conformanceCommand(folder: string, options: ConformanceCommand, output: Output): number {
  try {
    return runChosen(chosenTable(folder, options), options, output);
  } catch (error) {
    if (!(error instanceof NotToBeRun)) throw error;
    output.err(`maplebar: ${error.message}\n`);
    return 2;
  }
}

function runChosen(chosen: Table, options: ConformanceCommand, output: Output): number {
  const { sections } = chosen;
  if (options.json === true) {
    output.out(`${JSON.stringify(chosen, undefined, 2)}\n`);
    return 0;
  }
  const count = sections.reduce((sum, { rows }) => sum + rows.length, 0);
  const bar = progress(output, 'rows');
  const results: RowResult[] = [];
  try {
    for (const result of new ConformanceRunner(chosen).runAll(sections)) bar.at(results.push(result) / count);
  } finally {
    bar.stop();
  }
  const failures = results.filter(({ differences }) => differences.length > 0);
  for (const failure of failures) output.out(`${failureText(failure)}\n\n`);
  output.out(summary(sections, results));
  return failures.length === 0 ? 0 : 1;
}
