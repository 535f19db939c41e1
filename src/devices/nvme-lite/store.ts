// What holds the blocks of the namespace: an array, or whatever reads and writes blocks and answers later.

import { integer } from '../../core/index.ts';
import type { StreamedMemory } from '../../pci/index.ts';

/**
 * Blocks that are somewhere else: a file, a database, another machine. What a method rejects with becomes Unrecovered Read Error or Write Fault for the guest.
 *
 * Several calls may be under way at once; their order is the order in which they were made.
 *
 * @example
 * ```ts
 * const file = await open('disk.img', 'r+');
 * const store: BlockStore = {
 *   blocks: (await file.stat()).size / 512,
 *   read: async (block, target) => void (await file.read(target, 0, target.length, block * 512)),
 *   write: async (block, source) => void (await file.write(source, 0, source.length, block * 512)),
 *   flush: () => file.sync(),
 * };
 * ```
 */
export interface BlockStore {
  /** Bytes of a block. Default 512. */
  readonly blockSize?: 512 | 4096;
  /** How many blocks there are: 1 to 2^53-1 bytes of them. */
  readonly blocks: number;
  /** Fills `target`, whole blocks, from block `block` on. */
  read(block: number, target: Uint8Array): Promise<void>;
  /** Stores `source`, whole blocks, from block `block` on. */
  write(block: number, source: Uint8Array): Promise<void>;
  /** Makes what was written so far outlast a loss of power. */
  flush?(): Promise<void>;
  /** Gives blocks up that the guest does not need: they read zeroes afterwards. Without it the guest is told that there is no such command. */
  deallocate?(block: number, blocks: number): Promise<void>;
}

/** A store with everything said and checked. */
export type CheckedStore = BlockStore & {
  readonly blockSize: 512 | 4096;
  /** The bytes of an array: they are migrated with the controller. Blocks that are somewhere else stay there. */
  readonly memory?: StreamedMemory;
};

function arrayStore(bytes: Uint8Array, blockSize: 512 | 4096): CheckedStore {
  const watchers = new Set<(position: number, bytes: number) => void>();
  const changed = (block: number, count: number): void => {
    for (const watcher of watchers) watcher(block * blockSize, count);
  };
  return {
    memory: {
      bytes: bytes.length,
      read: (position, target) => target.set(bytes.subarray(position, position + target.length)),
      write: (position, source) => bytes.set(source, position),
      watch: (watcher) => {
        const own = (position: number, count: number): void => watcher(position, count);
        watchers.add(own);
        return () => void watchers.delete(own);
      },
    },
    blockSize,
    blocks: bytes.length / blockSize,
    read: (block, target) => {
      target.set(bytes.subarray(block * blockSize, block * blockSize + target.length));
      return Promise.resolve();
    },
    write: (block, source) => {
      bytes.set(source, block * blockSize);
      changed(block, source.length);
      return Promise.resolve();
    },
    deallocate: (block, blocks) => {
      bytes.fill(0, block * blockSize, (block + blocks) * blockSize);
      changed(block, blocks * blockSize);
      return Promise.resolve();
    },
  };
}

/**
 * The store behind a namespace.
 *
 * @throws RangeError for sizes that no namespace has, TypeError for what is no store.
 */
export function checkedStore(given: Uint8Array | BlockStore, bytesOfBlock?: 512 | 4096): CheckedStore {
  if (typeof given !== 'object' || (given as unknown) === null) throw new TypeError(`nvmeLite: the store is a ${typeof given}; expected a Uint8Array or a BlockStore`);
  const blockSize = bytesOfBlock ?? (given instanceof Uint8Array ? 512 : (given.blockSize ?? 512));
  if (![512, 4096].includes(blockSize)) throw new RangeError(`nvmeLite: a block has ${String(blockSize)} bytes; expected 512 or 4096`);
  if (given instanceof Uint8Array) {
    if (given.length === 0 || given.length % blockSize !== 0) throw new RangeError(`nvmeLite: the store has ${given.length} bytes; expected a multiple of ${blockSize}, and not 0`);
    return arrayStore(given, blockSize);
  }
  if (given.blockSize !== undefined && given.blockSize !== blockSize) throw new RangeError(`nvmeLite: blockSize is ${blockSize}, and the store has blocks of ${given.blockSize}`);
  for (const method of ['read', 'write'] as const) if (typeof given[method] !== 'function') throw new TypeError(`nvmeLite: the store has no ${method}`);
  return {
    blockSize,
    blocks: integer('nvmeLite: blocks', given.blocks, 1, Math.floor(Number.MAX_SAFE_INTEGER / blockSize)),
    read: (block, target) => given.read(block, target),
    write: (block, source) => given.write(block, source),
    ...(given.flush !== undefined && { flush: () => given.flush!() }),
    ...(given.deallocate !== undefined && { deallocate: (block, blocks) => given.deallocate!(block, blocks) }),
  };
}
