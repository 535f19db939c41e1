// A file as the blocks of a disk. It is read and written at once: what the device sees of it depends on nothing but the order in which it asks.

import { closeSync, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { BlockStore } from '../devices/index.ts';
import { inFile } from './files.ts';

const BLOCK = 512;
const ZEROES = new Uint8Array(1 << 16);

/** A disk in a file. */
export interface DiskStore extends BlockStore {
  readonly bytes: number;
  close(): void;
}

function checked(path: string, fd: number): number {
  const { size } = fstatSync(fd);
  if (size === 0 || size % BLOCK !== 0) throw new Error(`${path}: has ${size} bytes; a disk has a multiple of ${BLOCK}, and not 0`);
  return size;
}

/** All of `bytes`, however many calls it takes. */
function whole(bytes: Uint8Array, position: number, move: (bytes: Uint8Array, at: number) => number): void {
  for (let at = 0; at < bytes.length; ) {
    const moved = move(bytes.subarray(at), position + at);
    if (moved === 0) throw new Error(`no bytes at ${position + at}`);
    at += moved;
  }
}

function doing(run: () => void): Promise<void> {
  return new Promise((resolve) => {
    run();
    resolve();
  });
}

/**
 * Opens a file as a disk.
 *
 * @param onRead - Is told what blocks held, each time that some are read.
 * @throws Error that names the file: it cannot be opened to be written, or has no whole blocks.
 */
export function openDisk(path: string, onRead: (block: number, bytes: Uint8Array) => void): DiskStore {
  let fd: number;
  try {
    fd = openSync(path, 'r+');
  } catch (error) {
    throw inFile(path, error);
  }
  let bytes: number;
  try {
    bytes = checked(path, fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const write = (block: number, source: Uint8Array): void => whole(source, block * BLOCK, (part, at) => writeSync(fd, part, 0, part.length, at));
  return {
    blockSize: BLOCK,
    blocks: bytes / BLOCK,
    bytes,
    read: (block, target) =>
      doing(() => {
        whole(target, block * BLOCK, (part, at) => readSync(fd, part, 0, part.length, at));
        onRead(block, target);
      }),
    write: (block, source) => doing(() => write(block, source)),
    flush: () => doing(() => fdatasyncSync(fd)),
    deallocate: (block, blocks) =>
      doing(() => {
        for (let left = blocks * BLOCK, at = block; left > 0; left -= ZEROES.length, at += ZEROES.length / BLOCK) write(at, ZEROES.subarray(0, Math.min(left, ZEROES.length)));
      }),
    close: () => closeSync(fd),
  };
}

/** The same disk in a replay: what was read then is read again, and what is written is let go. */
export function replayedDisk(bytes: number, readBlocks: (block: number, target: Uint8Array) => void): BlockStore {
  const done = (): Promise<void> => Promise.resolve();
  return { blockSize: BLOCK, blocks: bytes / BLOCK, read: (block, target) => doing(() => readBlocks(block, target)), write: done, flush: done, deallocate: done };
}
