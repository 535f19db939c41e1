// One bus cycle of 1, 2, 4 or 8 bytes between a region and bytes of its caller: what every read and write of a device file is made of.

import type { Region } from '../core/index.ts';

/** The bytes at `position`. @internal */
export function readCycle(region: Region, position: number | bigint, bytes: Uint8Array): void {
  if (bytes.length === 4) {
    const value = region.read32(position);
    bytes[0] = value;
    bytes[1] = value >>> 8;
    bytes[2] = value >>> 16;
    bytes[3] = value >>> 24;
  } else if (bytes.length === 8) new DataView(bytes.buffer, bytes.byteOffset, 8).setBigUint64(0, region.read64(position), true);
  else if (bytes.length === 2) {
    const value = region.read16(position);
    bytes[0] = value;
    bytes[1] = value >>> 8;
  } else bytes[0] = region.read8(position);
}

/** The same the other way. @internal */
export function writeCycle(region: Region, position: number | bigint, bytes: Uint8Array): void {
  if (bytes.length === 4) region.write32(position, (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0);
  else if (bytes.length === 8) region.write64(position, new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  else if (bytes.length === 2) region.write16(position, bytes[0]! | (bytes[1]! << 8));
  else region.write8(position, bytes[0]!);
}
