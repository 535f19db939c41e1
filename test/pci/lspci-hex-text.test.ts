// `lspci -xxxx` text: what was read from a dump is printed again byte for byte, and what cannot be printed is refused.
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createEngine } from '../../src/core/index.ts';
import { PciFunction, formatLspciHex } from '../../src/pci/index.ts';
import { describeFunctions, parseLspciHex } from '../../src/trace/index.ts';
import { RECORDED, dumpsOf, fixture } from '../trace/recorded.ts';

describe('lspci -xxxx text', () => {
  test.each(RECORDED)('%s: all functions, imported and printed again, are the recorded text', (name) => {
    const recorded = readFileSync(fixture(`${name}.lspci-xxxx`), 'utf8');
    const functions = describeFunctions(dumpsOf(name)).map((description) => new PciFunction(createEngine(), description));
    expect(functions.map((one) => one.lspciHex()).join('\n')).toBe(recorded.trimEnd() + '\n');
  });

  test('what a guest has written shows', () => {
    const one = new PciFunction(createEngine(), { ...describeFunctions(dumpsOf('nvme'))[1]! });
    one.config.write8(0x3c, 0x5a);
    expect(one.lspciHex().split('\n')[4]).toBe('30: 00 00 00 00 40 00 00 00 00 00 00 00 5a 01 00 00');
    expect(parseLspciHex(one.lspciHex())[0]!.bytes[0x3c]).toBe(0x5a);
  });

  test.each([[64], [256], [4096]])('%i bytes are as many rows of 16', (bytes) => {
    expect(formatLspciHex({ slot: '00:01.0', config: new Uint8Array(bytes) }).trimEnd().split('\n')).toHaveLength(1 + bytes / 16);
  });

  test('another number of bytes is refused', () => {
    expect(() => formatLspciHex({ slot: '00:01.0', config: new Uint8Array(128) })).toThrow(new RangeError('formatLspciHex: config has 128 bytes; expected 64, 256 or 4096'));
  });
});
