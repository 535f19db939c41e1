// A PCI function's number as a device of the core; its address as text is the ABI's, because groups know devices by it.

import type { PciAddress } from '../uapi/index.ts';

export { formatPciAddress, parsePciAddress } from '../uapi/index.ts';
export type { PciAddress } from '../uapi/index.ts';

/**
 * A number for the function as a device (rule W-same-device), 1 to 2^32-1: all of its BARs are one device, of which an uncached access drains what waits for any.
 *
 * @internal
 */
export function deviceNumber({ domain, bus, device, function: number }: PciAddress): number {
  return (((domain << 16) | (bus << 8) | (device << 3) | number) + 1) >>> 0 || 1;
}
