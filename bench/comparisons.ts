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

type VfioCore = typeof import('./cases/vfio-core.ts');
type VfioBaseline = typeof import('./cases/vfio-baseline.ts');

const call = (name: string, make: (sides: VfioCore) => Side) => ({ name, load: async () => make(await import('./cases/vfio-core.ts')) });
const machineCall = (name: string, make: (sides: VfioBaseline) => Side) => ({ name, load: async () => make(await import('./cases/vfio-baseline.ts')) });

const direct = call('Region.read32', (sides) => sides.direct());
const indexed = call('index', ({ pread }) => pread('index'));
const cookied = call('cookie', ({ pread }) => pread('cookie'));

const vfio: Comparison[] = [
  {
    name: 'vfio-region-info',
    about: 'VFIO_DEVICE_GET_REGION_INFO by bytes, any region',
    sides: [call('core', ({ regionInfo }) => regionInfo()), machineCall('fs.fstatSync', ({ fstat }) => fstat())],
    targets: { 'fs.fstatSync': 1 },
  },
  { name: 'vfio-pread', about: 'pread(fd, 4 bytes, number) of a BAR', sides: [{ ...indexed, name: 'core' }, direct], targets: { 'Region.read32': 3 } },
  { name: 'vfio-pread-bigint', about: 'pread(fd, 4 bytes, bigint) of a BAR', sides: [call('core', ({ pread }) => pread('index', true)), direct] },
  { name: 'vfio-pread-cookie', about: 'pread of 4 bytes by cookie', sides: [cookied, indexed], targets: { index: 1.2 } },
  { name: 'vfio-pread-index', about: 'pread of 4 bytes by index << 40', sides: [indexed, cookied], targets: { cookie: 1.2 } },
  {
    name: 'vfio-pread-1000',
    about: 'pread of 4 bytes of any of ten regions, 1,000 cookies in the tree',
    sides: [call('1,000 cookies', ({ preadAmong }) => preadAmong(1000, 10)), call('10 cookies', ({ preadAmong }) => preadAmong(10, 10))],
    targets: { '10 cookies': 1.5 },
  },
  {
    name: 'vfio-pread-any',
    about: 'pread of 4 bytes of any of 1,000 regions: their bytes and records are in no near cache',
    sides: [call('1,000 regions', ({ preadAmong }) => preadAmong(1000, 1000)), call('10 regions', ({ preadAmong }) => preadAmong(10, 10))],
  },
  {
    name: 'vfio-dirty-clean',
    about: 'DMA_LOGGING_REPORT of 1 GiB in which nothing was written, a bit for 4 KiB',
    sides: [call('core', ({ cleanReport }) => cleanReport()), machineCall('copy of 32 KiB', ({ copyBitmap }) => copyBitmap())],
    targets: { 'copy of 32 KiB': 3 },
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

type DmaCore = typeof import('./cases/dma-core.ts');
type DmaBaseline = typeof import('./cases/dma-baseline.ts');

const domain = (name: string, make: (sides: DmaCore) => Side) => ({ name, load: async () => make(await import('./cases/dma-core.ts')) });
const without = (name: string, make: (sides: DmaBaseline) => Side) => ({ name, load: async () => make(await import('./cases/dma-baseline.ts')) });

const MILLION = 1_000_000;

const dma: Comparison[] = [
  ...(['random', 'ascending'] as const).flatMap((order): Comparison[] => [
    ...[4096, 65536, MILLION].map(
      (batch): Comparison => ({
        name: `dma-map-${order}-${batch}`,
        about: `${MILLION} mappings of 4 KiB in ${order} order, ${batch} a call`,
        sides: [
          domain('core', ({ mapInBatches }) => mapInBatches(MILLION, order, batch)),
          without('sorted-btree', ({ mapNumbers }) => mapNumbers(MILLION, order)),
          without('sorted-btree, sorted', ({ mapSorted }) => mapSorted(MILLION, order, batch)),
          without('sorted-btree, objects', ({ mapObjects }) => mapObjects(MILLION, order)),
        ],
        slow: true,
        targets: { 'sorted-btree': 0.2 },
      }),
    ),
    {
      name: `dma-map-one-${order}`,
      about: `${MILLION} mappings of 4 KiB in ${order} order, one a call`,
      sides: [domain('core', ({ mapOneByOne }) => mapOneByOne(MILLION, order)), without('sorted-btree', ({ mapNumbers }) => mapNumbers(MILLION, order))],
      slow: true,
      targets: { 'sorted-btree': 0.2 },
    },
  ]),
  ...[256, 4096, 65536, MILLION].flatMap((n): Comparison[] => [
    {
      name: `dma-locate-${n}`,
      about: `one page of ${n} is translated, one call from JavaScript for each`,
      sides: [domain('core', ({ locate }) => locate(n)), domain('RangeStore.load', ({ load }) => load(n)), domain('translate', ({ translate }) => translate(n))],
      targets: { 'RangeStore.load': 2 },
    },
    {
      name: `dma-locate-wasm-${n}`,
      about: `the same inside Wasm, 1024 a call`,
      sides: [domain('core', ({ locateAll }) => locateAll(n)), domain('treeBatch', ({ loadAll }) => loadAll(n))],
      targets: { treeBatch: 2 },
    },
  ]),
  ...(['copy', 'read', 'write'] as const).map(
    (what): Comparison => ({
      name: `dma-${what}`,
      about: `64 MiB through scattered mappings of 4 KiB: IommuDomain.${what}`,
      sides: [domain('core', (sides) => sides[what]()), without('Uint8Array.set', ({ copyAll }) => copyAll())],
      targets: { 'Uint8Array.set': 2 },
    }),
  ),
];

/** All comparisons, in the order of the table. */
export const comparisons: readonly Comparison[] = [replay, ...single, ...registers, ...vfio, ...ranges, ...dma];
