// Results as the block of tables in docs/maple-tree.md.

import type { Plan, Results } from './measure.ts';
import { MEANING, REPORTED } from './metrics.ts';
import { estimate, losses, number, sizeName } from './report.ts';
import type { Target } from './targets.ts';

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** One table of medians for all metrics, the targets, and what is lost. */
export function markdown(plan: Plan, results: Results, targets: readonly Target[], machine: string): string {
  const lines = [machine, '', row(['', '', ...plan.sizes.map(sizeName)]), row(['---', '---', ...plan.sizes.map(() => '--:')])];
  for (const metric of REPORTED.filter((name) => plan.metrics.includes(name))) {
    let named = false;
    for (const { name, label } of plan.contenders) {
      const values = plan.sizes.map((n) => results.value(n, metric, name));
      if (values.every((value) => value === undefined)) continue;
      lines.push(row([named ? '' : `**${metric}**`, label, ...values.map((value) => (value === undefined ? '-' : number(value)))]));
      named = true;
    }
  }
  lines.push('', ...REPORTED.filter((name) => plan.metrics.includes(name)).map((metric) => `- ${metric}: ${MEANING[metric]}.`), '');
  lines.push(row(['target', 'limit', 'measured, 95 % interval', '']), row(['---', '--:', '---', '---']));
  for (const { text, limit, measured, met } of targets) {
    const shown = measured === undefined ? '' : estimate(measured);
    lines.push(row([text, number(limit), shown, met === undefined ? 'not measured' : met ? 'met' : '**missed**']));
  }
  const lost = losses(plan, results);
  lines.push('', lost.length === 0 ? 'Nothing lost.' : 'Lost:', '', ...lost.map((line) => `- ${line}`));
  return `${lines.join('\n')}\n`;
}
