// The region map: where the guest has put each region, drawn as it is now.
//
//   00000000 ................................................ ffffffff      the guest's physical addresses
//   [RAM    ]          [BAR 0][2]                    | not decoded: below
//   below each region, its registers as bands at their places

import type { RegisterMap } from 'maplebar/registers';
import type { V86Card } from 'maplebar/v86';
import { bytesText, el, hex, panel, svg } from '../dom.ts';

const WIDTH = 600;
const BAR_HEIGHT = 34;
const LINE = 46;
/** Room above for letters, which are larger on a narrow page. */
const TOP = -8;
const SPAN = 2 ** 32;
const MOST_BANDS = 300;

/** A card as the map needs it. */
export interface MappedCard {
  readonly title: string;
  readonly card: V86Card;
  readonly mapOf: (bar: number) => RegisterMap | undefined;
}

/** The panel. */
export class RegionMapPanel {
  readonly view: HTMLElement;
  private readonly drawing = svg('svg', { class: 'map', viewBox: `0 ${TOP} ${WIDTH} ${60 - TOP}`, role: 'img', 'aria-label': 'addresses of the guest', id: 'map-drawing' });
  private shown = '';

  constructor() {
    this.view = panel('map', 'Region map', this.drawing,
      el('p', { class: 'legend' }, el('span', { class: 'key ram' }, 'RAM'), el('span', { class: 'key trapped' }, 'trapped'), el('span', { class: 'key direct' }, 'direct'), el('span', { class: 'key register' }, 'registers; the rest of a region is empty')));
  }

  /** Draws, if anything is elsewhere than it was. */
  draw(cards: readonly MappedCard[], memoryBytes: number): void {
    const regions = cards.flatMap(({ title, card, mapOf }) => card.regions().map((region) => ({ ...region, title: `${title} BAR ${region.index}`, slot: card.slot, map: mapOf(region.index) })));
    const now = JSON.stringify([memoryBytes, ...regions.map(({ title, slot, address, manner, size }) => [title, slot, String(address), manner, String(size)])]);
    if (now === this.shown) return;
    this.shown = now;
    const parts: SVGElement[] = [
      svg('rect', { class: 'space', x: 0, y: 14, width: WIDTH, height: 16 }),
      svg('rect', { class: 'ram', x: 0, y: 14, width: Math.max(2, (memoryBytes / SPAN) * WIDTH), height: 16 }),
      svg('text', { x: 0, y: 10 }, '0'), svg('text', { x: WIDTH, y: 10, 'text-anchor': 'end' }, '4 GiB'),
      svg('text', { x: (memoryBytes / SPAN) * WIDTH + 4, y: 10 }, `RAM ${bytesText(BigInt(memoryBytes))}`),
    ];
    regions.forEach((region, i) => {
      const y = 44 + i * LINE;
      const { address, size, manner, map, title } = region;
      parts.push(svg('text', { x: 0, y: y + 11 }, `${title}: ${bytesText(size)}, ${address === null ? 'not decoded' : `${region.bus === 'ports' ? 'port' : 'at'} ${hex(address)}, ${manner}`}`));
      const isMemory = address !== null && region.bus === 'memory';
      if (isMemory) {
        const x = (Number(address) / SPAN) * WIDTH;
        const width = Math.max(3, (Number(size) / SPAN) * WIDTH);
        parts.push(svg('rect', { class: manner, x, y: 14, width, height: 16 }), svg('path', { class: 'lead', d: `M${x} 30 L0 ${y + 15} M${x + width} 30 L${WIDTH} ${y + 15}` }));
      }
      parts.push(svg('rect', { class: address === null ? 'off' : manner, x: 0, y: y + 15, width: WIDTH, height: BAR_HEIGHT - 20 }));
      for (const { path, position, bytes } of map?.registers.slice(0, MOST_BANDS) ?? []) {
        const band = svg('rect', { class: 'register', x: (position / Number(size)) * WIDTH, y: y + 17, width: Math.max(1, (bytes / Number(size)) * WIDTH - 0.4), height: BAR_HEIGHT - 24 });
        band.append(svg('title', {}, `${path} at ${hex(position)}, ${bytes} bytes`));
        parts.push(band);
      }
    });
    if (regions.length === 0) parts.push(svg('text', { x: 0, y: 50 }, 'Plug a card in, and the guest gives its regions addresses.'));
    this.drawing.setAttribute('viewBox', `0 ${TOP} ${WIDTH} ${Math.max(60, 44 + regions.length * LINE) - TOP}`);
    this.drawing.replaceChildren(...parts);
  }
}
