// Which window of the JavaScript baseline shows at which address: sorted flat ranges in typed arrays, found by the last one met or by binary search.

/** A window of the baseline: `size` bytes of region `region` from `position` on, at `start`. */
export interface BaselineWindow {
  readonly start: bigint;
  readonly size: bigint;
  readonly region: number;
  readonly position: bigint;
  readonly priority: number;
}

/** A run of addresses that one window serves. */
interface VisibleRange {
  readonly first: bigint;
  readonly last: bigint;
  /** Index of the window. */
  readonly window: number;
}

/** Disjoint ascending ranges; among windows of equal priority the one mapped last is seen. */
function visibleRanges(windows: readonly BaselineWindow[]): VisibleRange[] {
  const borders = [...new Set(windows.flatMap(({ start, size }) => [start, start + size]))].sort((a, b) => (a < b ? -1 : 1));
  const ranges: VisibleRange[] = [];
  for (const [i, first] of borders.entries()) {
    const end = borders[i + 1];
    if (end === undefined) break;
    let seen = -1;
    for (const [index, { start, size, priority }] of windows.entries()) {
      if (start <= first && first < start + size && (seen < 0 || priority >= windows[seen]!.priority)) seen = index;
    }
    if (seen < 0) continue;
    const before = ranges.at(-1);
    if (before?.window === seen && before.last + 1n === first) ranges[ranges.length - 1] = { ...before, last: end - 1n };
    else ranges.push({ first, last: end - 1n, window: seen });
  }
  return ranges;
}

const MAX_RANGES = 1024;

/** The visible ranges of one space, each address as a high and a low half. */
export function createRanges() {
  const windows: BaselineWindow[] = [];
  const firstHigh = new Uint32Array(MAX_RANGES);
  const firstLow = new Uint32Array(MAX_RANGES);
  const lastHigh = new Uint32Array(MAX_RANGES);
  const lastLow = new Uint32Array(MAX_RANGES);
  const positionHigh = new Uint32Array(MAX_RANGES);
  const positionLow = new Uint32Array(MAX_RANGES);
  const regionOf = new Int32Array(MAX_RANGES);
  let rangeCount = 0;
  let latest = 0;

  /** Maps a window. Works out all ranges anew, which is never timed. */
  function show(window: BaselineWindow): void {
    windows.push(window);
    const ranges = visibleRanges(windows);
    rangeCount = ranges.length;
    if (rangeCount > MAX_RANGES) throw new RangeError(`baseline: ${rangeCount} ranges are too many`);
    for (const [i, range] of ranges.entries()) {
      const shown = windows[range.window]!;
      const position = shown.position + (range.first - shown.start);
      firstHigh[i] = Number(range.first >> 32n);
      firstLow[i] = Number(range.first & 0xffff_ffffn);
      lastHigh[i] = Number(range.last >> 32n);
      lastLow[i] = Number(range.last & 0xffff_ffffn);
      positionHigh[i] = Number(position >> 32n);
      positionLow[i] = Number(position & 0xffff_ffffn);
      regionOf[i] = shown.region;
    }
    latest = 0;
  }

  /** The range that holds an address, or the complement of the next one above. */
  function find(addressHigh: number, addressLow: number): number {
    const fh = firstHigh[latest]!;
    const lh = lastHigh[latest]!;
    if (latest < rangeCount && (addressHigh > fh || (addressHigh === fh && addressLow >= firstLow[latest]!)) && (addressHigh < lh || (addressHigh === lh && addressLow <= lastLow[latest]!))) {
      return latest;
    }
    let from = 0;
    let to = rangeCount;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const middleHigh = lastHigh[middle]!;
      if (middleHigh < addressHigh || (middleHigh === addressHigh && lastLow[middle]! < addressLow)) from = middle + 1;
      else to = middle;
    }
    if (from === rangeCount || firstHigh[from]! > addressHigh || (firstHigh[from]! === addressHigh && firstLow[from]! > addressLow)) return ~from;
    latest = from;
    return from;
  }

  return { firstHigh, firstLow, lastHigh, lastLow, positionHigh, positionLow, regionOf, count: () => rangeCount, find, show };
}
