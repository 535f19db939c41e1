// fast-check's view of write combining: regions of a few lines, windows that combine and that do not, fences, policies, devices; hooks that store again.

import fc from 'fast-check';
import type { Width } from '../../../src/core/index.ts';
import type { Op, RegionShape } from '../world/op.ts';

const id = fc.nat({ max: 5 });
const width = fc.constantFrom<Width>(1, 2, 4, 8);
const widths = fc.tuple(width, width).map(([a, b]) => ({ minWidth: a < b ? a : b, maxWidth: a < b ? b : a }));
const address = fc.bigInt(0x1000n, 0x1220n);
const place = fc.oneof(
  { weight: 9, arbitrary: fc.record({ on: fc.constant('space' as const), target: fc.nat({ max: 1 }), address }) },
  { weight: 1, arbitrary: fc.record({ on: fc.constant('region' as const), target: id, address: fc.bigInt(0n, 300n) }) },
);
const u64 = fc.bigInt(0n, 2n ** 64n - 1n);
const length = fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 20 }) }, { weight: 2, arbitrary: fc.integer({ min: 56, max: 140 }) }, { weight: 1, arbitrary: fc.nat({ max: 600 }) });
const start = fc.constantFrom(0x1000n, 0x1000n, 0x1040n, 0x1080n, 0x1100n, 0x1013n);
const size = fc.constantFrom(0x20n, 0x60n, 0x100n, 0x140n);
const position = fc.constantFrom(0n, 0n, 0n, 0x40n, 0x23n);
const priority = fc.integer({ min: 0, max: 2 });

const access: fc.Arbitrary<Op> = fc.oneof(
  { weight: 2, arbitrary: fc.tuple(place, width).map(([at, width]): Op => ({ do: 'read', width, ...at })) },
  { weight: 12, arbitrary: fc.tuple(place, width, u64).map(([at, width, value]): Op => ({ do: 'write', width, value, ...at })) },
  { weight: 1, arbitrary: fc.tuple(place, length).map(([at, length]): Op => ({ do: 'readBlock', length, ...at })) },
  { weight: 5, arbitrary: fc.tuple(place, length, u64).map(([at, length, value]): Op => ({ do: 'writeBlock', length, value, ...at })) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fence' as const), space: id }) },
);
const map: fc.Arbitrary<Op> = fc.record({ do: fc.constant('map' as const), space: id, region: id, start, position, size, priority, combining: fc.boolean() });
const topology: fc.Arbitrary<Op> = fc.oneof(
  { weight: 4, arbitrary: map },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('alias' as const), window: id, space: id, start, offset: fc.constantFrom(0n, 0x18n), size, priority: fc.option(priority, { nil: undefined }), combining: fc.option(fc.boolean(), { nil: undefined }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('move' as const), window: id, start }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unmap' as const), window: id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroyRegion' as const), region: id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroySpace' as const), space: id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('device' as const), region: id, device: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('count' as const), region: id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('policy' as const), space: id, seed: fc.option(fc.integer({ min: 1, max: 0xffff_ffff }), { nil: undefined }) }) },
);
const script = fc.array(fc.oneof({ weight: 6, arbitrary: access }, { weight: 2, arbitrary: topology }, { weight: 1, arbitrary: fc.constant<Op>({ do: 'throw' }) }), { maxLength: 4 });
const regionSize = fc.constantFrom(0x140n, 0x183n, 0x1100n);
const shape: fc.Arbitrary<RegionShape> = fc.oneof(
  fc.tuple(fc.record({ kind: fc.constantFrom('ram' as const, 'rom' as const, 'demand' as const), size: regionSize, unaligned: fc.boolean() }), widths).map(([one, w]) => ({ ...one, ...w, reentrant: false, script: [] })),
  fc.tuple(fc.record({ size: regionSize, unaligned: fc.boolean(), reentrant: fc.boolean(), script }), widths).map(([one, w]) => ({ kind: 'hook' as const, ...one, ...w })),
);
const region: fc.Arbitrary<Op> = shape.map((s) => ({ do: 'region', shape: s }));

/** Operations: two spaces with one policy, a few regions that count, windows; then anything. */
export function histories(seed: fc.Arbitrary<number | undefined>, maxLength: number): fc.Arbitrary<Op[]> {
  const spaces = seed.map((s): Op[] => [0, 1].flatMap((space): Op[] => [{ do: 'space' }, { do: 'policy', space, seed: s }]));
  const regions = fc.array(region, { minLength: 2, maxLength: 4 }).map((made): Op[] => [...made, ...made.map((_, i): Op => ({ do: 'count', region: i }))]);
  const maps = fc.array(map, { minLength: 2, maxLength: 4 });
  const rest = fc.oneof({ weight: 12, arbitrary: access }, { weight: 2, arbitrary: topology });
  return fc.tuple(spaces, regions, maps, fc.array(rest, { maxLength, size: 'max' })).map((parts) => parts.flat());
}
