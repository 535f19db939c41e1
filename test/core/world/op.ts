// One operation on regions, spaces and windows, as data: the core and the reference each perform it. Numbers that name objects are taken modulo their count.

import type { RegionKind, Width } from '../../../src/core/index.ts';

export interface RegionShape {
  readonly kind: Exclude<RegionKind, 'bank'>;
  readonly size: bigint;
  readonly minWidth: Width;
  readonly maxWidth: Width;
  readonly unaligned: boolean;
  readonly reentrant: boolean;
  /** What the hooks of the region do, one operation per call, in turn. */
  readonly script: readonly Op[];
}

export interface Place {
  readonly on: 'space' | 'region';
  readonly target: number;
  readonly address: bigint;
}

export type Op =
  | { readonly do: 'region'; readonly shape: RegionShape }
  | { readonly do: 'space' }
  | { readonly do: 'map'; readonly space: number; readonly region: number; readonly start: bigint; readonly position: bigint; readonly size: bigint; readonly priority: number }
  | { readonly do: 'alias'; readonly window: number; readonly space: number; readonly start: bigint; readonly offset: bigint; readonly size: bigint; readonly priority: number | undefined }
  | { readonly do: 'move'; readonly window: number; readonly start: bigint }
  | { readonly do: 'unmap'; readonly window: number }
  | { readonly do: 'destroyRegion'; readonly region: number }
  | { readonly do: 'destroySpace'; readonly space: number }
  | ({ readonly do: 'read'; readonly width: number } & Place)
  | ({ readonly do: 'write'; readonly width: number; readonly value: bigint } & Place)
  | ({ readonly do: 'readBlock'; readonly length: number } & Place)
  | ({ readonly do: 'writeBlock'; readonly length: number; readonly value: bigint } & Place)
  | { readonly do: 'look'; readonly space: number; readonly address: bigint; readonly bytes: bigint }
  /** In a script: the hook throws. */
  | { readonly do: 'throw' };

/** What an operation answered: undefined, a negative errno, a value, or a text. */
export type Outcome = unknown;

/** One of the two that perform operations. */
export interface Side {
  perform(op: Op): Outcome;
  /** Every outcome and every cycle of a hook, in order, since the last call. */
  takeLog(): Outcome[];
  /** Counters and the trace: what can be seen from outside between two operations. */
  state(): Outcome;
}

/** The bytes of a block to write. */
export function blockBytes(op: { readonly length: number; readonly value: bigint }): Uint8Array {
  const seed = Number(op.value & 0xffn);
  return Uint8Array.from({ length: op.length }, (_, i) => (seed + i * 7 + (i >> 8)) & 0xff);
}

/** What a hook answers to a read: more bits than any width, to be cut. */
export function hookValue(position: bigint, calls: number): bigint {
  return BigInt.asUintN(64, (position + BigInt(calls) + 1n) * 0x9e37_79b9_7f4a_7c15n);
}

/** How often the bytes of a region are compared whole. */
export const PEEK_BYTES = 64;

/** How many operations of scripts one operation may set off: reentrant hooks would otherwise multiply. */
export const SCRIPTED = 40;
