// Cards that come and go while the guest runs: several at once, in one block of addresses.
import { idio16, nvmeLite, serial } from '../../../src/devices/index.ts';
import type { V86Card } from '../../../src/hosts/v86/index.ts';
import { expectThat } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';
import { exportLines, toggleLines } from './gpio.ts';

const BLOCK_SHIFT = 17;

/** The addresses of a card's BARs, as text. */
const places = (card: V86Card): string => card.regions().map(({ address }) => address?.toString(16) ?? '-').join('/');

/** Throws unless the guest sees nothing at a slot. */
async function expectGone(stage: Stage, slot: string): Promise<void> {
  expectThat((await stage.bus()).every((one) => one.slot !== slot), `${slot}: the guest still sees it`);
}

async function comesAndGoes(stage: Stage): Promise<string> {
  const first = await stage.plug((engine, host) => idio16(engine, host, { kind: 'mem32' }));
  const { slot } = first;
  await exportLines(stage, first);
  await stage.unplug(first);
  await stage.guest.output('echo 1 > /sys/bus/pci/rescan');
  await expectGone(stage, slot);
  const second = await stage.plug((engine, host) => idio16(engine, host, { kind: 'mem32' }), { slot });
  await stage.expectBound(second, 'pci-idio-16');
  await exportLines(stage, second);
  await toggleLines(stage, second);
  await stage.unplug(second);
  return `${slot} twice`;
}

async function togetherInOneBlock(stage: Stage): Promise<string> {
  const gpio = await stage.plug((engine, host) => idio16(engine, host, { kind: 'mem32' }));
  const port = await stage.plug((engine, host) => serial(engine, host, { timing: 'immediate' }));
  const disk = await stage.plug((engine, host) => nvmeLite(engine, host, { store: new Uint8Array(1 << 20) }));
  const cards = [gpio, port, disk];
  for (const [card, driver] of [[gpio, 'pci-idio-16'], [port, 'serial'], [disk, 'nvme']] as const) await stage.expectBound(card, driver);
  const blocks = new Set(cards.map((card) => Number(card.regions()[0]!.address) >>> BLOCK_SHIFT));
  expectThat(blocks.size < cards.length, `no two of ${cards.map(places).join(', ')} share a block of 128 KiB`);
  await exportLines(stage, gpio);
  await toggleLines(stage, gpio);
  await stage.unplug(port);
  await toggleLines(stage, gpio);
  await stage.unplug(disk);
  await toggleLines(stage, gpio);
  const told = places(gpio);
  await stage.unplug(gpio);
  return `gpio at ${told} through the others' going`;
}

async function unbindsAndRebinds(stage: Stage): Promise<string> {
  const card = await stage.plug((engine, host) => idio16(engine, host, { kind: 'mem32' }));
  const driver = '/sys/bus/pci/drivers/pci-idio-16';
  for (let round = 0; round < 3; round++) {
    await stage.guest.output(`echo 0000:${card.slot} > ${driver}/unbind && echo 0000:${card.slot} > ${driver}/bind`);
    await stage.expectBound(card, 'pci-idio-16');
  }
  await exportLines(stage, card);
  await toggleLines(stage, card);
  await stage.unplug(card);
  return '3 times';
}

export const hotPlugChecks: readonly Check[] = [
  { name: 'a card comes, goes, and comes again at its slot', run: comesAndGoes },
  { name: 'three cards in one block of addresses; two go', run: togetherInOneBlock },
  { name: 'a driver lets go of its card and takes it again', run: unbindsAndRebinds },
];
