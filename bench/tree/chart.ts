// The chart of the range-store benchmark, as SVG: a panel for each of four metrics, nanoseconds on a logarithmic scale over the number of ranges, a labelled line per contender.

import type { Plan, Results } from './measure.ts';
import { sizeName } from './report.ts';
import type { Metric } from './metrics.ts';

interface Line {
  readonly name: string;
  readonly label: string;
  /** A colour that is readable on white and on near black. */
  readonly colour: string;
  readonly ours: boolean;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

const PANELS: readonly (readonly [Metric, string])[] = [
  ['load', 'load: look up a random index'],
  ['insert_rand', 'insert_rand: insert in random order'],
  ['erase_rand', 'erase_rand: find by index and remove'],
  ['iter', 'iter: read all ranges in order, per range'],
];

// Ours are one hue and thick; the opponents have a hue each.
const LINES: readonly Line[] = [
  { name: 'wasm-simd', label: 'ours, in Wasm', colour: '#e8590c', ours: true },
  { name: 'js', label: 'ours, from JS', colour: '#f59f00', ours: true },
  { name: 'batch-4096', label: 'ours, batches', colour: '#d6336c', ours: true },
  { name: 'rust', label: 'Rust BTreeMap', colour: '#7f8c9a', ours: false },
  { name: 'sorted-btree', label: 'sorted-btree', colour: '#1c7ed6', ours: false },
  { name: 'flatten', label: 'flatten interval-tree', colour: '#9c6ade', ours: false },
  { name: 'arrays', label: 'JS sorted arrays', colour: '#2f9e44', ours: false },
  { name: 'typed-btree', label: 'JS typed B+ tree', colour: '#0c9ba8', ours: false },
];

const WIDTH = 1000;
const PANEL_WIDTH = 500;
const PANEL_HEIGHT = 330;
const HEAD = 64;
const LEFT = 66;
const RIGHT = 138;
const TOP = 34;
const BOTTOM = 34;
const LABEL_HEIGHT = 14;

const STYLE = `
    svg { --paper: #ffffff; --ink: #1f2328; --faint: #6a737d; --rule: #d8dee4; }
    @media (prefers-color-scheme: dark) { svg { --paper: #0d1117; --ink: #e6edf3; --faint: #9198a1; --rule: #30363d; } }
    text { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: var(--ink); }
    .title { font-size: 17px; font-weight: 600; }
    .panel { font-size: 13px; font-weight: 600; }
    .faint { fill: var(--faint); font-size: 11px; }
    .rule { stroke: var(--rule); stroke-width: 1; }
    .line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
    .ours { stroke-width: 3; }
    .label { font-size: 11px; }
    .bold { font-weight: 700; }`;

/** 10 to a power of nanoseconds, short enough to stand left of the axis. */
function duration(exponent: number): string {
  const step = Math.min(2, Math.max(0, Math.floor(exponent / 3)));
  return `${10 ** (exponent - 3 * step)} ${['ns', 'µs', 'ms'][step]}`;
}

/** Moves labels apart, keeping their order. */
function spread(wanted: readonly number[], lowest: number, highest: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]!);
  const placed = [...wanted];
  let free = lowest;
  for (const i of order) {
    placed[i] = Math.max(placed[i]!, free);
    free = placed[i] + LABEL_HEIGHT;
  }
  let ceiling = highest;
  for (const i of order.reverse()) {
    placed[i] = Math.min(placed[i]!, ceiling);
    ceiling = placed[i] - LABEL_HEIGHT;
  }
  return placed;
}

