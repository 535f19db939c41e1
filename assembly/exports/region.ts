// Exports: regions.

import { EBADF, EBUSY, EINVAL, OBJECT_REGION } from '../layout.generated.ts';
import * as flight from '../flight.ts';
import { drainGoing } from '../combine/remove.ts';
import { resolve } from '../memory/objects.ts';
import * as regions from '../region.ts';
import * as topology from '../topology.ts';

export function regionCreate(kind: u32, size: u64, minWidth: u32, maxWidth: u32, flags: u32): i32 {
  return regions.createRegion(kind, size, minWidth, maxWidth, flags);
}

export function regionDestroy(handle: u32): i32 {
  const region = resolve(handle, OBJECT_REGION);
  if (region == 0) return -EBADF;
  if (flight.inAccess()) return -EBUSY;
  const drained = drainGoing(handle, OBJECT_REGION);
  if (drained != 0) return drained;
  const status = topology.unmapRegion(region);
  if (status == 0) regions.releaseRegion(region);
  return status;
}

/** The address of a RAM or ROM region's first byte; 0 for other kinds and bad handles. */
export function regionBase(handle: u32): u32 {
  const region = resolve(handle, OBJECT_REGION);
  return region == 0 ? 0 : regions.base(region);
}

export function regionRefused(handle: u32): f64 {
  const region = resolve(handle, OBJECT_REGION);
  return region == 0 ? -EBADF : <f64>regions.refusedCycles(region);
}

/** Forgets every page of a demand region, which reads zero again. */
export function regionDropPages(handle: u32): i32 {
  const region = resolve(handle, OBJECT_REGION);
  if (region == 0) return -EBADF;
  if (!regions.isDemand(region)) return -EINVAL;
  regions.dropPages(region);
  return 0;
}
