// Which bytes of a region may be mapped: the cases of both kernels, and a page-by-page oracle for any input.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type MappableAreasInput, mappableAreas } from '../../src/vfio/mappable-areas.ts';

const PAGE = 0x1000;
const hex = (value: bigint) => `0x${value.toString(16)}`;
/** `[offset, size]` pairs in hex: short enough to compare by eye. */
const shape = (input: MappableAreasInput) => {
  const { areas, holes } = mappableAreas(input);
  return {
    areas: areas.map(({ offset, size }) => `${hex(offset)}+${hex(size)}`),
    holes: holes.map(({ offset, size, reason }) => `${hex(offset)}+${hex(size)} ${reason}`),
  };
};

describe('the MSI-X table in sparse mode', () => {
  const sparse = (size: number, offset: number, bytes: number) => shape({ size, pageSize: PAGE, msix: { offset, bytes }, mode: 'sparse' });

  test.each<[string, number, number, number, string[], string[]]>([
    ['in the middle: areas A and B', 0x4000, 0x2000, 0x410, ['0x0+0x2000', '0x3000+0x1000'], ['0x2000+0x410 msix-table', '0x2410+0xbf0 msix-page']],
    ['in the first page: B only', 0x4000, 0, 0x50, ['0x1000+0x3000'], ['0x0+0x50 msix-table', '0x50+0xfb0 msix-page']],
    ['in the first page but not at its start', 0x4000, 0x800, 0x10, ['0x1000+0x3000'], ['0x0+0x800 msix-page', '0x800+0x10 msix-table', '0x810+0x7f0 msix-page']],
    ['in the last page: A only', 0x4000, 0x3000, 0x1000, ['0x0+0x3000'], ['0x3000+0x1000 msix-table']],
    ['over a page boundary', 0x8000, 0x2ff0, 0x20, ['0x0+0x2000', '0x4000+0x4000'], ['0x2000+0xff0 msix-page', '0x2ff0+0x20 msix-table', '0x3010+0xff0 msix-page']],
    ['in the only page: one all-zero area', 0x1000, 0, 0x10, ['0x0+0x0'], ['0x0+0x10 msix-table', '0x10+0xff0 msix-page']],
    ['over all pages: one all-zero area', 0x2000, 0x10, 0x1000, ['0x0+0x0'], ['0x0+0x10 msix-page', '0x10+0x1000 msix-table', '0x1010+0xff0 msix-page']],
    ['in a BAR below a page: one all-zero area', 0x800, 0, 0x10, ['0x0+0x0'], ['0x0+0x10 msix-table', '0x10+0x7f0 msix-page']],
    ['in a BAR that ends inside a page', 0x2800, 0x1000, 0x10, ['0x0+0x1000', '0x2000+0x800'], ['0x1000+0x10 msix-table', '0x1010+0xff0 msix-page']],
    ['cut off by the end of the BAR', 0x2000, 0x1ff0, 0x100, ['0x0+0x1000'], ['0x1000+0xff0 msix-page', '0x1ff0+0x10 msix-table']],
    ['beyond the BAR', 0x2000, 0x4000, 0x100, ['0x0+0x2000'], []],
    ['of no vectors', 0x2000, 0x1000, 0, ['0x0+0x2000'], []],
    ['in a BAR that is absent', 0, 0, 0x10, [], []],
  ])('%s', (_, size, offset, bytes, areas, holes) => {
    expect(sparse(size, offset, bytes)).toEqual({ areas, holes });
  });

  test('a larger page leaves more out', () => {
    expect(shape({ size: 0x40000, pageSize: 0x10000, msix: { offset: 0x12000, bytes: 16 }, mode: 'sparse' }).areas).toEqual(['0x0+0x10000', '0x20000+0x20000']);
  });
});

