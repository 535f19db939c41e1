// nvme-lite: what a driver does before the first command on blocks.

import { beforeEach, describe, expect, test } from '@jest/globals';
import { CC_ENABLED, PAGE, REG } from './driver.ts';
import { bench, card, driver, plug, plugController } from './support.ts';

plugController();

describe('probe', () => {
  beforeEach(() => plug());

  test('says who it is, as QEMU does', () => {
    expect(card.function.peek(0)).toBe(0x0010_1b36);
    expect(card.function.peek(8)).toBe(0x0108_0202);
    expect(card.function.peek(0x2c)).toBe(0x1100_1af4);
    expect(card.function.bars).toMatchObject([{ index: 0, kind: 'mem64', size: 0x4000n }]);
    expect(card.function.msix).toMatchObject({ count: 65, tableBar: 0, tableOffset: 0x2000, pbaBar: 0, pbaOffset: 0x3000 });
  });

  test('CSTS.RDY follows CC.EN both ways, later', async () => {
    driver.write32(REG.AQA, 0x1f001f);
    driver.write32(REG.ASQ, 0x10000);
    driver.write32(REG.ACQ, 0x11000);
    driver.write32(REG.CC, CC_ENABLED);
    expect(driver.read32(REG.CSTS)).toBe(0);
    await bench.run(1_000_000);
    expect(driver.read32(REG.CSTS)).toBe(1);
    driver.write32(REG.CC, 0);
    expect(driver.read32(REG.CSTS)).toBe(1);
    await bench.run(1_000_000);
    expect(driver.read32(REG.CSTS)).toBe(0);
  });

  test('while it is enabled, the places of the admin queues and the page size stay', async () => {
    await driver.enable();
    const before = [REG.AQA, REG.ASQ, REG.ACQ].map((register) => driver.read32(register));
    for (const register of [REG.AQA, REG.ASQ, REG.ACQ]) driver.write32(register, 0x0123_4567);
    expect([REG.AQA, REG.ASQ, REG.ACQ].map((register) => driver.read32(register))).toEqual(before);
    driver.write32(REG.CC, CC_ENABLED | (3 << 7));
    expect(driver.read32(REG.CC)).toBe(CC_ENABLED);
  });

  test('identifies the controller', async () => {
    await driver.enable();
    const page = await driver.page(0x06, { 10: 1 });
    const text = (at: number, length: number): string => new TextDecoder().decode(new Uint8Array(page.buffer, at, length)).trimEnd();
    expect([page.getUint16(0, true), page.getUint16(2, true)]).toEqual([0x1b36, 0x1af4]);
    expect([text(4, 20), text(24, 40), text(64, 8)]).toEqual(['maplebar-00:01.0', 'maplebar NVMe', '1.0']);
    expect(page.getUint8(77)).toBe(7);
    expect(page.getUint32(80, true)).toBe(0x10400);
    expect([page.getUint8(111), page.getUint8(512), page.getUint8(513), page.getUint32(516, true)]).toEqual([1, 0x66, 0x44, 1]);
    expect(page.getUint16(520, true)).toBe(0x0d);
    expect(text(768, 256)).toMatch(/^nqn\.2014\.08\.org\.nvmexpress:1b361af4maplebar-00:01\.0 +maplebar NVMe *\0+$/);
  });

  test('identifies the namespace, and lists it', async () => {
    await driver.enable();
    const namespace = await driver.page(0x06, { 10: 0 }, 1);
    expect([0, 8, 16].map((at) => namespace.getBigUint64(at, true))).toEqual([4096n, 4096n, 4096n]);
    expect([namespace.getUint8(25), namespace.getUint8(26), namespace.getUint32(128, true)]).toEqual([0, 0, 9 << 16]);
    expect((await driver.page(0x06, { 10: 2 }, 0)).getUint32(0, true)).toBe(1);
    expect((await driver.page(0x06, { 10: 2 }, 1)).getUint32(0, true)).toBe(0);
    expect((await driver.page(0x06, { 10: 7 }, 0)).getUint32(0, true)).toBe(1);
    const names = await driver.page(0x06, { 10: 3 }, 1);
    // EUI-64 as in the namespace, then the command set, which Linux insists on; then nothing.
    expect([names.getUint8(0), names.getUint8(1), names.getBigUint64(4)]).toEqual([1, 8, namespace.getBigUint64(120)]);
    expect([names.getUint8(12), names.getUint8(13), names.getUint8(16), names.getUint8(17)]).toEqual([4, 1, 0, 0]);
    expect((await driver.page(0x06, { 10: 0x1c }, 0)).getBigUint64(0, true)).toBe(1n);
    for (const structure of [5, 6]) expect((await driver.page(0x06, { 10: structure }, 1)).getBigUint64(0, true)).toBe(0n);
    expect(bench.guestErrors).toEqual([]);
  });

  test('a page may lie across two', async () => {
    await driver.enable();
    const at = driver.pages(2) + PAGE / 2;
    expect((await driver.run(driver.admin, { opcode: 0x06, prp1: at, prp2: at + PAGE / 2, dwords: { 10: 1 } })).status).toBe(0);
    expect(bench.memory.read16(at)).toBe(0x1b36);
    expect(bench.memory.read32(at + 516)).toBe(1);
    expect(bench.memory.read8(at + 2057)).toBe(0);
  });

  test('features: queues, write cache, and what else there is', async () => {
    await driver.enable();
    const set = (id: number, value: number) => driver.run(driver.admin, { opcode: 0x09, dwords: { 10: id, 11: value } });
    const get = async (id: number, dw11 = 0) => (await driver.run(driver.admin, { opcode: 0x0a, dwords: { 10: id, 11: dw11 } })).result;
    expect(await set(7, 0x0003_0003)).toMatchObject({ status: 0, result: 0x003f_003f });
    expect(await get(6)).toBe(1);
    expect((await set(6, 0)).status).toBe(0);
    expect(await get(6)).toBe(0);
    expect(await get(4)).toBe(343);
    expect(await get(4, 1 << 20)).toBe(0);
    await set(4, (1 << 20) | 300);
    expect(await get(4, 1 << 20)).toBe(300);
    expect(await get(4)).toBe(343);
    await set(8, 0x0203);
    expect(await get(8)).toBe(0x0203);
    await set(9, 0x1_0003);
    expect([await get(9, 3), await get(9, 4)]).toEqual([0x1_0003, 4]);
    expect(await get(0x19)).toBe(0);
    expect((await set(0x0b, 0x100)).status).toBe(0);
    await driver.enable();
    expect([await get(6), await get(8), await get(0x0b)]).toEqual([1, 0, 0]);
    expect(bench.guestErrors).toEqual([]);
  });

  test('log pages', async () => {
    await driver.enable();
    const log = (id: number, bytes: number) => driver.page(0x02, { 10: id | ((bytes / 4 - 1) << 16) }, 0xffff_ffff);
    const health = await log(2, 512);
    expect([health.getUint8(0), health.getUint16(1, true), health.getUint8(3)]).toEqual([0, 323, 100]);
    expect((await log(3, 512)).getUint8(0)).toBe(1);
    expect((await log(1, 64)).getBigUint64(0, true)).toBe(0n);
    expect((await log(4, 4096)).getUint32(0, true)).toBe(0);
    const effects = await log(5, 4096);
    expect([effects.getUint32(4 * 6, true), effects.getUint32(1024 + 4, true), effects.getUint32(1024 + 8, true)]).toEqual([1, 3, 1]);
  });

  test('shutdown is told when it is done, and a reset ends it', async () => {
    await driver.enable();
    driver.write32(REG.CC, CC_ENABLED | (1 << 14));
    expect(driver.read32(REG.CSTS)).toBe(0b0101);
    await bench.run(1_000_000);
    expect(driver.read32(REG.CSTS)).toBe(0b1001);
    await driver.enable();
    expect(driver.read32(REG.CSTS)).toBe(1);
  });
});
