// The benchmark's command line, after scripts/bench.mjs has built everything: measures what was asked for and prints a table or JSON.

import os from 'node:os';
import { comparisons } from './comparisons.ts';
import { FULL, QUICK, measure } from './harness.ts';
import type { ComparisonResult } from './harness.ts';
import { machineLine, table } from './report.ts';

// Whoever reads may have had enough: `npm run bench | head`.
process.stdout.on('error', () => process.exit());

const flags = process.argv.slice(2);
const json = flags.includes('--json');
const quick = flags.includes('--quick');
const filterAt = flags.indexOf('--filter');
const filter = filterAt < 0 ? '' : (flags[filterAt + 1] ?? '');

const named = comparisons.filter(({ name }) => name.includes(filter));
const leftOut = quick && filter === '' ? named.filter(({ slow }) => slow === true) : [];
const chosen = named.filter((comparison) => !leftOut.includes(comparison));
if (chosen.length === 0) {
  console.error(`bench: no case has ${JSON.stringify(filter)} in its name. Cases: ${comparisons.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}

const interactive = process.stderr.isTTY;
const progress = (text: string): void => {
  if (interactive) process.stderr.write(`\r\u001b[K${text}`);
};

const machine = { cpu: os.cpus()[0]?.model ?? 'unknown', cpus: os.cpus().length, memoryBytes: os.totalmem(), platform: process.platform, arch: process.arch, loadAverage: os.loadavg() };
const versions = { node: process.versions.node, v8: process.versions.v8 };
if (!json) console.log(`${machineLine(machine, versions)}\n`);
if (!json && leftOut.length > 0) console.log(`left out by --quick, ask for them by --filter: ${leftOut.map(({ name }) => name).join(', ')}\n`);

const results: ComparisonResult[] = [];
const failures: { readonly name: string; readonly error: string }[] = [];
for (const comparison of chosen) {
  try {
    const result = await measure(comparison, quick ? QUICK : FULL, progress);
    results.push(result);
    progress('');
    if (!json) console.log(table(result));
  } catch (error) {
    progress('');
    const text = error instanceof Error ? error.message : String(error);
    failures.push({ name: comparison.name, error: text });
    console.error(`bench: ${comparison.name} could not run: ${text}`);
  }
}
if (json) console.log(JSON.stringify({ machine, versions, effort: quick ? 'quick' : 'full', cases: results, failures }, null, 2));
process.exitCode = failures.length === 0 ? 0 : 1;
