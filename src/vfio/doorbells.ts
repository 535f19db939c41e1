// Doorbells: places of BARs whose writes only wake the device, so that whoever stands between it and its driver may pass on a signal in the place of the write.
//
//   write of `size` bytes at `offset`  --- is it the datamatch? any value without one ---> eventfd --- signal ---> the same write to the device
//
// What KVM calls an ioeventfd. Linux's own VFIO devices have none to offer: hosts that hand out eventfds do, such as vfio-user servers.
//
// Source: Linux Documentation/virt/kvm/api.rst, KVM_IOEVENTFD

import { integer, u64 } from '../core/index.ts';
import type { U64 } from '../core/index.ts';
import type { VfioRegion } from './device-description.ts';

/** A doorbell, as the device's owner describes it. */
export interface DoorbellDescription {
  /** Index of the BAR, 0 to 5. */
  readonly region: number;
  /** Bytes from the start of the BAR; a multiple of what is written. */
  readonly offset: U64;
  /** Bytes of the write: 1, 2, 4 or 8; 0: a write of any size rings, and the device is written 4 bytes. Default 4. */
  readonly size?: 0 | 1 | 2 | 4 | 8;
  /** Only a write of this value rings; up to 8 * size bits. Default: any value does, and the device is written 0. */
  readonly datamatch?: U64;
}

/** A doorbell, checked and completed. */
export interface Doorbell {
  readonly region: VfioRegion;
  readonly offset: bigint;
  readonly size: number;
  readonly datamatch: bigint | undefined;
  /** What the device is written: little-endian. */
  readonly bytes: Uint8Array;
}

/** Doorbells of one device: as many as one message passes fds for. */
export const MAX_DOORBELLS = 253;
const ANY_SIZE_BYTES = 4;

function check(where: string, { region: index, offset: given, size = 4, datamatch: value }: DoorbellDescription, regionOf: (index: number) => VfioRegion | undefined): Doorbell {
  const region = regionOf(integer(`${where}: region`, index, 0, 5));
  if (region === undefined || region.kind !== 'bar') throw new RangeError(`${where}: region ${index} is no BAR of the device`);
  if (!region.writable) throw new RangeError(`${where}: BAR ${index} is read-only`);
  if (![0, 1, 2, 4, 8].includes(size)) throw new RangeError(`${where}: size is ${String(size)}; expected 0, 1, 2, 4 or 8`);
  const offset = u64(`${where}: offset`, given);
  const bytes = new Uint8Array(size === 0 ? ANY_SIZE_BYTES : size);
  const end = offset + BigInt(bytes.length);
  const at = `${bytes.length} bytes at 0x${offset.toString(16)}`;
  if (end > region.size) throw new RangeError(`${where}: ${at} pass the end of BAR ${index}, 0x${region.size.toString(16)} bytes`);
  if (offset % BigInt(bytes.length) !== 0n) throw new RangeError(`${where}: ${at} are not aligned`);
  const table = region.msixTable;
  if (table !== undefined && offset < table.offset + table.bytes && end > table.offset) throw new RangeError(`${where}: ${at} touch the MSI-X table at 0x${table.offset.toString(16)} of BAR ${index}`);
  const datamatch = value === undefined ? undefined : u64(`${where}: datamatch`, value);
  if (datamatch === undefined) return { region, offset, size, datamatch, bytes };
  if (size === 0) throw new RangeError(`${where}: datamatch is 0x${datamatch.toString(16)} with size 0; only a write of a known size is compared`);
  if (BigInt.asUintN(8 * size, datamatch) !== datamatch) throw new RangeError(`${where}: datamatch is 0x${datamatch.toString(16)}, which ${size} bytes do not hold`);
  bytes.set(new Uint8Array(new BigUint64Array([datamatch]).buffer, 0, size));
  return { region, offset, size, datamatch, bytes };
}

/**
 * Checks doorbells and completes them.
 *
 * @throws RangeError, TypeError for a place that is none of a writable BAR's, a size or a value that cannot be, two of the same, and more than {@link MAX_DOORBELLS}.
 * @internal
 */
export function checkDoorbells(name: string, described: readonly DoorbellDescription[], regionOf: (index: number) => VfioRegion | undefined): readonly Doorbell[] {
  if (described.length > MAX_DOORBELLS) throw new RangeError(`${name}: ${described.length} doorbells; expected at most ${MAX_DOORBELLS}`);
  const known = new Set<string>();
  return described.map((one, i) => {
    const doorbell = check(`${name}: doorbell ${i}`, one, regionOf);
    const { region, offset, size, datamatch } = doorbell;
    const place = `${region.index}:${offset.toString(16)}:${size}:${datamatch?.toString(16) ?? 'any'}`;
    if (known.has(place)) throw new RangeError(`${name}: doorbell ${i} is there already: region ${region.index}, offset 0x${offset.toString(16)}, size ${size}, ${datamatch === undefined ? 'any value' : `datamatch 0x${datamatch.toString(16)}`}`);
    known.add(place);
    return doorbell;
  });
}
