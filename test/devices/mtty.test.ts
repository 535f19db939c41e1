// The card of Linux' vfio samples: what its configuration space says, what 8250_pci does with its ports, and its migration data.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MTTY_MAGIC, mtty } from '../../src/devices/index.ts';
import type { Mtty, MttyOptions } from '../../src/devices/index.ts';
import { createTestbench } from '../../src/hosts/index.ts';
import type { Testbench } from '../../src/hosts/index.ts';
import { ReferenceXorshift } from '../reference/xorshift.ts';
import { OpenPort, UART, autoconfig, setTermios, startup, writeDivisor } from './driver-8250.ts';
import type { PortIo } from './driver-8250.ts';

const { RX, TX, IER, IIR, FCR, LCR, MCR, LSR, MSR, SCR } = UART;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let bench: Testbench;
let card: Mtty;

function portsOf(of: Mtty, count: number): PortIo[] {
  return Array.from({ length: count }, (_, index) => {
    const bar = bench.addressOf(of, index);
    return { read: (register) => bench.ports.read8(bar + register), write: (register, value) => bench.ports.write8(bar + register, value) };
  });
}

function plug(options: MttyOptions = {}): PortIo[] {
  card = bench.plug((engine, host) => mtty(engine, host, options));
  return portsOf(card, options.ports ?? 2);
}

const level = (): boolean => bench.interrupts.flatMap((event) => (event.kind === 'level' ? [event.level] : [])).at(-1) ?? false;
const registers = (port: PortIo): number[] => [IER, IIR, LCR, MCR, LSR, MSR, SCR].map((register) => port.read(register));

beforeEach(() => {
  bench = createTestbench();
});

afterEach(() => {
  bench.destroy();
  expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});

describe('configuration space', () => {
  test("is the sample's, but for COMMAND and BARs, which firmware has set", () => {
    plug();
    const sample = new Uint8Array(256);
    sample.set([0x48, 0x43, 0x53, 0x32, 0, 0, 0x00, 0x02, 0x10, 0x02, 0x00, 0x07], 0);
    sample.set([0x48, 0x43, 0x53, 0x32], 0x2c);
    sample[0x3d] = 1;
    sample.set([0x23, 0, 0, 0x80, 0x23, 0, 0, 0, 0x23, 0, 0, 0, 0x23], 0x40);
    sample.set(bytes('PCI Serial/UART'), 0x60);
    const config = card.function.readConfig();
    config.fill(0, 4, 6);
    config.fill(0, 0x10, 0x18);
    expect(config).toEqual(sample);
  });

  test('each port is 8 ports behind a BAR; one alone has no BAR 1', () => {
    plug();
    expect(card.function.bars.map(({ index, kind }) => [index, kind])).toEqual([[0, 'io'], [1, 'io']]);
    for (const at of [0x10, 0x14, 0x18]) card.function.config.write32(at, 0xffff_ffff);
    expect([0x10, 0x14, 0x18].map((at) => card.function.config.read32(at) & 0xffff)).toEqual([0xfff9, 0xfff9, 0]);
    plug({ ports: 1 });
    card.function.config.write32(0x14, 0xffff_ffff);
    expect(card.function.config.read32(0x14)).toBe(0);
    expect(() => card.receive(1, bytes('x'))).toThrow(RangeError);
    expect(() => plug({ ports: 3 as 2 })).toThrow(RangeError);
  });

  test('what the sample says of itself stays through a reset', () => {
    plug();
    card.function.resetFunction();
    expect(card.function.peek(0x60)).toBe(0x2049_4350);
    expect(card.function.peek(6, 2)).toBe(0x0200);
  });
});