function panel(metric: Metric, title: string, left: number, top: number, plan: Plan, results: Results): string {
  const from = { x: left + LEFT, y: top + TOP };
  const to = { x: left + PANEL_WIDTH - RIGHT, y: top + PANEL_HEIGHT - BOTTOM };
  const series = LINES.map((line) => ({ line, values: plan.sizes.map((n) => results.value(n, metric, line.name)) })).filter(({ values }) => values.some((value) => value !== undefined));
  const all = series.flatMap(({ values }) => values.filter((value) => value !== undefined));
  const low = Math.floor(Math.log10(Math.min(...all)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...all))));
  const xOf = (i: number): number => (plan.sizes.length === 1 ? (from.x + to.x) / 2 : from.x + ((to.x - from.x) * i) / (plan.sizes.length - 1));
  const yOf = (value: number): number => to.y - ((Math.log10(value) - low) / (high - low)) * (to.y - from.y);

  const parts = [`<text class="panel" x="${left + 12}" y="${top + 16}">${title}</text>`];
  for (let exponent = low; exponent <= high; exponent++) {
    const y = yOf(10 ** exponent).toFixed(1);
    parts.push(`<line class="rule" x1="${from.x}" y1="${y}" x2="${to.x}" y2="${y}"/>`, `<text class="faint" x="${from.x - 6}" y="${Number(y) + 4}" text-anchor="end">${duration(exponent)}</text>`);
  }
  for (const [i, n] of plan.sizes.entries()) parts.push(`<text class="faint" x="${xOf(i).toFixed(1)}" y="${to.y + 18}" text-anchor="middle">${sizeName(n)}</text>`);

  const ends: Point[] = [];
  // Ours last, so that they lie on top.
  for (const { line, values } of [...series].sort((a, b) => Number(a.line.ours) - Number(b.line.ours))) {
    const points = values.flatMap((value, i) => (value === undefined ? [] : [{ x: xOf(i), y: yOf(value) }]));
    const path = points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
    parts.push(`<polyline class="line${line.ours ? ' ours' : ''}" stroke="${line.colour}" points="${path}"/>`);
    for (const { x, y } of points) parts.push(`<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${line.ours ? 3.2 : 2.2}" fill="${line.colour}"/>`);
  }
  for (const { values } of series) {
    const last = values.findLastIndex((value) => value !== undefined);
    ends.push({ x: xOf(last), y: yOf(values[last]!) });
  }
  const heights = spread(ends.map(({ y }) => y), from.y, to.y);
  for (const [i, { line }] of series.entries()) {
    const end = ends[i]!;
    const y = heights[i]!;
    parts.push(
      `<line x1="${(end.x + 4).toFixed(1)}" y1="${end.y.toFixed(1)}" x2="${to.x + 16}" y2="${y.toFixed(1)}" stroke="${line.colour}" stroke-width="0.8" stroke-dasharray="${end.x < to.x ? '2 3' : 'none'}"/>`,
      `<text class="label${line.ours ? ' bold' : ''}" x="${to.x + 20}" y="${(y + 4).toFixed(1)}" style="fill:${line.colour}">${line.label}</text>`,
    );
  }
  return parts.join('\n  ');
}

/** Draws what was measured of the four metrics; panels without a number are left out. */
export function chart(plan: Plan, results: Results): string {
  const shown = PANELS.filter(([metric]) => plan.sizes.some((n) => LINES.some(({ name }) => results.value(n, metric, name) !== undefined)));
  const height = HEAD + Math.ceil(shown.length / 2) * PANEL_HEIGHT;
  const panels = shown.map(([metric, title], i) => panel(metric, title, (i % 2) * PANEL_WIDTH, HEAD + Math.floor(i / 2) * PANEL_HEIGHT, plan, results));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="Nanoseconds per operation of range stores over the number of ranges">
  <style>${STYLE}
  </style>
  <rect width="${WIDTH}" height="${height}" style="fill:var(--paper)"/>
  <text class="title" x="12" y="28">Range stores: nanoseconds per operation over the number of ranges</text>
  <text class="faint" x="12" y="47">Logarithmic scale, lower is better; medians of npm run bench:tree. Lines that end early were not measured further: they take quadratic time, or minutes.</text>
  ${panels.join('\n  ')}
</svg>
`;
}
