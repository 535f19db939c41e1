// fast-check's view of operations: small regions, crowded addresses, scripts of one level for hooks.

import fc from 'fast-check';
import type { Width } from '../../../src/core/index.ts';
import { MAX } from '../adapter.ts';
import type { Op, RegionShape } from './op.ts';

/** Addresses crowd at 0x1000 and at 2^64-1. */
export const address: fc.Arbitrary<bigint> = fc.oneof(
  { weight: 10, arbitrary: fc.bigInt(0x1000n, 0x1060n) },
  { weight: 3, arbitrary: fc.bigInt(0n, 60n).map((n) => MAX - n) },
  { weight: 1, arbitrary: fc.bigInt(0n, 40n) },
);
const position = fc.oneof({ weight: 4, arbitrary: fc.bigInt(0n, 70n) }, { weight: 1, arbitrary: fc.bigInt(4080n, 4110n) });
const width = fc.constantFrom<Width>(1, 2, 4, 8);
const widths = fc.tuple(width, width).map(([a, b]) => ({ minWidth: a < b ? a : b, maxWidth: a < b ? b : a }));
const id = fc.nat({ max: 11 });
const priority = fc.integer({ min: -1, max: 2 });
const windowSize = fc.oneof({ weight: 9, arbitrary: fc.bigInt(1n, 48n) }, { weight: 1, arbitrary: fc.constantFrom(0n, 64n, 8192n, 2n ** 63n) });
const place = fc.oneof(
  { weight: 4, arbitrary: fc.record({ on: fc.constant('space' as const), target: id, address }) },
  { weight: 2, arbitrary: fc.record({ on: fc.constant('region' as const), target: id, address: position }) },
);
const oddWidth = fc.oneof({ weight: 12, arbitrary: width }, { weight: 1, arbitrary: fc.constantFrom(0, 3, 5, 7, 16, 0xffff_ffff) });
const u64 = fc.bigInt(0n, MAX);
const length = fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 40 }) }, { weight: 1, arbitrary: fc.nat({ max: 300 }) });

export const access: fc.Arbitrary<Op> = fc.oneof(
  fc.tuple(place, oddWidth).map(([at, width]): Op => ({ do: 'read', width, ...at })),
  fc.tuple(place, oddWidth, u64).map(([at, width, value]): Op => ({ do: 'write', width, value, ...at })),
  fc.tuple(place, length).map(([at, length]): Op => ({ do: 'readBlock', length, ...at })),
  fc.tuple(place, length, u64).map(([at, length, value]): Op => ({ do: 'writeBlock', length, value, ...at })),
  fc.record({ do: fc.constant('look' as const), space: id, address, bytes: fc.bigInt(0n, 30n) }),
);

export const topology: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('map' as const), space: id, region: id, start: address, position: fc.bigInt(0n, 24n), size: windowSize, priority }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('alias' as const), window: id, space: id, start: address, offset: fc.bigInt(0n, 12n), size: windowSize, priority: fc.option(priority, { nil: undefined }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('move' as const), window: id, start: address }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unmap' as const), window: id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroyRegion' as const), region: id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroySpace' as const), space: id }) },
);

const script = fc.array(fc.oneof({ weight: 3, arbitrary: access }, { weight: 3, arbitrary: topology }, { weight: 1, arbitrary: fc.constant<Op>({ do: 'throw' }) }), { maxLength: 4 });
const size = fc.oneof({ weight: 4, arbitrary: fc.bigInt(1n, 64n) }, { weight: 1, arbitrary: fc.constantFrom(4096n, 4100n, 8192n) });
const passive = fc.record({ kind: fc.constantFrom('ram' as const, 'rom' as const, 'demand' as const), size, unaligned: fc.boolean() });
const hooked = fc.record({ kind: fc.constant('hook' as const), size: fc.oneof(size, fc.constant(2n ** 63n)), unaligned: fc.boolean() });

export const shape: fc.Arbitrary<RegionShape> = fc.oneof(
  fc.tuple(passive, widths).map(([one, w]) => ({ ...one, ...w, reentrant: false, script: [] })),
  fc.tuple(hooked, widths, fc.boolean(), script).map(([one, w, reentrant, s]) => ({ ...one, ...w, reentrant, script: s })),
);
export const region: fc.Arbitrary<Op> = shape.map((s) => ({ do: 'region', shape: s }));

/** Two spaces and a few regions first, then anything. */
export function history(rest: fc.Arbitrary<Op>, maxLength: number): fc.Arbitrary<Op[]> {
  const start = fc.array(region, { minLength: 1, maxLength: 5 }).map((regions): Op[] => [{ do: 'space' }, { do: 'space' }, ...regions]);
  const maps = fc.array(topology, { maxLength: 8 });
  return fc.tuple(start, maps, fc.array(rest, { maxLength, size: 'max' })).map((parts) => parts.flat());
}
