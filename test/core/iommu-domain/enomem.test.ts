// A domain with almost no memory left: what fails with ENOMEM has left no trace, and with a little more memory the same call succeeds.

import { expect, test } from '@jest/globals';
import { createEngine, type Engine, type IommuDomain, type Region } from '../../../src/core/index.ts';
import { expectEmpty, outcome } from '../adapter.ts';
import { Pressure } from '../pressure.ts';

const ENOMEM = -12;
const PAGE = 4096;
const BASE = 0x10_0000;
const BOTH = { readable: true, writable: true };
const RANGES = 300;

interface Bench {
  readonly engine: Engine;
  readonly domain: IommuDomain;
  readonly ram: Region;
  readonly demand: Region;
}

/** Pages of RAM with holes behind them, so many that leaves are full, and behind them demand pages of which the first is there. */
function bench(ranges: number): Bench {
  const engine = createEngine({ memoryLimit: 2 ** 20 });
  const domain = engine.iommuDomain('dma');
  const ram = engine.region({ kind: 'ram', size: 2 * PAGE });
  const demand = engine.region({ kind: 'demand', size: 2n ** 40n });
  domain.map(0, 64 * PAGE, { region: demand, position: 0, ...BOTH });
  domain.write(0, Uint8Array.of(7, 7));
  for (let i = 0; i < ranges; i++) domain.map(BASE + i * 2 * PAGE, PAGE, { region: ram, position: (i % 2) * PAGE, ...BOTH });
  return { engine, domain, ram, demand };
}

/** All that can be seen of it without memory. */
function seen({ engine, domain, ram }: Bench, ranges: number): unknown {
  domain.validate();
  const bytes = new Uint8Array(64 * PAGE);
  for (let at = 0; at < bytes.length; at += PAGE) domain.read(at, bytes.subarray(at, at + PAGE));
  const places = [0, ...Array.from({ length: 2 * ranges + 4 }, (_, i) => BASE + i * PAGE), BASE + PAGE / 2];
  const found = places.map((iova) => domain.translate(iova)).map((range) => range && [range.first, range.last, range.position, range.region.name]);
  const marks = Array.from({ length: 64 }, () => 0);
  const { exports } = engine.core;
  const buffer = exports.stagingBuffer() >>> 0;
  new Uint8Array(exports.memory.buffer, buffer, 8).fill(0);
  exports.domainReadDirty((domain as unknown as { handle: number }).handle, 0n, 0n, BigInt(64 * PAGE - 1), 12, buffer, 8);
  const bits = new Uint8Array(exports.memory.buffer, buffer, 8);
  marks.forEach((_zero, n) => (marks[n] = (bits[n >> 3]! >> (n & 7)) & 1));
  return { live: engine.live(), count: domain.count, found, marks, bytes: Buffer.from(bytes).toString('latin1'), ram: ram.bytes().slice() };
}

const columns = (n: number, at: (i: number) => number): BigUint64Array => BigUint64Array.from({ length: n }, (_, i) => BigInt(at(i)));
const pattern = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => (i * 7 + 1) & 0xff);

const [SHORT, LONG] = [pattern(5 * PAGE), pattern(20 * PAGE)];

const CALLS: Readonly<Record<string, readonly [number, (bench: Bench) => void]>> = {
  // 255 records lie in the first chunk, and all are in use.
  'D-map where the leaf is full and a chunk of records too': [253, ({ domain, ram }) => domain.map(BASE + 100 * 2 * PAGE + PAGE, PAGE, { region: ram, position: 0, ...BOTH })],
  'D-map where the leaf is full': [RANGES, ({ domain, ram }) => domain.map(BASE + 100 * 2 * PAGE + PAGE, PAGE, { region: ram, position: 0, ...BOTH })],
  'D-map-pages into holes': [RANGES, ({ domain, ram }) => domain.mapPages(columns(290, (i) => BASE + ((i * 7) % 290) * 2 * PAGE + PAGE), columns(290, () => 0), PAGE, { region: ram, ...BOTH })],
  'D-map-pages of many more than there are': [RANGES, ({ domain, ram }) => domain.mapPages(columns(1300, (i) => BASE + ((i * 7) % 1300) * 2 * PAGE + PAGE), columns(1300, () => 0), PAGE, { region: ram, ...BOTH })],
  'D-map-pages into an empty domain': [
    -1,
    ({ domain, ram }) => domain.mapPages(columns(2000, (i) => BASE + ((i * 7) % 2000) * 2 * PAGE), columns(2000, () => 0), PAGE, { region: ram, ...BOTH }),
  ],
  'D-unmap that cuts a range in two': [RANGES, ({ domain }) => void domain.unmap(BASE + 100 * 2 * PAGE + 0x100, BASE + 100 * 2 * PAGE + 0x1ff)],
  'D-dirty marks over three bitmaps': [
    0,
    ({ domain }) => domain.markDirty(0, 2 ** 40 + 3 * 2 ** 27 - 1),
  ],
  'D-plain a write to demand pages': [0, ({ domain }) => domain.write(PAGE - 8, SHORT)],
  'D-plain a large write to demand pages': [0, ({ domain }) => domain.write(PAGE - 8, LONG)],
  'D-copy to demand pages': [0, ({ domain }) => domain.copy(30 * PAGE + 5, PAGE - 8, 3 * PAGE)],
  'D-copy to demand pages, large': [0, ({ domain }) => domain.copy(30 * PAGE + 5, PAGE - 8, 20 * PAGE)],
};

test.each(Object.entries(CALLS))('%s', (name, [ranges, call]) => {
  for (const tracks of [false, true]) {
    let [failed, done] = [0, 0];
    for (let spare = 0; spare < 400 && done === 0; spare += spare < 12 ? 1 : 9) {
      const all = bench(Math.max(0, ranges));
      const { domain, demand, engine } = all;
      domain.map(2 ** 40, 3 * 2 ** 27, { region: demand, position: 2 ** 30, ...BOTH });
      if (ranges < 0) domain.clear();
      domain.trackDirty(tracks);
      const pressure = new Pressure(engine);
      pressure.exhaust();
      pressure.relieve(0, spare);
      if (ranges >= 0) {
        const before = seen(all, ranges);
        if (outcome(() => call(all)) === ENOMEM) {
          failed++;
          expect(seen(all, ranges)).toEqual(before);
        } else done++;
      } else {
        const before = engine.live();
        if (outcome(() => call(all)) === ENOMEM) {
          failed++;
          expect([engine.live(), domain.count]).toEqual([before, 0]);
        } else done++;
      }
      domain.validate();
      pressure.relieveAll();
      outcome(() => call(all));
      for (const part of [all.ram, demand, domain]) part.destroy();
      expectEmpty(engine);
    }
    expect(done).toBe(1);
    // Marks cost nothing where none are kept.
    if (tracks || !name.includes('marks')) expect(failed).toBeGreaterThan(0);
  }
});
