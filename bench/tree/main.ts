// The command line of the range-store benchmark, after scripts/bench-tree.mjs has built everything: measures what was asked for and prints it.

import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { chart } from './chart.ts';
import { CONTENDERS } from './contenders.ts';
import { markdown } from './markdown.ts';
import { measure } from './measure.ts';
import type { Plan } from './measure.ts';
import { MEASURED } from './metrics.ts';
import type { Measured } from './metrics.ts';
import { losses, tables, targetLines } from './report.ts';
import { evaluate } from './targets.ts';
import { SIZES } from './workload.ts';

// Whoever reads may have had enough: `npm run bench:tree | head`.
process.stdout.on('error', () => process.exit());

const QUICK_SIZES = [256, 4096];

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    sizes: { type: 'string' },
    metrics: { type: 'string' },
    only: { type: 'string' },
    svg: { type: 'string' },
    markdown: { type: 'string' },
  },
});

/** The items of a list on the command line; ends the program when one is not among `known`. */
function listed(flag: string, text: string | undefined, known: readonly string[], otherwise: readonly string[]): readonly string[] {
  if (text === undefined) return otherwise;
  const items = text.split(',').map((item) => item.trim());
  const wrong = items.filter((item) => !known.includes(item));
  if (wrong.length > 0) {
    console.error(`bench:tree: --${flag}: no ${wrong.join(', ')}. Known: ${known.join(', ')}`);
    process.exit(2);
  }
  return known.filter((item) => items.includes(item));
}

const names = CONTENDERS.map(({ name }) => name);
const only = listed('only', values.only, names, names);
const plan: Plan = {
  contenders: CONTENDERS.filter(({ name }) => only.includes(name)),
  sizes: listed('sizes', values.sizes, SIZES.map(String), (values.quick ? QUICK_SIZES : SIZES).map(String)).map(Number),
  metrics: listed('metrics', values.metrics, MEASURED, MEASURED) as readonly Measured[],
  quick: values.quick,
};

const interactive = process.stderr.isTTY;
const progress = (text: string): void => {
  if (interactive) process.stderr.write(`\r\u001b[K${text}`);
};
for (const { label, missing } of plan.contenders) if (missing !== undefined) console.error(`bench:tree: ${label} is left out: ${missing}`);

const load = os.loadavg().map((value) => value.toFixed(1)).join(' ');
const machine = `${os.cpus()[0]?.model.trim() ?? 'unknown'}, ${os.cpus().length} CPUs, ${process.platform} ${process.arch}, load ${load}; Node ${process.versions.node}, V8 ${process.versions.v8}`;
const results = await measure(plan, progress);
progress('');

const targets = evaluate(results, plan.sizes);
const lost = losses(plan, results);
if (values.json) {
  const rows = plan.sizes.flatMap((n) =>
    plan.metrics.flatMap((metric) =>
      plan.contenders.flatMap(({ name, against }) => {
        const value = results.value(n, metric, name);
        if (value === undefined) return [];
        const ratio = against === undefined ? undefined : results.ratio(n, metric, against, name);
        return [{ n, metric, contender: name, value, samples: results.samples(n, metric, name), ...(ratio !== undefined && { against, ratio }) }];
      }),
    ),
  );
  console.log(JSON.stringify({ machine, effort: plan.quick ? 'quick' : 'full', rows, targets, lost, failures: results.failures }, null, 2));
} else {
  console.log(`${machine}\nns per operation, medians; ratio = ours / other, of samples taken one right after the other, with its 95 % interval\n`);
  console.log(tables(plan, results));
  console.log(`${targetLines(targets)}\n`);
  console.log(lost.length === 0 ? 'Nothing lost.' : `Lost (ours / other above 1)\n  ${lost.join('\n  ')}`);
}
if (values.svg !== undefined) writeFileSync(values.svg, chart(plan, results));
if (values.markdown !== undefined) writeFileSync(values.markdown, markdown(plan, results, targets, machine));
for (const failure of results.failures) console.error(`bench:tree: ${failure}`);
process.exitCode = results.failures.length === 0 ? 0 : 1;
