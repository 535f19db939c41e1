// Counters and rates of each region, with a chart of the last minute.

import type { V86Card } from 'maplebar/v86';
import { bytesText, count, el, panel, svg } from '../dom.ts';

const SAMPLES = 60;
const [WIDTH, HEIGHT] = [180, 28] as const;

interface Row {
  readonly view: HTMLElement;
  readonly cells: readonly HTMLElement[];
  readonly line: SVGPolylineElement;
  readonly rates: number[];
  last: number;
}

/** The panel. */
export class CountersPanel {
  readonly view: HTMLElement;
  private readonly body = el('tbody', { id: 'counter-rows' });
  private readonly empty = el('p', { class: 'quiet' }, 'No card is plugged in');
  private readonly rows = new Map<string, Row>();
  private sampledAt = 0;

  constructor() {
    this.view = panel('counters', 'Counters', this.empty,
      el('div', { class: 'scrolls', tabindex: 0, role: 'region', 'aria-label': 'counters by region' },
        el('table', {}, el('thead', {}, el('tr', {}, ...['region', 'size', 'reads', 'writes', 'per second', 'last minute'].map((name) => el('th', { scope: 'col' }, name)))), this.body)));
  }

  private row(key: string, title: string, size: bigint): Row {
    const known = this.rows.get(key);
    if (known !== undefined) return known;
    const cells = [0, 1, 2].map(() => el('td', { class: 'number' }));
    const line = svg('polyline', { class: 'rate', points: '' });
    const view = el('tr', { 'data-region': key }, el('th', { scope: 'row' }, title), el('td', {}, bytesText(size)), ...cells,
      el('td', {}, svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: 'img', 'aria-label': 'accesses per second' }, line)));
    this.body.append(view);
    const made: Row = { view, cells, line, rates: [], last: 0 };
    this.rows.set(key, made);
    return made;
  }

  /** Shows what the cards count; adds a sample each second. */
  draw(cards: readonly { readonly title: string; readonly card: V86Card }[], now: number): void {
    const seconds = (now - this.sampledAt) / 1000;
    const samples = seconds >= 1;
    const seen = new Set<string>();
    for (const { title, card } of cards) {
      for (const { index, size, counts, manner } of card.regions()) {
        const key = `${card.slot} ${index}`;
        seen.add(key);
        const row = this.row(key, `${title} BAR ${index}`, size);
        const [reads, writes, rate] = row.cells as [HTMLElement, HTMLElement, HTMLElement];
        reads.textContent = manner === 'direct' ? 'not seen' : count(counts.reads);
        writes.textContent = manner === 'direct' ? 'not seen' : count(counts.writes);
        if (!samples) continue;
        const all = counts.reads + counts.writes;
        row.rates.push(Math.max(0, (all - row.last) / seconds));
        if (row.rates.length > SAMPLES) row.rates.shift();
        row.last = all;
        rate.textContent = count(Math.round(row.rates.at(-1)!));
        const most = Math.max(1, ...row.rates);
        row.line.setAttribute('points', row.rates.map((one, i) => `${((i / (SAMPLES - 1)) * WIDTH).toFixed(1)},${(HEIGHT - 1 - (one / most) * (HEIGHT - 2)).toFixed(1)}`).join(' '));
      }
    }
    if (samples) this.sampledAt = now;
    for (const [key, row] of this.rows) {
      if (seen.has(key)) continue;
      row.view.remove();
      this.rows.delete(key);
    }
    this.empty.hidden = this.rows.size > 0;
  }
}
