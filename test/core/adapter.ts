// How the engine and the reference are compared: both answers as one plain value, a negative number for an errno.

import { deepStrictEqual } from 'node:assert/strict';
import type { Engine } from '../../src/core/index.ts';
import { VfioError } from '../../src/uapi/index.ts';
import { EINVAL, EIO, type Result } from '../reference/index.ts';

export const MAX = 2n ** 64n - 1n;

/** What test hooks throw. */
export class HookError extends Error {}

/** The answer of a call on the façade; its errno, negative, when it threw one. Bounds that the façade checks itself are EINVAL. */
export function outcome<T>(call: () => T): T | number {
  try {
    return call();
  } catch (error) {
    if (error instanceof VfioError) return -error.errno;
    if (error instanceof RangeError) return EINVAL;
    if (error instanceof HookError) return EIO;
    throw error;
  }
}

/** The same for the reference. */
export function answer<T>(result: Result<T>): T | number {
  return result.ok ? result.value : result.errno;
}

/** Nothing is left in the core. */
export function expectEmpty(engine: Engine): void {
  deepStrictEqual(engine.live(), { nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
}

/** Inner nodes alive: more than 25 of them in one tree are a tree of height 4. */
export function innerNodes(engine: Engine): number {
  return engine.core.exports.liveCount(1);
}
