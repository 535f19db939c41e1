// The payloads of VFIO_DEVICE_FEATURE: which struct each feature has, which fields of it a caller gives and which come back. Behaviour text, section 3.3.

import * as uapi from '../../uapi/index.ts';
import type { AnyStructLayout, FieldSpecs, StructLayout } from '../../uapi/index.ts';

/** Fields that one operation reads and writes. */
interface Operation {
  readonly before?: readonly string[];
  readonly after?: readonly string[];
}

/** The payload of one feature. */
export interface FeaturePayload {
  /** Undefined: bytes without fields. */
  readonly layout: AnyStructLayout | undefined;
  readonly get?: Operation;
  readonly set?: Operation;
  /** What follows the struct: elements of another one, as many as a field says. */
  readonly list?: { readonly field: string; readonly element: AnyStructLayout; readonly countedBy: string };
}

interface FieldsOf<K extends string> {
  readonly before?: readonly K[];
  readonly after?: readonly K[];
}

function payload<F extends FieldSpecs>(layout: StructLayout<F>, operations: { readonly get?: FieldsOf<keyof F & string>; readonly set?: FieldsOf<keyof F & string> }): FeaturePayload {
  return { layout, ...operations };
}

const DMA_BUF: FeaturePayload = {
  ...payload(uapi.vfio_device_feature_dma_buf, { get: { before: ['region_index', 'open_flags', 'flags', 'nr_ranges'] } }),
  list: { field: 'dma_ranges', element: uapi.vfio_region_dma_range, countedBy: 'nr_ranges' },
};

/** The payload of a feature in a release. Undefined: it has none. */
export function featurePayload(number: number, release: 'v6.14' | 'v7.2' | undefined): FeaturePayload | undefined {
  return release === 'v7.2' && number === uapi.VFIO_DEVICE_FEATURE_DMA_BUF ? DMA_BUF : FEATURE_PAYLOADS.get(number);
}

/** By the feature's number. Features without payload are not here. */
const FEATURE_PAYLOADS: ReadonlyMap<number, FeaturePayload> = new Map([
  [uapi.VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, { layout: undefined, set: { before: [] } }],
  [uapi.VFIO_DEVICE_FEATURE_MIGRATION, payload(uapi.vfio_device_feature_migration, { get: { after: ['flags'] } })],
  [
    uapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
    payload(uapi.vfio_device_feature_mig_state, { get: { after: ['device_state', 'data_fd'] }, set: { before: ['device_state', 'data_fd'], after: ['device_state', 'data_fd'] } }),
  ],
  [uapi.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP, payload(uapi.vfio_device_low_power_entry_with_wakeup, { set: { before: ['wakeup_eventfd', 'reserved'] } })],
  [
    uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
    payload(uapi.vfio_device_feature_dma_logging_control, { set: { before: ['page_size', 'num_ranges', '__reserved', 'ranges'], after: ['page_size'] } }),
  ],
  [uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT, payload(uapi.vfio_device_feature_dma_logging_report, { get: { before: ['iova', 'length', 'page_size', 'bitmap'] } })],
  [uapi.VFIO_DEVICE_FEATURE_MIG_DATA_SIZE, payload(uapi.vfio_device_feature_mig_data_size, { get: { after: ['stop_copy_length'] } })],
  [uapi.VFIO_DEVICE_FEATURE_BUS_MASTER, payload(uapi.vfio_device_feature_bus_master, { set: { before: ['op'] } })],
  [
    uapi.VFIO_DEVICE_FEATURE_ALIAS_REGION,
    payload(uapi.vfio_device_feature_alias_region, { set: { before: ['flags', 'index', '_resv1', '_resv2'], after: ['alias_index'] } }),
  ],
]);
