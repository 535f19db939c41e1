// Every ioctl of the ABI: what its argument is, which fields of it the kernel reads and which it writes. Behaviour text, sections 1 and 6; layouts are uapi's.
//
//   struct(layout, [read], [written], { before, after })    the extras follow the fields
//   argument NULL, a number by value, or memory that holds a number or a name

import * as uapi from '../../uapi/index.ts';
import type { AnyStructLayout, FieldSpecs, StructLayout } from '../../uapi/index.ts';
import * as extras from './request-extras.ts';
import type { Extra } from './request-extras.ts';
import { fixedFields } from './struct-text.ts';

/** A request whose argument points to a struct. */
export interface StructRequest {
  readonly argument: 'struct';
  readonly layout: AnyStructLayout;
  /** The fields shown before the call. */
  readonly reads: readonly string[];
  /** The fields shown after it. */
  readonly writes: readonly string[];
  readonly before?: Extra;
  readonly after?: Extra;
}

/** What a request's argument is. */
export type RequestShape = StructRequest | { readonly argument: 'none' | 'extension' | 's32' | 'u32' | 'name' };

interface Extras {
  readonly before?: Extra;
  readonly after?: Extra;
}

function struct<F extends FieldSpecs>(layout: StructLayout<F>, reads: readonly (keyof F & string)[] | 'all', writes: readonly (keyof F & string)[] = [], more: Extras = {}): StructRequest {
  const any = layout as unknown as AnyStructLayout;
  return { argument: 'struct', layout: any, reads: reads === 'all' ? fixedFields(any) : reads, writes, ...more };
}

const any = (layout: unknown): AnyStructLayout => layout as AnyStructLayout;

const deviceCaps = extras.capabilities(any(uapi.vfio_device_info), uapi.VFIO_DEVICE_FLAGS_CAPS, 'vfio_device_info_cap_', uapi.decodeDeviceInfoCapability);
const regionCaps = extras.capabilities(any(uapi.vfio_region_info), uapi.VFIO_REGION_INFO_FLAG_CAPS, 'vfio_region_info_cap_', uapi.decodeRegionInfoCapability);
const iommuCaps = extras.capabilities(any(uapi.vfio_iommu_type1_info), uapi.VFIO_IOMMU_INFO_CAPS, 'vfio_iommu_type1_info_cap_', uapi.decodeIommuInfoCapability);

const none = { argument: 'none' } as const;
const registered = struct(uapi.vfio_iommu_spapr_register_memory, 'all');

