// Spaces whose accesses are watched: which of them went into the core, and which a remembered lane served.

import { jest } from '@jest/globals';
import type { Space } from '../../../src/core/index.ts';

interface Slow {
  readLong(address: unknown, width: number): number;
  writeLong(call: string, address: unknown, width: number, value: number): void;
}

/** How many accesses of `act` a lane did not serve. */
export function longWays(space: Space, act: () => void): number {
  const slow = space as unknown as Slow;
  const [reads, writes] = [jest.spyOn(slow, 'readLong'), jest.spyOn(slow, 'writeLong')];
  try {
    act();
    return reads.mock.calls.length + writes.mock.calls.length;
  } finally {
    reads.mockRestore();
    writes.mockRestore();
  }
}

/** Reads until a lane serves the address; throws when none comes. Answers what is there. */
export function remember(space: Space, address: number): number {
  for (let tries = 0; tries < 1000; tries++) if (longWays(space, () => space.read32(address)) === 0) return space.read32(address);
  throw new Error(`no lane serves ${address.toString(16)} of ${space.name}`);
}
