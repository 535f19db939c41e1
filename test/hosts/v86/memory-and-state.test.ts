// DMA, time, doorbells, BARs in the guest's RAM, and cards as bytes.

import { describe, expect, jest, test } from '@jest/globals';
import { edu, nvmeLite, serial } from '../../../src/devices/index.ts';
import { ManualClock } from '../../../src/hosts/testbench/index.ts';
import { attachV86, realClock } from '../../../src/hosts/v86/index.ts';
import { pciDevice, registerBar } from '../../../src/pci/index.ts';
import { registerMap, rw } from '../../../src/registers/index.ts';
import { VfioError } from '../../../src/uapi/index.ts';
import { IDENTITY, memoryCard } from './cards.ts';
import { FakeEmulator, RAM } from './fake-emulator.ts';

const CARD = 0x18;
const BAR = 0x9000_0000;

function placed(fake: FakeEmulator, address = BAR): void {
  fake.configWrite(CARD, 0x10, 32, address);
  fake.configWrite(CARD, 4, 16, 6);
}

describe('DMA', () => {
  test('reaches the guest\'s RAM a turn later', async () => {
    const fake = new FakeEmulator();
    const card = attachV86(fake, memoryCard(16));
    placed(fake);
    const write = card.device.dma.write(0x1000, new Uint8Array([1, 2, 3]));
    expect([...fake.read_memory(0x1000, 3)]).toEqual([0, 0, 0]);
    await write;
    expect([...fake.read_memory(0x1000, 3)]).toEqual([1, 2, 3]);
    expect([...(await card.device.dma.read(0x1001, 2))]).toEqual([2, 3]);
  });

  test.each([[RAM - 1, 2], [0x9fff_f000, 16], [0xa_0000, 1], [0x9_ffff, 2], [0xb_ffff, 2], [2n ** 63n, 4]])('at %d of %d bytes is not all RAM: EFAULT, told, nothing written', async (address, bytes) => {
    const fake = new FakeEmulator();
    const faults: VfioError[] = [];
    const card = attachV86(fake, memoryCard(16), { onDmaFault: (fault) => void faults.push(fault) });
    placed(fake);
    await expect(card.device.dma.write(address, new Uint8Array(bytes).fill(1))).rejects.toThrow(expect.objectContaining({ code: 'EFAULT' }));
    await expect(card.device.dma.read(address, bytes)).rejects.toThrow('are not all RAM of the guest, which has 0x200000 bytes');
    expect(faults).toHaveLength(2);
    expect(fake.cpu.mem8.every((byte) => byte === 0)).toBe(true);
  });

  test('right before and behind VGA memory is RAM', async () => {
    const fake = new FakeEmulator();
    const card = attachV86(fake, memoryCard(16));
    placed(fake);
    await card.device.dma.write(0x9_fffe, new Uint8Array([1, 2]));
    await card.device.dma.write(0xc_0000, new Uint8Array([3]));
    expect([fake.cpu.mem8[0x9_ffff], fake.cpu.mem8[0xc_0000]]).toEqual([2, 3]);
  });

  test('of a card that is pulled is forgotten', async () => {
    const fake = new FakeEmulator();
    const card = attachV86(fake, memoryCard(16));
    placed(fake);
    const read = card.device.dma.read(0x1000, 4);
    card.detach();
    await expect(read).rejects.toThrow(expect.objectContaining({ code: 'ECANCELED' }));
  });
});

test('real time runs forward, and timers come after their delay or not at all', () => {
  jest.useFakeTimers({ now: 0 });
  try {
    const clock = realClock();
    const due: string[] = [];
    clock.after(5_000_000, () => void due.push(`5 ms at ${clock.now()}`));
    clock.after(2_000_000, () => void due.push('never'))();
    clock.after(0, () => void due.push('0'));
    // Longer than a timer of JavaScript waits.
    clock.after(3_000_000_000_000_000, () => void due.push('3000000 s'));
    jest.advanceTimersByTime(4);
    expect(due).toEqual(['0']);
    jest.advanceTimersByTime(1);
    expect(due).toEqual(['0', '5 ms at 5000000']);
    jest.advanceTimersByTime(2_999_999_000);
    expect(due).toHaveLength(2);
    jest.advanceTimersByTime(1_000);
    expect(due).toEqual(['0', '5 ms at 5000000', '3000000 s']);
  } finally {
    jest.useRealTimers();
  }
});

