// The PCI serial card: what goes wrong.

import { describe, expect, test } from '@jest/globals';
import { ReferenceXorshift } from '../../reference/xorshift.ts';
import { autoconfig, setTermios, startup } from '../driver-8250.ts';
import { bench, BYTE_NS, bytes, card, IER, LCR, levels, LSR, MCR, outputs, plug, plugSerial, port, RX, SCR, sent, TX, wait20ms } from './support.ts';

plugSerial();

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
