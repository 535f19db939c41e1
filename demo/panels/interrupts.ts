// Interrupt lamps: lit when a card has asked, red while a cap holds a storm back.

import type { InterruptStorm, V86Card } from 'maplebar/v86';
import { count, el, panel } from '../dom.ts';

const LIT_MS = 150;
const STORM_MS = 1500;

/** Above so many in a second, the rest waits; a level that nobody lowers is taken down after a second. */
export const STORM_CAP = { limit: 5000, per: 1e9, held: 1e9 } as const;

interface Lamp {
  readonly view: HTMLElement;
  readonly light: HTMLElement;
  readonly text: HTMLElement;
  last: number;
  litUntil: number;
  stormUntil: number;
}

/** The panel. */
export class InterruptsPanel {
  readonly view: HTMLElement;
  private readonly list = el('div', { id: 'interrupt-lamps' });
  private readonly lamps = new Map<string, Lamp>();

  constructor() {
    this.view = panel('interrupts', 'Interrupts', this.list, el('p', { class: 'quiet' }, `Capped at ${count(STORM_CAP.limit)} a second; a level that stays up is taken down after 1 s.`));
  }

  /** A cap has begun to hold. */
  readonly storm = ({ slot }: InterruptStorm): void => {
    const lamp = this.lamps.get(slot);
    if (lamp !== undefined) lamp.stormUntil = performance.now() + STORM_MS;
  };

  private lamp(slot: string, title: string): Lamp {
    const known = this.lamps.get(slot);
    if (known !== undefined) return known;
    const light = el('span', { class: 'lamp', role: 'img', 'aria-label': 'interrupt' });
    const text = el('span', { class: 'number' });
    const made = { view: el('p', { 'data-slot': slot }, light, ` ${title} ${slot}: `, text), light, text, last: 0, litUntil: 0, stormUntil: 0 };
    this.list.append(made.view);
    this.lamps.set(slot, made);
    return made;
  }

  draw(cards: readonly { readonly title: string; readonly card: V86Card }[], now: number, taken: number | null): void {
    for (const { title, card } of cards) {
      const lamp = this.lamp(card.slot, title);
      const { raised, messages, capped, lost } = card.interrupts;
      if (raised + messages !== lamp.last) lamp.litUntil = now + LIT_MS;
      lamp.last = raised + messages;
      lamp.light.classList.toggle('on', now < lamp.litUntil);
      lamp.light.classList.toggle('storm', now < lamp.stormUntil);
      lamp.text.textContent = `${count(raised)} by pin, ${count(messages)} by message, ${count(capped)} capped${lost > 0 ? `, ${count(lost)} lost` : ''}${taken === null ? '' : `; the guest took ${count(taken)} of all cards`}`;
    }
    for (const [slot, { view }] of this.lamps) {
      if (cards.some(({ card }) => card.slot === slot)) continue;
      view.remove();
      this.lamps.delete(slot);
    }
  }
}
