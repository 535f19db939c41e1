// The access in flight: how deep hooks nest, how the last access ended, and which changes of the topology wait for the outermost one.

import { EINVAL, ELOOP } from './layout.generated.ts';
import { settle } from './host.ts';
import { MAX_DEPTH } from './region.ts';

let depth: u32 = 0;
let changesWait: bool = false;

/** The errno of the access that ended last, 0 when it ended well. */
export let fault: i32 = 0;

/** True while a hook runs: the topology stays as it is. */
export function inAccess(): bool {
  return depth != 0;
}

/** The host has changes of the topology to make once the outermost access has ended. */
export function requestSettle(): void {
  changesWait = true;
}

/** Ends an access: lets waiting changes in, and answers the value, or 0 after a fault. */
export function end(value: u64): u64 {
  const ended = fault;
  if (changesWait && depth == 0) {
    changesWait = false;
    settle();
    // What settled may have made accesses of its own.
    fault = ended;
  }
  return ended == 0 ? value : 0;
}

/** Says how the access ended: only the rooms of an access may. */
export function setFault(errno: i32): void {
  fault = errno;
}

/** How many hooks run, one inside the other. */
export function hookDepth(): u32 {
  return depth;
}

/** A hook begins (1) or has ended (-1). */
export function changeDepth(by: i32): void {
  depth += by;
}

export function isWidth(width: u32): bool {
  return width - 1 < 8 && popcnt<u32>(width) == 1;
}

/** Checks that belong to no region; false leaves `fault` set. */
export function begin(address: u64, bytes: u64): bool {
  if (bytes - 1 > u64.MAX_VALUE - address) {
    fault = EINVAL;
    return false;
  }
  if (depth >= MAX_DEPTH) {
    fault = ELOOP;
    return false;
  }
  fault = 0;
  return true;
}
