// `maplebar conformance`: runs the table of calls with expected bytes, or prints it for other code bases.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConformanceRunner, checkTable, failureText } from '../conformance/index.ts';
import type { DeviceData, RowResult, Section, Table } from '../conformance/index.ts';
import { readText } from './files.ts';
import { progress, table } from './terminal.ts';
import type { Output } from './terminal.ts';

/** The options of the command. */
export interface ConformanceCommand {
  readonly section?: string;
  readonly row?: string;
  readonly json?: boolean;
}

const DEVICES = 'devices.json';

/** 1.4 before 1.10 before 3, and B last. */
function bySection(a: Section, b: Section): number {
  return a.section.localeCompare(b.section, 'en', { numeric: true });
}

/** The table in a folder: devices.json, and one file a section. */
export function readTable(folder: string): Table {
  const json = (name: string): unknown => JSON.parse(readText(join(folder, name)));
  const names = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== DEVICES);
  return { devices: json(DEVICES) as Readonly<Record<string, DeviceData>>, sections: names.map((name) => json(name) as Section).sort(bySection) };
}

/** What ends the command with exit code 2: it was asked for what is not there, or its table cannot be run. */
class NotToBeRun extends Error {}

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
