// The devices of the recorded sessions, built from what the recordings tell of them: configuration space as it was first read, and what their registers did.

import type { DeviceMaker } from '../../../src/hosts/vfio-user/index.ts';
import { PciFunction } from '../../../src/pci/index.ts';
import { SESSIONS, recorded } from './recorded.ts';

type Name = (typeof SESSIONS)[number];
const CONFIG = 7;
const REPLY_DATA = 32;

/** The 256 bytes that the client read first. */
export function firstConfig(name: Name): Uint8Array {
  const found = recorded(name).find(({ from, bytes }) => from === 'server' && bytes.length === REPLY_DATA + 256 && bytes[24] === CONFIG);
  return found!.bytes.subarray(REPLY_DATA);
}

/** A BAR that has no bytes has no type either. */
function withoutBars(config: Uint8Array): Uint8Array {
  const own = config.slice();
  for (const at of [0x10, 0x14, 0x1c, 0x20, 0x24]) own[at] = 0;
  return own;
}

/** What a session read at a place of BAR 2, in order. */
function readsOf(name: Name, offset: number): number[] {
  const BAR = 2;
  return recorded(name).filter(({ from, bytes }) => from === 'server' && bytes[2] === 9 && bytes[24] === BAR && bytes[16] === offset).map(({ bytes }) => bytes[REPLY_DATA]!);
}

/** The gpio card: outputs that read as zeros, and inputs as the world had them then. Its other BARs said that they were ports, and had no bytes. */
const gpio = (name: Name): DeviceMaker => (engine) => {
  const inputs = readsOf(name, 1);
  const one = new PciFunction(engine, {
    slot: '00:01.0',
    config: withoutBars(firstConfig(name)),
    sizes: { bars: [0n, 0n, 0x100n, 0n, 0n, 0n] },
    interrupts: {},
    backing: ({ size, name: region, device }) => engine.region({ kind: 'hook', name: region, size, device, read: (at) => (at === 1 ? inputs.shift()! : 0), write: () => undefined }),
  });
  return { vfio: one.device, destroy: () => one.destroy() };
};

/** The relative of edu: a write to 0x10 raises INTx, a write to 0x14 drops it. */
const eduLike = (name: Name): DeviceMaker => (engine) => {
  const one: PciFunction = new PciFunction(engine, {
    slot: '00:01.0',
    config: firstConfig(name),
    sizes: { bars: [0x1000n, 0n, 0x1_0000n, 0n, 0x1000n, 0n] },
    interrupts: {},
    backing: ({ index, size, name: region, device }) =>
      index !== 0
        ? engine.region({ kind: 'ram', size, name: region, device })
        : engine.region({
            kind: 'hook',
            name: region,
            size,
            device,
            read: () => 0,
            write: (at) => {
              if (at === 0x10) one.intx!.set(true);
              if (at === 0x14) one.intx!.set(false);
            },
          }),
  });
  return { vfio: one.device, destroy: () => one.destroy() };
};

export const recordedDevice = (name: Name): DeviceMaker => (name === 'edu-uio' ? eduLike(name) : gpio(name));
