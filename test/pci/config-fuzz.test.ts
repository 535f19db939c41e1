// Random guest writes to the configuration space of every device, each byte and what is decoded compared with the judge: the small run of `npm run fuzz:config`.
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigPair } from './config-world/config-pair.ts';
import { drive } from './config-world/drive.ts';
import { subjects } from './config-world/subjects.ts';

const SEED = 20261121;
const WRITES = 6000;
const all = subjects(join(__dirname, '../fixtures/traces'), { count: 6, seed: SEED });

test.each(all)('$name', ({ make }) => {
  const pair = new ConfigPair(make);
  drive(pair, SEED, WRITES);
  pair.close();
  // A run that changes nothing finds nothing.
  expect(pair.changes.bytes).toBeGreaterThan(WRITES / 20);
  expect(pair.changes.decoded > WRITES / 100).toBe(pair.function.bars.length > 0);
});

describe('a difference', () => {
  const edu = all.find(({ name }) => name === 'edu')!.make;

  test('in a byte is named by its register, with the writes before it', () => {
    const pair = new ConfigPair(edu);
    pair.function.poke(0x3c, 1, 0x0b);
    const message = 'byte 3c (INTERRUPT_LINE) is 0b; the judge holds 00\n    after reset power-on\n          ports 16 bits at 04: 0002';
    expect(() => pair.write({ way: 'ports', offset: 0x04, width: 2, value: 2 })).toThrow(message);
  });

  test('in what is decoded is named by its BAR', () => {
    const pair = new ConfigPair(edu);
    pair.write({ way: 'vfio', offset: 0x10, width: 4, value: 0xc000_0000 });
    pair.judge.write(0x04, 2, 2);
    pair.function.poke(0x04, 2, 2);
    expect(() => pair.write({ way: 'region', offset: 0x3c, width: 1, value: 1 })).toThrow('BAR 0 decodes nothing; the judge says memory c0000000 of 100000');
  });

  test('between what is decoded and what is shown is named by its BAR', () => {
    const pair = new ConfigPair(edu);
    pair.write({ way: 'region', offset: 0x10, width: 4, value: 0xc000_0000 });
    pair.write({ way: 'region', offset: 0x04, width: 2, value: 2 });
    for (const window of pair.function.bars[0]!.region.windows) window.unmap();
    expect(() => pair.checkWindows()).toThrow('BAR 0 is shown at []; it decodes [guest memory c0000000 of 100000]');
  });
});
