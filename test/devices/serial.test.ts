// A 16550A behind a memory BAR, driven as Linux' 8250 driver does, and as the datasheet's tables say.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { serial } from '../../src/devices/index.ts';
import type { ModemOutputs, Serial, SerialOptions } from '../../src/devices/index.ts';
import { createTestbench } from '../../src/hosts/index.ts';
import type { Testbench } from '../../src/hosts/index.ts';
import { ReferenceXorshift } from '../reference/xorshift.ts';
import { OpenPort, UART, autoconfig, readDivisor, setTermios, sizeFifo, startup, writeDivisor } from './driver-8250.ts';
import type { PortIo } from './driver-8250.ts';

const { RX, TX, IER, IIR, FCR, LCR, MCR, LSR, MSR, SCR } = UART;
// 10 bits at 115 200 baud.
const BYTE_NS = 86_806;
const NO_INT = 0x01;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let bench: Testbench;
let card: Serial;
let port: PortIo;
let sent: number[];
let outputs: ModemOutputs[];
let breaks: boolean[];

function plug(options: SerialOptions = {}): void {
  card = bench.plug((engine, host) => serial(engine, host, { onTransmit: (byte) => sent.push(byte), onModemControl: (now) => outputs.push(now), onBreak: (held) => breaks.push(held), ...options }));
  const space = options.kind === 'io' ? bench.ports : bench.memory;
  const bar = bench.addressOf(card, 0);
  port = { read: (register) => space.read8(bar + register), write: (register, value) => space.write8(bar + register, value) };
}

const levels = (): boolean[] => bench.interrupts.flatMap((event) => (event.kind === 'level' ? [event.level] : []));
// Nothing of a serial card waits for anything but time.
const wait20ms = (): Promise<void> => Promise.resolve(bench.clock.advance(20_000_000));

beforeEach(() => {
  bench = createTestbench();
  [sent, outputs, breaks] = [[], [], []];
});

afterEach(() => {
  bench.destroy();
  expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});

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

