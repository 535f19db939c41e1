// The PCI serial card that the tests of this folder plug in, and its port as the 8250 driver sees it.

import { afterEach, beforeEach, expect } from '@jest/globals';
import { serial } from '../../../src/devices/index.ts';
import type { ModemOutputs, Serial, SerialOptions } from '../../../src/devices/index.ts';
import { createTestbench } from '../../../src/hosts/index.ts';
import type { Testbench } from '../../../src/hosts/index.ts';
import { UART } from '../driver-8250.ts';
import type { PortIo } from '../driver-8250.ts';

export const { RX, TX, IER, IIR, FCR, LCR, MCR, LSR, MSR, SCR } = UART;
// 10 bits at 115 200 baud.
export const BYTE_NS = 86_806;
export const NO_INT = 0x01;
export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export let bench: Testbench;
export let card: Serial;
export let port: PortIo;
export let sent: number[];
export let outputs: ModemOutputs[];
export let breaks: boolean[];

export function plug(options: SerialOptions = {}): void {
  card = bench.plug((engine, host) => serial(engine, host, { onTransmit: (byte) => sent.push(byte), onModemControl: (now) => outputs.push(now), onBreak: (held) => breaks.push(held), ...options }));
  const space = options.kind === 'io' ? bench.ports : bench.memory;
  const bar = bench.addressOf(card, 0);
  port = { read: (register) => space.read8(bar + register), write: (register, value) => space.write8(bar + register, value) };
}

export const levels = (): boolean[] => bench.interrupts.flatMap((event) => (event.kind === 'level' ? [event.level] : []));
// Nothing of a serial card waits for anything but time.
export const wait20ms = (): Promise<void> => Promise.resolve(bench.clock.advance(20_000_000));

/** Before and after each test of a file. */
export function plugSerial(): void {
  beforeEach(() => {
    bench = createTestbench();
    [sent, outputs, breaks] = [[], [], []];
  });
  afterEach(() => {
    bench.destroy();
    expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  });
}
