// Every ioctl of the ABI as a line: a row for each constant of uapi, with its exact text.
import { describe, expect, test } from '@jest/globals';
import * as u from '../../../src/uapi/index.ts';
import { type CallFileKind, type IoctlCall, callLine } from '../../../src/vfio/index.ts';
import { FIELD_NAMES } from '../../../src/vfio/call-trace/field-names.ts';
import { REQUESTS } from '../../../src/vfio/call-trace/requests.ts';

interface Row {
  readonly name: string;
  readonly kind: CallFileKind;
  /** What stands behind the request's name, from the comma to the closing parenthesis. */
  readonly text: string;
  readonly argument?: IoctlCall['argument'];
  readonly result?: number;
}

/** Memory that the kernel has changed: the fields of the second record on top of the first's bytes. */
function changed(before: Uint8Array, change: (after: Uint8Array) => unknown): { before: Uint8Array; after: Uint8Array } {
  const after = before.slice();
  change(after);
  return { before, after };
}

const bytesOf = (layout: { encode(record: never): Uint8Array }, record: unknown): Uint8Array => layout.encode(record as never);
const memory = (layout: { encode(record: never): Uint8Array }, record: unknown): { before: Uint8Array; after: Uint8Array } => changed(bytesOf(layout, record), () => undefined);

function feature(flags: number, before: Uint8Array, after = before): { before: Uint8Array; after: Uint8Array } {
  const argsz = 8 + before.length;
  return { before: u.vfio_device_feature.encode({ argsz, flags, data: before }), after: u.vfio_device_feature.encode({ argsz, flags, data: after }) };
}

const GET = u.VFIO_DEVICE_FEATURE_GET;
const SET = u.VFIO_DEVICE_FEATURE_SET;
const PROBE = u.VFIO_DEVICE_FEATURE_PROBE;

/** An info struct with its chain behind it. */
function withCaps(layout: { encode(record: never): Uint8Array; size: number }, record: object, caps: u.Capability[]): { before: Uint8Array; after: Uint8Array } {
  const { bytes, argsz } = u.buildCapabilityChain(layout.size, caps);
  const before = new Uint8Array(argsz);
  before.set(bytesOf(layout, { argsz }));
  const after = before.slice();
  after.set(bytesOf(layout, { argsz, cap_offset: layout.size, ...record }));
  after.set(bytes, layout.size);
  return { before, after };
}

