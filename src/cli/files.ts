// Files as the commands read them: plain or gzip, by content, with progress.

import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createGunzip, gunzipSync } from 'node:zlib';
import { parseLspciHex, parseLspciVerbose, parseIomem } from '../trace/index.ts';
import type { MachineDumps } from '../trace/index.ts';

function isGzip(start: Uint8Array): boolean {
  return start[0] === 0x1f && start[1] === 0x8b;
}

/** A whole small file, unzipped if it is gzip. */
export function readWhole(path: string): Uint8Array {
  const bytes = readFileSync(path);
  return isGzip(bytes) ? gunzipSync(bytes) : bytes;
}

/** A file's bytes as a stream, unzipped if it is gzip. `onProgress` hears which part of the file, 0 to 1, was read. */
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
  if (first.done === true) return;
  const all = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    yield first.value;
    yield* chunks;
  };
  if (!isGzip(first.value)) {
    yield* all();
    return;
  }
  const gunzip = createGunzip();
  const pump = (async () => {
    for await (const chunk of all()) if (!gunzip.write(chunk)) await new Promise<void>((resolve) => void gunzip.once('drain', resolve));
    gunzip.end();
  })();
  // A broken file surfaces through the stream that is read below.
  pump.catch((error: unknown) => gunzip.destroy(error as Error));
  yield* gunzip as AsyncIterable<Uint8Array>;
  await pump;
}

/** Reads the dumps that describe a machine. Of the lspci files, those with rows of hex are `-xxxx` text, the others `-vv` text. */
export function readDumps(iomem: string | undefined, lspci: readonly string[]): MachineDumps {
  const texts = lspci.map((path) => ({ path, bytes: readWhole(path) }));
  const hex = texts.filter(({ bytes }) => hasHexRows(bytes));
  const verbose = texts.filter(({ bytes }) => !hasHexRows(bytes));
  for (const [kind, files] of [['-xxxx', hex], ['-vv', verbose]] as const) {
    if (files.length > 1) throw new Error(`--lspci takes one ${kind} text; ${files.map(({ path }) => path).join(' and ')} both are`);
  }
  return {
    ...(iomem !== undefined && { iomem: parseIomem(readWhole(iomem)) }),
    ...(hex[0] !== undefined && { lspciHex: parseLspciHex(hex[0].bytes) }),
    ...(verbose[0] !== undefined && { lspciVerbose: parseLspciVerbose(verbose[0].bytes) }),
  };
}

function hasHexRows(bytes: Uint8Array): boolean {
  return /^[0-9a-f]{2,3}: [0-9a-f]{2} /m.test(Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).toString('latin1'));
}
