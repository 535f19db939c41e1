// Which constants name the values of which field. The constants are uapi's; here is only where they belong.
//
//   flags(/^VFIO_IRQ_INFO_(\w+)$/)               0x9 -> EVENTFD|NORESIZE     a bit without a name: its hex
//   values(/^VFIO_DEVICE_STATE_(?!V1_|NR)\w+$/)  2   -> VFIO_DEVICE_STATE_RUNNING

import { VFIO_DEVICE_FEATURE_DMA_BUF, VFIO_DEVICE_FEATURE_MASK, VFIO_REGION_TYPE_PCI_VENDOR_TYPE, constants } from '../../uapi/index.ts';
import { flagsText, openText } from './flags-text.ts';
import { decimal, hex, integerOf } from './value-text.ts';

/** What the call was made on, as far as a value's name depends on it. */
export interface NameContext {
  readonly bus: 'pci' | 'platform';
  /** The release whose numbers features have. */
  readonly uapi?: 'v6.14' | 'v7.2';
}

type ShowField = (value: unknown, context: NameContext) => string;

/** The constants that a pattern finds, by value; what it captures is the name that is shown. Of two names for one value the first. */
function named(pattern: RegExp): ReadonlyMap<bigint, string> {
  const names = new Map<bigint, string>();
  for (const [name, value] of Object.entries(constants)) {
    const found = pattern.exec(name);
    if (found !== null && !names.has(BigInt(value))) names.set(BigInt(value), found[1] ?? name);
  }
  return names;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function flags(pattern: RegExp): ShowField {
  const names = once(() => named(pattern));
  return (value) => flagsText(value, names());
}

function values(pattern: RegExp, other: (value: unknown) => string = decimal): ShowField {
  const names = once(() => named(pattern));
  return (value) => names().get(integerOf(value) ?? -1n) ?? other(value);
}

/** Only PCI functions have names for their indexes. */
function ofPci(show: ShowField): ShowField {
  return (value, context) => (context.bus === 'pci' ? show(value, context) : decimal(value));
}

// CLEAR_MASTER and SET_MASTER are values of a payload; the operations are bits above the number's.
const featureNumber = once(() => named(/^VFIO_DEVICE_FEATURE_(?!(?:CLEAR_MASTER|SET_MASTER|MASK|GET|SET|PROBE)$)(\w+)$/));
const featureOperations = once(() => named(/^VFIO_DEVICE_FEATURE_(GET|SET|PROBE)$/));

/** The operations, then the feature: `GET|MIGRATION`. */
function featureFlags(value: unknown, { uapi }: NameContext): string {
  const all = integerOf(value);
  if (all === undefined) return hex(value);
  const number = all & BigInt(VFIO_DEVICE_FEATURE_MASK);
  const operations = all & ~BigInt(VFIO_DEVICE_FEATURE_MASK);
  // A proposal had the number first.
  const isDmaBuf = uapi === 'v7.2' && number === BigInt(VFIO_DEVICE_FEATURE_DMA_BUF);
  const name = isDmaBuf ? 'DMA_BUF' : (featureNumber().get(number) ?? hex(number));
  return operations === 0n ? name : `${flagsText(operations, featureOperations())}|${name}`;
}

const regionTypes = values(/^VFIO_REGION_TYPE_(?!PCI_VENDOR_)\w+$/, hex);

function regionType(value: unknown, context: NameContext): string {
  const type = integerOf(value) ?? 0n;
  const vendor = BigInt(VFIO_REGION_TYPE_PCI_VENDOR_TYPE);
  return (type & vendor) === 0n ? regionTypes(value, context) : `VFIO_REGION_TYPE_PCI_VENDOR_TYPE|${hex(type & ~vendor)}`;
}

/** An extension or IOMMU model, as CHECK_EXTENSION and SET_IOMMU take it by value. */
export const extensionText = values(/^VFIO_(?!NOIOMMU_GROUP)(?:\w+_IOMMU|EEH|UNMAP_ALL|UPDATE_VADDR)$/);

const regionIndex = ofPci(values(/^VFIO_PCI_\w+_REGION_INDEX$/));
const irqIndex = ofPci(values(/^VFIO_PCI_\w+_IRQ_INDEX$/));
const ioasMap = flags(/^IOMMU_IOAS_MAP_(\w+)$/);

/** By struct and field. A field that is not here is a number: see {@link fieldText}. */
export const FIELD_NAMES: Readonly<Record<string, ShowField>> = {
  'vfio_group_status.flags': flags(/^VFIO_GROUP_FLAGS_(\w+)$/),
  'vfio_device_info.flags': flags(/^VFIO_DEVICE_FLAGS_(\w+)$/),
  'vfio_device_info_cap_pci_atomic_comp.flags': flags(/^VFIO_PCI_ATOMIC_(\w+)$/),
  'vfio_device_info_cap_zpci_group.flags': flags(/^VFIO_DEVICE_INFO_ZPCI_FLAG_(\w+)$/),
  'vfio_region_info.flags': flags(/^VFIO_REGION_INFO_FLAG_(\w+)$/),
  'vfio_region_info.index': regionIndex,
  'vfio_region_info_cap_type.type': regionType,
  'vfio_irq_info.flags': flags(/^VFIO_IRQ_INFO_(\w+)$/),
  'vfio_irq_info.index': irqIndex,
  'vfio_irq_set.flags': flags(/^VFIO_IRQ_SET_((?:DATA|ACTION)_\w+)$/),
  'vfio_irq_set.index': irqIndex,
  'vfio_pci_hot_reset_info.flags': flags(/^VFIO_PCI_HOT_RESET_FLAG_(\w+)$/),
  'vfio_pci_dependent_device.devid': values(/^VFIO_PCI_DEVID_\w+$/),
  'vfio_pci_dependent_device.segment': hex,
  'vfio_pci_dependent_device.bus': hex,
  'vfio_pci_dependent_device.devfn': hex,
  'vfio_device_ioeventfd.flags': flags(/^VFIO_DEVICE_(IOEVENTFD_\d+)$/),
  'vfio_device_gfx_plane_info.flags': flags(/^VFIO_GFX_PLANE_(TYPE_\w+)$/),
  'vfio_device_gfx_plane_info.drm_format': hex,
  'vfio_device_feature.flags': featureFlags,
  'vfio_device_feature_migration.flags': flags(/^VFIO_MIGRATION_(\w+)$/),
  'vfio_device_feature_mig_state.device_state': values(/^VFIO_DEVICE_STATE_(?!V1_|NR$|MASK$)\w+$/),
  'vfio_device_feature_bus_master.op': values(/^VFIO_DEVICE_FEATURE_(?:CLEAR|SET)_MASTER$/),
  'vfio_device_feature_alias_region.flags': flags(/^VFIO_REGION_INFO_FLAG_(\w+)$/),
  'vfio_device_feature_alias_region.index': regionIndex,
  'vfio_device_feature_dma_buf.region_index': regionIndex,
  'vfio_device_feature_dma_buf.open_flags': openText,
  'vfio_precopy_info.flags': flags(/^VFIO_PRECOPY_INFO_(\w+)$/),
  'vfio_region_caps.region_index': regionIndex,
  'vfio_region_caps.region_flags': flags(/^VFIO_REGION_INFO_FLAG_(\w+)$/),
  'vfio_region_mmap.region_index': regionIndex,
  'vfio_region_mmap.mmap_flags': flags(/^VFIO_REGION_MMAP_(\w+)$/),
  'vfio_mmap_attrs.attrs': flags(/^VFIO_MMAP_ATTR_(\w+)$/),
  'vfio_iommu_type1_info.flags': flags(/^VFIO_IOMMU_INFO_(\w+)$/),
  'vfio_iommu_type1_dma_map.flags': flags(/^VFIO_DMA_MAP_FLAG_(\w+)$/),
  'vfio_iommu_type1_dma_unmap.flags': flags(/^VFIO_DMA_UNMAP_FLAG_(\w+)$/),
  'vfio_iommu_type1_dirty_bitmap.flags': flags(/^VFIO_IOMMU_DIRTY_PAGES_FLAG_(\w+)$/),
  'vfio_iommu_spapr_tce_info.flags': flags(/^VFIO_IOMMU_SPAPR_INFO_(\w+)$/),
  'vfio_iommu_spapr_tce_info.dma32_window_start': hex,
  'vfio_iommu_spapr_tce_info.dma32_window_size': hex,
  'vfio_eeh_pe_op.op': values(/^VFIO_EEH_PE_(?!OP$|STATE_)\w+$/),
  'iommu_ioas_map.flags': ioasMap,
  'iommu_ioas_map_file.flags': ioasMap,
  'iommu_ioas_copy.flags': ioasMap,
  'iommu_option.option_id': values(/^IOMMU_OPTION_(?!OP_)\w+$/),
  'iommu_option.op': values(/^IOMMU_OPTION_OP_\w+$/),
  'iommu_vfio_ioas.op': values(/^IOMMU_VFIO_IOAS_\w+$/),
  'iommu_hwpt_alloc.flags': flags(/^IOMMU_HWPT_(?:ALLOC_)?(NEST_PARENT|DIRTY_TRACKING|FAULT_ID_VALID)$/),
  'iommu_hwpt_alloc.data_type': values(/^IOMMU_HWPT_DATA_\w+$/),
  'iommu_hwpt_set_dirty_tracking.flags': flags(/^IOMMU_HWPT_DIRTY_TRACKING_(\w+)$/),
  'iommu_hwpt_get_dirty_bitmap.flags': flags(/^IOMMU_HWPT_GET_DIRTY_BITMAP_(\w+)$/),
  'iommu_hwpt_invalidate.data_type': values(/^IOMMU_HWPT_INVALIDATE_DATA_\w+$/),
  'iommu_hw_info.out_data_type': values(/^IOMMU_HW_INFO_TYPE_\w+$/),
  'iommu_hw_info.out_capabilities': flags(/^IOMMU_HW_CAP_(\w+)$/),
};

/** A field's number as text: by name where it has one, flags and 64-bit numbers in hex, others in decimal. */
export function fieldText(struct: string, field: string, value: unknown, context: NameContext): string {
  const show = FIELD_NAMES[`${struct}.${field}`];
  if (show !== undefined) return show(value, context);
  return field === 'flags' || typeof value === 'bigint' ? hex(value) : decimal(value);
}