const ROWS: readonly Row[] = [
  // Containers
  { name: 'VFIO_GET_API_VERSION', kind: 'container', text: '' },
  { name: 'VFIO_CHECK_EXTENSION', kind: 'container', argument: 1, text: ', VFIO_TYPE1_IOMMU', result: 1 },
  { name: 'VFIO_CHECK_EXTENSION', kind: 'iommufd', argument: 9, text: ', VFIO_UNMAP_ALL' },
  { name: 'VFIO_CHECK_EXTENSION', kind: 'container', argument: 77, text: ', 77' },
  { name: 'VFIO_SET_IOMMU', kind: 'container', argument: 3, text: ', VFIO_TYPE1v2_IOMMU' },
  {
    name: 'VFIO_IOMMU_GET_INFO',
    kind: 'container',
    argument: withCaps(u.vfio_iommu_type1_info, { flags: 3, iova_pgsizes: 0x1000 }, [
      u.encodeIommuInfoCapability({ kind: 'IOVA_RANGE', iova_ranges: [{ start: 0, end: 0xfedfffff }] }),
      u.encodeIommuInfoCapability({ kind: 'DMA_AVAIL', avail: 65535 }),
    ]),
    text: ', {argsz=72, ...} => {argsz=72, flags=PGSIZES|CAPS, iova_pgsizes=0x1000, cap_offset=24, caps=[IOVA_RANGE {iova_ranges=[{start=0, end=0xfedfffff}]}, DMA_AVAIL {avail=65535}]}',
  },
  { name: 'VFIO_IOMMU_MAP_DMA', kind: 'container', argument: memory(u.vfio_iommu_type1_dma_map, { argsz: 32, flags: 3, vaddr: 0x7f0000, iova: 0x1000, size: 0x2000 }), text: ', {argsz=32, flags=READ|WRITE, vaddr=0x7f0000, iova=0x1000, size=0x2000}' },
  {
    name: 'VFIO_IOMMU_UNMAP_DMA',
    kind: 'container',
    argument: changed(u.vfio_iommu_type1_dma_unmap.encode({ argsz: 48, flags: 1, iova: 0x1000, size: 0x4000, data: u.vfio_bitmap.encode({ pgsize: 0x1000, size: 8, data: 0x7f0000 }) }), (after) => u.vfio_iommu_type1_dma_unmap.encode({ size: 0x2000 }, after)),
    text: ', {argsz=48, flags=GET_DIRTY_BITMAP, iova=0x1000, size=0x4000, bitmap={pgsize=0x1000, size=0x8, data=0x7f0000}} => {size=0x2000}',
  },
  { name: 'VFIO_IOMMU_UNMAP_DMA', kind: 'container', argument: memory(u.vfio_iommu_type1_dma_unmap, { argsz: 24, flags: 2 }), text: ', {argsz=24, flags=ALL, iova=0, size=0}', result: -22 },
  {
    name: 'VFIO_IOMMU_DIRTY_PAGES',
    kind: 'container',
    argument: memory(u.vfio_iommu_type1_dirty_bitmap, { argsz: 48, flags: 4, data: u.vfio_iommu_type1_dirty_bitmap_get.encode({ iova: 0x1000, size: 0x8000, bitmap: { pgsize: 0x1000, size: 8, data: 0x7f0000 } }) }),
    text: ', {argsz=48, flags=GET_BITMAP, data={iova=0x1000, size=0x8000, bitmap={pgsize=0x1000, size=0x8, data=0x7f0000}}}',
  },
  { name: 'VFIO_IOMMU_DIRTY_PAGES', kind: 'container', argument: memory(u.vfio_iommu_type1_dirty_bitmap, { argsz: 8, flags: 0x11 }), text: ', {argsz=8, flags=START|0x10}', result: -22 },

  // Groups
  { name: 'VFIO_GROUP_GET_STATUS', kind: 'group', argument: changed(u.vfio_group_status.encode({ argsz: 8 }), (after) => u.vfio_group_status.encode({ flags: 3 }, after)), text: ', {argsz=8, ...} => {flags=VIABLE|CONTAINER_SET}' },
  { name: 'VFIO_GROUP_SET_CONTAINER', kind: 'group', argument: { before: Uint8Array.of(4, 0, 0, 0) }, text: ', [4]' },
  { name: 'VFIO_GROUP_UNSET_CONTAINER', kind: 'group', text: '' },
  { name: 'VFIO_GROUP_GET_DEVICE_FD', kind: 'group', argument: { before: new TextEncoder().encode('0000:00:01.0\0') }, text: ', "0000:00:01.0"', result: 5 },
  { name: 'VFIO_GROUP_GET_DEVICE_FD', kind: 'group', argument: { before: new TextEncoder().encode('0000') }, text: ', "0000"...', result: -14 },

  // Devices
  { name: 'VFIO_DEVICE_GET_INFO', kind: 'device', argument: changed(u.vfio_device_info.encode({ argsz: 16 }), (after) => u.vfio_device_info.encode({ flags: 3, num_regions: 9, num_irqs: 5 }, after)), text: ', {argsz=16, ...} => {argsz=16, flags=RESET|PCI, num_regions=9, num_irqs=5}' },
  {
    name: 'VFIO_DEVICE_GET_INFO',
    kind: 'device',
    argument: withCaps(u.vfio_device_info, { flags: 0x82, num_regions: 9, num_irqs: 5 }, [u.encodeDeviceInfoCapability({ kind: 'PCI_ATOMIC_COMP', flags: 5 })]),
    text: ', {argsz=40, ...} => {argsz=40, flags=PCI|CAPS, num_regions=9, num_irqs=5, cap_offset=24, caps=[PCI_ATOMIC_COMP {flags=COMP32|COMP128}]}',
  },
  {
    name: 'VFIO_DEVICE_GET_REGION_INFO',
    kind: 'device',
    argument: changed(u.vfio_region_info.encode({ argsz: 32, index: 0 }), (after) => u.vfio_region_info.encode({ flags: 7, size: 0x4000 }, after)),
    text: ', {argsz=32, index=VFIO_PCI_BAR0_REGION_INDEX, ...} => {argsz=32, flags=READ|WRITE|MMAP, cap_offset=0, size=0x4000, offset=0}',
  },
  {
    name: 'VFIO_DEVICE_GET_REGION_INFO',
    kind: 'device',
    argument: withCaps(u.vfio_region_info, { flags: 0x4f, size: 0x4000 }, [
      u.encodeRegionInfoCapability({ kind: 'SPARSE_MMAP', areas: [{ offset: 0, size: 0x2000 }, { offset: 0x3000, size: 0x1000 }] }),
      u.encodeRegionInfoCapability({ kind: 'TYPE', type: 0x80008086, subtype: 1 }),
      u.encodeRegionInfoCapability({ kind: 'MSIX_MAPPABLE' }),
      { id: 77, version: 2, payload: Uint8Array.of(1, 2) },
    ]),
    text: ', {argsz=120, index=VFIO_PCI_BAR0_REGION_INDEX, ...} => {argsz=120, flags=READ|WRITE|MMAP|CAPS|0x40, cap_offset=32, size=0x4000, offset=0, caps=[SPARSE_MMAP {areas=[{offset=0, size=0x2000}, {offset=0x3000, size=0x1000}]}, TYPE {type=VFIO_REGION_TYPE_PCI_VENDOR_TYPE|0x8086, subtype=1}, MSIX_MAPPABLE, UNKNOWN {id=77, version=2, data="\\x01\\x02\\x00\\x00\\x00\\x00\\x00\\x00"}]}',
  },
  {
    name: 'VFIO_DEVICE_GET_IRQ_INFO',
    kind: 'device',
    argument: changed(u.vfio_irq_info.encode({ argsz: 16, index: 2 }), (after) => u.vfio_irq_info.encode({ flags: 9, count: 64 }, after)),
    text: ', {argsz=16, index=VFIO_PCI_MSIX_IRQ_INDEX, ...} => {flags=EVENTFD|NORESIZE, count=64}',
  },
  { name: 'VFIO_DEVICE_SET_IRQS', kind: 'device', argument: memory(u.vfio_irq_set, { argsz: 28, flags: 0x24, index: 2, start: 0, count: 2, data: Uint8Array.of(4, 0, 0, 0, 255, 255, 255, 255) }), text: ', {argsz=28, flags=DATA_EVENTFD|ACTION_TRIGGER, index=VFIO_PCI_MSIX_IRQ_INDEX, start=0, count=2, data=[4, -1]}' },
  { name: 'VFIO_DEVICE_SET_IRQS', kind: 'device', argument: memory(u.vfio_irq_set, { argsz: 23, flags: 0xa, index: 0, start: 0, count: 3, data: Uint8Array.of(1, 0, 7) }), text: ', {argsz=23, flags=DATA_BOOL|ACTION_MASK, index=VFIO_PCI_INTX_IRQ_INDEX, start=0, count=3, data=[1, 0, 7]}' },
  { name: 'VFIO_DEVICE_SET_IRQS', kind: 'device', argument: memory(u.vfio_irq_set, { argsz: 20, flags: 0x11, index: 0, start: 0, count: 1 }), text: ', {argsz=20, flags=DATA_NONE|ACTION_UNMASK, index=VFIO_PCI_INTX_IRQ_INDEX, start=0, count=1}' },
  { name: 'VFIO_DEVICE_SET_IRQS', kind: 'device', argument: memory(u.vfio_irq_set, { argsz: 24, flags: 0x24, index: 1, start: 0, count: 2, data: Uint8Array.of(4, 0, 0, 0) }), text: ', {argsz=24, flags=DATA_EVENTFD|ACTION_TRIGGER, index=VFIO_PCI_MSI_IRQ_INDEX, start=0, count=2, data=[4, ...]}', result: -22 },
  { name: 'VFIO_DEVICE_RESET', kind: 'device', text: '' },
  { name: 'VFIO_DEVICE_RESET', kind: 'device', text: '', result: -25 },
  {
    name: 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO',
    kind: 'device',
    argument: changed(u.vfio_pci_hot_reset_info.encode({ argsz: 28, devices: [{}, {}] }), (after) => u.vfio_pci_hot_reset_info.encode({ count: 2, devices: [{ group_id: 7, bus: 1, devfn: 8 }, { group_id: 7, bus: 1, devfn: 9 }] }, after)),
    text: ', {argsz=28, ...} => {flags=0, count=2, devices=[{group_id=7, segment=0, bus=0x1, devfn=0x8}, {group_id=7, segment=0, bus=0x1, devfn=0x9}]}',
  },
  {
    name: 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO',
    kind: 'device',
    argument: changed(u.vfio_pci_hot_reset_info.encode({ argsz: 20, devices: [{}] }), (after) => u.vfio_pci_hot_reset_info.encode({ count: 1, flags: 1, devices: [{ devid: 0xffffffff, devfn: 8 }] }, after)),
    text: ', {argsz=20, ...} => {flags=DEV_ID, count=1, devices=[{devid=VFIO_PCI_DEVID_NOT_OWNED, segment=0, bus=0, devfn=0x8}]}',
  },
  { name: 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO', kind: 'device', argument: changed(u.vfio_pci_hot_reset_info.encode({ argsz: 12 }), (after) => u.vfio_pci_hot_reset_info.encode({ count: 2 }, after)), text: ', {argsz=12, ...} => {flags=0, count=2}', result: -28 },
  { name: 'VFIO_DEVICE_PCI_HOT_RESET', kind: 'device', argument: memory(u.vfio_pci_hot_reset, { argsz: 20, count: 2, group_fds: [3, -1] }), text: ', {argsz=20, flags=0, count=2, group_fds=[3, -1]}', result: -9 },
  {
    name: 'VFIO_DEVICE_QUERY_GFX_PLANE',
    kind: 'device',
    argument: changed(u.vfio_device_gfx_plane_info.encode({ argsz: 60, flags: 2, drm_plane_type: 1 }), (after) => u.vfio_device_gfx_plane_info.encode({ drm_format: 0x34325258, width: 640, height: 480, stride: 2560, size: 1228800, dmabuf_id: 7 }, after)),
    text: ', {argsz=60, flags=TYPE_DMABUF, drm_plane_type=1, ...} => {drm_format=0x34325258, drm_format_mod=0, width=640, height=480, stride=2560, size=1228800, x_pos=0, y_pos=0, x_hot=0, y_hot=0, dmabuf_id=7}',
  },
  { name: 'VFIO_DEVICE_GET_GFX_DMABUF', kind: 'device', argument: { before: Uint8Array.of(7, 0, 0, 0) }, text: ', [7]', result: 9 },
  { name: 'VFIO_DEVICE_IOEVENTFD', kind: 'device', argument: memory(u.vfio_device_ioeventfd, { argsz: 32, flags: 4, offset: 0x1000, data: 1, fd: -1 }), text: ', {argsz=32, flags=IOEVENTFD_32, offset=0x1000, data=0x1, fd=-1}' },
  { name: 'VFIO_DEVICE_FEATURE', kind: 'device', argument: feature(SET | 0, Uint8Array.from({ length: 16 }, (_, i) => i)), text: ', {argsz=24, flags=SET|PCI_VF_TOKEN, data="\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x09\\x0a\\x0b\\x0c\\x0d\\x0e\\x0f"}' },
  { name: 'VFIO_DEVICE_FEATURE', kind: 'device', argument: feature(GET | 1, new Uint8Array(8), u.vfio_device_feature_migration.encode({ flags: 0xb })), text: ', {argsz=16, flags=GET|MIGRATION} => {data={flags=STOP_COPY|P2P|0x8}}' },
  { name: 'VFIO_DEVICE_FEATURE', kind: 'device', argument: feature(PROBE | GET | SET | 2, new Uint8Array(0)), text: ', {argsz=8, flags=GET|SET|PROBE|MIG_DEVICE_STATE}' },
  {
    name: 'VFIO_DEVICE_FEATURE',
    kind: 'device',
    argument: feature(SET | 2, u.vfio_device_feature_mig_state.encode({ device_state: 3 }), u.vfio_device_feature_mig_state.encode({ device_state: 3, data_fd: 6 })),
    text: ', {argsz=16, flags=SET|MIG_DEVICE_STATE, data={device_state=VFIO_DEVICE_STATE_STOP_COPY, data_fd=0}} => {data={device_state=VFIO_DEVICE_STATE_STOP_COPY, data_fd=6}}',
  },
  {
    name: 'VFIO_DEVICE_FEATURE',
    kind: 'device',
    argument: feature(SET | 2, u.vfio_device_feature_mig_state.encode({ device_state: 9 }), u.vfio_device_feature_mig_state.encode({ device_state: 9, data_fd: -1 })),
    text: ', {argsz=16, flags=SET|MIG_DEVICE_STATE, data={device_state=9, data_fd=0}} => {data={device_state=9, data_fd=-1}}',
    result: -22,
  },
  { name: 'VFIO_DEVICE_FEATURE', kind: 'device', argument: feature(SET | 3, new Uint8Array(0)), text: ', {argsz=8, flags=SET|LOW_POWER_ENTRY}' },
  { name: 'VFIO_DEVICE_FEATURE', kind: 'device', argument: feature(SET | 4, u.vfio_device_low_power_entry_with_wakeup.encode({ wakeup_eventfd: 7 })), text: ', {argsz=16, flags=SET|LOW_POWER_ENTRY_WITH_WAKEUP, data={wakeup_eventfd=7}}' },
  { name: 'VFIO_DEVICE_FEATURE', kind: 'device', argument: feature(SET | 5, new Uint8Array(0)), text: ', {argsz=8, flags=SET|LOW_POWER_EXIT}' },
  {
    name: 'VFIO_DEVICE_FEATURE',
    kind: 'device',
    argument: feature(SET | 6, u.vfio_device_feature_dma_logging_control.encode({ page_size: 0x1000, num_ranges: 2, ranges: 0x7f0000 }), u.vfio_device_feature_dma_logging_control.encode({ page_size: 0x2000, num_ranges: 2, ranges: 0x7f0000 })),
    text: ', {argsz=32, flags=SET|DMA_LOGGING_START, data={page_size=0x1000, num_ranges=2, ranges=0x7f0000}} => {data={page_size=0x2000}}',
  },
  { name: 'VFIO_DEVICE_FEATURE', kind: 'device', argument: feature(SET | 7, new Uint8Array(0)), text: ', {argsz=8, flags=SET|DMA_LOGGING_STOP}' },
  { name: 'VFIO_DEVICE_FEATURE', kind: 'device', argument: feature(GET | 8, u.vfio_device_feature_dma_logging_report.encode({ iova: 0x1000, length: 0x8000, page_size: 0x1000, bitmap: 0x7f0000 })), text: ', {argsz=40, flags=GET|DMA_LOGGING_REPORT, data={iova=0x1000, length=0x8000, page_size=0x1000, bitmap=0x7f0000}}' },
  { name: 'VFIO_DEVICE_FEATURE', kind: 'device', argument: feature(GET | 9, new Uint8Array(8), u.vfio_device_feature_mig_data_size.encode({ stop_copy_length: 96 })), text: ', {argsz=16, flags=GET|MIG_DATA_SIZE} => {data={stop_copy_length=0x60}}' },
  { name: 'VFIO_DEVICE_FEATURE', kind: 'device', argument: feature(SET | 10, u.vfio_device_feature_bus_master.encode({ op: 1 })), text: ', {argsz=12, flags=SET|BUS_MASTER, data={op=VFIO_DEVICE_FEATURE_SET_MASTER}}', result: -25 },
  { name: 'VFIO_DEVICE_FEATURE', kind: 'device', argument: feature(SET | 11, u.vfio_device_feature_alias_region.encode({ flags: 0x20, index: 2 }), u.vfio_device_feature_alias_region.encode({ flags: 0x20, index: 2, alias_index: 9 })), text: ', {argsz=32, flags=SET|ALIAS_REGION, data={flags=WC, index=VFIO_PCI_BAR2_REGION_INDEX}} => {data={alias_index=9}}' },
  { name: 'VFIO_DEVICE_FEATURE', kind: 'device', argument: feature(0x80000 | GET | 0x1234, new Uint8Array(4)), text: ', {argsz=12, flags=GET|0x80000|0x1234}', result: -22 },
  { name: 'VFIO_DEVICE_BIND_IOMMUFD', kind: 'device', argument: changed(u.vfio_device_bind_iommufd.encode({ argsz: 16, iommufd: 4 }), (after) => u.vfio_device_bind_iommufd.encode({ out_devid: 1 }, after)), text: ', {argsz=16, flags=0, iommufd=4, ...} => {out_devid=1}' },
  { name: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', kind: 'device', argument: changed(u.vfio_device_attach_iommufd_pt.encode({ argsz: 12, pt_id: 2 }), (after) => u.vfio_device_attach_iommufd_pt.encode({ pt_id: 3 }, after)), text: ', {argsz=12, flags=0, pt_id=2} => {pt_id=3}' },
  { name: 'VFIO_DEVICE_DETACH_IOMMUFD_PT', kind: 'device', argument: memory(u.vfio_device_detach_iommufd_pt, { argsz: 8 }), text: ', {argsz=8, flags=0}' },
  { name: 'VFIO_DEVICE_SET_MMAP_ATTRS', kind: 'device', argument: memory(u.vfio_mmap_attrs, { offset: 0x1000, attrs: 3 }), text: ', {offset=0x1000, attrs=WRITE_COMBINE|0x2}', result: -22 },
  {
    name: 'VFIO_DEVICE_GET_REGION_CAPS',
    kind: 'device',
    argument: changed(u.vfio_region_caps.encode({ argsz: 32, region_index: 2 }), (after) => u.vfio_region_caps.encode({ region_flags: 3, region_size: 0x4000 }, after)),
    text: ', {argsz=32, region_index=VFIO_PCI_BAR2_REGION_INDEX, ...} => {argsz=32, region_flags=READ|WRITE, region_size=0x4000, cap_offset=0}',
  },
  {
    name: 'VFIO_DEVICE_GET_REGION_MMAP',
    kind: 'device',
    argument: changed(u.vfio_region_mmap.encode({ argsz: 32, region_index: 2, mmap_flags: 1 }), (after) => u.vfio_region_mmap.encode({ region_size: 0x4000, fd_offset: 0x10000 }, after)),
    text: ', {argsz=32, region_index=VFIO_PCI_BAR2_REGION_INDEX, mmap_flags=WRITE_COMBINE, ...} => {region_size=0x4000, fd_offset=0x10000}',
  },

  // Data fds of a migration
  { name: 'VFIO_MIG_GET_PRECOPY_INFO', kind: 'migration', argument: changed(u.vfio_precopy_info.encode({ argsz: 24 }), (after) => u.vfio_precopy_info.encode({ initial_bytes: 32 }, after)), text: ', {argsz=24, flags=0, ...} => {flags=0, initial_bytes=0x20, dirty_bytes=0}' },

  // POWER
  {
    name: 'VFIO_IOMMU_SPAPR_TCE_GET_INFO',
    kind: 'spapr-container',
    argument: changed(u.vfio_iommu_spapr_tce_info.encode({ argsz: 32 }), (after) => u.vfio_iommu_spapr_tce_info.encode({ flags: 1, dma32_window_size: 0x40000000, ddw: { pgsizes: 0x11000, max_dynamic_windows_supported: 1, levels: 2 } }, after)),
    text: ', {argsz=32, ...} => {flags=DDW, dma32_window_start=0, dma32_window_size=0x40000000, ddw={pgsizes=0x11000, max_dynamic_windows_supported=1, levels=2}}',
  },
  { name: 'VFIO_IOMMU_ENABLE', kind: 'spapr-container', text: '' },
  { name: 'VFIO_IOMMU_DISABLE', kind: 'spapr-container', text: '' },
  { name: 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY', kind: 'spapr-container', argument: memory(u.vfio_iommu_spapr_register_memory, { argsz: 24, vaddr: 0x7f0000, size: 0x1000 }), text: ', {argsz=24, flags=0, vaddr=0x7f0000, size=0x1000}' },
  { name: 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY', kind: 'container', argument: memory(u.vfio_iommu_spapr_register_memory, { argsz: 24, vaddr: 0x7f0000, size: 0x1000 }), text: ', {argsz=24, flags=0, vaddr=0x7f0000, size=0x1000}' },
  { name: 'VFIO_IOMMU_SPAPR_TCE_CREATE', kind: 'spapr-container', argument: changed(u.vfio_iommu_spapr_tce_create.encode({ argsz: 40, page_shift: 16, window_size: 0x10000, levels: 1 }), (after) => u.vfio_iommu_spapr_tce_create.encode({ start_addr: 0x8000 }, after)), text: ', {argsz=40, flags=0, page_shift=16, window_size=0x10000, levels=1, ...} => {start_addr=0x8000}' },
  { name: 'VFIO_IOMMU_SPAPR_TCE_REMOVE', kind: 'spapr-container', argument: memory(u.vfio_iommu_spapr_tce_remove, { argsz: 16, start_addr: 0x8000 }), text: ', {argsz=16, flags=0, start_addr=0x8000}' },
  { name: 'VFIO_EEH_PE_OP', kind: 'spapr-container', argument: memory(u.vfio_eeh_pe_op, { argsz: 40, op: 9, err: { type: 1, func: 2, addr: 0x10, mask: 0xff } }), text: ', {argsz=40, flags=0, op=VFIO_EEH_PE_INJECT_ERR, err={type=1, func=2, addr=0x10, mask=0xff}}' },

  // iommufds
  { name: 'IOMMU_DESTROY', kind: 'iommufd', argument: memory(u.iommu_destroy, { size: 8, id: 3 }), text: ', {size=8, id=3}', result: -2 },
  { name: 'IOMMU_IOAS_ALLOC', kind: 'iommufd', argument: changed(u.iommu_ioas_alloc.encode({ size: 12 }), (after) => u.iommu_ioas_alloc.encode({ out_ioas_id: 1 }, after)), text: ', {size=12, flags=0, ...} => {out_ioas_id=1}' },
  { name: 'IOMMU_IOAS_ALLOW_IOVAS', kind: 'iommufd', argument: memory(u.iommu_ioas_allow_iovas, { size: 24, ioas_id: 1, num_iovas: 2, allowed_iovas: 0x7f0000 }), text: ', {size=24, ioas_id=1, num_iovas=2, allowed_iovas=0x7f0000}' },
  { name: 'IOMMU_IOAS_COPY', kind: 'iommufd', argument: changed(u.iommu_ioas_copy.encode({ size: 40, flags: 4, dst_ioas_id: 1, src_ioas_id: 2, length: 0x1000, src_iova: 0x2000 }), (after) => u.iommu_ioas_copy.encode({ dst_iova: 0x3000 }, after)), text: ', {size=40, flags=READABLE, dst_ioas_id=1, src_ioas_id=2, length=0x1000, dst_iova=0, src_iova=0x2000} => {dst_iova=0x3000}' },
  { name: 'IOMMU_IOAS_IOVA_RANGES', kind: 'iommufd', argument: changed(u.iommu_ioas_iova_ranges.encode({ size: 32, ioas_id: 1, allowed_iovas: 0x7f0000 }), (after) => u.iommu_ioas_iova_ranges.encode({ num_iovas: 2, out_iova_alignment: 0x1000 }, after)), text: ', {size=32, ioas_id=1, num_iovas=0, allowed_iovas=0x7f0000, ...} => {num_iovas=2, out_iova_alignment=0x1000}', result: -90 },
  { name: 'IOMMU_IOAS_MAP', kind: 'iommufd', argument: changed(u.iommu_ioas_map.encode({ size: 40, flags: 6, ioas_id: 1, user_va: 0x7f0000, length: 0x1000 }), (after) => u.iommu_ioas_map.encode({ iova: 0x1000 }, after)), text: ', {size=40, flags=WRITEABLE|READABLE, ioas_id=1, user_va=0x7f0000, length=0x1000, iova=0} => {iova=0x1000}' },
  { name: 'IOMMU_IOAS_UNMAP', kind: 'iommufd', argument: memory(u.iommu_ioas_unmap, { size: 24, ioas_id: 1, iova: 0x1000, length: 0x1000 }), text: ', {size=24, ioas_id=1, iova=0x1000, length=0x1000} => {length=0x1000}' },
  { name: 'IOMMU_OPTION', kind: 'iommufd', argument: changed(u.iommu_option.encode({ size: 24, option_id: 1, op: 1, object_id: 2 }), (after) => u.iommu_option.encode({ val64: 1 }, after)), text: ', {size=24, option_id=IOMMU_OPTION_HUGE_PAGES, op=IOMMU_OPTION_OP_GET, object_id=2, val64=0} => {val64=0x1}' },
  { name: 'IOMMU_VFIO_IOAS', kind: 'iommufd', argument: memory(u.iommu_vfio_ioas, { size: 12, op: 2 }), text: ', {size=12, ioas_id=0, op=IOMMU_VFIO_IOAS_CLEAR} => {ioas_id=0}' },
  { name: 'IOMMU_HWPT_ALLOC', kind: 'iommufd', argument: changed(u.iommu_hwpt_alloc.encode({ size: 48, flags: 7, dev_id: 1, pt_id: 2, data_type: 1, data_len: 24, data_uptr: 0x7f0000, fault_id: 3 }), (after) => u.iommu_hwpt_alloc.encode({ out_hwpt_id: 4 }, after)), text: ', {size=48, flags=NEST_PARENT|DIRTY_TRACKING|FAULT_ID_VALID, dev_id=1, pt_id=2, data_type=IOMMU_HWPT_DATA_VTD_S1, data_len=24, data_uptr=0x7f0000, fault_id=3, ...} => {out_hwpt_id=4}' },
  { name: 'IOMMU_HWPT_ALLOC', kind: 'iommufd', argument: changed(u.iommu_hwpt_alloc.encode({ size: 24, dev_id: 1, pt_id: 2 }).subarray(0, 24), (after) => void (after[16] = 4)), text: ', {size=24, flags=0, dev_id=1, pt_id=2, ...} => {out_hwpt_id=4}' },
  { name: 'IOMMU_GET_HW_INFO', kind: 'iommufd', argument: changed(u.iommu_hw_info.encode({ size: 40, dev_id: 1, data_len: 24, data_uptr: 0x7f0000 }), (after) => u.iommu_hw_info.encode({ out_data_type: 1, out_max_pasid_log2: 20, out_capabilities: 1 }, after)), text: ', {size=40, flags=0, dev_id=1, data_len=24, data_uptr=0x7f0000, ...} => {data_len=24, out_data_type=IOMMU_HW_INFO_TYPE_INTEL_VTD, out_max_pasid_log2=20, out_capabilities=DIRTY_TRACKING}' },
  { name: 'IOMMU_HWPT_SET_DIRTY_TRACKING', kind: 'iommufd', argument: memory(u.iommu_hwpt_set_dirty_tracking, { size: 16, flags: 1, hwpt_id: 4 }), text: ', {size=16, flags=ENABLE, hwpt_id=4}' },
  { name: 'IOMMU_HWPT_GET_DIRTY_BITMAP', kind: 'iommufd', argument: memory(u.iommu_hwpt_get_dirty_bitmap, { size: 48, hwpt_id: 4, flags: 1, iova: 0x1000, length: 0x8000, page_size: 0x1000, data: 0x7f0000 }), text: ', {size=48, hwpt_id=4, flags=NO_CLEAR, iova=0x1000, length=0x8000, page_size=0x1000, data=0x7f0000}' },
  { name: 'IOMMU_HWPT_INVALIDATE', kind: 'iommufd', argument: changed(u.iommu_hwpt_invalidate.encode({ size: 32, hwpt_id: 4, data_uptr: 0x7f0000, entry_len: 24, entry_num: 2 }), (after) => u.iommu_hwpt_invalidate.encode({ entry_num: 1 }, after)), text: ', {size=32, hwpt_id=4, data_uptr=0x7f0000, data_type=IOMMU_HWPT_INVALIDATE_DATA_VTD_S1, entry_len=24, entry_num=2} => {entry_num=1}', result: -22 },
  { name: 'IOMMU_FAULT_QUEUE_ALLOC', kind: 'iommufd', argument: changed(u.iommu_fault_alloc.encode({ size: 16 }), (after) => u.iommu_fault_alloc.encode({ out_fault_id: 5, out_fault_fd: 6 }, after)), text: ', {size=16, flags=0, ...} => {out_fault_id=5, out_fault_fd=6}' },
  { name: 'IOMMU_IOAS_MAP_FILE', kind: 'iommufd', argument: changed(u.iommu_ioas_map_file.encode({ size: 40, flags: 6, ioas_id: 1, fd: 7, start: 0x2000, length: 0x1000 }), (after) => u.iommu_ioas_map_file.encode({ iova: 0x1000 }, after)), text: ', {size=40, flags=WRITEABLE|READABLE, ioas_id=1, fd=7, start=0x2000, length=0x1000, iova=0} => {iova=0x1000}' },
  { name: 'IOMMU_VIOMMU_ALLOC', kind: 'iommufd', text: '' },
  { name: 'IOMMU_VDEVICE_ALLOC', kind: 'iommufd', argument: changed(u.iommu_vdevice_alloc.encode({ size: 24, viommu_id: 2, dev_id: 1, virt_id: 8 }), (after) => u.iommu_vdevice_alloc.encode({ out_vdevice_id: 5 }, after)), text: ', {size=24, viommu_id=2, dev_id=1, virt_id=0x8, ...} => {out_vdevice_id=5}' },
  { name: 'IOMMU_IOAS_CHANGE_PROCESS', kind: 'iommufd', argument: memory(u.iommu_ioas_change_process, { size: 8 }), text: ', {size=8}' },
];

const results: Readonly<Record<number, string>> = {
  [-2]: '-1 ENOENT (No such file or directory)',
  [-9]: '-1 EBADF (Bad file descriptor)',
  [-14]: '-1 EFAULT (Bad address)',
  [-22]: '-1 EINVAL (Invalid argument)',
  [-25]: '-1 ENOTTY (Inappropriate ioctl for device)',
  [-28]: '-1 ENOSPC (No space left on device)',
  [-90]: '-1 EMSGSIZE (Message too long)',
};

/** The constants that are ioctl numbers: IOMMUFD_TYPE and the like are smaller. */
// Two proposals took the same number; a line shows the later one's name.
const IOCTLS = Object.entries(u.constants).filter(([name, value]) => value >= 0x3b64 && value <= 0x3bff && name !== 'VFIO_DEVICE_SET_REGION_FLAGS');

test.each(ROWS.map((row) => [row.name, row] as const))('%s', (_, { name, kind, argument, text, result = 0 }) => {
  const line = callLine({ call: 'ioctl', fd: 5, kind, request: u.constants[name]!, ...(argument !== undefined && { argument }), result });
  expect(line).toBe(`ioctl(5, ${name}${text}) = ${results[result] ?? result}`);
});

describe('nothing is left out', () => {
  test('each ioctl constant has a row and a shape, and each shape is of an ioctl', () => {
    const names = IOCTLS.map(([name]) => name).sort();
    expect(names.length).toBeGreaterThan(45);
    expect([...new Set(ROWS.map(({ name }) => name))].sort()).toEqual(names);
    expect(Object.keys(REQUESTS).sort()).toEqual(names);
  });

  test('each field that has names is one of a layout, and all flag constants are shown somewhere', () => {
    for (const key of Object.keys(FIELD_NAMES)) {
      const [struct, field] = key.split('.') as [string, string];
      expect([key, u.structs[struct]?.fields[field] !== undefined]).toEqual([key, true]);
    }
    const context = { bus: 'pci' } as const;
    for (const [key, show] of Object.entries(FIELD_NAMES)) {
      const named = Array.from({ length: 32 }, (_, bit) => [show(bit, context), show(2 ** bit, context)]).flat();
      const isHex = key.includes('dependent_device.') || key.includes('dma32') || key.endsWith('drm_format');
      if (!isHex) expect([key, named.some((name) => /[A-Z]/.test(name))]).toEqual([key, true]);
    }
  });
});

describe('what cannot be read', () => {
  const line = (argument: IoctlCall['argument'], more: Partial<IoctlCall> = {}): string => callLine({ call: 'ioctl', fd: 3, kind: 'device', request: u.VFIO_DEVICE_GET_REGION_INFO, ...(argument !== undefined && { argument }), result: -14, ...more });
  const cut = ', VFIO_DEVICE_GET_REGION_INFO, ';
  test.each<[string, IoctlCall['argument'], string]>([
    ['no argument', undefined, 'NULL'],
    ['a NULL pointer', 0, 'NULL'],
    ['an address of nothing', 0x1234, '0x1234'],
    ['an address of 64 bits', 0xffff_ffff_ffff_f000n, '0xfffffffffffff000'],
    ['an address whose memory is empty', { address: 0x1234, before: new Uint8Array(0) }, '0x1234'],
    ['no bytes', { before: new Uint8Array(0) }, '""'],
    ['less than a field', { before: Uint8Array.of(1, 2, 3) }, '"\\x01\\x02\\x03"'],
    ['a struct that ends early', { before: Uint8Array.of(32, 0, 0, 0, 0, 0, 0, 0) }, '{argsz=32, ...}'],
    ['a struct that says it is short', { before: u.vfio_region_info.encode({ argsz: 8, index: 3 }) }, '{argsz=8, ...}'],
    ['a struct that says it is nothing', { before: u.vfio_region_info.encode({ argsz: 0, index: 3 }) }, '{argsz=0, ...}'],
    ['a struct that says it is more', { before: u.vfio_region_info.encode({ argsz: 0xffffffff, index: 3 }) }, '{argsz=4294967295, index=VFIO_PCI_BAR3_REGION_INDEX, ...}'],
  ])('%s', (_, argument, text) => expect(line(argument)).toBe(`ioctl(3${cut}${text}) = -1 EFAULT (Bad address)`));

  test.each([
    ['that leaves the bytes', 1000],
    ['that starts inside of the struct', 8],
    ['that is not aligned', 33],
  ])('a chain %s is where it starts', (_, cap_offset) => {
    const before = new Uint8Array(64);
    before.set(u.vfio_region_info.encode({ argsz: 64 }));
    const after = before.slice();
    u.vfio_region_info.encode({ flags: 8, cap_offset }, after);
    expect(line({ before, after }, { result: 0 })).toContain(`cap_offset=${cap_offset}, size=0, offset=0, caps=0x${cap_offset.toString(16)}})`);
  });

  test('a capability that is shorter than it says is shown as bytes', () => {
    const broken = u.buildCapabilityChain(32, [{ id: 1, version: 1, payload: Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0) }]);
    const after = new Uint8Array(48);
    after.set(u.vfio_region_info.encode({ argsz: 48, flags: 8, cap_offset: 32 }));
    after.set(broken.bytes, 32);
    expect(line({ before: u.vfio_region_info.encode({ argsz: 48 }), after }, { result: 0 })).toContain('caps=[UNKNOWN {id=1, version=1, data="\\x09\\x00\\x00\\x00\\x00\\x00\\x00\\x00"}]}) = 0');
  });
});

describe('a number and the kind of file', () => {
  const before = u.vfio_region_info.encode({ argsz: 32, index: 1 });
  const line = (request: number, more: Partial<IoctlCall> = {}): string => callLine({ call: 'ioctl', fd: 3, request, argument: { before }, result: -25, ...more });
  test.each([
    ['the same number on a container', line(0x3b70, { kind: 'container' }), /^ioctl\(3, VFIO_IOMMU_GET_INFO, \{argsz=32, \.\.\.\}\) = /],
    ['on a file that has none of it', line(0x3b70, { kind: 'eventfd' }), /^ioctl\(3, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO or VFIO_IOMMU_GET_INFO or VFIO_IOMMU_SPAPR_TCE_GET_INFO, "\\x20/],
    ['without a kind, and one name', line(0x3b6c), /^ioctl\(3, VFIO_DEVICE_GET_REGION_INFO, \{argsz=32, index=VFIO_PCI_BAR1_REGION_INDEX, \.\.\.\}\)/],
    ['on a platform device', line(0x3b6c, { kind: 'device', bus: 'platform' }), /\{argsz=32, index=1, \.\.\.\}/],
    ['a number of nobody', line(0xc0045678, { argument: 0x10 }), /^ioctl\(3, _IOC\(_IOC_READ\|_IOC_WRITE, 0x56, 0x78, 0x4\), 0x10\) = -1 ENOTTY/],
    ['a number without direction', line(0x3b63), /^ioctl\(3, _IOC\(_IOC_NONE, 0x3b, 0x63, 0\), "\\x20/],
  ])('%s', (_, text, expected) => expect(text).toMatch(expected));
});

test('lists stop at 32 elements', () => {
  const data = new Uint8Array(40);
  const before = u.vfio_irq_set.encode({ argsz: 60, flags: 0x22, index: 2, count: 40, data });
  expect(callLine({ call: 'ioctl', fd: 3, kind: 'device', request: u.VFIO_DEVICE_SET_IRQS, argument: { before }, result: 0 })).toContain(`data=[${'0, '.repeat(32)}...]}) = 0`);
});

test('padding is shown where it is not zero', () => {
  const before = u.vfio_device_ioeventfd.encode({ argsz: 32, reserved: 7 });
  expect(callLine({ call: 'ioctl', fd: 3, kind: 'device', request: u.VFIO_DEVICE_IOEVENTFD, argument: { before }, result: 0 })).toBe('ioctl(3, VFIO_DEVICE_IOEVENTFD, {argsz=32, flags=0, offset=0, data=0, fd=0, reserved=7}) = 0');
});
