// Taking a machine back to a state of it, with its time stamp counter.
//
//   counter = v86's clock - offset           what set_tsc is to do          what that of v86 0.5.462 does
//   set to `wanted`                          offset = clock - wanted        offset = counter - wanted, so that the counter is `wanted` + the offset before
//   set to `counter`, then to `wanted`                                      offset = clock - wanted
//
// The offset is 0 in an emulator that has just been made, and something else in one that was restored before: restored again, its counter may be far below what the guest saw last.
// Linux lets its time stand still until such a counter has come to where it was.

import { checkInside } from './internals.ts';
import type { Expected } from './internals.ts';

/** What is used of an emulator of v86 here, besides what its `v86.cpu` has. */
export interface V86StateKeeper {
  restore_state(state: ArrayBuffer): Promise<void>;
}

interface TimeStamps {
  /** What the counter was when it was stored last: low half, high half. */
  readonly current_tsc: Uint32Array;
  store_current_tsc(): void;
  set_tsc: (low: number, high: number) => void;
}

const CALL = 'restoreState';
const EXPECTED: Expected = [
  ['restore_state', 'function'],
  ['v86', 'object'],
  ['v86.cpu', 'object'],
  ['v86.cpu.current_tsc', 'array'],
  ['v86.cpu.store_current_tsc', 'function'],
  ['v86.cpu.set_tsc', 'function'],
];

/**
 * Has an emulator become what a `save_state` answered, its time stamp counter included: the guest goes on as if no time had passed since. `emulator.restore_state` alone sets that counter wrong in
 * an emulator that was restored before, as by `initial_state`, and Linux waits until it is right.
 *
 * Cards are loaded behind it, before the emulator runs on: {@link V86Card.load}.
 *
 * @param emulator a V86 that has told `emulator-ready`, between `stop` and `run`.
 * @throws TypeError when something is missing that is used of v86, which is named, or for a state that is no ArrayBuffer: nothing is changed. What v86 throws for bytes that are no state of it.
 * @example
 * ```ts
 * const [machine, state] = [await emulator.save_state(), card.save()];
 * // later
 * await emulator.stop();
 * await restoreState(emulator, machine);
 * card.load(state);
 * await emulator.run();
 * ```
 */
export async function restoreState(emulator: V86StateKeeper, state: ArrayBuffer): Promise<void> {
  checkInside(CALL, emulator, EXPECTED);
  // One of another realm is one, too.
  if (Object.prototype.toString.call(state) !== '[object ArrayBuffer]') throw new TypeError(`${CALL}: the state is ${(state as unknown) === null ? 'null' : `of type ${typeof state}`}; expected an ArrayBuffer, as save_state answers`);
  const { cpu } = (emulator as unknown as { readonly v86: { readonly cpu: TimeStamps } }).v86;
  const original = cpu.set_tsc;
  // v86 sets the counter in the midst of restoring, and tells nobody else what it is to be.
  cpu.set_tsc = (low, high) => {
    cpu.store_current_tsc();
    original(cpu.current_tsc[0]!, cpu.current_tsc[1]!);
    original(low, high);
  };
  try {
    await emulator.restore_state(state);
  } finally {
    cpu.set_tsc = original;
  }
}
