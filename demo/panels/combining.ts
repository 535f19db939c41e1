// Write combining: one region of a device, reached as it is and through an alias whose stores may wait in lines of 64 bytes.
//
//   alias, write-combining   [line of 64 bytes] x 4  --drain-->   region: one transaction for many stores
//   window, uncached         ------------------------------->     region: one transaction a store
//
// A cell is lit from its store until its byte has reached the region. v86's processor has no way to ask for such a mapping, so the stores are the page's own.

import { createEngine } from 'maplebar';
import { button, el, panel } from '../dom.ts';

const LINE = 64;
const LINES = 4;
const BYTES = LINE * LINES;
const ALIAS = 0x1000;
const KEPT = 12;

/** Makes the panel. */
export function combiningPanel(): HTMLElement {
  const cells = Array.from({ length: BYTES }, () => el('span', { class: 'byte' }));
  const waiting = el('p', { id: 'combining-waiting', role: 'status' });
  const log = el('ol', { class: 'log', 'aria-label': 'transactions that reached the region, the newest first' });
  const counts = { stores: 0, transactions: 0 };
  let next = 0;

  const engine = createEngine();
  const region = engine.region({ kind: 'hook', name: 'device', size: BYTES, read: () => 0, write: (offset, width) => {
    counts.transactions++;
    const at = Number(offset);
    for (let i = at; i < at + width; i++) cells[i]!.classList.remove('waits');
    log.prepend(el('li', {}, `${width} bytes at 0x${at.toString(16).padStart(2, '0')}`));
    while (log.children.length > KEPT) log.lastChild!.remove();
  } });
  const space = engine.space('page');
  const plain = space.map(0, region);
  const alias = plain.alias(space, ALIAS, { memoryType: 'write-combining' });
  region.countTransactions();

  const show = (): void => {
    const drained = region.transactions?.writes ?? 0;
    waiting.textContent = `${alias.buffered} bytes wait; ${counts.stores} stores made ${drained} bus transactions, in ${counts.transactions} cycles`;
  };
  const store = (base: number, at: number): void => {
    counts.stores++;
    if (base === ALIAS) for (let i = at; i < at + 4; i++) cells[i]!.classList.add('waits');
    space.write32(base + at, counts.stores);
  };
  const act = (what: () => void) => (): void => {
    what();
    show();
  };
  show();
  return panel('combining', 'Write combining',
    el('div', { class: 'bar' },
      button('Store 4 bytes', act(() => {
        store(ALIAS, next);
        next = (next + 4) % BYTES;
      }), { id: 'combining-store' }),
      button('Store a whole line', act(() => {
        next = Math.floor(next / LINE) * LINE;
        for (let i = 0; i < LINE; i += 4) store(ALIAS, next + i);
        next = (next + LINE) % BYTES;
      })),
      button('Store 4 bytes uncached', act(() => store(0, next))),
      button('Fence', act(() => space.fence()), { id: 'combining-fence' })),
    el('div', { class: 'lines', role: 'img', 'aria-label': 'four lines of 64 bytes; lit ones wait' }, ...Array.from({ length: LINES }, (_, line) => el('div', { class: 'line' }, ...cells.slice(LINE * line, LINE * (line + 1))))),
    waiting, log);
}
