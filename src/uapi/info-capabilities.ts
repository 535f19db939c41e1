// The capabilities of region, device and IOMMU info as records, and the way from records to a chain's bytes and back.
//
//   record { kind: 'TYPE', type, subtype }  <->  { id: 2, version: 1, payload }  <->  bytes of the chain
//            encode / decode...Capability          build / walkCapabilityChain
//
// An id or a version that is not known stays what it is: { kind: 'UNKNOWN', id, version, payload }.

import { CapabilityChainError, walkCapabilityChain } from './capability-chain.ts';
import type { Capability, PlacedCapability } from './capability-chain.ts';
import type { RecordOf, StructLayout, FieldSpecs, InputOf, StructRecord } from './struct.ts';
import * as device from './vfio-device.ts';
import * as iommu from './vfio-iommu.ts';
import * as proposals from './vfio-proposals.ts';
import * as region from './vfio-region.ts';
import * as zdev from './vfio-zdev.ts';

/** A capability that no table here knows: its bytes as they are. */
export interface UnknownCapability extends Capability {
  /** Not one of the known kinds. */
  readonly kind: 'UNKNOWN';
}

/** A region info capability as a record. Offsets and sizes in bytes. Source: linux/vfio.h; behaviour text, section 2.3. */
export type RegionInfoCapability =
  | { readonly kind: 'SPARSE_MMAP'; readonly areas: readonly StructRecord<typeof region.vfio_region_sparse_mmap_area>[] }
  | { readonly kind: 'TYPE'; readonly type: number; readonly subtype: number }
  | { readonly kind: 'MSIX_MAPPABLE' }
  | { readonly kind: 'NVLINK2_SSATGT'; readonly tgt: bigint }
  | { readonly kind: 'NVLINK2_LNKSPD'; readonly link_speed: number }
  | UnknownCapability;

/**
 * A device info capability as a record. Of ZPCI_BASE and ZPCI_GROUP, `fh` and `imaxstbl` are there in version 2 only.
 * Source: linux/vfio.h, linux/vfio_zdev.h; behaviour text, section 2.2.
 */
export type DeviceInfoCapability =
  | ({ readonly kind: 'ZPCI_BASE'; readonly fh?: number } & CapabilityBody<typeof zdev.vfio_device_info_cap_zpci_base, 'fh'>)
  | ({ readonly kind: 'ZPCI_GROUP'; readonly imaxstbl?: number } & CapabilityBody<typeof zdev.vfio_device_info_cap_zpci_group, 'imaxstbl'>)
  | { readonly kind: 'ZPCI_UTIL'; readonly util_str: Uint8Array }
  | { readonly kind: 'ZPCI_PFIP'; readonly pfip: Uint8Array }
  | { readonly kind: 'PCI_ATOMIC_COMP'; readonly flags: number }
  | UnknownCapability;

/**
 * A capability of VFIO_IOMMU_GET_INFO (type1) as a record. An IOVA range's `end` is its last byte.
 * Source: linux/vfio.h; behaviour text, sections 2.4 and, for MSI_RESV, 2.5.
 */
export type IommuInfoCapability =
  | { readonly kind: 'IOVA_RANGE'; readonly iova_ranges: readonly StructRecord<typeof iommu.vfio_iova_range>[] }
  | { readonly kind: 'MIGRATION'; readonly flags: number; readonly pgsize_bitmap: bigint; readonly max_dirty_bitmap_size: bigint }
  | { readonly kind: 'DMA_AVAIL'; readonly avail: number }
  | { readonly kind: 'MSI_RESV'; readonly size: bigint; readonly alignment: bigint }
  | UnknownCapability;

/** A capability to encode: the record, with number or bigint wherever it has a bigint. */
export type CapabilityInput<T> = T extends bigint
  ? number | bigint
  : T extends Uint8Array
    ? T
    : T extends readonly (infer E)[]
      ? readonly CapabilityInput<E>[]
      : T extends object
        ? { readonly [K in keyof T]: CapabilityInput<T[K]> }
        : T;

