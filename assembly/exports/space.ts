// Exports: address spaces and windows.

import { EBADF, EBUSY, EINVAL, OBJECT_REGION, OBJECT_SPACE, OBJECT_WINDOW } from '../layout.generated.ts';
import * as flight from '../flight.ts';
import * as access from '../access.ts';
import { drainGoing } from '../combine/remove.ts';
import { handleOf, resolve } from '../memory/objects.ts';
import { treeCheck } from '../maple/check.ts';
import * as spaces from '../space.ts';
import * as topology from '../topology.ts';

export function spaceCreate(): i32 {
  return topology.createSpace();
}

export function spaceDestroy(handle: u32): i32 {
  const space = resolve(handle, OBJECT_SPACE);
  if (space == 0) return -EBADF;
  if (flight.inAccess()) return -EBUSY;
  const status = drainGoing(handle, OBJECT_SPACE);
  return status != 0 ? status : topology.destroySpace(space);
}

export function spaceMap(handle: u32, start: u64, size: u64, regionHandle: u32, position: u64, priority: i32, attributes: u32): i32 {
  const space = resolve(handle, OBJECT_SPACE);
  const region = resolve(regionHandle, OBJECT_REGION);
  if (space == 0 || region == 0) return -EBADF;
  return flight.inAccess() ? -EBUSY : topology.mapWindow(space, start, size, region, position, priority, attributes, 0);
}

export function windowAlias(handle: u32, offset: u64, size: u64, spaceHandle: u32, start: u64, priority: i32, attributes: u32): i32 {
  const window = resolve(handle, OBJECT_WINDOW);
  const space = resolve(spaceHandle, OBJECT_SPACE);
  if (space == 0 || window == 0) return -EBADF;
  return flight.inAccess() ? -EBUSY : topology.aliasWindow(window, offset, size, space, start, priority, attributes);
}

export function windowUnmap(handle: u32): i32 {
  const window = resolve(handle, OBJECT_WINDOW);
  if (window == 0) return -EBADF;
  if (flight.inAccess()) return -EBUSY;
  const status = drainGoing(handle, OBJECT_WINDOW);
  return status != 0 ? status : topology.unmapWindow(window);
}

export function windowMove(handle: u32, start: u64): i32 {
  const window = resolve(handle, OBJECT_WINDOW);
  if (window == 0) return -EBADF;
  return flight.inAccess() ? -EBUSY : topology.moveWindow(window, start);
}

/** The handle of the window visible at an address, 0 when nothing claims it. */
export function spaceWindowAt(handle: u32, address: u64): u32 {
  const space = resolve(handle, OBJECT_SPACE);
  const window = space == 0 ? 0 : spaces.windowAt(space, address);
  return window == 0 ? 0 : handleOf(window);
}

/** How many pieces nothing claimed: of reads (`writes` 0) or of writes (1). */
export function spaceUnclaimed(handle: u32, writes: u32): f64 {
  const space = resolve(handle, OBJECT_SPACE);
  return space == 0 ? -EBADF : <f64>spaces.unclaimed(space, writes & 1);
}

/** 1 when some window is visible at every address of the range, 0 when not, or a negative errno. */
export function spaceIsClaimed(handle: u32, address: u64, bytes: u64): i32 {
  const space = resolve(handle, OBJECT_SPACE);
  if (space == 0) return -EBADF;
  if (bytes == 0 || bytes - 1 > u64.MAX_VALUE - address) return -EINVAL;
  return access.isClaimed(space, address, bytes) ? 1 : 0;
}

/** The structural check of a space's visible ranges. */
export function spaceValidate(handle: u32): i32 {
  const space = resolve(handle, OBJECT_SPACE);
  return space == 0 ? -EBADF : treeCheck(spaces.spaceTree(space));
}
