// What is compared with what.

import type { Comparison, Side } from './comparison.ts';
import type { RangeOperation } from './cases/ranges.ts';

type SingleCore = typeof import('./cases/single-core.ts');
type SingleBaseline = typeof import('./cases/single-baseline.ts');

const core = (make: (sides: SingleCore) => Side) => ({ name: 'core', load: async () => make(await import('./cases/single-core.ts')) });
const baseline = (make: (sides: SingleBaseline) => Side) => ({ name: 'JavaScript engine', load: async () => make(await import('./cases/single-baseline.ts')) });
const copy = (bytes: number) => ({ name: 'Uint8Array.set', load: async () => (await import('./cases/single-baseline.ts')).copyBlock(bytes) });

const replay: Comparison = {
  name: 'replay',
  about: "all memory accesses of an NVMe guest's boot, in one call",
  sides: [
    { name: 'core', load: async () => (await import('./cases/replay-core.ts')).createSide() },
    { name: 'JavaScript engine', load: async () => (await import('./cases/replay-baseline.ts')).createSide() },
  ],
  targets: { 'JavaScript engine': 0.5 },
};

const single: Comparison[] = [
  {
    name: 'read32',
    about: 'Space.read32(number), one call from JavaScript for each',
    sides: [core(({ read32 }) => read32()), { name: 'empty call', load: async () => (await import('./cases/single-core.ts')).emptyCall() }, baseline(({ read32 }) => read32())],
    targets: { 'empty call': 8 },
  },
  { name: 'read32-scattered', about: 'Space.read32(number) all over 64 MiB of RAM and two devices', sides: [core(({ read32Scattered }) => read32Scattered()), baseline(({ read32Scattered }) => read32Scattered())] },
  { name: 'read32-bigint', about: 'Space.read32(bigint)', sides: [core(({ read32Big }) => read32Big()), baseline(({ read32Big }) => read32Big())] },
  { name: 'read64', about: 'Space.read64(number), a bigint back', sides: [core(({ read64 }) => read64()), baseline(({ read64 }) => read64())] },
  { name: 'write32', about: 'Space.write32(number, number)', sides: [core(({ write32 }) => write32()), baseline(({ write32 }) => write32())] },
  { name: 'region-read32', about: 'Region.read32(number)', sides: [core(({ regionRead32 }) => regionRead32()), baseline(({ regionRead32 }) => regionRead32())] },
  { name: 'hook-read32', about: 'Space.read32 of a hook region', sides: [core(({ hookRead32 }) => hookRead32()), baseline(({ hookRead32 }) => hookRead32())] },
  ...[64, 4096, 65536].map((bytes): Comparison => ({ name: `read-block-${bytes}`, about: `Space.readBytes of ${bytes} bytes`, sides: [core(({ readBlock }) => readBlock(bytes)), copy(bytes)] })),
];

const emptyCall = { name: 'empty call', load: async () => (await import('./cases/registers-core.ts')).emptyCall() };

const registers: Comparison[] = [
  {
    name: 'registers',
    about: 'read, change and write back 64 plain registers, one call for each access',
    sides: [{ name: 'core', load: async () => (await import('./cases/registers-core.ts')).oneByOne() }, emptyCall, { name: 'typed arrays', load: async () => (await import('./cases/registers-baseline.ts')).typedArrays() }],
    targets: { 'empty call': 4 },
  },
  {
    name: 'registers-batch',
    about: 'reads and writes of 64 plain registers, all in one call',
    sides: [{ name: 'core', load: async () => (await import('./cases/registers-core.ts')).inBatch() }, emptyCall],
    targets: { 'empty call': 2 },
  },
];

const ABOUT: Readonly<Record<RangeOperation, string>> = { load: 'find the range of a random index', insert: 'build in random order', replace: 'erase a random range, insert it again' };

const ranges = (['load', 'insert', 'replace'] as const).flatMap((operation) =>
  [256, 4096, 65536].map(
    (n): Comparison => ({
      name: `ranges-${operation}-${n}`,
      about: `${n} ranges: ${ABOUT[operation]}`,
      sides: [
        { name: 'core', load: async () => (await import('./cases/ranges-core.ts')).createSide(operation, n) },
        { name: 'sorted-btree', load: async () => (await import('./cases/ranges-baseline.ts')).createBTreeSide(operation, n) },
        { name: 'sorted array', load: async () => (await import('./cases/ranges-baseline.ts')).createArraySide(operation, n) },
      ],
    }),
  ),
);

/** All comparisons, in the order of the table. */
export const comparisons: readonly Comparison[] = [replay, ...single, ...registers, ...ranges];
