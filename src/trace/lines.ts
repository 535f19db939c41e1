// Cuts a stream of chunks into lines, wherever the chunks happen to end: inside a line, between CR and LF, inside a UTF-8
// character or (for string chunks) between the halves of a surrogate pair.
//
// Lines stay bytes until someone wants text. LF ends a line, a CR before it is dropped, and a last line without LF counts.

import { joinedBytes } from '../uapi/index.ts';
import { TraceFormatError } from './format-error.ts';

/** A piece of a text: UTF-8 bytes or a string. */
export type Chunk = Uint8Array | string;

/** A whole text as a stream; an array of chunks is one, and so is a Node stream. */
export type ChunkSource = Iterable<Chunk> | AsyncIterable<Chunk>;

/** A line longer than this many bytes is malformed in every format here, and would otherwise be kept in memory whole. */
export const MAX_LINE_BYTES = 16384;

// Both exist in browsers and in Node; declared by the little that is used, so that no host's types are needed.
declare const TextDecoder: new (label: string, options: { ignoreBOM: boolean }) => { decode(bytes: Uint8Array): string };
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

const LF = 0x0a;
const CR = 0x0d;

/** Takes each line as a range of bytes, valid only during the call. The end excludes the line's end. */
export type TakeLine = (bytes: Uint8Array, start: number, end: number, line: number) => void;

/** Turns chunks into lines. `push` as they come, `end` once after the last. */
export interface LineCutter {
  push(chunk: Chunk): void;
  end(): void;
}

/** Makes a cutter that hands each line to `take`. `format` names the format in the error for an endless line. */
export function createLineCutter(format: string, take: TakeLine): LineCutter {
  const encoder = new TextEncoder();
  let carry = new Uint8Array(0);
  let heldSurrogate = '';
  let line = 0;

  const emit = (bytes: Uint8Array, start: number, end: number): void => {
    line++;
    if (end - start > MAX_LINE_BYTES) refuse(bytes, start);
    take(bytes, start, end > start && bytes[end - 1] === CR ? end - 1 : end, line);
  };
  const refuse = (bytes: Uint8Array, start: number): never => {
    throw new TraceFormatError(format, line, decodeUtf8(bytes, start, start + 400), `a line of at most ${MAX_LINE_BYTES} bytes`);
  };
  const encoded = (text: string): Uint8Array => {
    text = heldSurrogate + text;
    const last = text.charCodeAt(text.length - 1);
    heldSurrogate = last >= 0xd800 && last <= 0xdbff ? text.slice(-1) : '';
    return encoder.encode(heldSurrogate === '' ? text : text.slice(0, -1));
  };
  const cut = (bytes: Uint8Array): void => {
    let start = 0;
    let newline = bytes.indexOf(LF);
    if (carry.length > 0 && newline >= 0) {
      const whole = joinedBytes([carry, bytes.subarray(0, newline)]);
      carry = new Uint8Array(0);
      emit(whole, 0, whole.length);
      start = newline + 1;
      newline = bytes.indexOf(LF, start);
    }
    while (newline >= 0) {
      emit(bytes, start, newline);
      start = newline + 1;
      newline = bytes.indexOf(LF, start);
    }
    // A copy: the caller may fill the chunk's memory anew.
    if (start < bytes.length) carry = start === 0 ? joinedBytes([carry, bytes]) : bytes.slice(start);
    if (carry.length > MAX_LINE_BYTES + 1) {
      line++;
      refuse(carry, 0);
    }
  };
  const flushSurrogate = (): void => {
    if (heldSurrogate === '') return;
    const bytes = encoder.encode(heldSurrogate);
    heldSurrogate = '';
    cut(bytes);
  };

  return {
    push(chunk) {
      if (typeof chunk === 'string') {
        cut(encoded(chunk));
        return;
      }
      flushSurrogate();
      cut(chunk);
    },
    end() {
      flushSurrogate();
      if (carry.length > 0) emit(carry, 0, carry.length);
      carry = new Uint8Array(0);
    },
  };
}

const decoder = { instance: undefined as InstanceType<typeof TextDecoder> | undefined };

/** Text of a range of UTF-8 bytes; what is not UTF-8 becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  decoder.instance ??= new TextDecoder('utf-8', { ignoreBOM: true });
  return decoder.instance.decode(bytes.subarray(start, end));
}

/** A reader of a format that goes line by line: what is finished by a line, and what is finished by the end of the text. */
export interface LineParser<Item> {
  line(text: string, number: number): Item | undefined;
  end(): Item | undefined;
}

function itemQueue<Item>(format: string, parser: LineParser<Item>): { cutter: LineCutter; take: () => Item[] } {
  let ready: Item[] = [];
  const keep = (item: Item | undefined): void => {
    if (item !== undefined) ready.push(item);
  };
  const cutter = createLineCutter(format, (bytes, start, end, number) => keep(parser.line(decodeUtf8(bytes, start, end), number)));
  return {
    cutter: { push: (chunk) => cutter.push(chunk), end: () => { cutter.end(); keep(parser.end()); } },
    take: () => {
      const items = ready;
      ready = [];
      return items;
    },
  };
}

/** Every item of a text that is at hand as one chunk. */
export function parseAll<Item>(format: string, parser: LineParser<Item>, text: Chunk): Item[] {
  const { cutter, take } = itemQueue(format, parser);
  cutter.push(text);
  cutter.end();
  return take();
}

/** The items of a stream as they are finished. */
export async function* parseStream<Item>(format: string, parser: LineParser<Item>, source: ChunkSource): AsyncGenerator<Item, void, undefined> {
  const { cutter, take } = itemQueue(format, parser);
  for await (const chunk of source) {
    cutter.push(chunk);
    yield* take();
  }
  cutter.end();
  yield* take();
}
