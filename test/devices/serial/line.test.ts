// The PCI serial card: what goes over the line, and when.

import { beforeEach, describe, expect, test } from '@jest/globals';
import { readDivisor, setTermios, writeDivisor } from '../driver-8250.ts';
import { bench, breaks, BYTE_NS, bytes, card, FCR, IER, IIR, LCR, LSR, plug, plugSerial, port, RX, sent, TX, wait20ms } from './support.ts';

plugSerial();

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
