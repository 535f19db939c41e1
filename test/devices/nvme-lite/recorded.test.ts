// What the nvme driver of Linux 6.1 and SeaBIOS read of QEMU's registers, this controller answers too; and its map passes the battery that follows from it.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { nvmeLite, nvmeRegisters } from '../../../src/devices/index.ts';
import { createTestbench } from '../../../src/hosts/index.ts';
import { batteryOf, batteryTarget, registerBank } from '../../../src/registers/index.ts';
import { accessesOf } from '../../../src/trace/index.ts';
import { blocksOf, dumpsOf } from '../../trace/recorded.ts';

const BAR = 0xfebf_8000;
const BAR_BYTES = 0x4000;
const DOORBELLS = 0x1000;
const MSIX_TABLE = 0x2000;

test('a recorded boot reads CAP, VS, CC, CSTS and the MSI-X table as it did then', async () => {
  const accesses = blocksOf('nvme')
    .flatMap((block) => [...accessesOf(block)])
    .map((access) => ({ ...access, position: Number(access.address) - BAR }))
    .filter(({ space, position }) => space === 'M' && position >= 0 && position < BAR_BYTES)
    .filter(({ position }) => position < DOORBELLS || position >= MSIX_TABLE);
  const bench = createTestbench({ ramBytes: 2 ** 29 });
  const card = bench.plug(nvmeLite);
  const bar = bench.addressOf(card, 0);
  const read: Record<string, number> = {};
  for (const { op, position, size, value } of accesses) {
    expect(size).toBe(4);
    // The recorded controller followed CC at once, this one needs its time.
    if (position < DOORBELLS) await bench.run(1_000_000);
    if (op === 'W') {
      bench.memory.write32(bar + position, Number(value));
    } else {
      expect([position, bench.memory.read32(bar + position)]).toEqual([position, Number(value)]);
      const name = position >= MSIX_TABLE ? 'MSI-X' : position.toString(16);
      read[name] = (read[name] ?? 0) + 1;
    }
  }
  expect(read).toMatchObject({ 0: 9, 4: 9, 8: 3, 14: 1, '1c': 7, '3c': 1 });
  expect(read['MSI-X']).toBeGreaterThan(3);
  expect(bench.guestErrors).toEqual([]);
  bench.destroy();
});

test('configuration space is the recorded one, but for what the guest wrote and the link and formats that an integrated endpoint need not tell of', () => {
  const { bytes } = dumpsOf('nvme').lspciHex.find(({ slot }) => slot === '00:01.0')!;
  const bench = createTestbench();
  const own = bench.plug(nvmeLite).function.readConfig();
  expect(own).toHaveLength(bytes.length);
  const different = [...own.keys()].filter((at) => own[at] !== bytes[at]).map((at) => at.toString(16));
  // COMMAND's upper byte, BAR 0, the interrupt line, MSI-X on; extended tags, link capabilities and status, end-to-end prefixes.
  expect(different).toEqual(['5', '11', '12', '13', '14', '3c', '43', '84', '8c', '8d', '92', 'a6']);
  bench.destroy();
});

describe('the battery of the map', () => {
  const target = batteryTarget(registerBank(createEngine(), nvmeRegisters));
  const checks = batteryOf(nvmeRegisters).filter(({ name }) => !/DOORBELL\[([1-9]|[1-5][0-9]|6[0-3])\]/.test(name));
  test.each(checks.map((check) => [check.name, check] as const))('%s', (_, check) => {
    check.run(target);
  });
});
