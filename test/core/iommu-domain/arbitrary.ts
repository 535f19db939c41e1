// fast-check's view of a domain: places near 0, in the middle, over a border of two bitmaps, and up to 2^64-1.

import fc from 'fast-check';
import { KINDS, REGION_BYTES, type Op } from './pair.ts';

const PAGE = 4096n;
const MAX = 2n ** 64n - 1n;
// Eight pages lie behind each.
const BASES = [0n, 0x10_0000n, 0x7ff_c000n, 2n ** 52n, 2n ** 63n - 0x4000n, MAX - 8n * PAGE + 1n];

const base = fc.constantFrom(...BASES);
const page = fc.bigInt(0n, 7n);
/** Mostly borders of pages; else any byte. */
const offset = fc.oneof({ weight: 3, arbitrary: page.map((n) => n * PAGE) }, { weight: 1, arbitrary: page.map((n) => n * PAGE + PAGE - 1n) }, { weight: 1, arbitrary: fc.bigInt(0n, 8n * PAGE - 1n) });
const iova = fc.oneof({ weight: 12, arbitrary: fc.tuple(base, offset).map(([start, add]) => start + add) }, { weight: 1, arbitrary: fc.constantFrom(0n, MAX) });
const region = fc.nat({ max: KINDS.length - 1 });
const length = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(PAGE, 2n * PAGE, 3n * PAGE) }, { weight: 1, arbitrary: fc.bigInt(1n, 2n * PAGE) });
const short = fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 64 }) }, { weight: 1, arbitrary: fc.nat({ max: 9000 }) });
// At 2^64-1 a range of bytes may wrap around, which is refused.
const range = fc.tuple(iova, fc.oneof(length, fc.constantFrom(8n * PAGE))).map(([first, bytes]) => ({ first, last: first + bytes - 1n > MAX ? MAX : first + bytes - 1n }));

const map: fc.Arbitrary<Op> = fc
  .record({ do: fc.constant('map' as const), first: iova, bytes: length, region, position: fc.oneof(page.map((n) => (n % 4n) * PAGE), fc.bigInt(0n, 0x3000n)), readable: fc.boolean(), writable: fc.boolean() })
  .map((op) => (op.position + op.bytes > REGION_BYTES ? { ...op, position: 0n } : op));

const mapPages: fc.Arbitrary<Op> = fc
  .tuple(base, fc.uniqueArray(page, { maxLength: 8 }), fc.constantFrom(PAGE, PAGE, 0x800n), region, fc.boolean(), fc.boolean())
  .map(([start, pages, bytes, one, writable, twice]): Op => {
    const iovas = pages.map((n) => start + n * PAGE);
    if (twice && iovas.length > 2) iovas.push(iovas[0]! + 0x10n > MAX - PAGE ? iovas[0]! : iovas[0]! + 0x10n);
    return { do: 'mapPages', iovas, positions: iovas.map((_, i) => BigInt(i % 5) * PAGE), bytes, region: one, writable };
  });

export const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 8, arbitrary: map },
  { weight: 4, arbitrary: mapPages },
  { weight: 6, arbitrary: range.map(({ first, last }): Op => ({ do: 'unmap', first, last })) },
  { weight: 1, arbitrary: fc.constant<Op>({ do: 'unmap', first: 0n, last: MAX }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('read' as const), iova, bytes: short }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('write' as const), iova, bytes: short, seed: fc.nat({ max: 255 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('copy' as const), to: iova, from: iova, bytes: short }) },
  { weight: 2, arbitrary: fc.boolean().map((on): Op => ({ do: 'track', on })) },
  { weight: 2, arbitrary: range.map(({ first, last }): Op => ({ do: 'mark', first, last })) },
  { weight: 3, arbitrary: fc.tuple(range, fc.constantFrom(12, 12, 13, 16), fc.boolean()).map(([at, shift, clear]): Op => ({ do: 'readDirty', ...at, shift, clear })) },
  { weight: 1, arbitrary: region.map((one): Op => ({ do: 'destroyRegion', region: one })) },
  { weight: 1, arbitrary: fc.constant<Op>({ do: 'clear' }) },
);

/** A few maps, so that there is something to reach, and then anything. */
export function histories(maxLength: number): fc.Arbitrary<Op[]> {
  const maps = fc.array(fc.oneof(map, mapPages), { minLength: 2, maxLength: 6 });
  const track = fc.boolean().map((on): Op[] => [{ do: 'track', on }]);
  return fc.tuple(track, maps, fc.array(op, { maxLength, size: 'max' })).map((parts) => parts.flat());
}