test('doorbells are told where v86 looks at its timers, and what they throw is the card\'s mistake', () => {
  const fake = new FakeEmulator();
  const rung: number[] = [];
  const map = registerMap('bell', { bytes: 16, access: [4] }, { BELL: { at: 0, notify: 'ring', fields: { value: rw(31, 0) } } });
  const card = attachV86(fake, (engine, host) => pciDevice(engine, {
    ...IDENTITY,
    bars: { 0: registerBar(map, { doorbell: ({ value }) => { rung.push(Number(value)); if (value === 2) throw new Error('no'); } }) },
  }, host));
  placed(fake);
  fake.store(BAR, 32, 1);
  expect(rung).toEqual([]);
  fake.cpu.run_hardware_timers();
  fake.store(BAR, 32, 2);
  fake.cpu.run_hardware_timers();
  expect([rung, fake.cpu.timers, card.mistakes]).toEqual([[1, 2], 2, { count: 1, last: new Error('no') }]);
});

describe('a direct BAR', () => {
  const PLACE = 0x10_0000;
  const direct = (fake: FakeEmulator) => attachV86(fake, memoryCard(0x2000), { direct: { 0: PLACE } });

  test('is sized as any, and fixed', () => {
    const fake = new FakeEmulator();
    direct(fake);
    expect(fake.configRead(CARD, 0x10)).toBe(PLACE);
    fake.configWrite(CARD, 0x10, 32, 0xffff_ffff);
    expect(fake.configRead(CARD, 0x10)).toBe(0xffff_e000);
    for (const bits of [8, 16, 32] as const) {
      fake.configWrite(CARD, 0x10, bits, 0x12);
      expect(fake.configRead(CARD, 0x10)).toBe(PLACE);
    }
  });

  test('has its bytes in RAM while it is decoded, and keeps them', () => {
    const fake = new FakeEmulator();
    const before = [...fake.cpu.memory_map_read8];
    const card = direct(fake);
    const { region } = card.device.function.bars[0]!;
    region.write32(4, 0x1234_5678);
    fake.configWrite(CARD, 4, 16, 2);
    expect([...fake.read_memory(PLACE + 4, 4)]).toEqual([0x78, 0x56, 0x34, 0x12]);
    expect(card.regions()[0]).toMatchObject({ manner: 'direct', address: BigInt(PLACE) });
    expect(fake.cpu.memory_map_read8).toEqual(before);
    fake.cpu.mem8[PLACE + 0x1fff] = 9;
    expect(region.read8(0x1fff)).toBe(0);
    card.sync();
    expect(region.read8(0x1fff)).toBe(9);
    fake.cpu.mem8[PLACE] = 7;
    fake.configWrite(CARD, 4, 16, 0);
    fake.cpu.mem8.fill(0);
    expect(region.read8(0)).toBe(7);
    fake.configWrite(CARD, 4, 16, 2);
    expect(fake.cpu.mem8[PLACE]).toBe(7);
  });

  test('is at its place after a reset', () => {
    const fake = new FakeEmulator();
    direct(fake);
    fake.configWrite(CARD, 4, 16, 2);
    fake.cpu.reboot_internal();
    expect(fake.configRead(CARD, 0x10)).toBe(PLACE);
  });
});

