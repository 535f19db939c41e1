// The PCI serial card: who it is, to Linux and to its driver.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { serial } from '../../../src/devices/index.ts';
import { OpenPort, autoconfig, setTermios, sizeFifo, startup } from '../driver-8250.ts';
import { bench, BYTE_NS, bytes, card, IIR, LCR, levels, NO_INT, plug, plugSerial, port, sent, TX, wait20ms } from './support.ts';

plugSerial();

describe('who it is', () => {
  test('the ids by which 8250_pci asks for one port in BAR 0, and for MSI', () => {
    plug();
    expect(card.function.peek(0)).toBe(0x9900_9710);
    expect(card.function.peek(8)).toBe(0x0700_0200);
    expect(card.function.peek(0x2c)).toBe(0x1000_a000);
    expect(card.function.peek(0x3d, 1)).toBe(1);
    expect(bench.enableMessages(card)).toBe(1);
  });

  test('ports instead of memory, and no messages, when asked', () => {
    plug({ kind: 'io', messages: false });
    expect(() => bench.enableMessages(card)).toThrow(RangeError);
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((register) => port.read(register))).toEqual([0, 0, NO_INT, 0, 0, 0x60, 0xb0, 0]);
  });

  test('wide accesses are taken byte by byte', () => {
    plug();
    const bar = bench.addressOf(card, 0);
    bench.memory.write32(bar + 4, 0xa500_0000);
    expect(bench.memory.read32(bar + 4)).toBe(0xa5b0_6000);
    expect(bench.memory.read32(bar + 8)).toBe(0);
  });

  test('a clock of no frequency is refused, and timing without a clock', () => {
    const engine = createEngine();
    expect(() => serial(engine, {}, { clockHz: 0 })).toThrow(RangeError);
    expect(() => serial(engine, {}, { timing: 'divisor' })).toThrow(expect.objectContaining({ code: 'ENXIO' }));
    expect(engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  });

  test('without a clock bytes take no time', () => {
    const engine = createEngine();
    const lone = serial(engine, {}, { onTransmit: (byte) => sent.push(byte) });
    lone.bar(0).region.write8(LCR, 0x03);
    lone.bar(0).region.write8(TX, 0x41);
    expect(sent).toEqual([0x41]);
    lone.destroy();
    expect(engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  });
});

describe.each(['divisor', 'immediate'] as const)('Linux, timing %s', (timing) => {
  test('autoconfig finds a 16550A', async () => {
    plug({ timing });
    expect(await autoconfig(port, wait20ms)).toBe('16550A');
    expect(sent).toEqual([]);
  });

  test('a FIFO has 16 bytes', async () => {
    plug({ timing });
    expect(await sizeFifo(port, wait20ms)).toBe(16);
  });

  test('start-up turns no work-around on', async () => {
    plug({ timing });
    await autoconfig(port, wait20ms);
    expect(startup(port)).toEqual([]);
    expect(levels().at(-1)).toBe(false);
  });

  test.each(['pin', 'messages'] as const)('sends and receives with interrupts by %s, and closes', async (by) => {
    plug({ timing });
    if (by === 'messages') bench.enableMessages(card);
    startup(port);
    setTermios(port, 1);
    bench.interrupts.length = 0;
    const open = new OpenPort(port);
    const handled = async (): Promise<void> => {
      for (let i = 0; i < 200; i++) {
        const arrived = by === 'pin' ? levels().at(-1) === true : bench.interrupts.splice(0).length > 0;
        if (arrived) open.interrupt();
        if (!arrived && bench.clock.next === null) return;
        await bench.run(BYTE_NS);
      }
    };
    const text = 'The quick brown fox jumps over the lazy dog, and over the fence.';
    open.send(bytes(text));
    await handled();
    expect(String.fromCharCode(...sent)).toBe(text);
    card.receive(bytes(text));
    await handled();
    expect(String.fromCharCode(...open.received)).toBe(text);
    expect(open.errors).toEqual([]);
    open.shutdown();
    card.receive(bytes('late'));
    await handled();
    expect(levels().at(-1) ?? false).toBe(false);
    expect(port.read(IIR) & NO_INT).toBe(NO_INT);
    expect(bench.guestErrors).toEqual([]);
  });
});
