// Capabilities of devices and regions as one line each, in the manner of lspci: names, and + or - behind what can be there.

import { VFIO_REGION_TYPE_PCI_VENDOR_MASK, VFIO_REGION_TYPE_PCI_VENDOR_TYPE } from '../uapi/index.ts';
import type { DeviceInfoCapability, RegionInfoCapability } from '../uapi/index.ts';
import { ATOMIC_FLAGS } from '../vfio-client/index.ts';

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

function unknownText({ id, version, payload }: { readonly id: number; readonly version: number; readonly payload: Uint8Array }): string {
  return `id ${hex(id)} version ${version}, ${payload.length} bytes`;
}

/** What a device-specific region is: whose it is, and which of theirs. */
function typeText(type: number, subtype: number): string {
  const isVendor = (type & VFIO_REGION_TYPE_PCI_VENDOR_TYPE) !== 0;
  return isVendor ? `TYPE vendor ${(type & VFIO_REGION_TYPE_PCI_VENDOR_MASK).toString(16).padStart(4, '0')} subtype ${subtype}` : `TYPE ${type} subtype ${subtype}`;
}

/** A capability of a region. */
export function regionCapabilityText(capability: RegionInfoCapability): string {
  switch (capability.kind) {
    case 'SPARSE_MMAP':
      return `SPARSE_MMAP ${capability.areas.map(({ offset, size }) => `${hex(offset)}+${hex(size)}`).join(' ')}`;
    case 'TYPE':
      return typeText(capability.type, capability.subtype);
    case 'NVLINK2_SSATGT':
      return `NVLINK2_SSATGT ${hex(capability.tgt)}`;
    case 'NVLINK2_LNKSPD':
      return `NVLINK2_LNKSPD ${capability.link_speed}`;
    case 'UNKNOWN':
      return unknownText(capability);
    default:
      return capability.kind;
  }
}

/** A capability of a device. */
export function deviceCapabilityText(capability: DeviceInfoCapability): string {
  if (capability.kind === 'UNKNOWN') return unknownText(capability);
  if (capability.kind !== 'PCI_ATOMIC_COMP') return capability.kind;
  const { flags } = capability;
  const widths = Object.entries(ATOMIC_FLAGS).map(([name, bit]) => `${name.replace('COMP', '')}bit${(flags & bit) === 0 ? '-' : '+'}`);
  return `PCI_ATOMIC_COMP ${widths.join(' ')}`;
}
