// VFIO_DEVICE_GET_INFO, GET_REGION_INFO and GET_IRQ_INFO, byte for byte. Behaviour text, sections 1.4 to 1.6.

import {
  VFIO_DEVICE_FLAGS_CAPS,
  VFIO_DEVICE_FLAGS_CDX,
  VFIO_DEVICE_FLAGS_PCI,
  VFIO_DEVICE_FLAGS_PLATFORM,
  VFIO_DEVICE_FLAGS_RESET,
  VFIO_IRQ_INFO_AUTOMASKED,
  VFIO_IRQ_INFO_EVENTFD,
  VFIO_IRQ_INFO_MASKABLE,
  VFIO_IRQ_INFO_NORESIZE,
  VFIO_PCI_ERR_IRQ_INDEX,
  VFIO_PCI_INTX_IRQ_INDEX,
  VFIO_PCI_MSIX_IRQ_INDEX,
  VFIO_PCI_MSI_IRQ_INDEX,
  VFIO_PCI_NUM_IRQS,
  VFIO_PCI_VGA_REGION_INDEX,
  VFIO_REGION_INFO_FLAG_CAPS,
  VFIO_REGION_INFO_FLAG_MMAP,
  VFIO_REGION_INFO_FLAG_READ,
  VFIO_REGION_INFO_FLAG_WRITE,
  VfioError,
  buildCapabilityChain,
  encodeDeviceInfoCapability,
  encodeRegionInfoCapability,
  vfio_device_info,
  vfio_irq_info,
  vfio_region_info,
} from '../uapi/index.ts';
import type { VfioDevice, VfioRegion } from './device.ts';
import type { UserMemory } from './user-memory.ts';

/** The regions of a device as one of its open files shows them. */
export interface ShownRegions {
  readonly device: VfioDevice;
  readonly numRegions: number;
  region(index: number): VfioRegion | undefined;
  /** Of GET_REGION_INFO, without CAPS. */
  flags(region: VfioRegion): number;
}

function below(call: string, argsz: number, minimum: number): never {
  throw new VfioError('EINVAL', call, `argsz ${argsz} is below ${minimum}`);
}

type Chain = ReturnType<typeof buildCapabilityChain>;

/** Places a chain behind the fixed struct if argsz has room for it; else asks for the room by a larger argsz. */
function withChain(argsz: number, fixedSize: number, chain: Chain, user: UserMemory): { argsz: number; cap_offset: number } {
  if (argsz < chain.argsz) return { argsz: chain.argsz, cap_offset: 0 };
  user.copyOut(fixedSize, chain.bytes);
  return { argsz, cap_offset: fixedSize };
}

const KIND_FLAGS = { pci: VFIO_DEVICE_FLAGS_PCI, platform: VFIO_DEVICE_FLAGS_PLATFORM, cdx: VFIO_DEVICE_FLAGS_CDX } as const;

/** VFIO_DEVICE_GET_INFO. Writes min(argsz, 24) bytes, and the capability chain behind them when argsz has room. */
export function getInfo({ device, numRegions }: ShownRegions, user: UserMemory): number {
  const call = 'VFIO_DEVICE_GET_INFO';
  const minimum = vfio_device_info.fields.num_irqs.end;
  const asked = new DataView(user.copyIn(0, minimum).buffer).getUint32(0, true);
  if (asked < minimum) below(call, asked, minimum);
  const { reset = false, atomics = 0 } = device.description;
  const isPci = device.kind === 'pci';
  const flags = KIND_FLAGS[device.kind] | (reset ? VFIO_DEVICE_FLAGS_RESET : 0) | (atomics === 0 ? 0 : VFIO_DEVICE_FLAGS_CAPS);
  const capabilities = atomics === 0 ? [] : [encodeDeviceInfoCapability({ kind: 'PCI_ATOMIC_COMP', flags: atomics })];
  const size = vfio_device_info.size;
  const { argsz, cap_offset } = capabilities.length === 0 ? { argsz: asked, cap_offset: 0 } : withChain(asked, size, buildCapabilityChain(size, capabilities), user);
  const info = vfio_device_info.encode({ argsz, flags, num_regions: numRegions, num_irqs: isPci ? VFIO_PCI_NUM_IRQS : 0, cap_offset });
  user.copyOut(0, info.subarray(0, Math.min(asked, size)));
  return 0;
}

/** The flags of GET_REGION_INFO, without CAPS. */
export function regionFlags(region: VfioRegion): number {
  return VFIO_REGION_INFO_FLAG_READ | (region.writable ? VFIO_REGION_INFO_FLAG_WRITE : 0) | (region.mmap ? VFIO_REGION_INFO_FLAG_MMAP : 0);
}

// What a region has does not change.
const chains = new WeakMap<VfioRegion, Chain>();

/** The chain of a region, undefined without capabilities. */
function regionChain(device: VfioDevice, region: VfioRegion): Chain | undefined {
  const own = region.capabilities ?? [];
  if (own.length === 0 && (region.msixTable === undefined || !region.mmap)) return undefined;
  const known = chains.get(region);
  if (known !== undefined) return known;
  const capabilities = region.msixTable === undefined || !region.mmap ? own : withTable(device, region, own);
  const chain = buildCapabilityChain(vfio_region_info.size, capabilities.map((capability) => encodeRegionInfoCapability(capability)));
  chains.set(region, chain);
  return chain;
}

type RegionCapabilities = NonNullable<VfioRegion['capabilities']>;