/** How the proposed MSI_RESV capability, whose id collides with IOVA_RANGE, is to be read and written. */
export interface IommuInfoOptions {
  /** The id of MSI_RESV. Reading without it knows no MSI_RESV; writing without it uses 1, the proposal's. */
  readonly msiResvId?: number;
}

/** The fields of a capability's struct `L` without its header, its reserved field and the field `K`. */
export type CapabilityBody<L, K extends string = never> = Readonly<Omit<StructRecord<L>, 'header' | 'reserved' | K>>;

const HEADER = device.vfio_info_cap_header.size;

/** Reads a whole capability struct from a payload; `least` payload bytes are required, missing ones behind it read as 0. */
function open<F extends FieldSpecs>(kind: string, layout: StructLayout<F>, capability: Capability, least = layout.size - HEADER): RecordOf<F> {
  const { payload } = capability;
  const offset = 'offset' in capability ? (capability as PlacedCapability).offset : 0;
  if (payload.length < least) {
    throw new CapabilityChainError(offset, `${kind} has ${HEADER + least} bytes, ${HEADER + payload.length} are there`);
  }
  const whole = new Uint8Array(HEADER + Math.max(payload.length, layout.size - HEADER));
  whole.set(payload, HEADER);
  try {
    return layout.decode(whole);
  } catch (error) {
    throw new CapabilityChainError(offset, `${kind}: ${(error as Error).message}`);
  }
}

function seal<F extends FieldSpecs>(id: number, version: number, layout: StructLayout<F>, body: InputOf<F>, end?: number): Capability {
  return { id, version, payload: layout.encode(body).slice(HEADER, end) };
}

/** A copy of a record without some of its fields. */
function without<T extends object, K extends keyof T>(record: T, ...keys: K[]): Omit<T, K> {
  const rest: Partial<T> = { ...record };
  for (const key of keys) Reflect.deleteProperty(rest, key);
  return rest as Omit<T, K>;
}

const unknown = ({ id, version, payload }: Capability): UnknownCapability => ({ kind: 'UNKNOWN', id, version, payload });

/**
 * A region info capability as a record.
 *
 * @param capability - From `walkCapabilityChain`, or made by hand.
 * @throws CapabilityChainError when the payload is shorter than the capability, or than its nr_areas says.
 */
export function decodeRegionInfoCapability(capability: Capability): RegionInfoCapability {
  if (capability.version !== 1) return unknown(capability);
  switch (capability.id) {
    case region.VFIO_REGION_INFO_CAP_SPARSE_MMAP:
      return { kind: 'SPARSE_MMAP', areas: open('SPARSE_MMAP', region.vfio_region_info_cap_sparse_mmap, capability).areas };
    case region.VFIO_REGION_INFO_CAP_TYPE: {
      const { type, subtype } = open('TYPE', region.vfio_region_info_cap_type, capability);
      return { kind: 'TYPE', type, subtype };
    }
    case region.VFIO_REGION_INFO_CAP_MSIX_MAPPABLE:
      return { kind: 'MSIX_MAPPABLE' };
    case region.VFIO_REGION_INFO_CAP_NVLINK2_SSATGT:
      return { kind: 'NVLINK2_SSATGT', tgt: open('NVLINK2_SSATGT', region.vfio_region_info_cap_nvlink2_ssatgt, capability).tgt };
    case region.VFIO_REGION_INFO_CAP_NVLINK2_LNKSPD:
      return { kind: 'NVLINK2_LNKSPD', link_speed: open('NVLINK2_LNKSPD', region.vfio_region_info_cap_nvlink2_lnkspd, capability).link_speed };
    default:
      return unknown(capability);
  }
}

