// Info structs with capability chains behind them, as bytes.

import { buildCapabilityChain, encodeRegionInfoCapability, vfio_region_info } from '../../src/uapi/index.ts';
import type { CapabilityInput, RegionInfoCapability } from '../../src/uapi/index.ts';

export const hex = (text: string) => Uint8Array.from(text.trim().split(/\s+/), (byte) => parseInt(byte, 16));

/** What GET_REGION_INFO leaves in memory when the chain fits. */
export function regionInfo(fields: { argsz?: number; flags: number; index: number; size: number; offset: bigint }, capabilities: CapabilityInput<RegionInfoCapability>[]) {
  const chain = buildCapabilityChain(32, capabilities.map(encodeRegionInfoCapability));
  const memory = new Uint8Array(chain.argsz);
  vfio_region_info.encode({ argsz: chain.argsz, cap_offset: 32, ...fields }, memory);
  memory.set(chain.bytes, 32);
  return memory;
}