describe('Linux', () => {
  test.each([0, 1])('finds a good 16550A at port %i, which gives back what it gets', async (index) => {
    const port = plug()[index]!;
    expect(await autoconfig(port, () => bench.run(20_000_000))).toBe('16550A');
    expect(startup(port)).toEqual([]);
    setTermios(port, 1);
    const open = new OpenPort(port);
    const text = 'a message that is longer than a FIFO, several times over';
    open.send(bytes(text));
    while (level()) open.interrupt();
    expect(String.fromCharCode(...open.received)).toBe(text);
    expect(open.errors).toEqual([]);
    open.shutdown();
    expect(level()).toBe(false);
  });

  test('both ports share the pin: it is high while one of them is', () => {
    const [first, second] = plug() as [PortIo, PortIo];
    first.write(IER, 0x02);
    second.write(IER, 0x02);
    first.write(IER, 0x00);
    expect(level()).toBe(true);
    second.write(IER, 0x00);
    expect(bench.interrupts.map((event) => event.kind === 'level' && event.level)).toEqual([true, false]);
  });

  test('a port that nobody reads overruns itself', () => {
    const [port] = plug() as [PortIo];
    setTermios(port, 1);
    for (let i = 0; i < 17; i++) port.write(TX, i);
    expect(port.read(LSR)).toBe(0x63);
    expect(Array.from({ length: 16 }, () => port.read(RX))).toEqual(Array.from({ length: 16 }, (_, i) => i));
  });

  test('with someone at the other end, bytes go there', () => {
    const sent: number[][] = [];
    const [first, second] = plug({ onTransmit: (port, byte) => sent.push([port, byte]) }) as [PortIo, PortIo];
    for (const port of [first, second]) port.write(LCR, 0x03);
    second.write(TX, 0x42);
    first.write(TX, 0x41);
    card.receive(1, bytes('x'));
    card.setModemInputs(1, { cts: false });
    expect(sent).toEqual([[1, 0x42], [0, 0x41]]);
    expect([first.read(LSR), second.read(LSR), second.read(RX), first.read(MSR), second.read(MSR)]).toEqual([0x60, 0x61, 0x78, 0xb0, 0xa1]);
  });
});

