// Batches of pages for a domain, and a judge that knows which pages are mapped.

import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import type { Engine, IommuDomain, Region } from '../../../src/core/index.ts';
import { ending } from './pair.ts';

const PAGE = 4096;
const BOTH = { readable: true, writable: true };
/** Pages of the region that batches lead to. */
export const REGION_PAGES = 64;

/** The judge: positions by page number. */
export type Pages = Map<number, number>;

export interface Batch {
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

export function numbersOf({ first, stride, n, turned, twice }: Batch): number[] {
  const numbers = Array.from({ length: n }, (_, i) => first + stride * (turned ? (i * PRIME) % n : i));
  if (twice >= 0) numbers[twice % n] = numbers[(twice * 7 + 1) % n]!;
  return numbers;
}

/** Maps it, and looks whether that ended as it must. */
export function mapBatch(domain: IommuDomain, region: Region, batch: Batch, pages: Pages): void {
  const numbers = numbersOf(batch);
  const position = (number: number): number => (number * 31) % REGION_PAGES;
  const fits = new Set(numbers).size === numbers.length && numbers.every((number) => !pages.has(number));
  const outcome = ending(() => domain.mapPages(BigUint64Array.from(numbers, (number) => BigInt(number * PAGE)), BigUint64Array.from(numbers, (number) => BigInt(position(number) * PAGE)), PAGE, { region, ...BOTH }));
  strictEqual(outcome, fits ? undefined : 'EEXIST');
  if (fits) for (const number of numbers) pages.set(number, position(number));
}

/** What is mapped, in one text: quicker to compare than rows. */
export function rowsOf(domain: IommuDomain): string {
  return [...domain.walk()].map(({ first, last, position }) => `${first}-${last}: ${position}`).join('\n');
}

/** Compares all that is mapped. */
export function compare(domain: IommuDomain, pages: Pages): void {
  domain.validate();
  const expected = [...pages].sort(([a], [b]) => a - b).map(([number, position]) => `${number * PAGE}-${number * PAGE + PAGE - 1}: ${position * PAGE}`);
  deepStrictEqual(rowsOf(domain).split('\n'), expected.length === 0 ? [''] : expected);
}

/** Maps batches in a new domain of an engine, one after the other, compares what is there after each, and leaves nothing behind. */
export function runBatches(engine: Engine, batches: readonly Batch[]): void {
  const [domain, region] = [engine.iommuDomain(), engine.region({ kind: 'ram', size: REGION_PAGES * PAGE })];
  const pages: Pages = new Map();
  for (const one of batches) {
    mapBatch(domain, region, one, pages);
    compare(domain, pages);
  }
  domain.destroy();
  region.destroy();
  const { nodes, pages: left, objects, backingBytes } = engine.live();
  if (nodes + left + objects + backingBytes !== 0) throw new Error(`${nodes} nodes, ${left} pages, ${objects} objects and ${backingBytes} bytes are left`);
}

export const batch = fc.record({
  first: fc.oneof(fc.nat(40), fc.nat(20_000)),
  stride: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 9 })),
  n: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1000, max: 1100 }), fc.integer({ min: 2000, max: 2500 })),
  turned: fc.boolean(),
  twice: fc.oneof({ weight: 5, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.nat(2500) }),
});
