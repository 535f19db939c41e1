// The region map: where the guest has put each region, drawn as it is now.
//
//   00000000 ................................................ ffffffff      the guest's physical addresses
//   [RAM    ]          [BAR 0][2]                    | not decoded: below
//   below each region:  registers as bands at their places, aliases above them
//                       which bytes a VFIO program may map, and the pages left out of that

import { mappableAreas } from 'maplebar/pci';
import type { RegisterMap } from 'maplebar/registers';
import type { V86Card } from 'maplebar/v86';
import { button, bytesText, el, hex, panel, svg } from '../dom.ts';

const WIDTH = 600;
const BAR_HEIGHT = 14;
const STRIP_HEIGHT = 4;
const LINE = 50;
/** Room for an alias's name, on a line of its own: on a narrow page there is none behind the region's. */
const ALIAS_LINE = 20;
const FIRST = 44;
/** Room above for letters, which are larger on a narrow page. */
const TOP = -8;
const SPAN = 2 ** 32;
const MOST_BANDS = 300;
const PAGE = 4096;

type MappableAreas = ReturnType<typeof mappableAreas>;

/** A card as the map needs it. */
export interface MappedCard {
  readonly key: string;
  readonly title: string;
  readonly card: V86Card;
  readonly mapOf: (bar: number) => RegisterMap | undefined;
}

/** A part of a region that is at another address, too. */
export interface MappedAlias {
  readonly slot: string;
  readonly bar: number;
  readonly position: number;
  readonly bytes: number;
  /** What it is, in a few words. */
  readonly title: string;
}

/** Which bytes of a BAR a VFIO program would find in a list of sparse areas, without the pages of an MSI-X table; undefined where none may be mapped. */
function mappable(card: V86Card, bar: number): MappableAreas | undefined {
  const region = card.device.function.device.region(bar);
  if (region?.mmap !== true) return undefined;
  return mappableAreas({ size: region.size, pageSize: PAGE, msix: region.msixTable ?? null, mode: 'sparse' });
}

type DrawnRegion = ReturnType<V86Card['regions']>[number] & { readonly slot: string; readonly title: string; readonly map: RegisterMap | undefined; readonly areas: MappableAreas | undefined };

/** A part of a region's row; at least so wide that it is seen. */
function part(className: string, size: bigint, from: number, bytes: number, y: number, height: number, title: string): SVGElement {
  const drawn = svg('rect', { class: className, x: (from / Number(size)) * WIDTH, y, width: Math.max(1, (bytes / Number(size)) * WIDTH - 0.4), height });
  drawn.append(svg('title', {}, title));
  return drawn;
}

/** A region's row: its name, those of its aliases, its bytes, its registers. */
function row({ address, size, manner, map, title, areas, bus }: DrawnRegion, aliases: readonly MappedAlias[], top: number): SVGElement[] {
  const y = top + ALIAS_LINE * aliases.length;
  const name = svg('text', { x: 0, y: top + 11 }, `${title}: ${bytesText(size)}, ${address === null ? 'not decoded' : `${bus === 'ports' ? 'port' : 'at'} ${hex(address)}, ${manner}`}`);
  for (const alias of aliases) name.append('; ', svg('tspan', { x: 0, dy: ALIAS_LINE }, alias.title));
  const drawn: SVGElement[] = [name, svg('rect', { class: address === null ? 'off' : manner, x: 0, y: y + 15, width: WIDTH, height: BAR_HEIGHT })];
  for (const { path, position, bytes } of map?.registers.slice(0, MOST_BANDS) ?? []) drawn.push(part('register', size, position, bytes, y + 17, BAR_HEIGHT - 4, `${path} at ${hex(position)}, ${bytes} bytes`));
  for (const { position, bytes, title: called } of aliases) drawn.push(part('alias', size, position, Math.max(bytes, Number(size) / 100), y + 15, BAR_HEIGHT, `${called}: ${hex(bytes)} bytes at ${hex(position)}`));
  const strip = y + 15 + BAR_HEIGHT + 1;
  for (const { offset, size: bytes } of areas?.areas ?? []) drawn.push(part('mappable', size, Number(offset), Number(bytes), strip, STRIP_HEIGHT, `may be mapped: ${hex(bytes)} bytes at ${hex(offset)}`));
  for (const { offset, size: bytes, reason } of areas?.holes ?? []) drawn.push(part('hole', size, Number(offset), Number(bytes), strip, STRIP_HEIGHT, `left out, ${reason}: ${hex(bytes)} bytes at ${hex(offset)}`));
  return drawn;
}

