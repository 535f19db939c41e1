// What a step is made from: fds that are open, offsets that were told, numbers that mean something to somebody.

import type { FileKind } from '../../../src/vfio/files/open-file.ts';
import type { Random } from '../random.ts';
import type { Facts, Told } from './facts.ts';

/** Bytes of a caller's block: arguments in the first half; what they point to in the second. */
export const BLOCK = 4096;
/** Where pointers lead. */
export const POINTED = 2048;

/** Steps of a guest or a host. */
export type GuestAct = 'config' | 'bar' | 'pulse' | 'dma' | 'log' | 'show';

/** What a generator asks of the run: numbers that hit something. */
export interface Scene {
  readonly devices: number;
  readonly ended: (by: number) => boolean;
  /** What the other side of a device can do. */
  readonly guest: (device: number) => readonly GuestAct[];
  /** Whether the process has a file of a kind. */
  readonly has: (by: number, kind: FileKind) => boolean;
  /** Where the block of the process is. */
  readonly block: (by: number) => number;
  /** An fd of a process that is open, of a kind if there is one. */
  readonly fd: (by: number, kind: FileKind | undefined, random: Random) => number;
  readonly facts: (by: number, fd: number) => Facts | undefined;
  /** How many mappings the process has besides its block. */
  readonly mappings: (by: number) => number;
  /** Numbers of buffers that displays have told. */
  readonly buffers: readonly number[];
}

/** Who makes a step, and from what. */
export interface Maker {
  readonly random: Random;
  readonly scene: Scene;
  readonly by: number;
}

/** Mostly of the kind that is asked for, else of any, else no fd at all. */
export function fdOf({ random, scene, by }: Maker, kind?: FileKind): number {
  if (random.once(24)) return random.pick([-1, 0, 2, 99, -2, 0x7fff_ffff]);
  return random.once(12) ? 3 + random.below(16) : scene.fd(by, random.once(12) ? undefined : kind, random);
}

const SLOTS = [0, 0, 0, 1, 2, 3, 5, 6, 7, 8, 9].map((index) => BigInt(index) << 40n);

/** The beginning of a region: mostly as a file has told it, and of those that are wanted if there are any. */
export function offsetOf({ random }: Maker, facts: Facts | undefined, wanted: (told: Told) => boolean = () => true): bigint {
  const told = [...(facts?.told.values() ?? [])];
  const right = told.filter(wanted);
  if (told.length > 0 && !random.once(8)) return random.pick(right.length > 0 && !random.once(6) ? right : told).offset;
  return random.once(4) ? BigInt(random.below(16)) << 12n : random.pick(SLOTS);
}
