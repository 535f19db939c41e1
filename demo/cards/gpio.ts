// The GPIO panel: sixteen lamps that the guest switches, sixteen switches that it reads.

import { idio16 } from 'maplebar/devices';
import type { Idio16 } from 'maplebar/devices';
import { button, el } from '../dom.ts';
import type { CardFace, CardKind } from './card.ts';

const LINES = 16;

/** The page of the card. */
function gpioFace(): CardFace<Idio16> {
  let device: Idio16 | undefined;
  let inputs = 0;
  const lamps = Array.from({ length: LINES }, (_, i) => el('span', { class: 'lamp', role: 'img', 'aria-label': `output ${i} off` }, String(i)));
  const switches = Array.from({ length: LINES }, (_, i) => button(String(i), () => toggle(i), { class: 'switch', 'aria-pressed': 'false', 'aria-label': `input ${i}` }));

  function toggle(line: number): void {
    inputs ^= 1 << line;
    switches[line]!.setAttribute('aria-pressed', String((inputs >> line & 1) === 1));
    device?.setInputs(inputs);
  }

  const show = (outputs: number): void => lamps.forEach((lamp, i) => {
    const isOn = (outputs >> i & 1) === 1;
    lamp.classList.toggle('on', isOn);
    lamp.setAttribute('aria-label', `output ${i} ${isOn ? 'on' : 'off'}`);
  });

  let step = 0;
  return {
    make: (engine, host) => (device = idio16(engine, host, { kind: 'mem32', onOutputs: show })),
    view: el('div', {}, el('p', {}, 'Outputs, driven by the guest'), el('div', { class: 'lamps' }, ...lamps), el('p', {}, 'Inputs: press one, and the card interrupts'), el('div', { class: 'lamps' }, ...switches)),
    drive: async (machine, { bars }) => {
      const bar = bars[2]!;
      if (step === 0) {
        machine.acknowledgeWith(bar + 1, 0);
        await machine.run([['read8', bar + 2]]); // a read enables interrupts
        machine.say('guest: idio16: a light runs over the outputs; inputs that are set stay lit');
      }
      const [low, high] = await machine.run([['read8', bar + 1], ['read8', bar + 5], ['read8', bar + 6]]);
      const lit = (low! | (high! << 8)) ^ (1 << step % LINES);
      step++;
      await machine.run([['write8', bar, lit & 0xff], ['write8', bar + 4, lit >> 8]]);
    },
    linux: (machine) => machine.command('cd /sys/class/gpio; B=$(cat gpiochip*/base | head -n 1); for i in 0 2 4 9; do echo $((B+i)) > export; echo 1 > OUT$i/value; done; cd /'),
  };
}

export const gpio: CardKind = { key: 'gpio', title: 'GPIO panel', driver: 'gpio-pci-idio-16', face: gpioFace };
