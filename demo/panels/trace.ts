// The trace of accesses: rings that are filled at the guest's speed, and the last of them as lines with the names of registers and fields.
// A ring for each region, so that a framebuffer does not push the few accesses of other registers out.

import { registerAt } from 'maplebar/registers';
import type { RegisterMap, RegisterModel } from 'maplebar/registers';
import type { V86Access } from 'maplebar/v86';
import { button, el, hex, panel } from '../dom.ts';

/** Accesses that are kept of each region. */
const KEPT = 1024;
const SHOWN = 60;

interface Ring {
  readonly slot: string;
  readonly bar: number;
  readonly accesses: V86Access[];
  /** Which access of all each of them was. */
  readonly numbers: number[];
  /** Where the next one goes. */
  at: number;
}

/** Fields of a register that are not 0 in a value: `EN=1 MODE=2`. */
export function fieldsText({ fields, position, bytes }: RegisterModel, { offset, width, value, high }: Pick<V86Access, 'offset' | 'width' | 'value' | 'high'>): string {
  const all = (BigInt(high) << 32n) | BigInt(value);
  const shift = 8n * BigInt(offset - position);
  const inPlace = (shift >= 0n ? all << shift : all >> -shift) & ((1n << BigInt(8 * bytes)) - 1n);
  const touched = ((1n << BigInt(8 * width)) - 1n) << (shift >= 0n ? shift : 0n);
  return fields
    .filter(({ mask }) => (mask & touched) !== 0n)
    .map(({ name, mask, lsb }) => [name, (inPlace & mask) >> BigInt(lsb)] as const)
    .filter(([, field], _, list) => field !== 0n || list.length === 1)
    .map(([name, field]) => `${name}=${field < 10n ? field : hex(field)}`)
    .join(' ');
}

/** An access as a line of the trace. */
export function traceText(access: V86Access, map: RegisterMap | undefined): { readonly where: string; readonly what: string } {
  const { offset, width, value, high } = access;
  const digits = width === 8 ? `${high.toString(16).padStart(8, '0')}${value.toString(16).padStart(8, '0')}` : value.toString(16).padStart(2 * width, '0');
  const register = map !== undefined && offset < map.bytes ? registerAt(map, offset) : undefined;
  const where = `BAR ${access.bar} ${hex(offset, 3)}${register === undefined ? '' : ` ${register.path}`}`;
  return { where, what: `0x${digits}${register === undefined ? '' : ` ${fieldsText(register, access)}`}` };
}

/** The panel. */
export class TracePanel {
  readonly view: HTMLElement;
  private rings: Ring[] = [];
  private total = 0;
  private shownAt = -1;
  private isPaused = false;
  private readonly rows = el('tbody', { id: 'trace-rows' });
  private readonly summary = el('span', { class: 'quiet', id: 'trace-summary' });
  private readonly filter = el('input', { type: 'search', id: 'trace-filter', placeholder: 'register, read, write, BAR 2 ...', oninput: () => (this.shownAt = -1) });
  private readonly pauseButton: HTMLButtonElement;
  private readonly mapOf: (access: V86Access) => RegisterMap | undefined;
  private readonly paused: (isPaused: boolean) => void;
  private isLinked = false;

  /**
   * @param mapOf the register map of the BAR that an access reached.
   * @param paused is told when it stops and when it goes on.
   */
  constructor(mapOf: (access: V86Access) => RegisterMap | undefined, paused: (isPaused: boolean) => void) {
    this.mapOf = mapOf;
    this.paused = paused;
    this.pauseButton = button('Pause', () => this.pause(!this.isPaused), { 'aria-pressed': 'false', id: 'trace-pause' });
    this.view = panel('trace', 'Trace',
      el('div', { class: 'bar' }, el('label', { for: 'trace-filter' }, 'Filter '), this.filter, this.pauseButton, button('Clear', () => this.clear()), this.summary),
      el('div', { class: 'scrolls', tabindex: 0, role: 'region', 'aria-label': 'accesses, the newest first' },
        el('table', { class: 'trace' }, el('thead', {}, el('tr', {}, ...['#', 'card', 'access', 'register', 'value'].map((name) => el('th', { scope: 'col' }, name)))), this.rows)));
  }

  /** Takes one access; called at each of them. A paused trace stays as it is. */
  readonly sink = (access: V86Access): void => {
    if (this.isPaused) return;
    let ring = this.rings.find(({ slot, bar }) => bar === access.bar && slot === access.slot);
    if (ring === undefined) this.rings.push(ring = { slot: access.slot, bar: access.bar, accesses: [], numbers: [], at: 0 });
    ring.accesses[ring.at] = access;
    ring.numbers[ring.at] = ++this.total;
    ring.at = (ring.at + 1) % KEPT;
  };

  /** The newest of a ring that the filter lets through, as many as are shown. */
  private newest({ accesses, numbers, at }: Ring, wanted: string): { readonly number: number; readonly texts: readonly string[]; readonly operation: string }[] {
    const found = [];
    for (let i = 1; i <= accesses.length && found.length < SHOWN; i++) {
      const place = (at - i + accesses.length) % accesses.length;
      const access = accesses[place]!;
      const { where, what } = traceText(access, this.mapOf(access));
      const texts = [access.slot, `${access.operation} ${access.width}`, where, what];
      if (wanted === '' || texts.join(' ').toLowerCase().includes(wanted)) found.push({ number: numbers[place]!, texts, operation: access.operation });
    }
    return found;
  }

  /** Whether it takes accesses. */
  get goesOn(): boolean {
    return !this.isPaused;
  }

  private pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    this.pauseButton.setAttribute('aria-pressed', String(isPaused));
    this.pauseButton.textContent = isPaused ? 'Go on' : 'Pause';
    this.paused(isPaused);
    this.summarise();
  }

  /** Another machine runs. A linked one is not traced at first: each access that is goes through JavaScript. */
  begin(isLinked: boolean): void {
    this.isLinked = isLinked;
    this.clear();
    this.pause(isLinked);
  }

  private clear(): void {
    this.rings = [];
    this.total = 0;
    this.shownAt = -1;
  }

  draw(): void {
    if (this.shownAt === this.total) return;
    this.shownAt = this.total;
    const wanted = this.filter.value.trim().toLowerCase();
    const newest = this.rings.flatMap((ring) => this.newest(ring, wanted)).sort((one, other) => other.number - one.number).slice(0, SHOWN);
    const rows = newest.map(({ number, texts, operation }) => el('tr', { class: operation }, ...[String(number), ...texts].map((text) => el('td', {}, text))));
    this.rows.replaceChildren(...rows);
    this.summarise();
  }

  private summarise(): void {
    const linked = this.isLinked ? (this.isPaused ? '; accesses are linked, and not seen here: Go on takes them through JavaScript' : '; while this goes on, accesses are not linked') : '';
    this.summary.textContent = `${this.total.toLocaleString('en-US')} accesses; of each region the last ${KEPT.toLocaleString('en-US')} are kept${linked}`;
  }
}
