// Results as text. Losing numbers are printed like winning ones.

import type { ComparisonResult, SideResult } from './harness.ts';

function nanoseconds(value: number): string {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return `${value.toFixed(digits)} ns`;
}

function factor(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}

function verdict({ ratio, target, met }: SideResult): string {
  if (ratio === undefined) return '';
  const words =
    ratio.high < 1 ? `faster, ${factor(1 / ratio.value)}x` : ratio.low > 1 ? `slower, ${factor(ratio.value)}x` : 'no difference that the interval shows';
  return target === undefined ? words : `${words}; target <= ${target}: ${met === true ? 'met' : 'MISSED'}`;
}

/** One comparison: a line for each side. */
export function table({ name, about, sides, undisturbed, digest }: ComparisonResult): string {
  const rows = sides.map((side) => [
    side.side,
    nanoseconds(side.nanoseconds),
    side.ratio === undefined ? '' : `${factor(side.ratio.value)} [${factor(side.ratio.low)}, ${factor(side.ratio.high)}]`,
    verdict(side),
  ]);
  const notes = sides.flatMap(({ side, note }) => (note === undefined ? [] : [`  ${side}: ${note}\n`]));
  const widths = [18, 10, 22].map((least, column) => Math.max(least, ...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => `  ${row[0]!.padEnd(widths[0]!)}  ${row[1]!.padStart(widths[1]!)}  ${row[2]!.padEnd(widths[2]!)}  ${row[3]!}`.trimEnd());
  const checked = digest === undefined ? '' : ', all sides answer alike';
  const preempted = sides.reduce((sum, side) => sum + side.preempted, 0);
  const dropped = undisturbed ? 'dropped' : 'NOT dropped: the system is too busy';
  const note = `  (${sides[0]!.samples} rounds, ${preempted} samples preempted and ${dropped}${checked})`;
  return `${name}: ${about}\n${lines.join('\n')}\n${notes.join('')}${note}\n`;
}

/** What was measured on. */
export function machineLine(machine: { cpu: string; cpus: number; platform: string; arch: string; loadAverage: number[] }, versions: { node: string; v8: string }): string {
  const load = machine.loadAverage.map((value) => value.toFixed(1)).join(' ');
  return `${machine.cpu}, ${machine.cpus} CPUs, ${machine.platform} ${machine.arch}, load ${load}; Node ${versions.node}, V8 ${versions.v8}\nns per operation, ratio = core / other with its 95 % interval`;
}