describe('everything else', () => {
  test('in mappable mode the whole BAR, the table too', () => {
    expect(shape({ size: 0x4000, pageSize: PAGE, msix: { offset: 0x2000, bytes: 0x410 } })).toEqual({ areas: ['0x0+0x4000'], holes: [] });
  });

  test('without a table the whole BAR in either mode', () => {
    for (const mode of ['mappable', 'sparse'] as const) expect(shape({ size: 1n << 40n, pageSize: PAGE, msix: null, mode }).areas).toEqual(['0x0+0x10000000000']);
  });

  test('without the MMAP flag nothing', () => {
    expect(shape({ size: 0x4000, pageSize: PAGE, flagsMmap: false, msix: { offset: 0, bytes: 16 }, mode: 'sparse' })).toEqual({ areas: [], holes: ['0x0+0x4000 no-mmap'] });
  });

  test("a driver's own list, unsorted and overlapping, with ends inside pages", () => {
    const list = [{ offset: 0x4000, size: 0x1800 }, { offset: 0x1000, size: 0x1000 }, { offset: 0x1800, size: 0x1000 }, { offset: 0x7000, size: 0x9000 }, { offset: 0x6000, size: 0 }];
    expect(shape({ size: 0x8000, pageSize: PAGE, sparse: list })).toEqual({
      areas: ['0x1000+0x1000', '0x4000+0x1000', '0x7000+0x1000'],
      holes: ['0x0+0x1000 not-listed', '0x2000+0x800 page-rounding', '0x2800+0x1800 not-listed', '0x5000+0x800 page-rounding', '0x5800+0x1800 not-listed'],
    });
  });

  test("a driver's list and the table: what is in both is left out, and no zero area is made up", () => {
    expect(shape({ size: 0x4000, pageSize: PAGE, sparse: [{ offset: 0, size: 0x2000 }], msix: { offset: 0x1000, bytes: 16 }, mode: 'sparse' })).toEqual({
      areas: ['0x0+0x1000'], holes: ['0x1000+0x10 msix-table', '0x1010+0xff0 msix-page', '0x2000+0x2000 not-listed'],
    });
    expect(shape({ size: 0x4000, pageSize: PAGE, sparse: [] }).areas).toEqual([]);
  });

  test.each<[Partial<MappableAreasInput>, string]>([
    [{ size: -1 }, 'size -1 is not an integer in 0..2^64-1'],
    [{ size: 1n << 64n }, 'size 18446744073709551616 is not an integer'],
    [{ size: 0.5 }, 'size 0.5 is not an integer'],
    [{ pageSize: 0 }, 'pageSize 0 is not a power of two'],
    [{ pageSize: 12288 }, 'pageSize 12288 is not a power of two'],
    [{ msix: { offset: -8, bytes: 16 } }, 'msix offset -8 is not an integer'],
    [{ sparse: [{ offset: 0, size: NaN }] }, 'size of sparse area 0 NaN is not an integer'],
  ])('%p is refused', (change, message) => {
    expect(() => mappableAreas({ size: 4096, pageSize: PAGE, ...change })).toThrow(RangeError);
    expect(() => mappableAreas({ size: 4096, pageSize: PAGE, ...change })).toThrow(`mappableAreas: ${message}`);
  });
});

test('any input: areas and holes cover the region once, and each page is an area exactly when a look at its bytes says so', () => {
  const small = fc.nat(0x60);
  fc.assert(
    fc.property(
      fc.record({
        size: small, pageSize: fc.constantFrom(1, 4, 16, 128), flagsMmap: fc.boolean(), mode: fc.constantFrom('mappable' as const, 'sparse' as const),
        sparse: fc.option(fc.array(fc.record({ offset: small, size: small }), { maxLength: 4 })),
        msix: fc.option(fc.record({ offset: small, bytes: small })),
      }),
      (input) => {
        const { size, pageSize, flagsMmap, mode, sparse, msix } = input;
        const { areas, holes } = mappableAreas(input);
        const parts = [...areas, ...holes].filter((part) => part.size > 0n).sort((a, b) => Number(a.offset - b.offset));
        expect(parts.reduce((at, part) => (expect(part.offset).toBe(at), at + part.size), 0n)).toBe(BigInt(size));

        const isListed = (at: number) => sparse === null || sparse.some((area) => at >= area.offset && at < area.offset + area.size);
        const isTable = (at: number) => mode === 'sparse' && msix !== null && at >= msix.offset && at < msix.offset + msix.bytes;
        for (let page = 0; page < size; page += pageSize) {
          const bytes = Array.from({ length: Math.min(pageSize, size - page) }, (_, i) => page + i);
          const want = flagsMmap && bytes.every(isListed) && !bytes.some(isTable);
          for (const at of bytes) {
            expect({ at, mapped: areas.some((area) => BigInt(at) >= area.offset && BigInt(at) < area.offset + area.size) }).toEqual({ at, mapped: want });
            expect(holes.some(({ reason, offset, size: length }) => reason === 'msix-table' && BigInt(at) >= offset && BigInt(at) < offset + length)).toBe(flagsMmap && isTable(at));
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});
