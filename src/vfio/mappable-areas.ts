// Which bytes of a region may be mapped, and why the others may not.
//
//   'sparse' (vfio-pci v4.6 to v4.15): pages that hold the MSI-X table are left out and listed so in the SPARSE_MMAP capability.
//
//     0            down(table)  table      table end   up(end)        size
//     +------------+------------+==========+-----------+--------------+
//     |   area A   | msix-page  |msix-table| msix-page |    area B    |
//     +------------+------------+==========+-----------+--------------+
//
//     Area A is missing when the table starts in the first page, area B when the rounded end reaches the end of the BAR. With
//     neither, the kernel still counts one area and leaves it zero: { offset: 0, size: 0 }.
//
//   'mappable' (v4.16 on): the whole BAR may be mapped, the table's page too; the kernel says so with MSIX_MAPPABLE.
//
// A list of areas from a driver's own SPARSE_MMAP capability narrows either. The pending bit array is never left out.
//
// Source: linux/vfio.h (VFIO_REGION_INFO_CAP_SPARSE_MMAP, VFIO_REGION_INFO_CAP_MSIX_MAPPABLE), Linux v4.6 and v4.16 vfio-pci

/** A range of bytes from the start of the region. */
export interface MappableArea {
  offset: bigint;
  size: bigint;
}

/**
 * Why bytes may not be mapped:
 * - `no-mmap`: the region has no MMAP flag;
 * - `not-listed`: the driver's own list has areas, and these bytes are in none;
 * - `page-rounding`: listed, but in a page that is not listed whole;
 * - `msix-table`: the table itself, 16 bytes per vector;
 * - `msix-page`: other bytes of the pages that hold the table.
 */
export type HoleReason = 'no-mmap' | 'not-listed' | 'page-rounding' | 'msix-table' | 'msix-page';

/** Bytes that may not be mapped. */
export interface MappableHole extends MappableArea {
  reason: HoleReason;
}

/** A question to `mappableAreas`. Every number is an unsigned 64-bit count of bytes. */
export interface MappableAreasInput {
  /** Bytes of the region; 0 for one that is absent. */
  size: number | bigint;
  /** A power of two. */
  pageSize: number | bigint;
  /** Whether the region has VFIO_REGION_INFO_FLAG_MMAP; true when left out. */
  flagsMmap?: boolean;
  /** The areas of a driver's own SPARSE_MMAP capability, in any order, when it has one. */
  sparse?: readonly { offset: number | bigint; size: number | bigint }[] | null;
  /** Where the MSI-X table lies in this region, when it does: `bytes` is 16 per vector. */
  msix?: { offset: number | bigint; bytes: number | bigint } | null;
  /** Which kernel's rule holds for the MSI-X table; `mappable` when left out. */
  mode?: 'mappable' | 'sparse';
}

/** The answer: areas and holes by rising offset. Together they cover [0, size) once. */
export interface MappableAreas {
  areas: MappableArea[];
  holes: MappableHole[];
}

const LIMIT_64 = 1n << 64n;

function u64(name: string, value: number | bigint): bigint {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
  if (!isWhole || value < 0 || value >= LIMIT_64) throw new RangeError(`mappableAreas: ${name} ${value} is not an integer in 0..2^64-1`);
  return BigInt(value);
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Half-open ranges, sorted, apart from one another. */
interface Span {
  from: bigint;
  to: bigint;
}

/** The listed areas inside [0, size), sorted and joined where they touch. */
function listedSpans(sparse: NonNullable<MappableAreasInput['sparse']>, size: bigint): Span[] {
  const spans = sparse
    .map((area, index) => {
      const from = u64(`offset of sparse area ${index}`, area.offset);
      return { from, to: least(from + u64(`size of sparse area ${index}`, area.size), size) };
    })
    .filter(({ from, to }) => from < to)
    .sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  const joined: Span[] = [];
  for (const span of spans) {
    const before = joined.at(-1);
    if (before === undefined || span.from > before.to) joined.push(span);
    else if (span.to > before.to) before.to = span.to;
  }
  return joined;
}

/**
 * Which bytes of a region may be mapped. Pure and total: for every input in range there is an answer.
 *
 * A table that reaches beyond the region is cut off at its end. Areas start on a page boundary and end on one or at the region's
 * end: mapping the rest of that last page is allowed, but there is nothing in it.
 *
 * In `sparse` mode with a table and without a driver's list, `areas` is what the kernel's capability holds, including the one
 * all-zero area of a BAR whose pages all hold parts of the table.
 *
 * @throws RangeError when a number is not an unsigned 64-bit integer, or `pageSize` is not a power of two.
 * @example
 * mappableAreas({ size: 0x4000, pageSize: 0x1000, msix: { offset: 0x2000, bytes: 65 * 16 }, mode: 'sparse' });
 * // areas: [0, 0x2000) and [0x3000, 0x4000); holes: [0x2000, 0x2410) msix-table, [0x2410, 0x3000) msix-page
 */
export function mappableAreas(input: MappableAreasInput): MappableAreas {
  const size = u64('size', input.size);
  const pageSize = u64('pageSize', input.pageSize);
  if (pageSize === 0n || (pageSize & (pageSize - 1n)) !== 0n) {
    throw new RangeError(`mappableAreas: pageSize ${pageSize} is not a power of two`);
  }
  const down = (offset: bigint): bigint => offset - (offset % pageSize);
  const up = (offset: bigint): bigint => down(offset + pageSize - 1n);

  const tableFrom = least(u64('msix offset', input.msix?.offset ?? 0n), size);
  const tableTo = least(tableFrom + u64('msix bytes', input.msix?.bytes ?? 0n), size);
  const leavesTableOut = input.mode === 'sparse' && tableFrom < tableTo;
  // An empty span at the end when there is nothing to leave out.
  const pages: Span = leavesTableOut ? { from: down(tableFrom), to: least(up(tableTo), size) } : { from: size, to: size };

  const areas: MappableArea[] = [];
  const holes: MappableHole[] = [];
  const hole = (from: bigint, to: bigint, reason: HoleReason): void => {
    if (from < to) holes.push({ offset: from, size: to - from, reason });
  };
  const area = (from: bigint, to: bigint): void => {
    if (from < to) areas.push({ offset: from, size: to - from });
  };
  if (input.flagsMmap === false) {
    hole(0n, size, 'no-mmap');
    return { areas, holes };
  }

  const listed = input.sparse === undefined || input.sparse === null ? null : listedSpans(input.sparse, size);
  // Divides a part of the region without the table: listed spans, rounded inward to pages, and the holes around them.
  const divide = (from: bigint, to: bigint): void => {
    let at = from;
    for (const span of listed ?? [{ from: 0n, to: size }]) {
      const start = span.from > from ? span.from : from;
      const end = least(span.to, to);
      if (start >= end) continue;
      const inner = { from: least(up(start), end), to: end === size ? end : down(end) };
      hole(at, start, 'not-listed');
      if (inner.from < inner.to) {
        hole(start, inner.from, 'page-rounding');
        area(inner.from, inner.to);
        hole(inner.to, end, 'page-rounding');
      } else hole(start, end, 'page-rounding');
      at = end;
    }
    hole(at, to, 'not-listed');
  };
  divide(0n, pages.from);
  if (leavesTableOut) {
    hole(pages.from, tableFrom, 'msix-page');
    hole(tableFrom, tableTo, 'msix-table');
    hole(tableTo, pages.to, 'msix-page');
  }
  divide(pages.to, size);
  if (leavesTableOut && listed === null && areas.length === 0) areas.push({ offset: 0n, size: 0n });
  return { areas, holes };
}
