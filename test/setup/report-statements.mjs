// After all tests: which statements of assembly/ ran, file by file; below 95 % the run fails.
import { readFileSync, readdirSync } from 'node:fs';

const folder = new URL('../../build/coverage/', import.meta.url);
const MINIMUM = 95;
const read = (name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));

export default class StatementReporter {
  failed = false;

  onRunComplete() {
    const table = read('statements.json');
    const ran = new Set(readdirSync(new URL('hits/', folder)).flatMap((name) => read(`hits/${name}`)));
    const files = new Map();
    table.forEach(([file, line], n) => {
      const entry = files.get(file) ?? { all: 0, ran: 0, missed: new Set() };
      files.set(file, entry);
      entry.all++;
      if (ran.has(n)) entry.ran++;
      else entry.missed.add(line);
    });
    for (const [file, { all, ran: some, missed }] of [...files].sort()) {
      console.log(`${file} ${some}/${all} statements${missed.size === 0 ? '' : `; missed lines ${[...missed].join(', ')}`}`);
    }
    const hits = [...ran].filter((n) => n < table.length).length;
    const percent = (100 * hits) / table.length;
    console.log(`assembly/ ${hits}/${table.length} statements, ${percent.toFixed(2)} %`);
    this.failed = percent < MINIMUM;
    if (this.failed) console.error(`below ${MINIMUM} %`);
  }

  getLastError() {
    return this.failed ? new Error(`statement coverage of assembly/ is below ${MINIMUM} %`) : undefined;
  }
}
