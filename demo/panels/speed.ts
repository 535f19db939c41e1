// What an access costs: measured in the guest, by a loop of stores or loads that its processor makes.

import { button, el, panel } from '../dom.ts';

/** Nanoseconds of one access of each kind. */
export interface Measured {
  readonly what: string;
  readonly store: number;
  readonly load: number;
}

/** The panel. */
export class SpeedPanel {
  readonly view: HTMLElement;
  private readonly rows = el('tbody', { id: 'speed-rows' });
  private readonly told = el('p', { role: 'status', id: 'speed-told' });
  private readonly switch: HTMLInputElement;
  private readonly measureButton: HTMLButtonElement;

  /**
   * @param measure measures RAM and the cards that are plugged in.
   * @param setDirect plugs the cards anew with their memory trapped or in RAM.
   */
  constructor(measure: () => Promise<readonly Measured[]>, setDirect: (isDirect: boolean) => Promise<void>) {
    this.switch = el('input', { type: 'checkbox', id: 'direct', onchange: () => {
      this.busy(async () => {
        await setDirect(this.switch.checked);
        this.show(await measure());
      });
    } });
    this.measureButton = button('Measure', () => this.busy(async () => this.show(await measure())), { id: 'speed-measure' });
    this.view = panel('speed', 'What an access costs',
      el('div', { class: 'bar' }, this.measureButton, el('label', { for: 'direct' }, this.switch, ' display memory direct: in the guest\u2019s RAM, without a trap')),
      el('table', {}, el('thead', {}, el('tr', {}, ...['32-bit access to', 'store, ns', 'load, ns'].map((name) => el('th', { scope: 'col' }, name)))), this.rows), this.told);
  }

  private busy(what: () => Promise<void>): void {
    this.told.textContent = 'Measuring ...';
    this.measureButton.disabled = this.switch.disabled = true;
    what().then(() => (this.told.textContent = 'The quickest of nine loops of 50,000 accesses'), (error: unknown) => (this.told.textContent = (error as Error).message)).finally(() => {
      this.measureButton.disabled = this.switch.disabled = false;
    });
  }

  private show(measured: readonly Measured[]): void {
    this.rows.replaceChildren(...measured.map(({ what, store, load }) => el('tr', {}, el('th', { scope: 'row' }, what), ...[store, load].map((ns) => el('td', { class: 'number' }, ns.toFixed(1))))));
  }
}

