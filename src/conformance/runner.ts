// Runs rows: each in a process and with devices of its own, all in one engine, which holds nothing afterwards.

import { createEngine } from '../core/index.ts';
import type { Engine } from '../core/index.ts';
import { Bench } from './bench.ts';
import type { MakeProcess } from './bench.ts';
import type { Difference } from './difference.ts';
import { differenceText } from './difference.ts';
import { runStep } from './steps.ts';
import type { Row, Section, Step, Table } from './table.ts';

/** How a row went. */
export interface RowResult {
  readonly row: Row;
  readonly section: Section;
  /** None: it passed. */
  readonly differences: readonly Difference[];
}

/** The steps of a row, each with what it is called in a report. `starts`: with those that it begins with. */
export function stepsOf({ from, before = [], call, after = [] }: Row, starts: Table['starts'] = {}): { readonly name: string; readonly step: Step }[] {
  const start = from === undefined ? [] : (starts[from]?.steps ?? []);
  return [
    ...start.map((step, i) => ({ name: `start ${i + 1}`, step })),
    ...before.map((step, i) => ({ name: `before ${i + 1}`, step })),
    { name: 'call', step: call },
    ...after.map((step, i) => ({ name: `after ${i + 1}`, step })),
  ];
}

/** Runs the rows of one table. */
export class ConformanceRunner {
  private readonly table: Table;
  private readonly makeProcess: MakeProcess | undefined;
  private engine: Engine = createEngine();

  /** @param makeProcess - Default: a process of this library. */
  constructor(table: Table, makeProcess?: MakeProcess) {
    this.table = table;
    this.makeProcess = makeProcess;
  }

  /** Runs one row. The first step that goes wrong is its last: what follows builds on it. */
  run(row: Row): Difference[] {
    const differences: Difference[] = [];
    let step = 'open';
    const report = (what: string, expected: string, found: string): void => void differences.push({ step, what, expected, found });
    try {
      const bench = new Bench(this.engine, row, this.table, this.makeProcess);
      try {
        for (const one of stepsOf(row, this.table.starts)) {
          step = one.name;
          runStep(bench, one.step, report);
          if (differences.length > 0) break;
        }
      } finally {
        bench.end();
      }
    } catch (error) {
      report('exception', 'none', error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    }
    step = 'end';
    const live = JSON.stringify(this.engine.live());
    const none = JSON.stringify({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
    if (live !== none) {
      report('left behind', none, live);
      this.engine = createEngine();
    }
    return differences;
  }

  /** Runs sections row by row. */
  *runAll(sections: readonly Section[]): Generator<RowResult, void, undefined> {
    for (const section of sections) for (const row of section.rows) yield { row, section, differences: this.run(row) };
  }
}

/** A row that failed, as text: its statement, its steps, and what was otherwise. */
export function failureText({ row, section, differences }: RowResult): string {
  const steps = stepsOf(row).map(({ name, step }) => `  ${name.padEnd(9)} ${JSON.stringify(step)}`);
  const where = row.from !== undefined ? `from ${row.from}` : row.host !== undefined ? `host ${row.host}` : `device ${row.device ?? ''}`;
  const head = `${row.id}  section ${section.section}, ${where}: ${row.statement}`;
  return [head, ...steps, ...differences.map(differenceText)].join('\n');
}