/**
 * A region info capability as id, version and payload, for `buildCapabilityChain`. Counts are derived.
 *
 * @throws TypeError or RangeError when a field is of the wrong kind or out of range.
 * @example
 * ```ts
 * const areas = [{ offset: 0, size: 0x2000 }, { offset: 0x3000, size: 0x1000 }];
 * const chain = buildCapabilityChain(32, [encodeRegionInfoCapability({ kind: 'SPARSE_MMAP', areas })]);
 * chain.argsz; // 80
 * ```
 */
export function encodeRegionInfoCapability(capability: CapabilityInput<RegionInfoCapability>): Capability {
  switch (capability.kind) {
    case 'SPARSE_MMAP': {
      const { areas } = capability;
      return seal(region.VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1, region.vfio_region_info_cap_sparse_mmap, { nr_areas: areas.length, areas });
    }
    case 'TYPE': {
      const { type, subtype } = capability;
      return seal(region.VFIO_REGION_INFO_CAP_TYPE, 1, region.vfio_region_info_cap_type, { type, subtype });
    }
    case 'MSIX_MAPPABLE':
      return { id: region.VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, version: 1, payload: new Uint8Array(0) };
    case 'NVLINK2_SSATGT':
      return seal(region.VFIO_REGION_INFO_CAP_NVLINK2_SSATGT, 1, region.vfio_region_info_cap_nvlink2_ssatgt, { tgt: capability.tgt });
    case 'NVLINK2_LNKSPD': {
      const { link_speed } = capability;
      return seal(region.VFIO_REGION_INFO_CAP_NVLINK2_LNKSPD, 1, region.vfio_region_info_cap_nvlink2_lnkspd, { link_speed });
    }
    case 'UNKNOWN':
      return { id: capability.id, version: capability.version, payload: capability.payload };
  }
}

/**
 * A device info capability as a record. ZPCI_BASE and ZPCI_GROUP are known in versions 1 and 2, the others in 1.
 *
 * @param capability - From `walkCapabilityChain`, or made by hand.
 * @throws CapabilityChainError when the payload is shorter than the capability, or than its size field says.
 */
export function decodeDeviceInfoCapability(capability: Capability): DeviceInfoCapability {
  const { id, version } = capability;
  const zpci = id === device.VFIO_DEVICE_INFO_CAP_ZPCI_BASE || id === device.VFIO_DEVICE_INFO_CAP_ZPCI_GROUP;
  if (version !== 1 && !(zpci && version === 2)) return unknown(capability);
  switch (id) {
    case device.VFIO_DEVICE_INFO_CAP_ZPCI_BASE: {
      const layout = zdev.vfio_device_info_cap_zpci_base;
      const { end } = layout.fields[version === 1 ? 'gid' : 'fh'];
      const body = without(open('ZPCI_BASE', layout, capability, end - HEADER), 'header');
      return { kind: 'ZPCI_BASE', ...(version === 1 ? without(body, 'fh') : body) };
    }
    case device.VFIO_DEVICE_INFO_CAP_ZPCI_GROUP: {
      const layout = zdev.vfio_device_info_cap_zpci_group;
      const { end } = layout.fields[version === 1 ? 'reserved' : 'imaxstbl'];
      const body = without(open('ZPCI_GROUP', layout, capability, end - HEADER), 'header', 'reserved');
      return { kind: 'ZPCI_GROUP', ...(version === 1 ? without(body, 'imaxstbl') : body) };
    }
    case device.VFIO_DEVICE_INFO_CAP_ZPCI_UTIL:
      return { kind: 'ZPCI_UTIL', util_str: open('ZPCI_UTIL', zdev.vfio_device_info_cap_zpci_util, capability).util_str };
    case device.VFIO_DEVICE_INFO_CAP_ZPCI_PFIP:
      return { kind: 'ZPCI_PFIP', pfip: open('ZPCI_PFIP', zdev.vfio_device_info_cap_zpci_pfip, capability).pfip };
    case device.VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP:
      return { kind: 'PCI_ATOMIC_COMP', flags: open('PCI_ATOMIC_COMP', device.vfio_device_info_cap_pci_atomic_comp, capability).flags };
    default:
      return unknown(capability);
  }
}

