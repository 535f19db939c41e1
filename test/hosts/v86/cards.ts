// Cards for tests: memory, ports, and a card that says what reaches it.

import type { Engine } from '../../../src/core/index.ts';
import { capability, pciDevice } from '../../../src/pci/index.ts';
import type { DeviceHost, PciDevice } from '../../../src/pci/index.ts';

export const IDENTITY = { id: [0x1de5, 0x0001], class: 0xff0000 } as const;

/** A card of plain memory: BAR 0 of `bytes`. */
export const memoryCard = (bytes: number) => (engine: Engine, host: DeviceHost) => pciDevice(engine, { ...IDENTITY, bars: { 0: { memory: bytes } } }, host);

/** A card that notes cycles: BAR 0 of 4 KiB of memory, BAR 2 of 8 ports. Loads read the position. */
export const notingCard = (seen: string[]) => (engine: Engine, host: DeviceHost) => {
  const noting = (name: string) => ({
    read: (at: number | bigint, width: number) => {
      seen.push(`${name} r${width} ${at}`);
      return Number(at);
    },
    write: (at: number | bigint, width: number, value: number | bigint) => void seen.push(`${name} w${width} ${at} ${value.toString(16)}`),
  });
  return pciDevice(engine, { ...IDENTITY, bars: { 0: { size: 0x1000, ...noting('bar0') }, 2: { size: 8, kind: 'io', ...noting('bar2') } } }, host);
};

/** A card with a pin and MSI, whose line 0 is what is written to BAR 0. */
export const lineCard = (engine: Engine, host: DeviceHost): PciDevice => {
  const card: PciDevice = pciDevice(engine, {
    ...IDENTITY, pin: 'A', capabilities: [capability.msi()],
    bars: { 0: { size: 0x1000, read: () => 0, write: (_, __, value) => card.interrupts.set(0, Number(value) !== 0) } },
  }, host) as PciDevice;
  return card;
};