function withTable(device: VfioDevice, region: VfioRegion, own: RegionCapabilities): RegionCapabilities {
  if (device.description.msixMode !== 'sparse') return [{ kind: 'MSIX_MAPPABLE' }, ...own];
  // A driver's own list of areas is narrowed by the table: one list, so that nothing contradicts it.
  return [{ kind: 'SPARSE_MMAP', areas: device.mappable(region).areas }, ...own.filter(({ kind }) => kind !== 'SPARSE_MMAP')];
}

/** The region that a request of 32 bytes is about, undefined for one that is absent. VfioError EINVAL. @internal */
export function checkRegionIndex(call: string, regions: ShownRegions, argsz: number, index: number): VfioRegion | undefined {
  const { device, numRegions } = regions;
  if (argsz < vfio_region_info.size) below(call, argsz, vfio_region_info.size);
  if (index >= numRegions) throw new VfioError('EINVAL', call, `index ${index} is not below num_regions ${numRegions}`);
  const region = regions.region(index);
  if (region === undefined && device.kind === 'pci' && index === VFIO_PCI_VGA_REGION_INDEX) throw new VfioError('EINVAL', call, `${device.name} has no VGA ranges`);
  return region;
}

/** What is told of a region, its capabilities behind the 32 bytes if argsz has room. Without capabilities argsz and cap_offset stay as they are. @internal */
export function regionAnswer(regions: ShownRegions, region: VfioRegion | undefined, argsz: number, user: UserMemory): { flags: number; size: bigint; argsz?: number; cap_offset?: number } {
  if (region === undefined) return { flags: 0, size: 0n };
  const { size } = region;
  const chain = regionChain(regions.device, region);
  if (chain === undefined || chain.bytes.length === 0) return { flags: regions.flags(region), size };
  return { flags: regions.flags(region) | VFIO_REGION_INFO_FLAG_CAPS, size, ...withChain(argsz, vfio_region_info.size, chain, user) };
}

// The argument while its fields are read, and the answer while it is made: nobody else is asked meanwhile. No record is made: a program may ask for every region before
// each access.
const regionInfoView = new DataView(new ArrayBuffer(vfio_region_info.size));
const regionInfo = new Uint8Array(regionInfoView.buffer);

/**
 * VFIO_DEVICE_GET_REGION_INFO. Always writes 32 bytes; `offsetOf` gives the region's offset in this file.
 * Without capabilities the caller's cap_offset stays as it was.
 */
export function getRegionInfo(regions: ShownRegions, user: UserMemory, offsetOf: (index: number, size: bigint) => bigint): number {
  const info = user.copyIn(0, vfio_region_info.size);
  const { fields } = vfio_region_info;
  regionInfo.set(info);
  const argsz = fields.argsz.get(regionInfoView, 0);
  const index = fields.index.get(regionInfoView, 0);
  const region = checkRegionIndex('VFIO_DEVICE_GET_REGION_INFO', regions, argsz, index);
  const offset = offsetOf(index, region?.size ?? 0n);
  const answer = regionAnswer(regions, region, argsz, user);
  regionInfo.set(info);
  if (answer.argsz !== undefined) fields.argsz.set(regionInfoView, 0, answer.argsz);
  if (answer.cap_offset !== undefined) fields.cap_offset.set(regionInfoView, 0, answer.cap_offset);
  fields.flags.set(regionInfoView, 0, answer.flags);
  fields.size.set(regionInfoView, 0, answer.size);
  fields.offset.set(regionInfoView, 0, offset);
  user.copyOut(0, regionInfo);
  return 0;
}

function irqs(device: VfioDevice, index: number): { flags: number; count: number } {
  const { interrupts = {}, msix } = device.description;
  const fixed = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE;
  if (index === VFIO_PCI_INTX_IRQ_INDEX) {
    return { flags: VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED, count: interrupts.intx === true ? 1 : 0 };
  }
  if (index === VFIO_PCI_MSI_IRQ_INDEX) return { flags: fixed, count: interrupts.msi ?? 0 };
  if (index === VFIO_PCI_MSIX_IRQ_INDEX) return { flags: interrupts.dynamicMsix === true ? VFIO_IRQ_INFO_EVENTFD : fixed, count: msix?.count ?? 0 };
  return { flags: fixed, count: 1 };
}

/** How many vectors SET_IRQS knows of an index: 0 for ERR of a device that is not PCI Express. */
export function irqCount(device: VfioDevice, index: number): number {
  if (device.kind !== 'pci' || (index === VFIO_PCI_ERR_IRQ_INDEX && device.description.interrupts?.express !== true)) return 0;
  return irqs(device, index).count;
}

/** VFIO_DEVICE_GET_IRQ_INFO. Always writes 16 bytes. */
export function getIrqInfo(device: VfioDevice, user: UserMemory): number {
  const call = 'VFIO_DEVICE_GET_IRQ_INFO';
  const minimum = vfio_irq_info.size;
  const info = user.copyIn(0, minimum);
  const { argsz, index } = vfio_irq_info.decode(info);
  if (argsz < minimum) below(call, argsz, minimum);
  const count = device.kind === 'pci' ? VFIO_PCI_NUM_IRQS : 0;
  if (index >= count) throw new VfioError('EINVAL', call, `index ${index} is not below num_irqs ${count}`);
  if (index === VFIO_PCI_ERR_IRQ_INDEX && device.description.interrupts?.express !== true) {
    throw new VfioError('EINVAL', call, `${device.name} is no PCI Express device: it has no ERR interrupt`);
  }
  user.copyOut(0, vfio_irq_info.encode(irqs(device, index), info));
  return 0;
}
