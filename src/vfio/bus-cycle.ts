// One bus cycle of 1, 2, 4 or 8 bytes between a region and bytes of its caller: what every read and write of a device file is made of.

import type { Region } from '../core/index.ts';

/** Fills 1, 2 or 4 bytes, lowest first. @internal */
export function putWord(bytes: Uint8Array, value: number): void {
  bytes[0] = value;
  if (bytes.length > 1) bytes[1] = value >>> 8;
  if (bytes.length > 2) {
    bytes[2] = value >>> 16;
    bytes[3] = value >>> 24;
  }
}

/** The bytes at `position`. @internal */
export function readCycle(region: Region, position: number | bigint, bytes: Uint8Array): void {
  if (bytes.length === 4) putWord(bytes, region.read32(position));
  else if (bytes.length === 8) new DataView(bytes.buffer, bytes.byteOffset, 8).setBigUint64(0, region.read64(position), true);
  else if (bytes.length === 2) putWord(bytes, region.read16(position));
  else putWord(bytes, region.read8(position));
}

/** The same the other way. @internal */
export function writeCycle(region: Region, position: number | bigint, bytes: Uint8Array): void {
  if (bytes.length === 4) region.write32(position, (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0);
  else if (bytes.length === 8) region.write64(position, new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  else if (bytes.length === 2) region.write16(position, bytes[0]! | (bytes[1]! << 8));
  else region.write8(position, bytes[0]!);
}
