// What an access costs: measured in the guest, by a loop of stores or loads that its processor makes. What was measured on another way stays beside it.

import { button, el, panel } from '../dom.ts';

/** Nanoseconds of one access of each kind. */
export interface Measured {
  /** Of what, and on which way. */
  readonly what: string;
  readonly store: number;
  readonly load: number;
}

/** What the panel's controls do. */
export interface SpeedActions {
  /** Measures RAM and the cards that are plugged in. */
  readonly measure: () => Promise<readonly Measured[]>;
  /** Plugs the cards anew with their memory in RAM, or trapped. */
  readonly setDirect: (isDirect: boolean) => Promise<void>;
  /** What is so now. */
  readonly ways: () => Ways;
  /** Starts the machine anew with its WebAssembly linked to the engine's, or not. */
  readonly setLinked: (isLinked: boolean) => Promise<void>;
}

/** How the machine that runs reaches cards. */
export interface Ways {
  /** Which guest. */
  readonly machine: string;
  readonly isDirect: boolean;
  readonly isLinked: boolean;
}

/** The panel. */
export class SpeedPanel {
  readonly view: HTMLElement;
  private readonly rows = el('tbody', { id: 'speed-rows' });
  private readonly told = el('p', { role: 'status', id: 'speed-told' });
  private readonly direct: HTMLInputElement;
  private readonly linked: HTMLInputElement;
  private readonly measureButton: HTMLButtonElement;
  private readonly measure: SpeedActions['measure'];
  private readonly ways: SpeedActions['ways'];
  private measured = new Map<string, Measured>();
  private machine = '';

  constructor({ measure, setDirect, setLinked, ways }: SpeedActions) {
    this.measure = measure;
    this.ways = ways;
    const choice = (id: string, set: (isOn: boolean) => Promise<void>): HTMLInputElement => {
      const box = el('input', { type: 'checkbox', id, onchange: () => this.busy(async () => {
        await set(box.checked);
        this.show(await measure());
      }) });
      return box;
    };
    this.direct = choice('direct', setDirect);
    this.linked = choice('linked', setLinked);
    this.measureButton = button('Measure', () => this.busy(async () => this.show(await this.measure())), { id: 'speed-measure' });
    this.view = panel('speed', 'What an access costs',
      el('div', { class: 'bar' }, this.measureButton,
        el('label', { for: 'direct' }, this.direct, ' display memory direct: in the guest\u2019s RAM, without a trap'),
        el('label', { for: 'linked' }, this.linked, ' linked: from v86\u2019s WebAssembly to the core\u2019s, without JavaScript (starts the machine anew)')),
      el('div', { class: 'scrolls' }, el('table', {}, el('thead', {}, el('tr', {}, ...['32-bit access to', 'store, ns', 'load, ns', ''].map((name) => el('th', { scope: 'col' }, name)))), this.rows)), this.told);
  }

  /** Says how the machine that runs reaches cards. Another guest's measurements are no comparison: they go. */
  shows({ machine, isDirect, isLinked }: Ways): void {
    this.direct.checked = isDirect;
    this.linked.checked = isLinked;
    // None while one is ended and the next started.
    if (machine === '' || machine === this.machine) return;
    this.machine = machine;
    this.measured = new Map();
    this.show([]);
  }

  private busy(what: () => Promise<void>): void {
    const controls = [this.measureButton, this.direct, this.linked];
    this.told.textContent = 'Measuring ...';
    for (const one of controls) one.disabled = true;
    what().then(() => (this.told.textContent = 'The quickest of some loops of 50,000 accesses or more'), (error: unknown) => {
      this.told.textContent = (error as Error).message;
      this.shows(this.ways());
    }).finally(() => {
      for (const one of controls) one.disabled = false;
    });
  }

  private show(now: readonly Measured[]): void {
    for (const one of now) this.measured.set(one.what, one);
    this.rows.replaceChildren(...[...this.measured.values()].map((one) => el('tr', {}, el('th', { scope: 'row' }, one.what),
      ...[one.store, one.load].map((ns) => el('td', { class: 'number' }, ns.toFixed(1))), el('td', { class: 'quiet' }, now.includes(one) ? 'now' : 'before'))));
  }
}