describe('migration', () => {
  /** The data as `struct mtty_data` has them. */
  function kernelData(count: number): { bytes: Uint8Array; view: DataView; port: (index: number) => number } {
    const data = new Uint8Array(24 + 36 * count);
    const view = new DataView(data.buffer);
    view.setBigUint64(0, MTTY_MAGIC, true);
    view.setUint32(8, 1, true);
    view.setUint32(16, count, true);
    return { bytes: data, view, port: (index) => 24 + 36 * index };
  }

  test('a card that was not used saves a header, and two ports that were not used', () => {
    plug();
    const { bytes: expected, port } = kernelData(2);
    // Depth and trigger level of a port without FIFOs.
    for (const index of [0, 1]) expected.set([1, 1], port(index) + 33);
    expect(card.saveState()).toEqual(expected);
  });

  test('every part of a port lies where the sample has it', () => {
    const [, port] = plug() as [PortIo, PortIo];
    port.write(LCR, 0x83);
    writeDivisor(port, 0x1234);
    port.write(LCR, 0x03);
    port.write(FCR, 0xc1);
    port.write(IER, 0x0d);
    port.write(SCR, 0x5a);
    for (const byte of bytes('abcdefghijklmnopq')) port.write(TX, byte);
    port.read(RX);
    port.write(MCR, 0x0b);
    card.setModemInputs(1, { dcd: false });
    port.write(LCR, 0x9b);
    const state = card.saveState().subarray(24 + 36);
    expect([...state]).toEqual([0, 0x0d, 0, 0x9b, 0x0b, 0, 0x08, 0x5a, ...bytes('bcdefghijklmnop'), 0, 15, 0, 15, 1, 1, 0, 0x34, 0x12, 0xc1, 16, 14, 0]);
  });

  test('a card goes on where another one stopped, pin included', () => {
    const source = plug();
    source.forEach((port, index) => {
      setTermios(port, 12 + index);
      port.write(SCR, 0x10 + index);
      for (const byte of bytes(`port ${index}`)) port.write(TX, byte);
    });
    card.setModemInputs(0, { ri: true });
    card.setModemInputs(0, { ri: false });
    const state = card.saveState();
    const sourceLevel = level();
    const expected = source.map(registers);
    bench.interrupts.length = 0;
    const target = plug();
    card.restoreState(state);
    expect(card.saveState()).toEqual(state);
    expect(level()).toBe(sourceLevel);
    expect(target.map(registers)).toEqual(expected);
    target.forEach((port, index) => {
      const open = new OpenPort(port);
      open.interrupt();
      expect(String.fromCharCode(...open.received)).toBe(`port ${index}`);
      port.write(LCR, 0x83);
      expect(port.read(UART.DLL)).toBe(12 + index);
      port.write(LCR, 0x03);
    });
  });

  test('errors that LSR has not told yet are told by the card that goes on', () => {
    const [port] = plug() as [PortIo];
    setTermios(port, 1);
    card.receive(0, new Uint8Array([1]), 'framing');
    card.receive(0, new Uint8Array([2]), 'parity');
    const state = card.saveState();
    const [target] = plug() as [PortIo];
    card.restoreState(state);
    expect([target.read(LSR), target.read(LSR), target.read(RX), target.read(LSR)]).toEqual([0x69, 0x61, 1, 0x61]);
  });

  test('a reset leaves nothing of what was restored', () => {
    const [port] = plug() as [PortIo];
    setTermios(port, 0x1234);
    port.write(TX, 1);
    card.setModemInputs(0, { cts: false });
    card.restoreState(card.saveState());
    card.function.resetFunction();
    const { bytes: expected, port: at } = kernelData(2);
    for (const index of [0, 1]) expected.set([1, 1], at(index) + 33);
    expect(card.saveState()).toEqual(expected);
    expect([card.bar(0).regs.MSR.peek(), card.bar(0).regs.LSR.peek()]).toEqual([0xa0, 0x60]);
  });

  test('a pending transmit interrupt survives, and one that was not there comes at most once', () => {
    const [port] = plug() as [PortIo];
    port.write(IER, 0x02);
    const pending = card.saveState();
    port.read(IIR);
    const told = card.saveState();
    for (const state of [pending, told]) {
      card.restoreState(state);
      expect(level()).toBe(true);
      expect(port.read(IIR)).toBe(0x02);
      expect(port.read(IIR)).toBe(0x01);
    }
  });

  test("takes the sample's own data: a ring that wraps, registers as they were written, FIFOs never turned on", () => {
    const [port] = plug({ ports: 1 }) as [PortIo];
    const { bytes: data, view, port: at } = kernelData(1);
    const fifo = new Uint8Array(16);
    fifo.set(bytes('lo'), 0);
    fifo.set(bytes('hel'), 13);
    data.set([0, 0xff, 0, 0x03, 0x2b, 0, 0, 0xa5, ...fifo, 2, 13, 5], at(0));
    view.setUint8(at(0) + 28, 1);
    view.setUint16(at(0) + 30, 0x0c, true);
    view.setUint8(at(0) + 33, 16);
    card.restoreState(data);
    expect(card.saveState()[at(0) + 4]).toBe(0x0b);
    expect(port.read(IIR)).toBe(0x06);
    expect(port.read(LSR)).toBe(0x63);
    expect(String.fromCharCode(...Array.from({ length: 5 }, () => port.read(RX)))).toBe('hello');
    expect([port.read(LSR), port.read(IER), port.read(MCR), port.read(SCR)]).toEqual([0x60, 0x0f, 0x0b, 0xa5]);
  });

  test('of FCR the level and the enable bit are kept, not what it was told to clear', () => {
    plug({ ports: 1 });
    const { bytes: data, port: at } = kernelData(1);
    data[at(0) + 32] = 0xc7;
    card.restoreState(data);
    expect([...card.saveState().subarray(at(0) + 32, at(0) + 35)]).toEqual([0xc1, 16, 14]);
  });

  test.each<[string, (data: Uint8Array, view: DataView) => Uint8Array | void, string]>([
    ['another magic', (_, view) => view.setUint8(7, 0x7f), 'magic'],
    ['another major version', (_, view) => view.setUint32(8, 2, true), 'version is 2.0'],
    ['another minor version', (_, view) => view.setUint32(12, 1, true), 'version is 1.1'],
    ['one port', (_, view) => view.setUint32(16, 1, true), '1 ports'],
    ['flags', (_, view) => view.setUint32(20, 1, true), 'flags'],
    ['a byte too few', (data) => data.subarray(0, -1), '95 bytes'],
    ['a byte too many', (data) => new Uint8Array([...data, 0]), '97 bytes'],
    ['nothing', () => new Uint8Array(), '0 bytes'],
    ['a head outside of the ring', (_, view) => view.setUint8(60 + 24, 16), 'head 16'],
    ['a tail outside of the ring', (_, view) => view.setUint8(60 + 25, 16), 'tail 16'],
    ['a count that head and tail deny', (_, view) => view.setUint8(60 + 26, 3), '3 bytes'],
    ['more than a ring holds', (_, view) => view.setUint8(60 + 26, 32), '32 bytes'],
    ['DLAB that LCR denies', (_, view) => view.setUint8(60 + 27, 1), 'DLAB'],
    ['an overrun of 2', (_, view) => view.setUint8(60 + 28, 2), 'overrun 2'],
  ])('data with %s are refused with EINVAL, and nothing is changed', (_, change, why) => {
    const ports = plug();
    setTermios(ports[0]!, 1);
    ports[0]!.write(TX, 1);
    const before = card.saveState();
    const { bytes: data, view } = kernelData(2);
    const wrong = change(data, view) ?? data;
    expect(() => card.restoreState(wrong)).toThrow(expect.objectContaining({ code: 'EINVAL', message: expect.stringContaining(why) }));
    expect(card.saveState()).toEqual(before);
    expect(() => card.restoreState([] as unknown as Uint8Array)).toThrow(TypeError);
  });

  test('any bytes are restored and saved again, or refused', () => {
    plug();
    const { bytes: header } = kernelData(2);
    fc.assert(fc.property(fc.uint8Array({ minLength: 72, maxLength: 72 }), fc.nat(16), fc.nat(16), fc.boolean(), (body, head, count, sane) => {
      const data = new Uint8Array([...header.subarray(0, 24), ...body]);
      for (const at of [24, 60]) {
        if (!sane) continue;
        data.set([(head + count) % 16, head % 16, count, data[at + 3]! >> 7, data[at + 28]! & 1], at + 24);
      }
      const before = card.saveState();
      try {
        card.restoreState(data);
      } catch (error) {
        expect(error).toMatchObject({ code: 'EINVAL' });
        expect(sane).toBe(false);
        expect(card.saveState()).toEqual(before);
        return;
      }
      const saved = card.saveState();
      card.restoreState(saved);
      expect(card.saveState()).toEqual(saved);
    }), { seed: 20_161, numRuns: 300 });
  });
});

test.each([1, 2, 3])('garbage with seed %i on both ports neither throws nor hangs', async (seed) => {
  const ports = plug();
  const random = new ReferenceXorshift(seed);
  for (let i = 0; i < 2000; i++) {
    const at = bench.addressOf(card, random.next() & 1) + (random.next() % 8);
    const value = random.next();
    const kind = random.next() % 6;
    if (kind === 0) bench.ports.write8(at, value & 0xff);
    else if (kind === 1) bench.ports.write16(at, value & 0xffff);
    else if (kind === 2) bench.ports.write32(at, value);
    else if (kind === 3) bench.ports.read8(at);
    else if (kind === 4) bench.ports.read32(at);
    else card.receive(value & 1, new Uint8Array([value >>> 24]));
  }
  card.restoreState(card.saveState());
  for (const port of ports) {
    port.write(LCR, 0);
    port.write(MCR, 0);
    expect(await autoconfig(port, () => bench.run(0))).toBe('16550A');
  }
});
