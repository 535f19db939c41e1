// A card that is there at power-on: the firmware gives it its addresses, and Linux leaves them.
import { expectThat } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';
import { exportLines, toggleLines } from './gpio.ts';

async function placedByFirmware(stage: Stage): Promise<string> {
  const { gpio } = stage.atPowerOn!;
  const found = await stage.expectBound(gpio, 'pci-idio-16');
  const address = found.bars[2]!.toString(16);
  const told = (await stage.guest.output(`dmesg | grep 0000:${gpio.slot}`)).split('\n');
  // As the kernel found it, before it could have placed anything.
  expectThat(told.some((line) => line.includes(`[mem 0x${address}-`)) && !told.some((line) => line.includes('assigned')), `BAR 2 is at ${address} now; the kernel says:\n${told.join('\n')}`);
  await exportLines(stage, gpio);
  await toggleLines(stage, gpio);
  await stage.unplug(gpio);
  return `BAR 2 at ${address}`;
}

/** For a guest that was started from its kernel. */
export const firmwareChecks: readonly Check[] = [{ name: 'a card that is there at power-on is placed by the firmware', run: placedByFirmware }];
