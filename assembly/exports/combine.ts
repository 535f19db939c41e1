// Exports: write combining, and what it spares the bus.

import { EBADF, EBUSY, OBJECT_REGION, OBJECT_SPACE, OBJECT_WINDOW } from '../layout.generated.ts';
import { fence, setDrainSeed } from '../combine/drain.ts';
import { bufferedBytes } from '../combine/lines.ts';
import * as flight from '../flight.ts';
import { resolve } from '../memory/objects.ts';
import * as bus from '../transactions.ts';

export function spaceFence(handle: u32): i32 {
  const space = resolve(handle, OBJECT_SPACE);
  if (space == 0) return -EBADF;
  fence(space);
  return -flight.fault;
}

export function spaceDrainPolicy(handle: u32, seed: u32): i32 {
  const space = resolve(handle, OBJECT_SPACE);
  if (space == 0) return -EBADF;
  setDrainSeed(space, seed);
  return 0;
}

export function windowBuffered(handle: u32): i32 {
  const window = resolve(handle, OBJECT_WINDOW);
  return window == 0 ? -EBADF : bufferedBytes(window);
}

export function regionSetDevice(handle: u32, device: u32): i32 {
  const region = resolve(handle, OBJECT_REGION);
  if (region == 0) return -EBADF;
  if (flight.inAccess()) return -EBUSY;
  bus.setDevice(region, device);
  return 0;
}

export function regionCountTransactions(handle: u32, on: u32): i32 {
  const region = resolve(handle, OBJECT_REGION);
  if (region == 0) return -EBADF;
  bus.setCounted(region, on != 0);
  return 0;
}

export function regionTransactions(handle: u32, writes: u32): f64 {
  const region = resolve(handle, OBJECT_REGION);
  return region == 0 ? -EBADF : <f64>bus.transactions(region, writes & 1);
}
