// The ioctls of page tables and of the hardware behind them: HWPT_ALLOC, dirty pages, HWPT_INVALIDATE, GET_HW_INFO, VIOMMU_ALLOC, VDEVICE_ALLOC. Behaviour text, section 6.8.
//
// The hardware is VT-d in scalable mode, without nested translation and without page requests.
//
// Source: drivers/iommu/iommufd/hw_pagetable.c, device.c iommufd_get_hw_info, viommu.c; drivers/iommu/intel/iommu.c intel_iommu_hw_info

import {
  IOMMU_GET_HW_INFO,
  IOMMU_HWPT_ALLOC,
  IOMMU_HWPT_DATA_NONE,
  IOMMU_HWPT_DIRTY_TRACKING_ENABLE,
  IOMMU_HWPT_FAULT_ID_VALID,
  IOMMU_HWPT_GET_DIRTY_BITMAP,
  IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR,
  IOMMU_HWPT_INVALIDATE,
  IOMMU_HWPT_SET_DIRTY_TRACKING,
  IOMMU_HW_CAP_DIRTY_TRACKING,
  IOMMU_HW_INFO_TYPE_INTEL_VTD,
  IOMMU_VDEVICE_ALLOC,
  IOMMU_VIOMMU_ALLOC,
  VfioError,
  iommu_hw_info,
  iommu_hw_info_vtd,
  iommu_hwpt_alloc,
  iommu_hwpt_get_dirty_bitmap,
  iommu_hwpt_invalidate,
  iommu_hwpt_set_dirty_tracking,
  iommu_vdevice_alloc,
  struct,
  u32,
} from '../../uapi/index.ts';
import type { Iommu } from '../host/options.ts';
import { command, unsupported } from './command.ts';
import type { Command } from './command.ts';
import { checkDirtyRange, reportDirty } from './dirty-bitmap.ts';
import { allocatePageTable } from './page-table.ts';

const alloc = command(IOMMU_HWPT_ALLOC, 'IOMMU_HWPT_ALLOC', 24, iommu_hwpt_alloc, ({ call, record, context, respond }) => {
  const { flags, data_type, data_len } = record;
  if (record.__reserved !== 0) unsupported(call, `the reserved field is ${record.__reserved}; expected 0`);
  if ((data_type === IOMMU_HWPT_DATA_NONE) !== (data_len === 0)) throw new VfioError('EINVAL', call, `data_type ${data_type} with data_len ${data_len}`);
  const device = context.objects.get(call, record.dev_id, 'device');
  const parent = context.objects.find(record.pt_id);
  if (parent?.kind === 'page table') unsupported(call, 'the IOMMU nests no page tables');
  if (parent?.kind !== 'IOAS') throw new VfioError('EINVAL', call, `object ${record.pt_id} is ${parent === undefined ? 'not there' : `of kind ${parent.kind}`}; expected an IOAS`);
  const table = allocatePageTable(context, call, { ioas: parent, device, flags, hasData: data_len !== 0 });
  try {
    if ((flags & IOMMU_HWPT_FAULT_ID_VALID) !== 0) table.useFaults(context.objects.get(call, record.fault_id, 'fault queue'));
    record.out_hwpt_id = table.id;
    respond();
  } catch (error) {
    context.objects.remove(table);
    throw error;
  }
});

const setDirtyTracking = command(IOMMU_HWPT_SET_DIRTY_TRACKING, 'IOMMU_HWPT_SET_DIRTY_TRACKING', 16, iommu_hwpt_set_dirty_tracking, ({ call, record, context }) => {
  const { flags } = record;
  if ((flags & ~IOMMU_HWPT_DIRTY_TRACKING_ENABLE) !== 0) unsupported(call, `flags 0x${flags.toString(16)} has bits beyond ENABLE`);
  const table = context.objects.get(call, record.hwpt_id, 'page table');
  if (!table.tracksDirty) unsupported(call, `page table ${table.id} was made without DIRTY_TRACKING`);
  // Switched on anew: what was marked before is forgotten.
  table.domain.trackDirty(false);
  if ((flags & IOMMU_HWPT_DIRTY_TRACKING_ENABLE) !== 0) table.domain.trackDirty(true);
});

const getDirtyBitmap = command(IOMMU_HWPT_GET_DIRTY_BITMAP, 'IOMMU_HWPT_GET_DIRTY_BITMAP', 48, iommu_hwpt_get_dirty_bitmap, ({ call, record, context, process }) => {
  const { flags, iova, length, page_size: pageSize, data } = record;
  if ((flags & ~IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR) !== 0) unsupported(call, `flags 0x${flags.toString(16)} has bits beyond NO_CLEAR`);
  if (record.__reserved !== 0) unsupported(call, `the reserved field is ${record.__reserved}; expected 0`);
  const table = context.objects.get(call, record.hwpt_id, 'page table');
  checkDirtyRange(call, { iova, length, pageSize }, table.ioas.alignment);
  if (!table.tracksDirty) unsupported(call, `page table ${table.id} was made without DIRTY_TRACKING`);
  reportDirty(table, { iova, length, pageSize }, { pages: process.pages, address: data, clears: (flags & IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR) === 0 });
});

