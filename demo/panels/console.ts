// The guest's text: what it says on its serial line, and a line to type on.

import { el, panel } from '../dom.ts';
import type { AnyMachine } from '../cards/card.ts';

const KEPT = 12_000;
// Escape sequences of a terminal, which this is not, and what is left of carriage returns.
const ESCAPES = new RegExp(`${String.fromCharCode(27)}(\\[[0-9;?]*[A-Za-z]|[()][A-Z0-9])|\\r|${String.fromCharCode(7)}`, 'g');

/** The panel. */
export class ConsolePanel {
  readonly view: HTMLElement;
  /** v86 draws its VGA here: the structure is its own. */
  readonly screen = el('div', { id: 'screen', tabindex: 0, 'aria-label': 'screen of the guest' }, el('div', {}), el('canvas', {}));
  private readonly text = el('pre', { class: 'terminal', id: 'guest-text', tabindex: 0, 'aria-label': 'what the guest says', 'aria-live': 'off' });
  private readonly line = el('input', { type: 'text', id: 'guest-line', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', placeholder: 'ls /sys/bus/pci/devices' });
  private readonly form: HTMLFormElement;
  private machine: AnyMachine | undefined;
  private raw = '';
  private isStale = false;

  constructor() {
    this.form = el('form', { hidden: true, onsubmit: (event) => {
      event.preventDefault();
      if (this.machine?.kind === 'linux') this.machine.send(`${this.line.value}\n`);
      this.line.value = '';
    } }, el('label', { for: 'guest-line' }, 'To the shell '), this.line, el('button', { type: 'submit' }, 'Send'));
    this.screen.hidden = true;
    this.view = panel('guest', 'Guest', this.screen, this.text, this.form);
    // v86 listens to the whole window; keys that go to the page's own controls are not the guest's.
    for (const type of ['keydown', 'keyup', 'keypress']) {
      this.view.ownerDocument.addEventListener(type, (event) => {
        if (!this.screen.contains(document.activeElement)) event.stopPropagation();
      });
    }
  }

  /** Shows another machine's. */
  show(machine: AnyMachine): void {
    this.machine = machine;
    this.raw = '';
    this.isStale = true;
    this.form.hidden = machine.kind !== 'linux';
    this.screen.hidden = machine.kind !== 'linux';
    machine.onText((text) => {
      if (this.machine !== machine) return;
      this.raw = (this.raw + text).slice(-KEPT);
      this.isStale = true;
    });
  }

  /** Shows what was said since the last call. An escape sequence comes byte by byte, so all of the text is looked at again. */
  draw(): void {
    if (!this.isStale) return;
    this.isStale = false;
    this.text.textContent = this.raw.replace(ESCAPES, '');
    this.text.scrollTop = this.text.scrollHeight;
  }
}
