// Many pages in one call: into nothing, among what is there, behind it and into its holes; and where two of them meet, none.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine, type Engine, type IommuDomain, type Region } from '../../../src/core/index.ts';
import { expectEmpty } from '../adapter.ts';
import { ending } from './pair.ts';

const PAGE = 4096;
const BOTH = { readable: true, writable: true };
const REGION_PAGES = 64;

/** The judge: positions by page number. */
type Pages = Map<number, number>;

interface Batch {
  /** Page numbers first, first + stride, ... */
  readonly first: number;
  readonly stride: number;
  readonly n: number;
  /** A batch in any order is sorted by the core. */
  readonly turned: boolean;
  /** The page that is given twice, or -1. */
  readonly twice: number;
}

/** A number without common divisors with any length of a batch: a prime above them. */
const PRIME = 10007;

function numbersOf({ first, stride, n, turned, twice }: Batch): number[] {
  const numbers = Array.from({ length: n }, (_, i) => first + stride * (turned ? (i * PRIME) % n : i));
  if (twice >= 0) numbers[twice % n] = numbers[(twice * 7 + 1) % n]!;
  return numbers;
}

function mapBatch(domain: IommuDomain, region: Region, batch: Batch, pages: Pages): void {
  const numbers = numbersOf(batch);
  const position = (number: number): number => (number * 31) % REGION_PAGES;
  const fits = new Set(numbers).size === numbers.length && numbers.every((number) => !pages.has(number));
  const outcome = ending(() => domain.mapPages(BigUint64Array.from(numbers, (number) => BigInt(number * PAGE)), BigUint64Array.from(numbers, (number) => BigInt(position(number) * PAGE)), PAGE, { region, ...BOTH }));
  expect(outcome).toBe(fits ? undefined : 'EEXIST');
  if (fits) for (const number of numbers) pages.set(number, position(number));
}

/** What is mapped, in one text: quicker to compare than rows. */
function rowsOf(domain: IommuDomain): string {
  return [...domain.walk()].map(({ first, last, position }) => `${first}-${last}: ${position}`).join('\n');
}

function compare(domain: IommuDomain, pages: Pages): void {
  domain.validate();
  const expected = [...pages].sort(([a], [b]) => a - b).map(([number, position]) => `${number * PAGE}-${number * PAGE + PAGE - 1}: ${position * PAGE}`);
  expect(rowsOf(domain) === expected.join('\n')).toBe(true);
}

const batch = fc.record({
  first: fc.oneof(fc.nat(40), fc.nat(20_000)),
  stride: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 9 })),
  n: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1000, max: 1100 }), fc.integer({ min: 2000, max: 2500 })),
  turned: fc.boolean(),
  twice: fc.oneof({ weight: 5, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.nat(2500) }),
});

function bench(build: 'scalar' | 'simd'): { engine: Engine; domain: IommuDomain; region: Region } {
  const engine = createEngine({ build });
  return { engine, domain: engine.iommuDomain(), region: engine.region({ kind: 'ram', size: REGION_PAGES * PAGE }) };
}

describe.each(['scalar', 'simd'] as const)('D-map-pages on the %s build', (build) => {
  test('all of them or none, whatever was there', () => {
    fc.assert(
      fc.property(fc.array(batch, { minLength: 1, maxLength: 6 }), (batches) => {
        const { engine, domain, region } = bench(build);
        const pages: Pages = new Map();
        for (const one of batches) {
          mapBatch(domain, region, one, pages);
          compare(domain, pages);
        }
        domain.destroy();
        region.destroy();
        expectEmpty(engine);
      }),
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
