// The files of guest/ as `npm run guest` made them.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What `guest/guest.json` says. */
export interface GuestManifest {
  /** What `uname -r` says. */
  readonly kernel: string;
  readonly commandLine: string;
  readonly memoryBytes: number;
  /** What init says on the serial line just before the shell. */
  readonly ready: string;
  /** Of the saved machine, if there is one. */
  readonly state?: { readonly v86: string };
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

/** Where they are. */
export const GUEST_FOLDER = fileURLToPath(new URL('../../guest', import.meta.url));

/** The module of v86 that Node instantiates. */
export const V86_WASM = join(dirname(createRequire(import.meta.url).resolve('v86')), 'v86.wasm');

export const readManifest = (folder: string): GuestManifest => JSON.parse(readFileSync(join(folder, 'guest.json'), 'utf8')) as GuestManifest;

/** A file as v86 takes it: a buffer that holds nothing else. */
export function fileBuffer(folder: string, name: string): ArrayBuffer {
  const bytes = readFileSync(join(folder, name));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
}
