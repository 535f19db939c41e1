// A BAR that is fixed in the guest's RAM says so, in a capability that a system reads before it gives the BAR an address that its register does not take.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { enhancedAllocation } from '../../../src/hosts/v86/enhanced-allocation.ts';
import { attachV86 } from '../../../src/hosts/v86/index.ts';
import { PCI_CAP_ID, capability, pciDevice, walkCapabilities } from '../../../src/pci/index.ts';
import { IDENTITY, memoryCard } from './cards.ts';
import { FakeEmulator } from './fake-emulator.ts';

const MIB = 1 << 20;
const BYTES = 0x1_0000;
const DEVFN = 0x18;

/** Configuration space as the guest reads it. */
function seen(fake: FakeEmulator): Uint8Array {
  const dwords = Int32Array.from({ length: 64 }, (_, i) => fake.configRead(DEVFN, 4 * i));
  return new Uint8Array(dwords.buffer);
}

const entries = (config: Uint8Array): { bar: number; address: number; bytes: number }[] => {
  const { offset } = walkCapabilities(config).capabilities.find(({ id }) => id === PCI_CAP_ID.EA)!;
  const view = new DataView(config.buffer);
  return Array.from({ length: config[offset + 2]! & 0x3f }, (_, i) => {
    const at = offset + 4 + 12 * i;
    return { bar: (view.getUint32(at, true) >>> 4) & 0xf, address: view.getUint32(at + 4, true) & ~3, bytes: (view.getUint32(at + 8, true) | 3) + 1 };
  });
};

describe('a direct BAR', () => {
  test('is told with its place and size, and the capability stays when the guest writes to it', () => {
    const fake = new FakeEmulator();
    attachV86(fake, memoryCard(BYTES), { slot: '00:03.0', direct: { 0: MIB } });
    expect(entries(seen(fake))).toEqual([{ bar: 0, address: MIB, bytes: BYTES }]);
    const before = seen(fake);
    for (let at = 0x40; at < 0x100; at += 4) fake.configWrite(DEVFN, at, 32, 0x5a5a_5a5a);
    expect(seen(fake)).toEqual(before);
  });

  test('comes last in the list of a card that has capabilities of its own', () => {
    const fake = new FakeEmulator();
    attachV86(fake, (engine, host) => pciDevice(engine, { ...IDENTITY, capabilities: [capability.msi(), capability.powerManagement()], bars: { 0: { memory: BYTES }, 1: { memory: BYTES } } }, host), {
      slot: '00:03.0', direct: { 0: MIB, 1: MIB + BYTES },
    });
    const found = walkCapabilities(seen(fake));
    expect(found.findings).toEqual([]);
    expect(found.capabilities.map(({ id }) => id)).toEqual([PCI_CAP_ID.MSI, PCI_CAP_ID.PM, PCI_CAP_ID.EA]);
    expect(entries(seen(fake))).toEqual([{ bar: 0, address: MIB, bytes: BYTES }, { bar: 1, address: MIB + BYTES, bytes: BYTES }]);
  });

  test('is the only one that is told: a trapped one moves', () => {
    const fake = new FakeEmulator();
    attachV86(fake, memoryCard(BYTES), { slot: '00:03.0' });
    expect(walkCapabilities(seen(fake)).capabilities).toEqual([]);
  });
});

test('what is shown is bits that are 0 and behind all that is known: nothing of the card is changed', () => {
  const bytes = fc.uint8Array({ minLength: 256, maxLength: 256 });
  fc.assert(fc.property(bytes, fc.nat(255), fc.integer({ min: 1, max: 6 }), (config, empty, bars) => {
    config.fill(0, empty);
    const shown = enhancedAllocation(config, Array.from({ length: bars }, (_, index) => ({ index, address: 0x100_0000n, bytes: MIB })));
    const view = new DataView(config.buffer);
    for (const [at, bits] of shown) if (at >= 0x40 && !walkCapabilities(config).capabilities.some(({ offset }) => (offset & ~3) === at)) expect(view.getUint32(at, true) & bits).toBe(0);
  }));
});

test('where the card leaves no room, nothing is shown', () => {
  const config = new Uint8Array(256).fill(1, 0x40);
  expect(enhancedAllocation(config, [{ index: 0, address: 0x100_0000n, bytes: MIB }]).size).toBe(0);
});
