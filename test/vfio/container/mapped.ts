// A program whose function is ready and who has mapped some pages: where the tests of unmapping and of dirty pages begin.

import { expect } from '@jest/globals';
import type { HostFunction } from '../../../src/vfio/index.ts';
import { type HostWorld, PAGE, type Program, V2 } from './support.ts';

export interface Mapped {
  readonly nic: HostFunction;
  readonly program: Program;
  readonly container: number;
  readonly memory: number;
}

/** Mapped are 0x1000-0x2fff, 0x4000-0x4fff and 0x5000-0x5fff. */
export function mapped(world: HostWorld, { model = V2, emulated = false } = {}): Mapped {
  const nic = emulated ? world.plug('mdev', { emulated: {} }) : world.plug('0000:01:00.0');
  const program = world.program();
  const { container, groups } = program.ready([nic], model);
  program.deviceFd(groups[0]!, nic.slot);
  const memory = program.process.allocate(16 * PAGE);
  expect(program.map(container, 0x1000, 2 * PAGE, memory)).toBe(0);
  expect(program.map(container, 0x4000, PAGE, memory + 2 * PAGE)).toBe(0);
  expect(program.map(container, 0x5000, PAGE, memory + 3 * PAGE)).toBe(0);
  return { nic, program, container, memory };
}