describe('the line', () => {
  beforeEach(() => plug());

  test('DLAB brings the divisor in front of data and interrupt enable, and leaves those alone', () => {
    port.write(IER, 0x05);
    port.write(LCR, 0x83);
    expect(readDivisor(port)).toBe(0);
    writeDivisor(port, 0xa5f3);
    expect(readDivisor(port)).toBe(0xa5f3);
    port.write(LCR, 0x03);
    expect(port.read(IER)).toBe(0x05);
    port.write(IER, 0xff);
    expect(port.read(IER)).toBe(0x0f);
    port.write(LCR, 0x83);
    expect(readDivisor(port)).toBe(0xa5f3);
  });

  test.each([
    [0x03, 1, 10],
    [0x03, 12, 10],
    [0x1b, 1, 11],
    [0x07, 1, 11],
    [0x00, 1, 7],
    [0x04, 1, 7.5],
    [0x03, 0, 10],
  ])('a byte with LCR %i and divisor %i takes %d bits', async (lcr, divisor, length) => {
    port.write(LCR, lcr | 0x80);
    writeDivisor(port, divisor);
    port.write(LCR, lcr);
    port.write(TX, 0x15);
    const ns = Math.round((length * 1e9 * (divisor === 0 ? 65_536 : divisor)) / 115_200);
    await bench.run(ns - 1);
    expect([sent, port.read(LSR)]).toEqual([[], 0x20]);
    await bench.run(1);
    expect([sent, port.read(LSR)]).toEqual([[0x15], 0x60]);
  });

  test('a byte has as many bits as the line', async () => {
    port.write(LCR, 0x00);
    port.write(TX, 0xff);
    card.receive(new Uint8Array([0xff]));
    await bench.run(10_000_000_000);
    expect(sent).toEqual([0x1f]);
    expect(port.read(RX)).toBe(0x1f);
  });

  test('another clock has other times', async () => {
    plug({ clockHz: 16_000_000 });
    setTermios(port, 1);
    port.write(TX, 1);
    await bench.run(10_000);
    expect(sent).toEqual([1]);
  });

  test('THRE is 1 once the FIFO is empty, TEMT once the last bit has left', async () => {
    setTermios(port, 1);
    for (const byte of [1, 2, 3]) port.write(TX, byte);
    expect(port.read(LSR)).toBe(0);
    await bench.run(2 * BYTE_NS);
    expect([sent, port.read(LSR)]).toEqual([[1, 2], 0x20]);
    await bench.run(BYTE_NS);
    expect([sent, port.read(LSR)]).toEqual([[1, 2, 3], 0x60]);
  });

  test('what is written beyond 16 bytes and the shift register is lost', async () => {
    setTermios(port, 1);
    for (let byte = 0; byte < 20; byte++) port.write(TX, byte);
    await wait20ms();
    expect(sent).toEqual(Array.from({ length: 17 }, (_, i) => i));
  });

  test('without FIFOs a byte that waits is replaced', async () => {
    port.write(LCR, 0x83);
    writeDivisor(port, 1);
    port.write(LCR, 0x03);
    for (const byte of [1, 2, 3]) port.write(TX, byte);
    await wait20ms();
    expect(sent).toEqual([1, 3]);
  });

  test('the transmitter is emptied by FCR, but for the byte that is on its way', async () => {
    setTermios(port, 1);
    for (const byte of [1, 2, 3]) port.write(TX, byte);
    port.write(FCR, 0x85);
    expect(port.read(LSR)).toBe(0x20);
    await wait20ms();
    expect(sent).toEqual([1]);
  });

  test('bytes come one after the other, and overrun a FIFO that nobody reads', async () => {
    setTermios(port, 1);
    card.receive(Uint8Array.from({ length: 18 }, (_, i) => i));
    await bench.run(16 * BYTE_NS);
    expect(port.read(LSR)).toBe(0x61);
    await bench.run(BYTE_NS);
    expect(port.read(LSR)).toBe(0x63);
    expect(port.read(LSR)).toBe(0x61);
    await wait20ms();
    expect(port.read(LSR)).toBe(0x63);
    expect(Array.from({ length: 16 }, () => port.read(RX))).toEqual(Array.from({ length: 16 }, (_, i) => i));
    expect(port.read(LSR)).toBe(0x60);
  });

  test('without FIFOs the newer byte overruns the older one', async () => {
    port.write(LCR, 0x83);
    writeDivisor(port, 1);
    port.write(LCR, 0x03);
    card.receive(new Uint8Array([1, 2]));
    await wait20ms();
    expect(port.read(LSR)).toBe(0x63);
    expect(port.read(RX)).toBe(2);
  });

  test('without FIFOs bit 7 says nothing of errors', async () => {
    card.receive(new Uint8Array([1]), 'framing');
    await bench.run(10_000_000_000);
    expect(port.read(LSR)).toBe(0x69);
  });

  test('an error shows when its byte is the next one, and in bit 7 from when it came', async () => {
    setTermios(port, 1);
    card.receive(new Uint8Array([0x41]));
    card.receive(new Uint8Array([0x42]), 'parity');
    card.receive(new Uint8Array([0x43]), 'framing');
    card.receive(new Uint8Array([0xff]), 'break');
    await wait20ms();
    expect(port.read(LSR)).toBe(0xe1);
    expect(port.read(RX)).toBe(0x41);
    expect(port.read(LSR)).toBe(0xe5);
    expect(port.read(LSR)).toBe(0xe1);
    expect(port.read(RX)).toBe(0x42);
    expect(port.read(LSR)).toBe(0xe9);
    expect(port.read(RX)).toBe(0x43);
    expect(port.read(LSR)).toBe(0xf1);
    expect(port.read(LSR)).toBe(0x61);
    expect(port.read(RX)).toBe(0);
    expect(port.read(LSR)).toBe(0x60);
  });

  test('FCR 0 turns the FIFOs off and empties them; the other bits are taken with bit 0 alone', async () => {
    setTermios(port, 1);
    card.receive(bytes('abc'));
    await wait20ms();
    port.write(FCR, 0x06);
    expect(port.read(IIR) & 0xc0).toBe(0);
    expect(port.read(LSR)).toBe(0x60);
    card.receive(bytes('d'));
    await wait20ms();
    port.write(FCR, 0x06);
    expect(port.read(RX)).toBe(0x64);
  });

  test('the receiver is emptied by FCR, and its timeout with it', async () => {
    setTermios(port, 1);
    card.receive(bytes('abc'));
    await wait20ms();
    expect(port.read(IIR)).toBe(0xcc);
    port.write(FCR, 0x83);
    expect([port.read(LSR), port.read(IIR)]).toEqual([0x60, 0xc1]);
    card.receive(bytes('d'));
    await wait20ms();
    expect([port.read(LSR), port.read(RX), port.read(LSR)]).toEqual([0x61, 0x64, 0x60]);
  });

  test('a break holds the line until it is released', () => {
    port.write(LCR, 0x43);
    port.write(LCR, 0x43);
    port.write(LCR, 0x03);
    expect(breaks).toEqual([true, false]);
  });
});

