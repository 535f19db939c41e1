// Files as the commands read them: plain or gzip, by content, with progress.

import { closeSync, createReadStream, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { pipeline } from 'node:stream';
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import { parseLspciHex, parseLspciVerbose, parseIomem } from '../trace/index.ts';
import type { MachineDumps } from '../trace/index.ts';

function isGzip(start: Uint8Array): boolean {
  return start[0] === 0x1f && start[1] === 0x8b;
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOSPC: 'no space left on the disk',
  Z_BUF_ERROR: 'the gzip data ends in the middle',
  Z_DATA_ERROR: 'the gzip data is damaged',
};

/** Reads from a file; an error of the file's says which file it is. */
function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw inFile(path, error);
  }
}

/** An error of a file's with the file's name, in our words where they are plainer. */
export function inFile(path: string, error: unknown): Error {
  // Not by instanceof: Node's own errors may be of another realm.
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  const words = code === undefined ? undefined : WORDS[code];
  return new Error(`${path}: ${words ?? message ?? String(error)}`, { cause: error });
}

/** What a reader of `path` gives; an error of the file or of what it holds says which file it is. */
export async function* fromFile<Item>(path: string, items: AsyncIterable<Item>): AsyncGenerator<Item, void, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      let next: IteratorResult<Item>;
      try {
        next = await iterator.next();
      } catch (error) {
        throw inFile(path, error);
      }
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}

/** Whether a file can be read again from its start: a pipe cannot. */
export function isRepeatable(path: string): boolean {
  const stat = reading(path, () => statSync(path));
  // Reading a directory fails in words of its own.
  return stat.isFile() || stat.isDirectory();
}

function readWhole(path: string): Uint8Array {
  const bytes = readFileSync(path);
  return isGzip(bytes) ? gunzipSync(bytes) : bytes;
}

/** A file's bytes, unzipped if it is gzip. */
export function readBytes(path: string): Uint8Array {
  return reading(path, () => readWhole(path));
}

/** Up to `most` of a regular file's first bytes, unzipped as far as that goes. */
export function startOf(path: string, most: number): Uint8Array {
  return reading(path, () => {
    const fd = openSync(path, 'r');
    try {
      const start = new Uint8Array(most);
      const read = start.subarray(0, readSync(fd, start, 0, most, 0));
      // It may end in the middle: what comes out so far is enough.
      return isGzip(read) ? gunzipSync(read, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, most) : read;
    } finally {
      closeSync(fd);
    }
  });
}

/** A file's text, unzipped if it is gzip. */
export function readText(path: string): string {
  return reading(path, () => Buffer.from(readWhole(path)).toString('utf8'));
}

const EMPTY = 'is empty: neither a trace nor a session';

/** A file's bytes as a stream, unzipped if it is gzip. `onProgress` hears which part of the file, 0 to 1, was read. Rejects for a file without any: a writer that has written nothing yet, or was never started. */
export async function* readStream(path: string, onProgress: (part: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
  const { size } = statSync(path);
  const file = createReadStream(path, { highWaterMark: 1 << 16 });
  let read = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of file as AsyncIterable<Uint8Array>) {
      read += chunk.length;
      onProgress(size === 0 ? 1 : read / size);
      yield chunk;
    }
  };
  const chunks = counted();
  const first = await chunks.next();
  if (first.done === true) throw new Error(EMPTY);
  const all = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    yield first.value;
    yield* chunks;
  };
  if (!isGzip(first.value)) {
    yield* all();
    return;
  }
  const gunzip = createGunzip();
  // Ends the one with the other, whichever way either ends; what goes wrong surfaces through the stream that is read.
  pipeline(all(), gunzip, () => undefined);
  let isEmpty = true;
  for await (const chunk of gunzip as AsyncIterable<Uint8Array>) {
    isEmpty = false;
    yield chunk;
  }
  if (isEmpty) throw new Error(EMPTY);
}

/** Reads the dumps that describe a machine. Of the lspci files, those with rows of hex are `-xxxx` text, the others `-vv` text. */
export function readDumps(iomem: string | undefined, lspci: readonly string[]): MachineDumps {
  const texts = lspci.map((path) => ({ path, bytes: reading(path, () => readWhole(path)) }));
  for (const { path, bytes } of texts) if (bytes.length === 0) throw new Error(`${path}: is empty, no lspci text`);
  const hex = texts.filter(({ bytes }) => hasHexRows(bytes));
  const verbose = texts.filter(({ bytes }) => !hasHexRows(bytes));
  for (const [kind, files] of [['-xxxx', hex], ['-vv', verbose]] as const) {
    if (files.length > 1) throw new Error(`--lspci takes one ${kind} text; ${files.map(({ path }) => path).join(' and ')} both are`);
  }
  const parsed = <T>({ path, bytes }: (typeof texts)[number], parse: (text: Uint8Array) => T): T => reading(path, () => parse(bytes));
  return {
    ...(iomem !== undefined && { iomem: reading(iomem, () => parseIomem(readWhole(iomem))) }),
    ...(hex[0] !== undefined && { lspciHex: parsed(hex[0], parseLspciHex) }),
    ...(verbose[0] !== undefined && { lspciVerbose: parsed(verbose[0], parseLspciVerbose) }),
  };
}

function hasHexRows(bytes: Uint8Array): boolean {
  return /^[0-9a-f]{2,3}: [0-9a-f]{2} /m.test(Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).toString('latin1'));
}
