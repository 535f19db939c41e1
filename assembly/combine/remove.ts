// W-unmap: what waits in the buffers of windows that go reaches its region first.

import { EBADF, ELOOP, MAX_NESTED_ACCESSES, OBJECT_REGION, OBJECT_SPACE } from '../layout.generated.ts';
import { begin, end, fault } from '../flight.ts';
import { resolve } from '../memory/objects.ts';
import { windowRegion, windowSpace } from '../space.ts';
import { drainLine } from './drain.ts';
import { age, nextWaiting, oldestWaiting, windowOf, youngest } from './lines.ts';

/** Whether a window goes with a record: with its region, with its space or a target's, or with itself or a target. */
function goesWith(window: u32, record: u32, kind: u32): bool {
  if (kind == OBJECT_REGION) return windowRegion(window) == record;
  for (let at = window; at != 0; at = load<u32>(at, 72)) {
    if (at == record || (kind == OBJECT_SPACE && windowSpace(at) == record)) return true;
  }
  return false;
}

function oldestGoing(record: u32, kind: u32, limit: u64): u32 {
  for (let line = oldestWaiting(); line != 0 && age(line) <= limit; line = nextWaiting(line)) {
    if (goesWith(windowOf(line), record, kind)) return line;
  }
  return 0;
}

/**
 * Drains all windows that go with a window, space or region, oldest lines first: 0, or a negative errno. Each round is an access of its own; hooks may have
 * stored again, and what they asked for may have removed the object itself (EBADF) by its end.
 */
export function drainGoing(handle: u32, kind: u32): i32 {
  for (let round: u32 = 0; round < MAX_NESTED_ACCESSES; round++) {
    const record = resolve(handle, kind);
    if (record == 0) return -EBADF;
    const limit = youngest();
    let line = oldestGoing(record, kind, limit);
    if (line == 0) return 0;
    if (!begin(0, 1)) return -fault;
    while (line != 0 && fault == 0) {
      drainLine(line);
      line = oldestGoing(record, kind, limit);
    }
    end(0);
    if (fault != 0) return -fault;
  }
  return -ELOOP;
}
