// Accesses of a host that is the bus of a device itself, as a vfio-user server is: whether a cycle reaches the device is what its client has decided.

import { VfioError } from '../uapi/index.ts';
import type { VfioDevice, VfioRegion } from './device.ts';
import { transfer } from './region-access.ts';
import { bytesAsMemory } from './user-memory.ts';

/**
 * Reads or writes bytes of a region of an open device: all of them. Configuration space is its shadow; an MSI-X table reads ones and takes nothing; COMMAND.MEM is not asked.
 *
 * @param call - What messages name.
 * @param region - One of the device's.
 * @param position - Bytes from the start of the region.
 * @param bytes - What is filled or written, in cycles as wide as the region and the position allow.
 * @throws VfioError EINVAL for bytes beyond the region, and for a write to one that takes none; what the device's own code throws.
 * @example
 * ```ts
 * const id = new Uint8Array(4);
 * accessRegion('read', device, device.region(7)!, 0n, id, false);
 * ```
 */
export function accessRegion(call: string, device: VfioDevice, region: VfioRegion, position: bigint, bytes: Uint8Array, writes: boolean): void {
  const { index, size } = region;
  if (position + BigInt(bytes.length) > size) throw new VfioError('EINVAL', call, `${bytes.length} bytes at 0x${position.toString(16)} pass the end of region ${index}, 0x${size.toString(16)} bytes`);
  if (writes && !region.writable) throw new VfioError('EINVAL', call, `region ${index} is read-only`);
  device.lowPower.wake();
  try {
    transfer({ call, device, region, position, count: bytes.length, user: bytesAsMemory(call, bytes), writes, isBus: true });
  } finally {
    if (writes && region.kind === 'config') device.dmaBufs.settle();
  }
}
