// The access trace format: one access of the CPU per line, as text.
//
//     # op space size address value region   (M = memory, P = I/O port; hex without 0x)
//     W M 4 febf8014 460001 nvme
//     | | | |        |      +-- region: any characters but white space, UTF-8
//     | | | |        +--------- value:   1..16 hex digits, fits the size (but see `wideReads`)
//     | | | +------------------ address: 1..16 hex digits; the last byte is not beyond 2^64 - 1
//     | | +-------------------- size in bytes: 1, 2, 4 or 8
//     | +---------------------- space: M memory, P I/O port
//     +------------------------ op: R read, W write
//
// One space between fields, none around them. A line that starts with `#` is a comment, anywhere, so that traces can be joined.
// Anything else, an empty line too, is malformed.
//
// Accesses come in blocks, one typed array per field: a trace of a boot has some 10^5 accesses, and an object with two bigints
// for each costs ten times the parse. A 64-bit field is two 32-bit halves.

import { TraceFormatError } from './format-error.ts';
import { type Chunk, type ChunkSource, createLineCutter, decodeUtf8 } from './lines.ts';

/** `AccessBlock.op` of a read. */
export const ACCESS_READ = 0;
/** `AccessBlock.op` of a write. */
export const ACCESS_WRITE = 1;
/** `AccessBlock.space` of memory. */
export const ACCESS_MEMORY = 0;
/** `AccessBlock.space` of I/O ports. */
export const ACCESS_PORT = 1;
/** Distinct region names that one trace can hold. */
export const MAX_REGION_NAMES = 65536;

/** First line of a written trace. */
export const ACCESS_TRACE_HEADER = '# op space size address value region   (M = memory, P = I/O port; hex without 0x)';

/** Accesses in the order of the trace, one array per field. All arrays have `length` elements. */
export interface AccessBlock {
  length: number;
  /** ACCESS_READ or ACCESS_WRITE */
  op: Uint8Array;
  /** ACCESS_MEMORY or ACCESS_PORT */
  space: Uint8Array;
  /** Bytes: 1, 2, 4 or 8 */
  size: Uint8Array;
  addressHigh: Uint32Array;
  addressLow: Uint32Array;
  valueHigh: Uint32Array;
  valueLow: Uint32Array;
  /** Index into `names`. */
  region: Uint16Array;
  /** Region names in order of first use. All blocks of one trace share the list, which grows as they are read. */
  names: readonly string[];
}

/** One access as a record. */
export interface Access {
  op: 'R' | 'W';
  space: 'M' | 'P';
  /** Bytes: 1, 2, 4 or 8 */
  size: number;
  /** 0..2^64-1 */
  address: bigint;
  /** What was read or written, below 2^(8 * size). */
  value: bigint;
  region: string;
}

/** How a trace is read. */
export interface AccessTraceOptions {
  /** Accesses per block, 1..2^24; the last block of a trace may be shorter. */
  blockLength?: number;
  /**
   * What to do with a read whose value has more bits than its size. Emulators note what the device's code returned, for example all
   * ones in 64 bits for a one-byte read of an absent port; the CPU gets the low `size` bytes. `malformed` (the default) refuses the
   * line, `cut` keeps the low bytes. A write of too many bits is always malformed.
   */
  wideReads?: 'malformed' | 'cut';
}

const FORMAT = 'access-trace';
const BLOCK_LENGTH = 8192;
const MAX_BLOCK_LENGTH = 0x1000000;
const SPACE = 0x20;
const HASH = 0x23;
const DELETE = 0x7f;
const DIGIT_0 = 0x30;
const LETTER_M = 0x4d;
const LETTER_P = 0x50;
const LETTER_R = 0x52;
const LETTER_W = 0x57;