/** The panel. */
export class RegionMapPanel {
  readonly view: HTMLElement;
  private readonly drawing = svg('svg', { class: 'map', viewBox: `0 ${TOP} ${WIDTH} ${60 - TOP}`, role: 'img', 'aria-label': 'addresses of the guest', id: 'map-drawing' });
  private readonly moves = el('div', { class: 'bar', id: 'map-moves' });
  private readonly move: (key: string) => void;
  private shown = '';

  /** @param move has the guest put a card's BARs elsewhere. */
  constructor(move: (key: string) => void) {
    this.move = move;
    const keys = [['ram', 'RAM'], ['trapped', 'trapped'], ['direct', 'direct'], ['register', 'registers'], ['alias', 'alias'], ['mappable', 'may be mapped'], ['hole', 'left out of that']] as const;
    this.view = panel('map', 'Region map', this.drawing, this.moves, el('p', { class: 'legend' }, ...keys.map(([key, text]) => el('span', { class: `key ${key}` }, text))));
  }

  /** Draws, if anything is elsewhere than it was. `canMove`: the guest moves BARs when it is asked to. */
  draw(cards: readonly MappedCard[], aliases: readonly MappedAlias[], memoryBytes: number, canMove: boolean): void {
    const regions = cards.flatMap(({ title, card, mapOf }) => card.regions().map((region) => ({ ...region, title: `${title} BAR ${region.index}`, slot: card.slot, map: mapOf(region.index), areas: mappable(card, region.index) })));
    const now = JSON.stringify([memoryBytes, canMove, aliases, ...regions.map(({ title, slot, address, manner, size }) => [title, slot, String(address), manner, String(size)])]);
    if (now === this.shown) return;
    this.shown = now;
    const parts: SVGElement[] = [
      svg('rect', { class: 'space', x: 0, y: 14, width: WIDTH, height: 16 }),
      svg('rect', { class: 'ram', x: 0, y: 14, width: Math.max(2, (memoryBytes / SPAN) * WIDTH), height: 16 }),
      svg('text', { x: 0, y: 10 }, '0'), svg('text', { x: WIDTH, y: 10, 'text-anchor': 'end' }, '4 GiB'),
      svg('text', { x: Math.max(20, (memoryBytes / SPAN) * WIDTH + 4), y: 10 }, `RAM ${bytesText(BigInt(memoryBytes))}`),
    ];
    let y = FIRST;
    for (const region of regions) {
      const { address, bus, size, manner, slot, index } = region;
      const known = aliases.filter((alias) => alias.slot === slot && alias.bar === index);
      const below = y + ALIAS_LINE * known.length;
      if (address !== null && bus === 'memory') {
        const x = (Number(address) / SPAN) * WIDTH;
        const width = Math.max(3, (Number(size) / SPAN) * WIDTH);
        parts.push(svg('rect', { class: manner, x, y: 14, width, height: 16 }), svg('path', { class: 'lead', d: `M${x} 30 L0 ${below + 15} M${x + width} 30 L${WIDTH} ${below + 15}` }));
      }
      parts.push(...row(region, known, y));
      y = below + LINE;
    }
    if (regions.length === 0) parts.push(svg('text', { x: 0, y: 50 }, 'Plug a card in, and the guest gives its regions addresses.'));
    this.drawing.setAttribute('viewBox', `0 ${TOP} ${WIDTH} ${Math.max(60, y) - TOP}`);
    this.drawing.replaceChildren(...parts);
    this.moves.replaceChildren(...(canMove ? cards.map(({ key, title }) => button(`Move ${title.toLowerCase()}`, () => this.move(key), { id: `move-${key}`, title: 'The guest puts its BARs at other addresses' })) : []));
  }
}