describe('interrupts', () => {
  beforeEach(() => {
    plug();
    setTermios(port, 1);
    port.write(IER, 0);
    port.read(MSR);
  });

  test.each([[0x01, 1], [0x41, 4], [0x81, 8], [0xc1, 14]])('with FCR %i the receive interrupt comes with byte %i, and goes below', async (fcr, trigger) => {
    port.write(FCR, fcr);
    port.write(IER, 0x01);
    card.receive(new Uint8Array(14));
    await bench.run((trigger - 1) * BYTE_NS);
    expect(port.read(IIR)).toBe(0xc1);
    await bench.run(BYTE_NS);
    expect(port.read(IIR)).toBe(0xc4);
    expect(levels()).toEqual([true]);
    port.read(RX);
    expect(port.read(IIR)).toBe(0xc1);
    expect(levels()).toEqual([true, false]);
  });

  test('fewer than the trigger level are told after the time of 4 bytes; a read starts it anew', async () => {
    port.write(IER, 0x01);
    card.receive(new Uint8Array([7, 8]));
    await bench.run(2 * BYTE_NS + 4 * BYTE_NS - 1);
    expect(port.read(IIR)).toBe(0xc1);
    await bench.run(1);
    expect(port.read(IIR)).toBe(0xcc);
    expect(port.read(RX)).toBe(7);
    expect(port.read(IIR)).toBe(0xc1);
    await bench.run(4 * BYTE_NS);
    expect(port.read(IIR)).toBe(0xcc);
    expect(port.read(RX)).toBe(8);
    await wait20ms();
    expect(port.read(IIR)).toBe(0xc1);
  });

  test('the most urgent one is shown, and each is taken back in its own way', async () => {
    card.receive(Uint8Array.from({ length: 17 }));
    await wait20ms();
    card.setModemInputs({ cts: false });
    port.write(IER, 0x0f);
    expect(port.read(IIR)).toBe(0xc6);
    expect(port.read(LSR)).toBe(0x63);
    expect(port.read(IIR)).toBe(0xc4);
    for (let i = 0; i < 9; i++) port.read(RX);
    expect(port.read(IIR)).toBe(0xc2);
    expect(port.read(IIR)).toBe(0xc0);
    expect(port.read(MSR)).toBe(0xa1);
    expect(port.read(IIR)).toBe(0xc1);
    expect(levels()).toEqual([true, false]);
  });

  test('the transmit interrupt comes when THRI rises while THR is empty, goes when IIR showed it, and comes again when THR becomes empty', async () => {
    port.write(IER, 0x02);
    port.write(IER, 0x02);
    expect(port.read(IIR)).toBe(0xc2);
    expect(port.read(IIR)).toBe(0xc1);
    port.write(IER, 0x02);
    expect(port.read(IIR)).toBe(0xc1);
    port.write(TX, 1);
    port.write(TX, 2);
    expect(port.read(IIR)).toBe(0xc1);
    await bench.run(BYTE_NS);
    expect(port.read(IIR)).toBe(0xc2);
    port.write(IER, 0);
    port.write(IER, 0x02);
    port.write(TX, 3);
    port.write(TX, 4);
    expect(port.read(IIR)).toBe(0xc1);
    expect(levels().at(-1)).toBe(false);
  });

  test('enabling what is there already interrupts at once', async () => {
    card.receive(new Uint8Array(8));
    await wait20ms();
    expect(levels()).toEqual([]);
    port.write(IER, 0x01);
    expect(levels()).toEqual([true]);
    port.write(IER, 0x00);
    expect(levels()).toEqual([true, false]);
  });

  test('one message for each time that something new is to be told', async () => {
    bench.enableMessages(card);
    port.write(IER, 0x03);
    expect(bench.interrupts).toHaveLength(1);
    card.receive(new Uint8Array(8));
    await wait20ms();
    expect(bench.interrupts).toHaveLength(1);
    port.read(IIR);
    for (let i = 0; i < 8; i++) port.read(RX);
    port.read(IIR);
    expect(bench.interrupts).toHaveLength(1);
    card.receive(new Uint8Array(8));
    await wait20ms();
    expect(bench.interrupts).toHaveLength(2);
  });
});

