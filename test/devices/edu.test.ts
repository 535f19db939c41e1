// QEMU's teaching device, driven as a guest's driver does: the behaviour that docs/specs/edu.rst of QEMU describes.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { edu } from '../../src/devices/index.ts';
import type { Edu } from '../../src/devices/index.ts';
import { createTestbench } from '../../src/hosts/index.ts';
import type { Testbench } from '../../src/hosts/index.ts';

const DMA_MS = 100_000_000;
let bench: Testbench;
let card: Edu;
let bar: number;

beforeEach(() => {
  bench = createTestbench();
  card = bench.plug(edu);
  bar = bench.addressOf(card, 0);
});

afterEach(() => {
  bench.destroy();
  expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});

function startDma(source: bigint, destination: bigint, count: bigint, command: number): void {
  bench.memory.write64(bar + 0x80, source);
  bench.memory.write64(bar + 0x88, destination);
  bench.memory.write64(bar + 0x90, count);
  bench.memory.write32(bar + 0x98, command);
}

describe('edu', () => {
  test('says who it is', () => {
    expect(card.function.peek(0)).toBe(0x11e8_1234);
    expect(card.function.peek(8)).toBe(0x00ff_0010);
    expect(bench.memory.read32(bar)).toBe(0x0100_00ed);
    bench.memory.write32(bar, 0);
    expect(bench.memory.read32(bar)).toBe(0x0100_00ed);
  });

  test('liveness reads the complement of what was written', () => {
    bench.memory.write32(bar + 4, 0x1234_5678);
    expect(bench.memory.read32(bar + 4)).toBe(0xedcb_a987);
  });

  test('accesses of 1 and 2 bytes are refused', () => {
    expect(bench.memory.read8(bar)).toBe(0xff);
    expect(bench.memory.read16(bar)).toBe(0xffff);
  });

  test('a number becomes its factorial; while it computes, writes are dropped and the busy bit is 1', async () => {
    bench.memory.write32(bar + 8, 10);
    expect(bench.memory.read32(bar + 0x20)).toBe(1);
    bench.memory.write32(bar + 8, 3);
    await bench.run(0);
    expect(bench.memory.read32(bar + 0x20)).toBe(0);
    expect(bench.memory.read32(bar + 8)).toBe(3_628_800);
    bench.memory.write32(bar + 8, 0xffff_ffff);
    await bench.run(0);
    expect(bench.memory.read32(bar + 8)).toBe(0);
  });

  test('interrupts when computed, if asked to, until it is acknowledged', async () => {
    bench.memory.write32(bar + 0x20, 0x80);
    bench.memory.write32(bar + 8, 4);
    await bench.run(0);
    expect(bench.memory.read32(bar + 0x24)).toBe(1);
    expect(bench.interrupts).toEqual([{ kind: 'level', slot: '00:01.0', level: true }]);
    bench.memory.write32(bar + 0x64, 1);
    expect(bench.memory.read32(bar + 0x24)).toBe(0);
    expect(bench.interrupts.at(-1)).toEqual({ kind: 'level', slot: '00:01.0', level: false });
  });

  test('each raise is a message once MSI is on, also of bits that are raised already', () => {
    bench.enableMessages(card);
    bench.memory.write32(bar + 0x60, 0x10);
    bench.memory.write32(bar + 0x60, 0x10);
    bench.memory.write32(bar + 0x60, 0x20);
    expect(bench.memory.read32(bar + 0x24)).toBe(0x30);
    expect(bench.interrupts.map(({ kind }) => kind)).toEqual(['message', 'message', 'message']);
  });

  test('copies from memory to the device and back, 100 ms each, and interrupts at the end', async () => {
    bench.memory.writeBytes(0x1000, new Uint8Array(256).map((_, i) => i));
    startDma(0x1000n, 0x4_0000n, 256n, 0x1);
    await bench.run(DMA_MS - 1);
    expect(bench.memory.read32(bar + 0x98)).toBe(1);
    await bench.run(1);
    expect(bench.memory.read32(bar + 0x98)).toBe(0);
    startDma(0x4_0010n, 0x2000n, 16n, 0x7);
    await bench.run(DMA_MS);
    expect(bench.memory.readBytes(0x2000, new Uint8Array(16))).toEqual(new Uint8Array(16).map((_, i) => i + 16));
    expect(bench.memory.read32(bar + 0x24)).toBe(0x100);
    expect(bench.guestErrors).toEqual([]);
  });

  test('while it copies, its DMA registers take no writes', async () => {
    startDma(0x1000n, 0x4_0000n, 8n, 0x1);
    bench.memory.write64(bar + 0x80, 0xffffn);
    expect(bench.memory.read64(bar + 0x80)).toBe(0x1000n);
    await bench.run(DMA_MS);
    bench.memory.write64(bar + 0x80, 0xffffn);
    expect(bench.memory.read64(bar + 0x80)).toBe(0xffffn);
  });

  test.each([
    ['outside of its own memory', 0x1000n, 0x4_0ff9n, 8n, 'its memory is 0x40000..0x40fff'],
    ['from where nothing is', 0x800_0000n, 0x4_0000n, 8n, 'EFAULT'],
    ['of more than there is', 0x1000n, 0x4_0000n, 0xffff_ffff_ffff_ffffn, 'its memory is'],
  ])('DMA %s copies nothing, ends, and tells the host', async (_, source, destination, count, told) => {
    startDma(source, destination, count, 0x1);
    await bench.run(DMA_MS);
    expect(bench.memory.read32(bar + 0x98)).toBe(0);
    expect(bench.guestErrors).toEqual([expect.stringContaining(told)]);
  });

  test('a reset in the middle of a transfer forgets it', async () => {
    startDma(0x4_0000n, 0x2000n, 8n, 0x3);
    bench.memory.write64(0x2000, 0x1122n);
    card.function.resetFunction();
    await bench.run(DMA_MS);
    expect(bench.memory.read64(0x2000)).toBe(0x1122n);
    expect(card.bar(0).regs.DMA_COMMAND.START.get()).toBe(0);
  });

  test('a device that was removed during a transfer touches nothing more', async () => {
    startDma(0x4_0000n, 0x2000n, 8n, 0x3);
    bench.memory.write64(0x2000, 0x1122n);
    bench.unplug(card);
    await bench.run(DMA_MS);
    expect(bench.memory.read64(0x2000)).toBe(0x1122n);
  });
});
