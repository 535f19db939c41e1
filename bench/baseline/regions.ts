// What lies behind the windows of the JavaScript baseline: RAM, demand pages, ROM and hooks, and one piece of an access cut into cycles by a region's width rule.

export const PAGE_BYTES = 4096;
const EIO = 5;
const EDEADLK = 35;

/** A region as data. */
export interface BaselineRegion {
  readonly kind: 'ram' | 'demand' | 'rom' | 'hook';
  /** Bytes; below 2^32, which all that lies in one ArrayBuffer is. */
  readonly size: number;
  readonly minWidth?: number;
  readonly maxWidth?: number;
  readonly unaligned?: boolean;
  /** Answers a value of up to four bytes, or the low half of eight. */
  readonly read?: (positionHigh: number, positionLow: number, width: number) => number;
  /** The high half of the eight bytes that `read` answered last. */
  readonly readHigh?: () => number;
  readonly write?: (positionHigh: number, positionLow: number, width: number, low: number, high: number) => void;
}

/** A region at work. */
export interface Region extends BaselineRegion {
  /** Where RAM and ROM begin. */
  readonly base: number;
  /** Where the pages of a demand region lie, 0 for one that was never written. */
  readonly pages: Int32Array;
  readonly narrowest: number;
  readonly widest: number;
  readonly aligned: boolean;
  busy: boolean;
  refused: number;
}

/** Memory for all regions of one engine, and the access in flight. */
export function createRegions(capacity: number) {
  const bytes = new Uint8Array(capacity);
  const view = new DataView(bytes.buffer);
  const regions: Region[] = [];
  // The value of the access in flight, as bytes.
  const scratch = new Uint8Array(8);
  const state = { fault: 0, depth: 0 };
  let used = PAGE_BYTES;

  function take(size: number): number {
    const at = used;
    used += Math.ceil(size / PAGE_BYTES) * PAGE_BYTES;
    if (used > capacity) throw new RangeError(`baseline: ${capacity} bytes are not enough`);
    return at;
  }

  function create(description: BaselineRegion): number {
    const { kind, size, minWidth = 1, maxWidth = 8, unaligned = true } = description;
    const base = kind === 'ram' || kind === 'rom' ? take(size) : 0;
    const pages = new Int32Array(kind === 'demand' ? Math.ceil(size / PAGE_BYTES) : 0);
    return regions.push({ ...description, base, pages, narrowest: minWidth, widest: maxWidth, aligned: !unaligned, busy: false, refused: 0 }) - 1;
  }

  function touch(target: Region, page: number): number {
    return target.pages[page] !== 0 ? target.pages[page]! : (target.pages[page] = take(PAGE_BYTES));
  }

  /** One call of a read hook. */
  function hookRead(target: Region, positionHigh: number, positionLow: number, width: number): number {
    target.busy = true;
    state.depth++;
    try {
      return target.read!(positionHigh, positionLow, width);
    } catch {
      state.fault = EIO;
      return 0;
    } finally {
      state.depth--;
      target.busy = false;
    }
  }

  function hookWrite(target: Region, positionHigh: number, positionLow: number, width: number, low: number, high: number): void {
    target.busy = true;
    state.depth++;
    try {
      target.write!(positionHigh, positionLow, width, low, high);
    } catch {
      state.fault = EIO;
    } finally {
      state.depth--;
      target.busy = false;
    }
  }

  function readCycle(target: Region, high: number, low: number, width: number, to: number): void {
    if (target.kind === 'hook') {
      const value = hookRead(target, high, low, width);
      const upper = width === 8 && target.readHigh !== undefined ? target.readHigh() : 0;
      for (let i = 0; i < width; i++) scratch[to + i] = i < 4 ? value >>> (8 * i) : upper >>> (8 * (i - 4));
    } else if (target.kind === 'demand') {
      for (let i = 0; i < width; i++) {
        const page = target.pages[(low + i) >>> 12]!;
        scratch[to + i] = page === 0 ? 0 : bytes[page + ((low + i) & (PAGE_BYTES - 1))]!;
      }
    } else {
      for (let i = 0; i < width; i++) scratch[to + i] = bytes[target.base + low + i]!;
    }
  }

  function writeCycle(target: Region, high: number, low: number, width: number, from: number): void {
    if (target.kind === 'hook') {
      let lower = 0;
      let upper = 0;
      for (let i = 0; i < width; i++) {
        if (i < 4) lower |= scratch[from + i]! << (8 * i);
        else upper |= scratch[from + i]! << (8 * (i - 4));
      }
      hookWrite(target, high, low, width, lower >>> 0, upper >>> 0);
    } else if (target.kind === 'demand') {
      for (let i = 0; i < width; i++) bytes[touch(target, (low + i) >>> 12) + ((low + i) & (PAGE_BYTES - 1))] = scratch[from + i]!;
    } else if (target.kind === 'ram') {
      for (let i = 0; i < width; i++) bytes[target.base + low + i] = scratch[from + i]!;
    }
  }

  /** A piece inside one window, cycle by cycle, between its target and the scratch bytes from `at` on. */
  function piece(target: Region, high: number, low: number, count: number, at: number, writes: boolean): void {
    if (target.busy) state.fault = EDEADLK;
    for (let done = 0; done < count && state.fault === 0; ) {
      const position = (low + done) >>> 0;
      const upper = position < low ? high + 1 : high;
      let width = 1 << (31 - Math.clz32(Math.min(count - done, target.widest)));
      if (target.aligned) while ((position & (width - 1)) !== 0) width >>= 1;
      if (width < target.narrowest) {
        target.refused++;
        if (!writes) scratch.fill(0xff, at + done, at + done + width);
      } else if (writes) {
        writeCycle(target, upper, position, width, at + done);
      } else {
        readCycle(target, upper, position, width, at + done);
      }
      done += width;
    }
  }

  return { bytes, view, regions, scratch, state, create, piece, hookRead };
}