describe('modem control', () => {
  beforeEach(() => plug());

  test('lines come with what changed since the last read; of RI its end counts', () => {
    expect(port.read(MSR)).toBe(0xb0);
    card.setModemInputs({ cts: false, ri: true });
    expect(port.read(MSR)).toBe(0xe1);
    expect(port.read(MSR)).toBe(0xe0);
    card.setModemInputs({ ri: false, dcd: false, dsr: false });
    expect(port.read(MSR)).toBe(0x0e);
    port.write(MSR, 0xff);
    expect(port.read(MSR)).toBe(0x00);
  });

  test('outputs are told when they change', () => {
    port.write(MCR, 0x0b);
    port.write(MCR, 0x0b);
    port.write(MCR, 0x04);
    expect(outputs).toEqual([{ dtr: true, rts: true, out1: false, out2: true }, { dtr: false, rts: false, out1: true, out2: false }]);
    expect(card.modemOutputs()).toEqual(outputs[1]);
    port.write(MCR, 0xff);
    expect(port.read(MCR)).toBe(0x1f);
  });

  test.each([[0x01, 0x20], [0x02, 0x10], [0x04, 0x40], [0x08, 0x80]])('looped back, output %i is line %i', (output, line) => {
    port.write(MCR, 0x10 | output);
    expect(port.read(MSR) & 0xf0).toBe(line);
  });

  test('looped back, nothing goes out or comes in, and outputs are inactive', async () => {
    setTermios(port, 1);
    outputs.length = 0;
    port.write(MCR, 0x1b);
    port.write(TX, 0x5a);
    card.receive(bytes('x'));
    port.write(LCR, 0x43);
    await wait20ms();
    expect([sent, breaks]).toEqual([[], []]);
    expect(outputs).toEqual([{ dtr: false, rts: false, out1: false, out2: false }]);
    expect(port.read(LSR)).toBe(0xf1);
    expect(port.read(RX)).toBe(0);
    expect(port.read(RX)).toBe(0x5a);
    expect(port.read(LSR)).toBe(0x60);
  });

  test('immediate: what comes in waits for the end of the loop', () => {
    plug({ timing: 'immediate' });
    port.write(LCR, 0x03);
    port.write(MCR, 0x10);
    card.receive(bytes('x'));
    expect(port.read(LSR)).toBe(0x60);
    port.write(MCR, 0x00);
    expect(port.read(RX)).toBe(0x78);
  });
});