/**
 * A device info capability as id, version and payload, for `buildCapabilityChain`. Sizes are derived; ZPCI_BASE with
 * `fh` and ZPCI_GROUP with `imaxstbl` are written as version 2, without as version 1.
 *
 * @throws TypeError or RangeError when a field is of the wrong kind or out of range.
 */
export function encodeDeviceInfoCapability(capability: CapabilityInput<DeviceInfoCapability>): Capability {
  switch (capability.kind) {
    case 'ZPCI_BASE': {
      const body = without(capability, 'kind');
      const layout = zdev.vfio_device_info_cap_zpci_base;
      const [version, end] = 'fh' in body ? [2, layout.size] : [1, layout.fields.gid.end];
      return seal(device.VFIO_DEVICE_INFO_CAP_ZPCI_BASE, version, layout, body, end);
    }
    case 'ZPCI_GROUP': {
      const body = without(capability, 'kind');
      const layout = zdev.vfio_device_info_cap_zpci_group;
      const [version, end] = 'imaxstbl' in body ? [2, layout.size] : [1, layout.fields.reserved.end];
      return seal(device.VFIO_DEVICE_INFO_CAP_ZPCI_GROUP, version, layout, body, end);
    }
    case 'ZPCI_UTIL': {
      const { util_str } = capability;
      return seal(device.VFIO_DEVICE_INFO_CAP_ZPCI_UTIL, 1, zdev.vfio_device_info_cap_zpci_util, { size: util_str.length, util_str });
    }
    case 'ZPCI_PFIP': {
      const { pfip } = capability;
      return seal(device.VFIO_DEVICE_INFO_CAP_ZPCI_PFIP, 1, zdev.vfio_device_info_cap_zpci_pfip, { size: pfip.length, pfip });
    }
    case 'PCI_ATOMIC_COMP': {
      const { flags } = capability;
      return seal(device.VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP, 1, device.vfio_device_info_cap_pci_atomic_comp, { flags });
    }
    case 'UNKNOWN':
      return { id: capability.id, version: capability.version, payload: capability.payload };
  }
}

/**
 * A type1 IOMMU info capability as a record.
 *
 * @param capability - From `walkCapabilityChain`, or made by hand.
 * @param options - Whether, and under which id, the proposed MSI_RESV is known; it then hides the mainline capability of that id.
 * @throws CapabilityChainError when the payload is shorter than the capability, or than its nr_iovas says.
 */
export function decodeIommuInfoCapability(capability: Capability, options: IommuInfoOptions = {}): IommuInfoCapability {
  if (capability.version !== 1) return unknown(capability);
  if (capability.id === options.msiResvId) {
    const { size, alignment } = open('MSI_RESV', proposals.vfio_iommu_type1_info_cap_msi_resv, capability);
    return { kind: 'MSI_RESV', size, alignment };
  }
  switch (capability.id) {
    case iommu.VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
      return { kind: 'IOVA_RANGE', iova_ranges: open('IOVA_RANGE', iommu.vfio_iommu_type1_info_cap_iova_range, capability).iova_ranges };
    case iommu.VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION: {
      const body = open('MIGRATION', iommu.vfio_iommu_type1_info_cap_migration, capability);
      return { kind: 'MIGRATION', ...without(body, 'header') };
    }
    case iommu.VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL:
      return { kind: 'DMA_AVAIL', avail: open('DMA_AVAIL', iommu.vfio_iommu_type1_info_dma_avail, capability).avail };
    default:
      return unknown(capability);
  }
}

/**
 * A type1 IOMMU info capability as id, version and payload, for `buildCapabilityChain`. Counts are derived.
 *
 * @throws TypeError or RangeError when a field is of the wrong kind or out of range.
 */
