// endpoint-test: what goes wrong, what takes time, garbage, and its map.

import { describe, expect, test } from '@jest/globals';
import { ENDPOINT_TEST_MAX_BYTES, endpointTest, endpointTestRegisters } from '../../../src/devices/index.ts';
import type { EndpointTest } from '../../../src/devices/index.ts';
import { PCI_COMMAND, PCI_COMMAND_MASTER, PCI_COMMAND_MEMORY } from '../../../src/pci/index.ts';
import { batteryOf, batteryTarget, registerBank } from '../../../src/registers/index.ts';
import { ReferenceXorshift } from '../../reference/index.ts';
import { aim, bar, bench, card, COMMAND, COPY_FAIL, COPY_SUCCESS, DESTINATION, driver, DST_ADDR_INVALID, IRQ_RAISED, MS, NOWHERE, plugEndpoint, read, READ_FAIL, READ_SUCCESS, SOURCE, SRC_ADDR_INVALID, status, write, WRITE_FAIL, WRITE_SUCCESS } from './support.ts';

plugEndpoint();

describe('what goes wrong', () => {
  test('READ of data with another checksum fails, and is no misuse', async () => {
    write(0x20, 1);
    expect(await driver.transfer(COMMAND.READ, 64)).toBe(READ_FAIL | IRQ_RAISED);
    expect(bench.guestErrors).toEqual([]);
  });

  test.each([
    ['READ', COMMAND.READ, NOWHERE, DESTINATION, READ_FAIL | SRC_ADDR_INVALID],
    ['WRITE', COMMAND.WRITE, SOURCE, NOWHERE, WRITE_FAIL | DST_ADDR_INVALID],
    ['COPY from', COMMAND.COPY, NOWHERE, DESTINATION, COPY_FAIL | SRC_ADDR_INVALID],
    ['COPY to', COMMAND.COPY, SOURCE, NOWHERE, COPY_FAIL | DST_ADDR_INVALID],
  ])('%s an address of nothing', async (_, command, source, destination, expected) => {
    driver.setIrqType('MSIX');
    expect(await driver.transfer(command, 64, source, destination)).toBe(expected | IRQ_RAISED);
    expect(driver.arrived()).toEqual([1]);
    expect(bench.guestErrors).toEqual([expect.stringContaining('EFAULT')]);
  });

  test('an address in a BAR of its own, and one above 4 GiB', async () => {
    expect(await driver.transfer(COMMAND.READ, 64, bench.addressOf(card, 5))).toBe(READ_FAIL | SRC_ADDR_INVALID | IRQ_RAISED);
    bench.memory.write64(bar + 0x14, 0xffff_ffff_ffff_fff0n);
    write(0x04, COMMAND.WRITE);
    await bench.run(MS);
    expect(status()).toBe(WRITE_FAIL | DST_ADDR_INVALID | IRQ_RAISED);
  });

  test('a function that does not master the bus fails, with addresses that are right; its pin works', async () => {
    driver.setIrqType('INTX');
    card.function.config.write16(PCI_COMMAND, PCI_COMMAND_MEMORY);
    expect(await driver.transfer(COMMAND.READ, 64)).toBe(READ_FAIL | IRQ_RAISED);
    expect(driver.arrived()).toEqual([0]);
    expect(bench.guestErrors).toEqual([expect.stringContaining('EIO')]);
  });

  test('no bytes: nothing is touched, and the checksum is that of nothing', async () => {
    expect(await driver.transfer(COMMAND.WRITE, 0, NOWHERE, NOWHERE)).toBe(WRITE_SUCCESS | IRQ_RAISED);
    expect(read(0x20)).toBe(0xffff_ffff);
    expect(await driver.transfer(COMMAND.READ, 0, NOWHERE, NOWHERE)).toBe(READ_SUCCESS | IRQ_RAISED);
    expect(await driver.transfer(COMMAND.COPY, 0, NOWHERE, NOWHERE)).toBe(COPY_SUCCESS | IRQ_RAISED);
    write(0x20, 0);
    expect(await driver.transfer(COMMAND.READ, 0, NOWHERE, NOWHERE)).toBe(READ_FAIL | IRQ_RAISED);
  });

  test.each([ENDPOINT_TEST_MAX_BYTES + 1, 0xffff_ffff])('%i bytes are more than it has room for', async (size) => {
    expect(await driver.transfer(COMMAND.COPY, size)).toBe(COPY_FAIL | IRQ_RAISED);
    expect(bench.guestErrors).toEqual([expect.stringContaining('4194304')]);
  });

  test('as many as it has room for', async () => {
    expect(await driver.transfer(COMMAND.COPY, ENDPOINT_TEST_MAX_BYTES)).toBe(COPY_SUCCESS | IRQ_RAISED);
  });

  test.each([0x3, 0x40, 0x18, 0x8000_0000, 0xffff_ffff])('command 0x%s is none', async (command) => {
    driver.setIrqType('INTX');
    write(0x08, 0x1ff);
    expect(await driver.transfer(command, 64)).toBe(0);
    expect(read(0x04)).toBe(0);
    expect(driver.arrived()).toEqual([]);
    expect(bench.guestErrors).toEqual([expect.stringContaining('COMMAND is 0x')]);
  });

  test('an interrupt type that is none', async () => {
    write(0x24, 3);
    expect(await driver.transfer(COMMAND.WRITE, 64)).toBe(0);
    expect(bench.guestErrors).toEqual([expect.stringContaining('IRQ_TYPE is 3')]);
  });

  test('a command that is taken back in time is none', async () => {
    write(0x04, COMMAND.INTX);
    write(0x08, 0x155);
    write(0x04, 0);
    await bench.run(2 * MS);
    expect(status()).toBe(0x155);
    expect(bench.guestErrors).toEqual([]);
    expect(await driver.transfer(COMMAND.COPY, 8)).toBe(COPY_SUCCESS | IRQ_RAISED);
  });
});