/** By name. */
export const REQUESTS: Readonly<Record<string, RequestShape>> = {
  // Containers
  VFIO_GET_API_VERSION: none,
  VFIO_CHECK_EXTENSION: { argument: 'extension' },
  VFIO_SET_IOMMU: { argument: 'extension' },
  VFIO_IOMMU_GET_INFO: struct(uapi.vfio_iommu_type1_info, ['argsz'], ['argsz', 'flags', 'iova_pgsizes', 'cap_offset', 'pad'], { after: iommuCaps }),
  VFIO_IOMMU_MAP_DMA: struct(uapi.vfio_iommu_type1_dma_map, 'all'),
  VFIO_IOMMU_UNMAP_DMA: struct(uapi.vfio_iommu_type1_dma_unmap, 'all', ['size'], { before: extras.unmapBitmap }),
  VFIO_IOMMU_DIRTY_PAGES: struct(uapi.vfio_iommu_type1_dirty_bitmap, 'all', [], { before: extras.dirtyRange }),

  // Groups
  VFIO_GROUP_GET_STATUS: struct(uapi.vfio_group_status, ['argsz'], ['flags']),
  VFIO_GROUP_SET_CONTAINER: { argument: 's32' },
  VFIO_GROUP_UNSET_CONTAINER: none,
  VFIO_GROUP_GET_DEVICE_FD: { argument: 'name' },

  // Devices
  VFIO_DEVICE_GET_INFO: struct(uapi.vfio_device_info, ['argsz'], ['argsz', 'flags', 'num_regions', 'num_irqs', 'cap_offset', 'pad'], { after: deviceCaps }),
  VFIO_DEVICE_GET_REGION_INFO: struct(uapi.vfio_region_info, ['argsz', 'index'], ['argsz', 'flags', 'cap_offset', 'size', 'offset'], { after: regionCaps }),
  VFIO_DEVICE_GET_IRQ_INFO: struct(uapi.vfio_irq_info, ['argsz', 'index'], ['flags', 'count']),
  VFIO_DEVICE_SET_IRQS: struct(uapi.vfio_irq_set, 'all', [], { before: extras.irqData }),
  VFIO_DEVICE_RESET: none,
  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: struct(uapi.vfio_pci_hot_reset_info, ['argsz'], ['flags', 'count'], { after: extras.hotResetDevices }),
  VFIO_DEVICE_PCI_HOT_RESET: struct(uapi.vfio_pci_hot_reset, 'all', [], { before: extras.groupFds }),
  VFIO_DEVICE_QUERY_GFX_PLANE: struct(
    uapi.vfio_device_gfx_plane_info,
    ['argsz', 'flags', 'drm_plane_type'],
    ['drm_format', 'drm_format_mod', 'width', 'height', 'stride', 'size', 'x_pos', 'y_pos', 'x_hot', 'y_hot'],
    { after: extras.planeSource },
  ),
  VFIO_DEVICE_GET_GFX_DMABUF: { argument: 'u32' },
  VFIO_DEVICE_IOEVENTFD: struct(uapi.vfio_device_ioeventfd, 'all'),
  VFIO_DEVICE_FEATURE: struct(uapi.vfio_device_feature, 'all', [], { before: extras.featureRequest, after: extras.featureAnswer }),
  VFIO_DEVICE_BIND_IOMMUFD: struct(uapi.vfio_device_bind_iommufd, ['argsz', 'flags', 'iommufd'], ['out_devid']),
  VFIO_DEVICE_ATTACH_IOMMUFD_PT: struct(uapi.vfio_device_attach_iommufd_pt, 'all', ['pt_id']),
  VFIO_DEVICE_DETACH_IOMMUFD_PT: struct(uapi.vfio_device_detach_iommufd_pt, 'all'),
  VFIO_DEVICE_SET_MMAP_ATTRS: struct(uapi.vfio_mmap_attrs, 'all'),
  VFIO_DEVICE_GET_REGION_CAPS: struct(uapi.vfio_region_caps, ['argsz', 'region_index'], ['argsz', 'region_flags', 'region_size', 'cap_offset']),
  VFIO_DEVICE_GET_REGION_MMAP: struct(uapi.vfio_region_mmap, ['argsz', 'region_index', 'mmap_flags'], ['region_size', 'fd_offset']),

  // The data fd of a migration
  VFIO_MIG_GET_PRECOPY_INFO: struct(uapi.vfio_precopy_info, ['argsz', 'flags'], ['flags', 'initial_bytes', 'dirty_bytes']),

  // Containers with POWER's IOMMU
  VFIO_IOMMU_SPAPR_TCE_GET_INFO: struct(uapi.vfio_iommu_spapr_tce_info, ['argsz'], ['flags', 'dma32_window_start', 'dma32_window_size', 'ddw']),
  VFIO_IOMMU_ENABLE: none,
  VFIO_IOMMU_DISABLE: none,
  VFIO_IOMMU_SPAPR_REGISTER_MEMORY: registered,
  VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY: registered,
  VFIO_IOMMU_SPAPR_TCE_CREATE: struct(uapi.vfio_iommu_spapr_tce_create, ['argsz', 'flags', 'page_shift', '__resv1', 'window_size', 'levels', '__resv2'], ['start_addr']),
  VFIO_IOMMU_SPAPR_TCE_REMOVE: struct(uapi.vfio_iommu_spapr_tce_remove, 'all'),
  VFIO_EEH_PE_OP: struct(uapi.vfio_eeh_pe_op, 'all'),

  // iommufds
  IOMMU_DESTROY: struct(uapi.iommu_destroy, 'all'),
  IOMMU_IOAS_ALLOC: struct(uapi.iommu_ioas_alloc, ['size', 'flags'], ['out_ioas_id']),
  IOMMU_IOAS_ALLOW_IOVAS: struct(uapi.iommu_ioas_allow_iovas, 'all'),
  IOMMU_IOAS_COPY: struct(uapi.iommu_ioas_copy, 'all', ['dst_iova']),
  IOMMU_IOAS_IOVA_RANGES: struct(uapi.iommu_ioas_iova_ranges, ['size', 'ioas_id', 'num_iovas', '__reserved', 'allowed_iovas'], ['num_iovas', 'out_iova_alignment']),
  IOMMU_IOAS_MAP: struct(uapi.iommu_ioas_map, 'all', ['iova']),
  IOMMU_IOAS_UNMAP: struct(uapi.iommu_ioas_unmap, 'all', ['length']),
  IOMMU_OPTION: struct(uapi.iommu_option, 'all', ['val64']),
  IOMMU_VFIO_IOAS: struct(uapi.iommu_vfio_ioas, 'all', ['ioas_id']),
  IOMMU_HWPT_ALLOC: struct(
    uapi.iommu_hwpt_alloc,
    ['size', 'flags', 'dev_id', 'pt_id', '__reserved', 'data_type', 'data_len', 'data_uptr', 'fault_id', '__reserved2'],
    ['out_hwpt_id'],
  ),
  IOMMU_GET_HW_INFO: struct(
    uapi.iommu_hw_info,
    ['size', 'flags', 'dev_id', 'data_len', 'data_uptr', '__reserved'],
    ['data_len', 'out_data_type', 'out_max_pasid_log2', 'out_capabilities'],
  ),
  IOMMU_HWPT_SET_DIRTY_TRACKING: struct(uapi.iommu_hwpt_set_dirty_tracking, 'all'),
  IOMMU_HWPT_GET_DIRTY_BITMAP: struct(uapi.iommu_hwpt_get_dirty_bitmap, 'all'),
  IOMMU_HWPT_INVALIDATE: struct(uapi.iommu_hwpt_invalidate, 'all', ['entry_num']),
  IOMMU_FAULT_QUEUE_ALLOC: struct(uapi.iommu_fault_alloc, ['size', 'flags'], ['out_fault_id', 'out_fault_fd']),
  IOMMU_IOAS_MAP_FILE: struct(uapi.iommu_ioas_map_file, 'all', ['iova']),
  // How long its argument is depends on the release.
  IOMMU_VIOMMU_ALLOC: none,
  IOMMU_VDEVICE_ALLOC: struct(uapi.iommu_vdevice_alloc, ['size', 'viommu_id', 'dev_id', 'virt_id'], ['out_vdevice_id']),
  IOMMU_IOAS_CHANGE_PROCESS: struct(uapi.iommu_ioas_change_process, 'all'),
};

