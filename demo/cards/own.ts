// Your own card: a register map in an editor, checked as it is typed, and plugged in when it is saved.

import { capability, pciDevice, registerBar } from 'maplebar/pci';
import type { PciDevice } from 'maplebar/pci';
import type { RegisterMap } from 'maplebar/registers';
import { button, el } from '../dom.ts';
import type { Step } from '../guest/script.ts';
import type { CardFace, CardKind } from './card.ts';
import { readMapSource } from './map-source.ts';
import type { MapSource } from './map-source.ts';

const FIRST_SOURCE = `// A card of one BAR. Ctrl+S or Cmd+S plugs it in.
registerMap('mine', { bytes: 0x40, access: [4] }, {
  CTRL:   { at: 0x00, fields: { EN: rw(0), GO: pulse(1, { afterWrite: [sets('STATUS.DONE'), copies('COPY.value')] }) } },
  STATUS: { at: 0x04, fields: { DONE: w1c(0) } },
  MASK:   { at: 0x08, fields: { DONE: rw(0) } },
  INPUT:  { at: 0x10, fields: { value: rw(31, 0, { afterWrite: [copies('OUTPUT.value')] }) } },
  OUTPUT: { at: 0x14, fields: { value: ro(31, 0) } },
  COPY:   { at: 0x18, fields: { value: ro(1, 0) } },
  WRITES: { at: 0x1c, fields: { count: ro(31, 0, { counter: { of: 'INPUT', at: 'write' } }) } },
}, { irq: [irq('done', { line: 0, status: 'STATUS', mask: 'MASK' })] });
`;

/** BAR 1: memory, with the table of MSI-X in one of its pages, which a VFIO program may not map. */
const [MEMORY, TABLE, VECTORS] = [0x8000, 0x2000, 16] as const;

/** What is kept of the editor while the page is there. */
interface Editor {
  readonly view: HTMLElement;
  readonly read: () => MapSource;
}

function makeEditor(save: () => void): Editor {
  const verdict = el('p', { class: 'verdict', role: 'status', id: 'own-verdict' });
  const text = el('textarea', { id: 'own-source', spellcheck: 'false', rows: 14, 'aria-label': 'source of the register map', 'aria-describedby': 'own-verdict' });
  text.value = FIRST_SOURCE;
  const read = (): MapSource => readMapSource(text.value);
  const check = (): boolean => {
    try {
      const { map } = read();
      verdict.textContent = `Good: ${map.registers.length} registers in ${map.bytes} bytes`;
      verdict.className = 'verdict good';
      return true;
    } catch (error) {
      verdict.textContent = (error as Error).message;
      verdict.className = 'verdict bad';
      return false;
    }
  };
  text.addEventListener('input', check);
  const saveIfGood = (): void => {
    if (check()) save();
  };
  text.addEventListener('keydown', (event) => {
    if (event.key !== 's' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    saveIfGood();
  });
  check();
  return { read, view: el('div', { class: 'editor' }, text, verdict, button('Save and plug', saveIfGood, { id: 'own-save', class: 'main' })) };
}

/** Registers that the guest writes and reads, each in the widest access that it takes. */
function walk(map: RegisterMap, bar: number, round: number): Step[] {
  const steps: Step[] = [];
  for (const { position, bytes, fields } of map.registers.slice(0, 64)) {
    const width = map.access.filter((one) => one <= Math.min(4, bytes)).at(-1);
    if (width === undefined) continue;
    const bits = 8 * width;
    if (fields.some(({ sw }) => sw.includes('w'))) steps.push([`write${bits}` as 'write32', bar + position, round | 0]);
    steps.push([`read${bits}` as 'read32', bar + position]);
  }
  return steps;
}

/** The kind of card, with an editor whose `save` plugs. */
export function ownCard(save: () => void): CardKind & { readonly editor: HTMLElement } {
  const editor = makeEditor(save);
  const face = (): CardFace<PciDevice> => {
    const { map, throws } = editor.read();
    let round = 0;
    const values = el('table', {}, el('caption', {}, 'Registers as they are'));
    const cells = map.registers.slice(0, 64).map(({ path }) => {
      const value = el('td', {});
      values.append(el('tr', {}, el('th', { scope: 'row' }, path), value));
      return value;
    });
    return {
      make: (engine, host) => pciDevice(engine, {
        id: [0x1de5, 0x0100],
        class: 0xff0000,
        ...(map.interrupts.length > 0 && { pin: 'A' as const }),
        // Nobody masks a message before it has an address: without MSI-X being enabled, interrupts go by the pin.
        capabilities: [capability.msix({ vectors: VECTORS, table: { bar: 1, offset: TABLE }, pending: { bar: 1, offset: TABLE + 16 * VECTORS } })],
        bars: { 1: { memory: MEMORY }, 0: registerBar(map, {
          hooks: Object.fromEntries([...throws].map(([path, why]) => [path, { afterWrite: () => {
            throw new Error(`${path}: ${why}`);
          } }])) as never,
        }) },
      }, host) as PciDevice,
      view: el('div', { class: 'scrolls', tabindex: 0 }, values),
      draw: (device) => {
        const bank = device.banks.get(0);
        if (bank !== undefined) cells.forEach((cell, i) => (cell.textContent = `0x${bank.peek(i).toString(16).padStart(2 * map.registers[i]!.bytes, '0')}`));
      },
      drive: async (machine, { bars }) => {
        const bar = bars[0]!;
        const [interrupt] = map.interrupts;
        if (round === 0) {
          // The first interrupt's status is cleared by ones.
          if (interrupt?.pairs[0] !== undefined) machine.acknowledgeWith(bar + map.registers[interrupt.pairs[0].status.register]!.position, 0xffff_ffff, map.access.includes(4) ? 4 : 1);
          machine.say('guest: your card: writes each register that can be written, and reads all');
        }
        await machine.run(walk(map, bar, round++));
      },
    };
  };
  return { key: 'own', title: 'Your own', driver: 'yours', face: face, editor: editor.view };
}
