// A group in each of the states that its file goes through.

import { expect } from '@jest/globals';
import { type HostWorld, type Program, pathOf } from '../container/support.ts';

/** The group's only function. */
export const NIC = '0000:01:00.0';

export interface HeldGroup {
  readonly program: Program;
  readonly container: number;
  readonly group: number;
}

export const STATES = ['closed over', 'free', 'in a container', 'with an IOMMU', 'device open'] as const;
export type GroupState = (typeof STATES)[number];

/** A program whose group is in a state. */
export function groupIn(world: HostWorld, state: GroupState): HeldGroup {
  const nic = world.plug(NIC);
  const program = world.program();
  const container = program.container();
  const group = program.open(pathOf(nic));
  const steps = STATES.indexOf(state);
  if (steps >= 2) expect(program.setContainer(group, container)).toBe(0);
  if (steps >= 3) expect(program.setIommu(container)).toBe(0);
  if (steps >= 4) expect(program.deviceFd(group, NIC)).toBe(5);
  return { program, container, group };
}