/** The requests that a container with POWER's IOMMU knows by other names than type1. */
const SPAPR: readonly string[] = Object.keys(REQUESTS).filter((name) => name.startsWith('VFIO_IOMMU_SPAPR_') || name.startsWith('VFIO_EEH_'));
const KINDS = ['device', 'container', 'group', 'migration', 'iommufd'] as const;

function isKind(kind: unknown): kind is (typeof KINDS)[number] {
  return KINDS.includes(kind as never);
}

function sPaprName(request: number): string | undefined {
  return SPAPR.find((name) => uapi.constants[name] === request);
}

/** What a number may be called: one name where the kind of file knows it, else those that any kind has for it. */
export function requestNames(request: number, kind: unknown): readonly string[] {
  const known = kind === 'spapr-container' ? (sPaprName(request) ?? uapi.ioctlName(request, 'container')) : isKind(kind) ? uapi.ioctlName(request, kind) : undefined;
  if (known !== undefined) return [known];
  const names = [...KINDS.map((one) => uapi.ioctlName(request, one)), sPaprName(request)];
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** What the argument of a request is; undefined where its number has no name, or several. */
export function requestShape(request: number, kind: unknown): RequestShape | undefined {
  const [name, another] = requestNames(request, kind);
  return name === undefined || another !== undefined ? undefined : REQUESTS[name];
}