export function encodeIommuInfoCapability(capability: CapabilityInput<IommuInfoCapability>, options: IommuInfoOptions = {}): Capability {
  switch (capability.kind) {
    case 'IOVA_RANGE': {
      const { iova_ranges } = capability;
      const body = { nr_iovas: iova_ranges.length, iova_ranges };
      return seal(iommu.VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 1, iommu.vfio_iommu_type1_info_cap_iova_range, body);
    }
    case 'MIGRATION': {
      const body = without(capability, 'kind');
      return seal(iommu.VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, 1, iommu.vfio_iommu_type1_info_cap_migration, body);
    }
    case 'DMA_AVAIL':
      return seal(iommu.VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, 1, iommu.vfio_iommu_type1_info_dma_avail, { avail: capability.avail });
    case 'MSI_RESV': {
      const id = options.msiResvId ?? proposals.VFIO_IOMMU_TYPE1_INFO_CAP_MSI_RESV;
      const { size, alignment } = capability;
      return seal(id, 1, proposals.vfio_iommu_type1_info_cap_msi_resv, { size, alignment });
    }
    case 'UNKNOWN':
      return { id: capability.id, version: capability.version, payload: capability.payload };
  }
}

/** The chain behind an info struct, none if the flag is off or cap_offset is 0; never read beyond argsz. */
function chain(bytes: Uint8Array, info: { argsz: number; flags: number; cap_offset: number }, flag: number, size: number): PlacedCapability[] {
  if ((info.flags & flag) === 0) return [];
  return walkCapabilityChain(bytes.subarray(0, info.argsz), info.cap_offset, size);
}

/**
 * All capabilities of a vfio_region_info, in chain order; none when the CAPS flag or cap_offset is not set.
 *
 * @param bytes - What the ioctl left: the struct and, up to argsz, the chain.
 * @throws RangeError when `bytes` is shorter than the struct.
 * @throws CapabilityChainError when the chain or a capability in it is broken.
 * @example
 * ```ts
 * const type = readRegionInfoCapabilities(bytes).find(({ kind }) => kind === 'TYPE');
 * ```
 */
export function readRegionInfoCapabilities(bytes: Uint8Array): RegionInfoCapability[] {
  const info = region.vfio_region_info.decode(bytes);
  return chain(bytes, info, region.VFIO_REGION_INFO_FLAG_CAPS, region.vfio_region_info.size).map(decodeRegionInfoCapability);
}

/**
 * All capabilities of a vfio_device_info, in chain order; none when the CAPS flag or cap_offset is not set.
 *
 * @param bytes - What the ioctl left: the struct and, up to argsz, the chain.
 * @throws RangeError when `bytes` is shorter than the struct.
 * @throws CapabilityChainError when the chain or a capability in it is broken.
 */
export function readDeviceInfoCapabilities(bytes: Uint8Array): DeviceInfoCapability[] {
  const info = device.vfio_device_info.decode(bytes);
  return chain(bytes, info, device.VFIO_DEVICE_FLAGS_CAPS, device.vfio_device_info.size).map(decodeDeviceInfoCapability);
}

/**
 * All capabilities of a vfio_iommu_type1_info, in chain order; none when the CAPS flag or cap_offset is not set.
 *
 * @param bytes - What the ioctl left: the struct and, up to argsz, the chain.
 * @param options - Whether the proposed MSI_RESV is known.
 * @throws RangeError when `bytes` is shorter than the struct.
 * @throws CapabilityChainError when the chain or a capability in it is broken.
 */
export function readIommuInfoCapabilities(bytes: Uint8Array, options: IommuInfoOptions = {}): IommuInfoCapability[] {
  const info = iommu.vfio_iommu_type1_info.decode(bytes);
  return chain(bytes, info, iommu.VFIO_IOMMU_INFO_CAPS, iommu.vfio_iommu_type1_info.size).map((one) => decodeIommuInfoCapability(one, options));
}
