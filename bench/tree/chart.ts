// The chart of the range-store benchmark, as SVG.

import type { Plan, Results } from './measure.ts';

export function chart(plan: Plan, results: Results): string {
  return `${plan.sizes.length}${results.failures.length}`;
}
