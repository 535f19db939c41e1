// Results as text: a table per metric, then the targets, then every number that somebody else wins.

import type { Estimate } from '../statistics.ts';
import { whyLeftOut } from './contenders.ts';
import type { Contender } from './contenders.ts';
import type { Plan, Results } from './measure.ts';
import { MEANING, REPORTED } from './metrics.ts';
import type { Measured } from './metrics.ts';
import type { Target } from './targets.ts';

export function sizeName(n: number): string {
  return n === 2 ** 20 ? '1M' : String(n);
}

export function number(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** With its interval, where there is one: a single round, or bytes, have none. */
export function estimate({ value, low, high }: Estimate): string {
  return low === high ? number(value) : `${number(value)} [${number(low)}, ${number(high)}]`;
}

/** Why a cell is empty: a mark, explained below the table. */
function emptyCell(contender: Contender, metric: Measured, n: number, quick: boolean, notes: Set<string>): string {
  const slow = n >= (contender.slowFrom ?? Infinity) && quick ? 'too slow for a quick run' : undefined;
  const why = contender.missing ?? whyLeftOut(contender, metric, n) ?? slow;
  if (why === undefined) return '-';
  notes.add(`${contender.label}${contender.missing === undefined ? ` at ${sizeName(n)}` : ''} is left out: ${why}`);
  return 'left out';
}

/** Contenders that have no row, by the reason that they have at every size. */
function absent(metric: Measured, plan: Plan, contenders: readonly Contender[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const contender of contenders) {
    const reasons = new Set(plan.sizes.map((n) => whyLeftOut(contender, metric, n)));
    const [why] = reasons;
    if (why !== undefined && reasons.size === 1) byReason.set(why, [...(byReason.get(why) ?? []), contender.label]);
  }
  return [...byReason].map(([why, labels]) => `left out: ${why}: ${labels.join('; ')}`);
}

/** One metric as rows of cells: a heading, a row per contender, a row per ratio. Rows of contenders without any number are left out unless they could not run. */
export function rowsOf(metric: Measured, plan: Plan, results: Results): { readonly rows: string[][]; readonly notes: readonly string[] } {
  const notes = new Set<string>();
  const rows: string[][] = [['', ...plan.sizes.map(sizeName)]];
  const has = (name: string): boolean => plan.sizes.some((n) => results.value(n, metric, name) !== undefined);
  const rowless = (contender: Contender): boolean => !has(contender.name) && (contender.missing === undefined || plan.sizes.every((n) => whyLeftOut(contender, metric, n) !== undefined));
  for (const contender of plan.contenders) {
    if (rowless(contender)) continue;
    for (const n of plan.sizes) {
      if (n >= (contender.slowFrom ?? Infinity) && results.value(n, metric, contender.name) !== undefined) notes.add(`${contender.label} at ${sizeName(n)}: one round only, it is slow`);
    }
    rows.push([contender.label, ...plan.sizes.map((n) => format(results.value(n, metric, contender.name)) ?? emptyCell(contender, metric, n, plan.quick, notes))]);
  }
  for (const contender of plan.contenders) {
    const against = plan.contenders.find(({ name }) => name === contender.against);
    if (against === undefined || !has(contender.name)) continue;
    // Ours stands above the line: how our own builds compare is theirs divided by the other.
    const [above, below] = contender.ours ? [contender, against] : [against, contender];
    const cells = plan.sizes.map((n) => {
      const ratio = results.ratio(n, metric, above.name, below.name);
      return ratio === undefined ? '-' : estimate(ratio);
    });
    if (cells.some((cell) => cell !== '-')) rows.push([`  ${above.label} / ${below.label}`, ...cells]);
  }
  return { rows, notes: [...notes, ...absent(metric, plan, plan.contenders.filter(rowless))] };
}

function format(value: number | undefined): string | undefined {
  return value === undefined ? undefined : number(value);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ').trimEnd()).join('\n');
}

/** All metrics. */
export function tables(plan: Plan, results: Results): string {
  return REPORTED.filter((metric) => plan.metrics.includes(metric))
    .map((metric) => {
      const { rows, notes } = rowsOf(metric, plan, results);
      return [`${metric}: ${MEANING[metric]}`, aligned(rows), ...notes.map((note) => `(${note})`), ''].join('\n');
    })
    .join('\n');
}

export function targetLines(targets: readonly Target[]): string {
  const rows = targets.map(({ text, limit, measured, met }) => [
    text,
    `<= ${number(limit)}`,
    measured === undefined ? '' : estimate(measured),
    met === undefined ? 'not measured' : met ? 'met' : 'MISSED',
  ]);
  return rows.length === 0 ? 'Targets: none at these sizes' : `Targets\n${aligned(rows)}`;
}

/** Every metric and size where a contender of somebody else beats the one of ours that it is compared with. */
export function losses(plan: Plan, results: Results): string[] {
  const lines: string[] = [];
  for (const metric of REPORTED.filter((name) => plan.metrics.includes(name))) {
    for (const contender of plan.contenders) {
      if (contender.ours || contender.against === undefined) continue;
      for (const n of plan.sizes) {
        const ratio = results.ratio(n, metric, contender.against, contender.name);
        if (ratio !== undefined && ratio.value > 1) {
          const ours = plan.contenders.find(({ name }) => name === contender.against)!;
          lines.push(`${metric} at ${sizeName(n)}: ${contender.label} ${number(results.value(n, metric, contender.name)!)}, ${ours.label} ${number(results.value(n, metric, ours.name)!)}, ${estimate(ratio)}`);
        }
      }
    }
  }
  return lines;
}
