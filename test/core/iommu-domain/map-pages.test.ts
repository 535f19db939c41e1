// Many pages in one call: into nothing, among what is there, behind it and into its holes; and where two of them meet, none.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine, type Engine, type IommuDomain, type Region } from '../../../src/core/index.ts';
import { expectEmpty } from '../adapter.ts';
import { REGION_PAGES, batch, compare, mapBatch, rowsOf, runBatches, type Pages } from './batches.ts';
import { ending } from './pair.ts';

const PAGE = 4096;
const BOTH = { readable: true, writable: true };

function bench(build: 'scalar' | 'simd'): { engine: Engine; domain: IommuDomain; region: Region } {
  const engine = createEngine({ build });
  return { engine, domain: engine.iommuDomain(), region: engine.region({ kind: 'ram', size: REGION_PAGES * PAGE }) };
}

describe.each(['scalar', 'simd'] as const)('D-map-pages on the %s build', (build) => {
  test('all of them or none, whatever was there', () => {
    fc.assert(
      fc.property(fc.array(batch, { minLength: 1, maxLength: 6 }), (batches) => runBatches(createEngine({ build }), batches)),
      { numRuns: 40 },
    );
  });

  // Each page lies between two that are there: everything is written out anew.
  const AMONG = { first: 1, stride: 2, n: 2000, turned: true, twice: -1 };
  const THERE = { first: 0, stride: 2, n: 2000, turned: false, twice: -1 };

  test('among what is there, twice', () => {
    const { engine, domain, region } = bench(build);
    const pages: Pages = new Map();
    for (const one of [THERE, AMONG, { ...AMONG, first: 9000 }, { ...THERE, first: 9001 }]) {
      mapBatch(domain, region, one, pages);
      compare(domain, pages);
    }
    // Full leaves: what is kept is what a bulk load keeps.
    expect(engine.live().nodes).toBeLessThanOrEqual(Math.ceil(8000 / 11) + Math.ceil(8000 / 11 / 30) + 2);
  });

  const HALF = PAGE / 2;
  // Ranges of half a page at 0, 2, 4, ... pages; a page of the batch is put where it meets one of them.
  test.each([
    ['begins in a range', (at: number) => at + HALF / 2],
    ['ends in a range', (at: number) => at - HALF / 2],
    ['begins where a range begins', (at: number) => at],
  ])('one of many that %s: EEXIST, and nothing has changed', (_text, meet) => {
    for (const met of [0, 1000, 1999]) {
      const { engine, domain, region } = bench(build);
      const there = BigUint64Array.from({ length: 2000 }, (_, i) => BigInt((2 * i + 1) * PAGE));
      domain.mapPages(there, new BigUint64Array(2000), HALF, { region, ...BOTH });
      const before = [engine.live(), rowsOf(domain)];
      const iovas = BigUint64Array.from({ length: 2000 }, (_, i) => BigInt(i === met ? meet((2 * i + 1) * PAGE) : 2 * i * PAGE));
      expect(ending(() => domain.mapPages(iovas, new BigUint64Array(2000), HALF, { region, ...BOTH }))).toBe('EEXIST');
      expect([engine.live(), rowsOf(domain)]).toEqual(before);
      domain.validate();
      domain.destroy();
      region.destroy();
      expectEmpty(engine);
    }
  });

  test('up to the highest IOVA, among what is there', () => {
    const { domain, region } = bench(build);
    const TOP = 2n ** 64n;
    const column = (shift: number): BigUint64Array => BigUint64Array.from({ length: 1500 }, (_, i) => TOP - BigInt((2 * i + shift) * PAGE));
    domain.mapPages(column(2), new BigUint64Array(1500), PAGE, { region, ...BOTH });
    domain.mapPages(column(1), new BigUint64Array(1500), PAGE, { region, ...BOTH });
    domain.validate();
    expect([domain.count, domain.translate(TOP - 1n)?.first, domain.translate(TOP - 4097n)?.last]).toEqual([3000, TOP - 4096n, TOP - 4097n]);
    const before = rowsOf(domain);
    expect(ending(() => domain.mapPages(BigUint64Array.from({ length: 1500 }, (_, i) => (i === 3 ? TOP - 100n : BigInt(i * PAGE))), new BigUint64Array(1500), 100, { region, ...BOTH }))).toBe('EEXIST');
    expect(rowsOf(domain)).toEqual(before);
  });
});