describe('state', () => {
  test('of plain memory: contents, configuration, place', () => {
    const [one, other] = [new FakeEmulator(), new FakeEmulator()];
    const from = attachV86(one, memoryCard(0x8000));
    placed(one);
    one.store(BAR + 0x7ffc, 32, 0x1234_5678);
    const to = attachV86(other, memoryCard(0x8000));
    placed(other, 0xa000_0000);
    other.store(0xa000_0000, 32, 5);
    to.load(from.save());
    expect(to.regions()[0]!.address).toBe(BigInt(BAR));
    expect([other.load(BAR, 32), other.load(BAR + 0x7ffc, 32), other.load(0xa000_0000, 32)]).toEqual([0, 0x1234_5678, 0x2222_2222]);
    expect(other.configRead(CARD, 0x10)).toBe(BAR);
    expect(to.save()).toEqual(from.save());
  });

  test('of a serial card and an NVMe disk, through their migration; the pin is as it was', () => {
    for (const make of [serial, nvmeLite]) {
      const [one, other] = [new FakeEmulator(), new FakeEmulator()];
      const options = { clock: new ManualClock() };
      const from = attachV86(one, make as typeof serial, options);
      placed(one);
      from.device.interrupts.set(0, true);
      const saved = from.save();
      const to = attachV86(other, make as typeof serial, options);
      to.load(saved);
      expect(to.save()).toEqual(saved);
      expect(to.regions()).toEqual(from.regions().map((region) => ({ ...region, counts: { reads: 0, writes: 0, bytes: 0 } })));
      expect(to.device.isPaused).toBe(false);
    }
  });

  test('of registers without a migration cannot be: ENOTSUP', () => {
    const card = attachV86(new FakeEmulator(), edu);
    expect(() => card.save()).toThrow(expect.objectContaining({ code: 'ENOTSUP', message: expect.stringContaining('BAR 0 is a bank region') }));
  });

  test('that is corrupt anywhere is refused, and changes nothing', () => {
    const fake = new FakeEmulator();
    const clock = new ManualClock();
    for (const [i, make] of [memoryCard(0x2000), serial].entries()) {
      const card = attachV86(fake, make as typeof serial, { clock });
      fake.configWrite(CARD + 8 * i, 0x10, 32, BAR + i * 0x10_0000);
      fake.configWrite(CARD + 8 * i, 4, 16, 7);
      const good = card.save();
      const lines = [...fake.pci.lines];
      for (let at = 0; at < good.length; at += 1 + (at >> 5)) {
        const bad = good.slice();
        bad[at] = bad[at]! ^ (1 << (at % 8));
        expect(() => card.load(bad)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
        expect(() => card.load(good.subarray(0, at))).toThrow(expect.objectContaining({ code: 'EINVAL' }));
      }
      expect(() => card.load('state' as never)).toThrow(TypeError);
      expect(card.save()).toEqual(good);
      expect(fake.pci.lines.filter((line) => line.startsWith('raise'))).toEqual(lines.filter((line) => line.startsWith('raise')));
    }
  });

  test('of another card is refused', () => {
    const state = attachV86(new FakeEmulator(), memoryCard(0x2000)).save();
    expect(() => attachV86(new FakeEmulator(), memoryCard(0x4000)).load(state)).toThrow('00:03.0: load: ');
    expect(() => attachV86(new FakeEmulator(), serial).load(state)).toThrow('it is no state of such a card');
  });

  test('of a direct BAR has what the guest wrote, and puts it back', () => {
    const fake = new FakeEmulator();
    const card = attachV86(fake, memoryCard(0x2000), { direct: { 0: 0x10_0000 } });
    fake.configWrite(CARD, 4, 16, 2);
    fake.cpu.mem8[0x10_0010] = 0x42;
    const state = card.save();
    fake.cpu.mem8.fill(0);
    card.load(state);
    expect(fake.cpu.mem8[0x10_0010]).toBe(0x42);
    const elsewhere = attachV86(new FakeEmulator(), memoryCard(0x2000), { direct: { 0: 0x12_0000 } });
    expect(() => elsewhere.load(state)).toThrow('is not where this card\'s is fixed');
  });
});
