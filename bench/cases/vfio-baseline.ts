// What the system calls of a VFIO program are held against: a system call of the machine that this runs on, and a copy of bytes.

import { closeSync, fstatSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Side } from '../comparison.ts';
import { BITMAP_BYTES, OPERATIONS } from './vfio.ts';

/** One real system call from Node that answers a struct about an open file. */
export function fstat(): Side {
  const fd = openSync(fileURLToPath(import.meta.url), 'r');
  process.once('exit', () => closeSync(fd));
  return {
    operations: OPERATIONS,
    prepare: () => undefined,
    run() {
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum += fstatSync(fd).size & 1;
      return sum;
    },
  };
}

/** The bitmap of a report, copied. */
export function copyBitmap(): Side {
  const source = new Uint8Array(BITMAP_BYTES);
  const target = new Uint8Array(BITMAP_BYTES);
  return {
    operations: OPERATIONS,
    prepare: (round) => source.fill(round),
    run() {
      for (let i = 0; i < OPERATIONS; i++) target.set(source);
      return target[0]! + target[BITMAP_BYTES - 1]!;
    },
  };
}
