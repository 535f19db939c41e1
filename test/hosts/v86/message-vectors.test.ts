// Messages that are no interrupt of a vector: an APIC takes none of the exceptions' vectors, and other deliveries than fixed and lowest priority have no vector.

import { expect, test } from '@jest/globals';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import { lineCard } from './cards.ts';
import { FakeEmulator } from './fake-emulator.ts';

test.each([
  [0, []], [3, []], [15, []], [16, [16]], [255, [255]],
  [0x141, [0x41]], [0x241, []], [0x441, []], [0x541, []], [0x741, []], [0xc041, [0x41]],
])('data 0x%s asks for the vectors %j', (data, vectors) => {
  const fake = new FakeEmulator({ acpi: true });
  const card = attachV86(fake, lineCard);
  const at = fake.configRead(0x18, 0x34) & 0xff;
  fake.configWrite(0x18, 0x10, 32, 0x9000_0000);
  fake.configWrite(0x18, at + 4, 32, 0xfee0_0000);
  fake.configWrite(0x18, at + (((fake.configRead(0x18, at) >>> 23) & 1) === 1 ? 12 : 8), 16, data);
  fake.configWrite(0x18, at + 2, 16, 1);
  fake.configWrite(0x18, 4, 16, 6);
  fake.store(0x9000_0000, 32, 1);
  expect(fake.requested()).toEqual(vectors);
  expect(card.interrupts).toMatchObject({ messages: 1, lost: vectors.length === 0 ? 1 : 0 });
});
