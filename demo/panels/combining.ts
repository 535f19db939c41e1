// Write combining: a region, reached as it is and through an alias whose stores may wait in lines of 64 bytes. It is the memory of the display while that is plugged in, else one of the page's own.
//
//   alias, write-combining   [line of 64 bytes] x 4  --drain-->   region: one transaction for many stores
//   window, uncached         ------------------------------->     region: one transaction a store
//
// A cell is lit from its store until its byte has reached the region. v86's processor has no way to ask for such a mapping, so the stores are the page's own, from a space of its own.

import { createEngine } from 'maplebar';
import type { Engine, Region, Space, Window } from 'maplebar';
import { button, el, hex, panel } from '../dom.ts';
import type { MappedAlias } from './region-map.ts';

const LINE = 64;
const LINES = 8;
const BYTES = LINE * LINES;
const ALIAS = 0x1000;
const KEPT = 12;

/** The memory that the stores go to. */
export interface CombiningTarget {
  readonly engine: Engine;
  readonly region: Region;
  readonly title: string;
  /** Where the map draws it; undefined for what is no card's. */
  readonly place?: { readonly slot: string; readonly bar: number };
}

interface Mapped {
  readonly target: CombiningTarget;
  readonly space: Space;
  readonly alias: Window;
}

/** Neighbouring numbers as runs. */
function runs(numbers: readonly number[]): { readonly at: number; readonly length: number }[] {
  const found: { at: number; length: number }[] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last !== undefined && last.at + last.length === number && number % LINE !== 0) last.length++;
    else found.push({ at: number, length: 1 });
  }
  return found;
}

/** The panel. */
export class CombiningPanel {
  readonly view: HTMLElement;
  private readonly cells = Array.from({ length: BYTES }, () => el('span', { class: 'byte' }));
  private readonly where = el('p', { id: 'combining-where' });
  private readonly told = el('p', { id: 'combining-waiting', role: 'status' });
  private readonly log = el('ol', { class: 'log', id: 'combining-log', 'aria-label': 'what reached the region, the newest first' });
  /** What was stored to a byte that has not arrived. */
  private readonly waiting = new Map<number, number>();
  private mapped: Mapped | undefined;
  private stores = 0;
  private transactions = 0;
  private next = 0;

  constructor() {
    const engine = createEngine();
    const own: CombiningTarget = { engine, region: engine.region({ kind: 'ram', name: 'memory of the page', size: BYTES }), title: 'a region of the page' };
    this.aimAt = (target = own): void => {
      if (this.mapped?.target.region === target.region) return;
      this.mapped?.space.destroy();
      const space = target.engine.space('page');
      const plain = space.map(0, target.region, { size: BYTES });
      this.mapped = { target, space, alias: plain.alias(space, ALIAS, { memoryType: 'write-combining' }) };
      this.waiting.clear();
      this.stores = this.transactions = this.next = 0;
      this.log.replaceChildren();
      this.show();
    };
    this.view = panel('combining', 'Write combining', this.where,
      el('div', { class: 'bar' },
        button('Store 4 bytes', () => this.act(() => this.storeNext(4)), { id: 'combining-store' }),
        button('Store a whole line', () => this.act(() => {
          this.next = Math.floor(this.next / LINE) * LINE;
          this.storeNext(LINE);
        }), { id: 'combining-line' }),
        button('Store into the next line', () => this.act(() => {
          this.next = ((Math.floor(this.next / LINE) + 1) % LINES) * LINE;
          this.storeNext(4);
        }), { id: 'combining-other' }),
        button('Store 4 bytes uncached', () => this.act((space) => {
          this.stores++;
          space.write32(this.next, this.value());
        }), { id: 'combining-uncached' }),
        button('Fence', () => this.act((space) => space.fence()), { id: 'combining-fence' })),
      el('div', { class: 'lines', role: 'img', 'aria-label': 'eight lines of 64 bytes; lit ones wait; four can at once' },
        ...Array.from({ length: LINES }, (_, line) => el('div', { class: 'line' }, ...this.cells.slice(LINE * line, LINE * (line + 1))))),
      this.told, this.log);
    this.aimAt();
  }

  /** Makes an alias of another region, from which stores that wait have gone; without one, of the page's own. */
  readonly aimAt: (target?: CombiningTarget) => void;

  /** The alias, for the map of regions. */
  aliases(): MappedAlias[] {
    const { target } = this.mapped!;
    return target.place === undefined ? [] : [{ ...target.place, position: 0, bytes: BYTES, title: 'write-combining alias of the page' }];
  }

  /** Pixels of a colour that changes, and no byte of them 0: what is stored differs from what was there. */
  private value(): number {
    return (0x0101_0101 + 0x0003_1705 * (this.stores % 40)) >>> 0;
  }

  private storeNext(bytes: number): void {
    const { space } = this.mapped!;
    for (let i = 0; i < bytes; i += 4) {
      this.stores++;
      const value = this.value();
      for (let byte = 0; byte < 4; byte++) this.waiting.set(this.next + byte, (value >>> (8 * byte)) & 0xff);
      space.write32(ALIAS + this.next, value);
      this.next = (this.next + 4) % BYTES;
    }
  }

  /** Does something, and looks at what has reached the region. Only the page's own transactions are counted: none of the guest's comes between. */
  private act(what: (space: Space) => void): void {
    const { space, alias, target: { region } } = this.mapped!;
    region.countTransactions();
    what(space);
    this.transactions += region.transactions?.writes ?? 0;
    region.countTransactions(false);
    const now = region.readBytes(0, new Uint8Array(BYTES));
    const arrived = [...this.waiting].filter(([at, byte]) => alias.buffered === 0 || now[at] === byte).map(([at]) => at).sort((one, other) => one - other);
    for (const at of arrived) this.waiting.delete(at);
    for (const { at, length } of runs(arrived)) this.log.prepend(el('li', {}, `${length} bytes at ${hex(at, 2)}`));
    while (this.log.children.length > KEPT) this.log.lastChild!.remove();
    this.show();
  }

  private show(): void {
    const { alias, target } = this.mapped!;
    this.where.textContent = `To ${target.title}`;
    this.cells.forEach((cell, at) => cell.classList.toggle('waits', this.waiting.has(at)));
    this.told.textContent = `${alias.buffered} bytes wait; ${this.stores} stores made ${this.transactions} bus transactions`;
  }
}
