// DMA that was begun before its card was pulled or the machine reset: nothing of it reaches the guest's memory.

import { expect, test } from '@jest/globals';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import { memoryCard } from './cards.ts';
import { FakeEmulator } from './fake-emulator.ts';

test.each([
  ['detach', (_fake: FakeEmulator, card: { detach(): void }) => card.detach()],
  ['a reset of the machine', (fake: FakeEmulator) => fake.cpu.reboot_internal()],
] as const)('a write that was begun before %s does not land', async (_what, end) => {
  const fake = new FakeEmulator();
  const card = attachV86(fake, memoryCard(16));
  fake.configWrite(0x18, 4, 16, 6);
  const write = card.device.dma.write(0x1000, new Uint8Array([1, 2, 3]));
  end(fake, card);
  await expect(write).rejects.toThrow(expect.objectContaining({ code: 'ECANCELED' }));
  expect([...fake.read_memory(0x1000, 3)]).toEqual([0, 0, 0]);
});
