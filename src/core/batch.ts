// Many accesses in one call into the core: rows in linear memory, filled and read through typed arrays.

import { VfioError } from '../uapi/index.ts';
import { integer, u64 } from '../webassembly/index.ts';
import type { U64 } from '../webassembly/index.ts';
import type { Core } from './core.ts';
import {
  BATCH_ADDRESS,
  BATCH_COMPARE,
  BATCH_DIFFERS,
  BATCH_ERRNO,
  BATCH_OPERATION,
  BATCH_READ,
  BATCH_ROW_BYTES,
  BATCH_SPACE,
  BATCH_VALUE,
  BATCH_WIDTH,
  BATCH_WRITE,
} from './layout.generated.ts';
import type { Width } from './region.ts';
import type { Space } from './space.ts';

/** What a row does: read into the row, write from it, or read and compare with it. */
export type BatchOperation = 'read' | 'write' | 'compare';

const OPERATIONS: Readonly<Record<BatchOperation, number>> = { read: BATCH_READ, write: BATCH_WRITE, compare: BATCH_COMPARE };

/** How a row ended. */
export interface BatchResult {
  /** What was read, written, or compared with. */
  readonly value: bigint;
  /** 0, or the errno with which the access ended. */
  readonly errno: number;
  /** For a compare: whether the value read was another one. */
  readonly differs: boolean;
}

/**
 * A list of accesses that the core runs in one call. Made by {@link Engine.batch}.
 *
 * @example
 * ```ts
 * const batch = engine.batch(2);
 * batch.set(0, bus, 'write', 0xfebf8014, 4, 1);
 * batch.set(1, bus, 'compare', 0xfebf8014, 4, 1);
 * batch.run(); // 0: no row failed or differed
 * ```
 */
export class Batch {
  /** Number of rows. */
  readonly length: number;
  private readonly core: Core;
  private readonly rows: number;
  private gone = false;
  private running = 0;

  /** @internal */
  constructor(core: Core, length: number) {
    this.length = integer('batch: length', length, 1, 2 ** 26);
    this.core = core;
    this.rows = core.exports.takeBuffer(length * BATCH_ROW_BYTES) >>> 0;
    if (this.rows === 0) throw new VfioError('ENOMEM', 'batch', `no memory for ${length} rows of ${BATCH_ROW_BYTES} bytes`);
  }

  private live(call: string): void {
    if (this.gone) throw new VfioError('EBADF', call, 'the batch is destroyed');
  }

  private row(call: string, index: number): number {
    this.live(call);
    return this.rows + integer(`${call}: row`, index, 0, this.length - 1) * BATCH_ROW_BYTES;
  }

  /** Describes row `index`. `value` is what to write or compare with; for a read it is ignored. */
  set(index: number, space: Space, operation: BatchOperation, address: U64, width: Width, value: U64 = 0): void {
    const at = this.row('Batch.set', index);
    if (space.core !== this.core) throw new TypeError(`Batch.set: ${space.name} belongs to another engine`);
    if (!Object.hasOwn(OPERATIONS, operation)) throw new TypeError(`Batch.set: operation is ${JSON.stringify(operation)}; expected 'read', 'write' or 'compare'`);
    if (![1, 2, 4, 8].includes(width)) throw new RangeError(`Batch.set: width is ${String(width)}; expected 1, 2, 4 or 8`);
    const [first, data] = [u64('Batch.set: address', address), u64('Batch.set: value', value)];
    const view = this.core.data();
    view.setBigUint64(at + BATCH_ADDRESS, first, true);
    view.setBigUint64(at + BATCH_VALUE, data, true);
    view.setUint8(at + BATCH_OPERATION, OPERATIONS[operation]);
    view.setUint8(at + BATCH_WIDTH, width);
    view.setUint16(at + BATCH_ERRNO, 0);
    view.setUint32(at + BATCH_SPACE, space.handle, true);
  }

  /** Runs rows `first` to `last` in order; how many ended with an errno or, for a compare, with another value. */
  run(first = 0, last = this.length - 1): number {
    const at = this.row('Batch.run', first);
    this.row('Batch.run', last);
    if (first > last) return 0;
    this.running++;
    try {
      return this.core.exports.batchRun(at, last - first + 1);
    } finally {
      this.running--;
      if (this.gone) this.release();
    }
  }

  /** How row `index` ended. */
  result(index: number): BatchResult {
    const at = this.row('Batch.result', index);
    const view = this.core.data();
    return { value: view.getBigUint64(at + BATCH_VALUE, true), errno: view.getUint8(at + BATCH_ERRNO), differs: view.getUint8(at + BATCH_DIFFERS) === 1 };
  }

  /** Returns the rows' memory; from inside a hook of the batch's own run, when that run has ended. A second call does nothing. */
  destroy(): void {
    if (this.gone) return;
    this.gone = true;
    this.release();
  }

  private release(): void {
    if (this.running > 0) return;
    this.core.exports.giveBuffer(this.rows, this.length * BATCH_ROW_BYTES);
  }
}