describe('what goes wrong', () => {
  test('a reset forgets everything but the world outside', async () => {
    plug();
    startup(port);
    setTermios(port, 1);
    card.setModemInputs({ cts: false });
    port.write(IER, 0x0f);
    for (const byte of [1, 2, 3]) port.write(TX, byte);
    card.receive(bytes('abc'));
    await bench.run(BYTE_NS);
    card.function.resetFunction();
    expect(sent).toEqual([1]);
    const command = 0x7;
    card.function.config.write16(4, command);
    card.function.config.write32(0x10, 0xc000_0000);
    const bar = bench.addressOf(card, 0);
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((register) => bench.memory.read8(bar + register))).toEqual([0, 0, 1, 0, 0, 0x60, 0xa0, 0]);
    bench.memory.write8(bar + LCR, 0x80);
    expect(bench.memory.read16(bar)).toBe(0);
    bench.memory.write8(bar + LCR, 0x00);
    await wait20ms();
    expect(sent).toEqual([1]);
    expect(outputs.at(-1)).toEqual({ dtr: false, rts: false, out1: false, out2: false });
    expect(levels().at(-1)).toBe(false);
    expect(bench.clock.waiting).toBe(0);
  });

  test('an echo answers inside the access, and may be taken away there', () => {
    plug({
      timing: 'immediate',
      onTransmit: (byte) => {
        card.receive(new Uint8Array([byte + 1]));
        if (byte === 9) bench.unplug(card);
      },
    });
    port.write(LCR, 0x03);
    port.write(TX, 1);
    expect(port.read(RX)).toBe(2);
    port.write(TX, 9);
    expect(card.isGone).toBe(true);
    card.receive(bytes('gone'));
    card.setModemInputs({ cts: false });
  });

  test('an echo that takes the card away with its byte on the way', async () => {
    plug({ onTransmit: () => bench.unplug(card) });
    setTermios(port, 1);
    for (const byte of [1, 2, 3]) port.write(TX, byte);
    card.receive(bytes('abc'));
    await wait20ms();
    expect(card.isGone).toBe(true);
    expect(bench.clock.waiting).toBe(0);
  });

  test('unplugged as a reset makes its outputs inactive', () => {
    plug({ onModemControl: ({ dtr }) => !dtr && bench.unplug(card) });
    port.write(MCR, 0x01);
    card.function.resetFunction();
    expect(card.isGone).toBe(true);
  });

  test.each(['onTransmit', 'onModemControl', 'onBreak'] as const)('unplugged in %s', (name) => {
    plug({ timing: 'immediate', [name]: () => bench.unplug(card) });
    port.write(MCR, 0x01);
    if (!card.isGone) port.write(LCR, 0x43);
    if (!card.isGone) port.write(TX, 1);
    expect(card.isGone).toBe(true);
  });

  test('bytes that are none are refused', () => {
    plug();
    expect(() => card.receive('text' as unknown as Uint8Array)).toThrow(TypeError);
    expect(port.read(LSR)).toBe(0x60);
  });

  test.each([1, 2, 3, 4, 5, 6])('garbage with seed %i at every register and width neither throws nor hangs', async (seed) => {
    plug({ timing: seed % 2 === 0 ? 'immediate' : 'divisor' });
    const random = new ReferenceXorshift(seed);
    const bar = bench.addressOf(card, 0);
    for (let i = 0; i < 1500; i++) {
      const at = bar + (random.next() % 12);
      const value = random.next();
      const kind = random.next() % 9;
      if (kind === 0) bench.memory.write8(at, value & 0xff);
      else if (kind === 1) bench.memory.write16(at, value & 0xffff);
      else if (kind === 2) bench.memory.write32(at, value);
      else if (kind === 3) bench.memory.write64(at, BigInt(value) << 16n);
      else if (kind === 4) bench.memory.read8(at);
      else if (kind === 5) bench.memory.read32(at);
      else if (kind === 6) card.receive(new Uint8Array([value & 0xff]), (['parity', 'framing', 'break'] as const)[value % 5]);
      else if (kind === 7) card.setModemInputs({ cts: (value & 1) !== 0, ri: (value & 2) !== 0 });
      else if (value % 16 === 0) bench.clock.advance(value % 1_000_000);
      const iir = card.bar(0).regs.IIR;
      expect(levels().at(-1) ?? false).toBe(iir.NO_INT.get() === 0);
    }
    // Whatever was done to it, the driver finds a good port afterwards.
    port.write(LCR, 0x00);
    port.write(IER, 0x00);
    port.write(MCR, 0x00);
    if (seed % 2 !== 0) card.function.resetFunction();
    card.function.config.write16(4, 0x7);
    card.function.config.write32(0x10, bar);
    expect(await autoconfig(port, wait20ms)).toBe('16550A');
    expect(startup(port)).toEqual([]);
    expect(port.read(SCR)).toBe(port.read(SCR));
  });
});
