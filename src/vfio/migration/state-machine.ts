// The states of migration and the way from one to another, as data. Behaviour text, section 3.4.
//
//                  RUNNING <------> PRE_COPY           with fewer features a state is left out,
//                     ^                ^               and its neighbours join:
//                     v                v                 RUNNING <-> STOP
//                RUNNING_P2P <--> PRE_COPY_P2P           PRE_COPY -> STOP_COPY
//                     ^                |
//                     v                v
//    RESUMING <---> STOP <-------> STOP_COPY
//
//    ERROR: where a failed arc may end; only a reset leaves it
//
// Source: drivers/vfio/vfio_main.c vfio_mig_get_next_state

import {
  VFIO_DEVICE_STATE_ERROR as ERROR,
  VFIO_DEVICE_STATE_NR,
  VFIO_DEVICE_STATE_PRE_COPY as PRE_COPY,
  VFIO_DEVICE_STATE_PRE_COPY_P2P as PRE_COPY_P2P,
  VFIO_DEVICE_STATE_RESUMING as RESUMING,
  VFIO_DEVICE_STATE_RUNNING as RUNNING,
  VFIO_DEVICE_STATE_RUNNING_P2P as RUNNING_P2P,
  VFIO_DEVICE_STATE_STOP as STOP,
  VFIO_DEVICE_STATE_STOP_COPY as STOP_COPY,
  VFIO_MIGRATION_P2P,
  VFIO_MIGRATION_PRE_COPY,
  VFIO_MIGRATION_STOP_COPY,
} from '../../uapi/index.ts';

const NAMES = ['ERROR', 'STOP', 'RUNNING', 'STOP_COPY', 'RESUMING', 'RUNNING_P2P', 'PRE_COPY', 'PRE_COPY_P2P'];

/** A state as messages name it. */
export function stateName(state: number): string {
  return NAMES[state] ?? `state ${state}`;
}

// What a device must have for a state, by state. ERROR can be had, but not asked for.
const NEEDS: readonly number[] = [
  0,
  VFIO_MIGRATION_STOP_COPY,
  VFIO_MIGRATION_STOP_COPY,
  VFIO_MIGRATION_STOP_COPY,
  VFIO_MIGRATION_STOP_COPY,
  VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P,
  VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_PRE_COPY,
  VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P | VFIO_MIGRATION_PRE_COPY,
];

// From a state (row) towards a state (column): the next one when all states are there.
const NEXT: readonly (readonly number[])[] = [
  // ERROR STOP         RUNNING      STOP_COPY     RESUMING     RUNNING_P2P  PRE_COPY     PRE_COPY_P2P
  [ERROR, ERROR, ERROR, ERROR, ERROR, ERROR, ERROR, ERROR],
  [ERROR, STOP, RUNNING_P2P, STOP_COPY, RESUMING, RUNNING_P2P, RUNNING_P2P, RUNNING_P2P],
  [ERROR, RUNNING_P2P, RUNNING, RUNNING_P2P, RUNNING_P2P, RUNNING_P2P, PRE_COPY, RUNNING_P2P],
  [ERROR, STOP, STOP, STOP_COPY, STOP, STOP, ERROR, ERROR],
  [ERROR, STOP, STOP, STOP, RESUMING, STOP, STOP, STOP],
  [ERROR, STOP, RUNNING, STOP, STOP, RUNNING_P2P, RUNNING, PRE_COPY_P2P],
  [ERROR, RUNNING, RUNNING, PRE_COPY_P2P, RUNNING, RUNNING, PRE_COPY, PRE_COPY_P2P],
  [ERROR, RUNNING_P2P, RUNNING_P2P, STOP_COPY, RUNNING_P2P, RUNNING_P2P, PRE_COPY, PRE_COPY_P2P],
];

/** Whether a device with these features can be brought to a state. */
export function hasState(flags: number, state: number): boolean {
  return Number.isInteger(state) && state > ERROR && state < VFIO_DEVICE_STATE_NR && (NEEDS[state]! & ~flags) === 0;
}

/**
 * The next state on the way to another one.
 *
 * @param flags - What the device has: VFIO_MIGRATION_ flags.
 * @returns The state, or undefined where there is no way: EINVAL.
 */
export function nextState(flags: number, current: number, requested: number): number | undefined {
  if (!hasState(flags, current) || !hasState(flags, requested)) return undefined;
  let next = NEXT[current]![requested]!;
  while (next !== ERROR && !hasState(flags, next)) next = NEXT[next]![requested]!;
  return next === ERROR ? undefined : next;
}

/** The states that a device goes through to another one, that one included; undefined where there is no way. Nothing for the state that it is in. */
export function pathTo(flags: number, current: number, requested: number): number[] | undefined {
  const path: number[] = [];
  for (let at = current; at !== requested; path.push(at)) {
    const next = nextState(flags, at, requested);
    if (next === undefined) return undefined;
    at = next;
  }
  return path;
}