describe('time', () => {
  test('of two commands before the function looks, the later is done, once', async () => {
    driver.setIrqType('MSIX');
    write(0x04, COMMAND.COPY);
    write(0x04, COMMAND.WRITE);
    await bench.run(MS - 1);
    expect([read(0x04), status()]).toEqual([COMMAND.WRITE, 0]);
    await bench.run(5 * MS);
    expect(status()).toBe(WRITE_SUCCESS | IRQ_RAISED);
    expect(driver.arrived()).toEqual([1]);
  });

  test('a command during a transfer waits, and is done after it', async () => {
    driver.setIrqType('MSIX');
    write(0x1c, 64);
    write(0x14, DESTINATION);
    write(0x04, COMMAND.WRITE);
    await bench.settle();
    bench.clock.advance(MS);
    expect(read(0x04)).toBe(0);
    write(0x04, COMMAND.COPY);
    await bench.settle();
    expect(status()).toBe(WRITE_SUCCESS | IRQ_RAISED);
    await bench.run(MS);
    expect(status()).toBe(COPY_SUCCESS | IRQ_RAISED);
    expect(driver.arrived()).toEqual([1, 1]);
  });

  test('no command begins while a transfer takes its time', async () => {
    let arrive = (): void => {};
    const slow = bench.plug((engine, host) => endpointTest(engine, { ...host, dma: { read: () => new Promise((resolve) => { arrive = resolve; }), write: async () => {} } }));
    aim(slow);
    write(0x1c, 64);
    write(0x04, COMMAND.COPY);
    await bench.run(MS);
    write(0x04, COMMAND.WRITE);
    await bench.run(5 * MS);
    expect([read(0x04), status()]).toEqual([COMMAND.WRITE, 0]);
    arrive();
    await bench.settle();
    expect([read(0x04), status()]).toEqual([COMMAND.WRITE, COPY_SUCCESS | IRQ_RAISED]);
    await bench.run(MS);
    expect([read(0x04), status()]).toEqual([0, WRITE_SUCCESS | IRQ_RAISED]);
  });

  test('a reset in the middle of a transfer forgets it, lowers the pin, and the next command is done', async () => {
    driver.setIrqType('INTX');
    await driver.raise('INTX', 0);
    write(0x04, COMMAND.INTX);
    await bench.run(MS);
    expect(bench.interrupts.at(-1)).toMatchObject({ level: true });
    write(0x14, DESTINATION);
    write(0x1c, 64);
    write(0x04, COMMAND.WRITE);
    bench.memory.write32(bench.addressOf(card, 3), 9);
    await bench.settle();
    bench.clock.advance(MS);
    card.function.resetFunction();
    await bench.run(3 * MS);
    expect(bench.interrupts.at(-1)).toMatchObject({ level: false });
    expect(card.bar(0).regs.STATUS.peek()).toBe(0);
    expect(card.bar(3).read32(0)).toBe(0);
    expect(bench.guestErrors).toEqual([]);
    card.function.config.write16(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    card.function.config.write32(0x10, bar);
    expect(await driver.transfer(COMMAND.WRITE, 8)).toBe(WRITE_SUCCESS | IRQ_RAISED);
  });

  test('a function that was removed during a transfer touches nothing more', async () => {
    driver.setIrqType('MSIX');
    write(0x14, DESTINATION);
    write(0x1c, 64);
    write(0x04, COMMAND.COPY);
    await bench.settle();
    bench.clock.advance(MS);
    bench.unplug(card);
    await bench.run(2 * MS);
    expect(driver.arrived()).toEqual([]);
    expect(bench.guestErrors).toEqual([]);
  });

  test('a function can be removed by who hears its interrupt', async () => {
    const hearing: EndpointTest = bench.plug((engine, host) => endpointTest(engine, { ...host, interrupts: { setLevel: (level) => { if (level) bench.unplug(hearing); } } }));
    bench.memory.write32(bench.addressOf(hearing, 0) + 4, COMMAND.INTX);
    await bench.run(MS);
    expect(hearing.isGone).toBe(true);
    expect(bench.clock.waiting).toBe(0);
  });
});

describe('garbage', () => {
  test.each([1, 2])('writes of any width anywhere never throw, and commands end (seed %i)', async (seed) => {
    const numbers = new ReferenceXorshift(seed);
    for (let i = 0; i < 400; i++) {
      const at = numbers.next() % (i % 2 === 0 ? 0x40 : 0x1000);
      const value = numbers.next() >>> numbers.next() % 32;
      const width = 1 << numbers.next() % 4;
      if (width === 1) bench.memory.write8(bar + at, value & 0xff);
      else if (width === 2) bench.memory.write16(bar + at, value & 0xffff);
      else if (width === 4) bench.memory.write32(bar + at, value);
      else bench.memory.write64(bar + at, BigInt(value) << BigInt(numbers.next() % 32));
      bench.memory.read64(bar + at);
      if (numbers.next() % 4 === 0) write(0x1c, numbers.next() % 0x10000);
      if (numbers.next() % 4 === 0) write(0x24, numbers.next() % 4);
      if (numbers.next() % 4 === 0) write(0x04, 1 << numbers.next() % 7);
      if (i % 5 === 0) await bench.run(MS);
    }
    await bench.run(3 * MS);
    expect(read(0x04)).toBe(0);
    driver.setIrqType('MSIX');
    expect(await driver.transfer(COMMAND.WRITE, 8)).toBe(WRITE_SUCCESS | IRQ_RAISED);
  });
});

test('the battery of its map', () => {
  const made = registerBank(bench.engine, endpointTestRegisters);
  const target = batteryTarget(made);
  const checks = batteryOf(endpointTestRegisters);
  expect(checks.length).toBeGreaterThan(30);
  for (const { run } of checks) run(target);
  made.destroy();
});
