// The PCI serial card: interrupts and modem control.

import { beforeEach, describe, expect, test } from '@jest/globals';
import { setTermios } from '../driver-8250.ts';
import { bench, breaks, BYTE_NS, bytes, card, FCR, IER, IIR, LCR, levels, LSR, MCR, MSR, outputs, plug, plugSerial, port, RX, sent, TX, wait20ms } from './support.ts';

plugSerial();

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