const invalidate = command(IOMMU_HWPT_INVALIDATE, 'IOMMU_HWPT_INVALIDATE', 32, iommu_hwpt_invalidate, ({ call, record, context, respond }) => {
  const refusal = (): VfioError => {
    if (record.__reserved !== 0) return new VfioError('EOPNOTSUPP', call, `the reserved field is ${record.__reserved}; expected 0`);
    if (record.entry_num !== 0 && (record.data_uptr === 0n || record.entry_len === 0)) return new VfioError('EINVAL', call, `${record.entry_num} entries at address ${record.data_uptr.toString()} of ${record.entry_len} bytes`);
    const object = context.objects.find(record.hwpt_id);
    if (object === undefined) return new VfioError('ENOENT', call, `there is no object ${record.hwpt_id}`);
    return new VfioError('EINVAL', call, `object ${record.hwpt_id} is of kind ${object.kind}; expected a nested page table`);
  };
  const refused = refusal();
  // How many entries were done is told whatever comes of it.
  record.entry_num = 0;
  respond();
  throw refused;
});

const bit = (at: number, isSet: boolean): bigint => (isSet ? 1n << BigInt(at) : 0n);

/** The capability registers that say what an IOMMU is. Source: Intel VT-d specification, sections 11.4.2 and 11.4.3 */
function capabilityRegisters({ pageSizes, lastAddress, coherent, isolatesMessages, tracksDirty }: Iommu): { readonly cap_reg: bigint; readonly ecap_reg: bigint } {
  const width = lastAddress.toString(2).length;
  return {
    // SAGAW: levels of 39, 48 and 57 bits. MGAW: the widest address. SSLPS: pages of 2 MiB and 1 GiB.
    cap_reg: bit(9, width <= 39) | bit(10, width > 39 && width <= 48) | bit(11, width > 48) | (BigInt(width - 1) << 16n) | bit(34, (pageSizes & 0x20_0000n) !== 0n) | bit(35, (pageSizes & 0x4000_0000n) !== 0n),
    // Page-walk coherency, interrupt remapping, snoop control, scalable mode, dirty bits of the second stage, second stage.
    ecap_reg: 1n | bit(3, isolatesMessages) | bit(7, coherent) | bit(43, true) | bit(45, tracksDirty) | bit(46, true),
  };
}

const CLEARED = 4096;

const hardware = command(IOMMU_GET_HW_INFO, 'IOMMU_GET_HW_INFO', 32, iommu_hw_info, ({ call, record, context, process, respond }) => {
  // v6.14 knows nothing of out_max_pasid_log2: all four bytes are reserved.
  const isReserved = record.out_max_pasid_log2 !== 0 || record.__reserved.some((byte) => byte !== 0);
  if (record.flags !== 0 || isReserved) unsupported(call, `flags 0x${record.flags.toString(16)}, or a reserved byte, is not 0`);
  const { iommu } = context.objects.get(call, record.dev_id, 'device');
  const info = iommu_hw_info_vtd.encode({ flags: 0, ...capabilityRegisters(iommu) });
  const room = record.data_len;
  const write = (at: number, bytes: Uint8Array): void => process.memoryAt(record.data_uptr + BigInt(at)).copyOut(0, bytes);
  if (room > 0) write(0, info.subarray(0, Math.min(room, info.length)));
  for (let at = info.length; at < room; at += CLEARED) write(at, new Uint8Array(Math.min(CLEARED, room - at)));
  record.out_data_type = IOMMU_HW_INFO_TYPE_INTEL_VTD;
  record.data_len = info.length;
  record.out_capabilities = iommu.tracksDirty ? BigInt(IOMMU_HW_CAP_DIRTY_TRACKING) : 0n;
  respond();
});

/** As v6.14 has it: later releases have made it longer. */
const iommu_viommu_alloc = struct('iommu_viommu_alloc', 24, { size: u32(0), flags: u32(4), type: u32(8), dev_id: u32(12), hwpt_id: u32(16), out_viommu_id: u32(20) });

const virtualIommu = command(IOMMU_VIOMMU_ALLOC, 'IOMMU_VIOMMU_ALLOC', 24, iommu_viommu_alloc, ({ call, record, context }) => {
  if (record.flags !== 0 || record.type === 0) unsupported(call, `flags 0x${record.flags.toString(16)}, type ${record.type}`);
  context.objects.get(call, record.dev_id, 'device');
  unsupported(call, 'the IOMMU has no virtual ones');
});

const virtualDevice = command(IOMMU_VDEVICE_ALLOC, 'IOMMU_VDEVICE_ALLOC', 24, iommu_vdevice_alloc, ({ call, record }) => {
  throw new VfioError('ENOENT', call, `object ${record.viommu_id} is no virtual IOMMU: there are none`);
});

export const PAGE_TABLE_COMMANDS: readonly Command[] = [alloc, hardware, setDirtyTracking, getDirtyBitmap, invalidate, virtualIommu, virtualDevice];
