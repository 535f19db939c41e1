// Two cards on one line of v86 itself.

import { expect, test } from '@jest/globals';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import { lineCard } from './cards.ts';
import { RealMachine } from './real-machine.ts';

const { place, controllers } = RealMachine;
const VECTOR = 0x2b; // line 11

test('a card that lowers a shared line leaves the guest the interrupt of the other', async () => {
  const machine = await RealMachine.make();
  try {
    attachV86(machine.emulator, lineCard, { slot: '00:05.0' });
    attachV86(machine.emulator, lineCard, { slot: '00:09.0' });
    machine.acknowledge(0x9010_0000, 0);
    // Interrupts are off: 9 goes up, 5 goes up and down.
    await machine.run(...controllers(), ...place(0x28, 0, 0x9000_0000), ...place(0x48, 0, 0x9010_0000), ['write32', 0x9010_0000, 1], ['write32', 0x9000_0000, 1], ['write32', 0x9000_0000, 0]);
    await machine.run(['sti'], ['read32', 0x9000_0000], ['read32', 0x9000_0000]);
    expect(machine.taken(VECTOR)).toBe(1);
    await machine.run(['write32', 0x9010_0000, 1], ['waitFor', 0x3000 + 4 * VECTOR, 2]);
    expect(machine.taken(VECTOR)).toBe(2);
  } finally {
    await machine.destroy();
  }
});