const NO_DIGIT = 255;
/** Value of a hex digit by character code, NO_DIGIT for what is none. */
const DIGITS = new Uint8Array(256).fill(NO_DIGIT);
for (let digit = 0; digit < 16; digit++) {
  DIGITS[digit.toString(16).charCodeAt(0)] = digit;
  DIGITS[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

/** Finds the index of a name given as bytes without making a string of it: names repeat, 10^5 times over some fifty. */
function createNameTable(): { names: string[]; indexOf: (bytes: Uint8Array, start: number, end: number) => number } {
  const names: string[] = [];
  const known: Uint8Array[] = [];
  const byHash = new Map<number, number[]>();
  const equals = (name: Uint8Array, bytes: Uint8Array, start: number): boolean => {
    for (let at = 0; at < name.length; at++) if (name[at] !== bytes[start + at]) return false;
    return true;
  };
  const indexOf = (bytes: Uint8Array, start: number, end: number): number => {
    let hash = end - start;
    for (let at = start; at < end; at++) hash = (hash * 31 + bytes[at]!) | 0;
    let bucket = byHash.get(hash);
    if (bucket === undefined) byHash.set(hash, (bucket = []));
    for (const index of bucket) {
      const name = known[index]!;
      if (name.length === end - start && equals(name, bytes, start)) return index;
    }
    if (names.length === MAX_REGION_NAMES) return -1;
    bucket.push(names.length);
    known.push(bytes.slice(start, end));
    names.push(decodeUtf8(bytes, start, end));
    return names.length - 1;
  };
  return { names, indexOf };
}

function emptyBlock(length: number, names: readonly string[]): AccessBlock {
  const bytes = (): Uint8Array => new Uint8Array(length);
  const words = (): Uint32Array => new Uint32Array(length);
  return {
    length, op: bytes(), space: bytes(), size: bytes(), addressHigh: words(), addressLow: words(), valueHigh: words(), valueLow: words(),
    region: new Uint16Array(length), names,
  };
}

function shortened(block: AccessBlock, length: number): AccessBlock {
  return {
    length,
    op: block.op.subarray(0, length),
    space: block.space.subarray(0, length),
    size: block.size.subarray(0, length),
    addressHigh: block.addressHigh.subarray(0, length),
    addressLow: block.addressLow.subarray(0, length),
    valueHigh: block.valueHigh.subarray(0, length),
    valueLow: block.valueLow.subarray(0, length),
    region: block.region.subarray(0, length),
    names: block.names,
  };
}

/** A reader fed by hand: `push` gives the blocks that a chunk completes, `end` what is left. */
export interface AccessTraceParser {
  push(chunk: Chunk): AccessBlock[];
  end(): AccessBlock[];
}

/**
 * Makes a reader for callers that get chunks by callback; for a stream there is `readAccessBlocks`.
 *
 * @throws RangeError when `blockLength` is out of range. `push` and `end` throw TraceFormatError for a malformed line; the reader is
 * then of no more use.
 */
export function createAccessTraceParser(options: AccessTraceOptions = {}): AccessTraceParser {
  const blockLength = options.blockLength ?? BLOCK_LENGTH;
  if (!Number.isInteger(blockLength) || blockLength < 1 || blockLength > MAX_BLOCK_LENGTH) {
    throw new RangeError(`createAccessTraceParser: blockLength ${blockLength} is not an integer in 1..${MAX_BLOCK_LENGTH}`);
  }
  const cutsReads = options.wideReads === 'cut';
  const { names, indexOf } = createNameTable();
  let block = emptyBlock(blockLength, names);
  let count = 0;
  let finished: AccessBlock[] = [];

  // The 64-bit field read last, in halves: two results without an object per call.
  let high = 0;
  let low = 0;
  /** Reads hex digits from `at` on. Answers where the space after them is, or -1 when there are none, too many, or no space. */
  const hexField = (bytes: Uint8Array, at: number, end: number): number => {
    const first = at;
    let upper = 0;
    let lower = 0;
    for (; at < end; at++) {
      const digit = DIGITS[bytes[at]!]!;
      if (digit === NO_DIGIT) break;
      upper = (upper << 4) | (lower >>> 28);
      lower = (lower << 4) | digit;
    }
    high = upper >>> 0;
    low = lower >>> 0;
    return at === first || at - first > 16 || at === end || bytes[at] !== SPACE ? -1 : at;
  };

  const cutter = createLineCutter(FORMAT, (bytes, start, end, line) => {
    if (bytes[start] === HASH && end > start) return;
    const malformed = (expected: string): never => {
      throw new TraceFormatError(FORMAT, line, decodeUtf8(bytes, start, end), expected);
    };
    // The first six characters are fixed: two letters and a digit, each before a space.
    const op = bytes[start]!;
    const space = bytes[start + 2]!;
    const size = bytes[start + 4]! - DIGIT_0;
    if (end - start < 6 || bytes[start + 1] !== SPACE || bytes[start + 3] !== SPACE || bytes[start + 5] !== SPACE) {
      return malformed('six fields "op space size address value region" with one space between them');
    }
    if (op !== LETTER_R && op !== LETTER_W) return malformed('R or W as op (field 1)');
    if (space !== LETTER_M && space !== LETTER_P) return malformed('M or P as space (field 2)');
    if (size !== 1 && size !== 2 && size !== 4 && size !== 8) return malformed('1, 2, 4 or 8 as size (field 3)');

    let at = hexField(bytes, start + 6, end);
    if (at < 0) return malformed('1 to 16 hex digits and a space as address (field 4)');
    if (high === 0xffffffff && low > 0x100000000 - size) {
      return malformed(`an address (field 4) whose last byte of ${size} is not beyond ffffffffffffffff`);
    }
    block.addressHigh[count] = high;
    block.addressLow[count] = low;

    at = hexField(bytes, at + 1, end);
    if (at < 0) return malformed('1 to 16 hex digits and a space as value (field 5)');
    if (size < 8 && (high !== 0 || (size < 4 && low >= 1 << (8 * size)))) {
      if (!cutsReads || op !== LETTER_R) return malformed(`a value (field 5) that fits ${size} byte${size === 1 ? '' : 's'}`);
      high = 0;
      if (size < 4) low &= (1 << (8 * size)) - 1;
    }
    block.valueHigh[count] = high;
    block.valueLow[count] = low;

    const first = ++at;
    while (at < end && bytes[at]! > SPACE && bytes[at] !== DELETE) at++;
    if (at === first || at !== end) return malformed('one region name without white space or control characters (field 6)');
    const region = indexOf(bytes, first, end);
    if (region < 0) return malformed(`at most ${MAX_REGION_NAMES} different region names (field 6)`);
    block.region[count] = region;
    block.op[count] = op === LETTER_R ? ACCESS_READ : ACCESS_WRITE;
    block.space[count] = space === LETTER_M ? ACCESS_MEMORY : ACCESS_PORT;
    block.size[count] = size;
    if (++count === blockLength) {
      finished.push(block);
      block = emptyBlock(blockLength, names);
      count = 0;
    }
  });
  const take = (): AccessBlock[] => {
    const blocks = finished;
    finished = [];
    return blocks;
  };
  return {
    push(chunk) {
      cutter.push(chunk);
      return take();
    },
    end() {
      cutter.end();
      if (count > 0) finished.push(shortened(block, count));
      count = 0;
      return take();
    },
  };
}

/**
 * Reads a trace from a stream, block by block.
 *
 * @param source chunks that may end anywhere, also inside a line or a character.
 * @throws TraceFormatError for the first malformed line. Whole blocks from earlier chunks have been given by then; the rest is lost.
 * @example
 * for await (const block of readAccessBlocks(stream)) {
 *   for (let i = 0; i < block.length; i++) if (block.op[i] === ACCESS_WRITE) writes++;
 * }
 */
export async function* readAccessBlocks(source: ChunkSource, options: AccessTraceOptions = {}): AsyncGenerator<AccessBlock, void, undefined> {
  const parser = createAccessTraceParser(options);
  for await (const chunk of source) yield* parser.push(chunk);
  yield* parser.end();
}

/**
 * Reads a trace that is at hand as a whole.
 *
 * @throws TraceFormatError for the first malformed line.
 * @example
 * const [block] = parseAccessBlocks('R M 4 fed000f0 1f hpet\n');
 */
export function parseAccessBlocks(text: Chunk, options: AccessTraceOptions = {}): AccessBlock[] {
  const parser = createAccessTraceParser(options);
  return [...parser.push(text), ...parser.end()];
}

/**
 * Access number `index` of a block as a record.
 *
 * @throws RangeError when the block has no such access.
 */
export function accessAt(block: AccessBlock, index: number): Access {
  if (!Number.isInteger(index) || index < 0 || index >= block.length) {
    throw new RangeError(`accessAt: index ${index} is not an integer in 0..${block.length - 1}`);
  }
  return {
    op: block.op[index] === ACCESS_READ ? 'R' : 'W',
    space: block.space[index] === ACCESS_MEMORY ? 'M' : 'P',
    size: block.size[index]!,
    address: (BigInt(block.addressHigh[index]!) << 32n) | BigInt(block.addressLow[index]!),
    value: (BigInt(block.valueHigh[index]!) << 32n) | BigInt(block.valueLow[index]!),
    region: block.names[block.region[index]!]!,
  };
}

/** The accesses of a block as records, for where convenience counts more than speed. */
export function* accessesOf(block: AccessBlock): Generator<Access, void, undefined> {
  for (let index = 0; index < block.length; index++) yield accessAt(block, index);
}

/**
 * Reads a trace from a stream, access by access.
 *
 * @throws TraceFormatError for the first malformed line.
 * @example
 * for await (const access of readAccesses(stream)) console.log(access.region, access.address);
 */
export async function* readAccesses(source: ChunkSource, options: AccessTraceOptions = {}): AsyncGenerator<Access, void, undefined> {
  for await (const block of readAccessBlocks(source, options)) yield* accessesOf(block);
}
