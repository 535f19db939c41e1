// The serial card: a text box on the other end of its line.

import { serial } from 'maplebar/devices';
import type { Serial } from 'maplebar/devices';
import { el } from '../dom.ts';
import type { CardFace, CardKind } from './card.ts';

const [RBR, IER, LCR, LSR] = [0, 1, 3, 5] as const;
const KEPT = 2000;

/** The page of the card. */
function serialFace(): CardFace<Serial> {
  let device: Serial | undefined;
  let isSetUp = false;
  let sent = 0;
  const decoder = new TextDecoder();
  const received = el('pre', { class: 'terminal', tabindex: 0, 'aria-label': 'what the guest sent' });
  const line = el('input', { type: 'text', id: 'serial-line', maxlength: 200, autocomplete: 'off' });
  const form = el('form', { onsubmit: (event) => {
    event.preventDefault();
    device?.receive(new TextEncoder().encode(`${line.value}\n`));
    line.value = '';
  } }, el('label', { for: 'serial-line' }, 'To the guest '), line, el('button', { type: 'submit' }, 'Send'));

  return {
    make: (engine, host) => (device = serial(engine, host, { timing: 'immediate', onTransmit: (byte) => {
      received.textContent = (received.textContent + decoder.decode(Uint8Array.of(byte), { stream: true })).slice(-KEPT);
    } })),
    view: el('div', {}, received, form),
    drive: async (machine, { bars }) => {
      const port = bars[0]!;
      if (!isSetUp) {
        isSetUp = true;
        await machine.run([['write8', port + LCR, 3], ['write8', port + IER, 0]]);
        machine.say('guest: serial: counts on the line, and sends back what it receives');
      }
      const [ready] = await machine.run([['read8', port + LSR]]);
      if ((ready! & 1) === 1) {
        const [byte] = await machine.run([['read8', port + RBR]]);
        await machine.run([['until', port + LSR, 0x20, 0x20], ['write8', port, byte!]]);
        return;
      }
      if (sent++ % 8 !== 0) return;
      await machine.run([...`${sent >> 3} `].flatMap((letter) => [['until', port + LSR, 0x20, 0x20], ['write8', port, letter.charCodeAt(0)]] as const));
    },
    linux: (machine, slot) => machine.command(`T=$(ls /sys/bus/pci/devices/0000:${slot}/tty | head -n1); echo "hello from $T" > /dev/$T; echo "to see what is sent: cat /dev/$T"`),
  };
}

export const serialCard: CardKind = { key: 'serial', title: 'Serial port', driver: '8250_pci', face: serialFace };
