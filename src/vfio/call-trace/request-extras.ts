// What a request's struct leads to: capabilities, data of interrupts, payloads of features, bitmaps. Read by uapi's layouts; what is broken is shown as far as it is whole.

import {
  CapabilityChainError,
  VFIO_DEVICE_FEATURE_GET,
  VFIO_DEVICE_FEATURE_MASK,
  VFIO_DEVICE_FEATURE_PROBE,
  VFIO_DEVICE_FEATURE_SET,
  VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
  VFIO_GFX_PLANE_TYPE_DMABUF,
  VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
  VFIO_IRQ_SET_DATA_BOOL,
  VFIO_IRQ_SET_DATA_EVENTFD,
  VFIO_IRQ_SET_DATA_TYPE_MASK,
  VFIO_PCI_HOT_RESET_FLAG_DEV_ID,
  vfio_bitmap,
  vfio_device_feature,
  vfio_device_gfx_plane_info,
  vfio_iommu_type1_dirty_bitmap,
  vfio_iommu_type1_dirty_bitmap_get,
  vfio_iommu_type1_dma_unmap,
  vfio_irq_set,
  vfio_pci_dependent_device,
  vfio_pci_hot_reset,
  vfio_pci_hot_reset_info,
  walkCapabilityChain,
} from '../../uapi/index.ts';
import type { AnyStructLayout, PlacedCapability } from '../../uapi/index.ts';
import { featurePayload } from './features.ts';
import type { FeaturePayload } from './features.ts';
import type { NameContext } from './field-names.ts';
import { listOf } from './shown.ts';
import type { Shown } from './shown.ts';
import { fixedFields, numberAt, recordOf, structOf, valueOf } from './struct-text.ts';
import { hex, quotedBytes } from './value-text.ts';

/** The bytes of an argument at one moment: as many as the struct says it has. */
export interface Moment {
  readonly bytes: Uint8Array;
  readonly context: NameContext;
  /** After the call, whether it succeeded. */
  readonly succeeded: boolean;
}

/** Fields that follow those of the struct. */
export type Extra = (moment: Moment) => (readonly [string, Shown])[];

type Named = { readonly kind: string };

function capability(prefix: string, one: PlacedCapability, decode: (one: PlacedCapability) => Named, context: NameContext): Shown {
  try {
    const { kind, ...body } = decode(one);
    if (kind !== 'UNKNOWN') return { name: kind, ...recordOf(`${prefix}${kind.toLowerCase()}`, body, context) };
  } catch (error) {
    if (!(error instanceof CapabilityChainError)) throw error;
  }
  return { name: 'UNKNOWN', fields: [['id', String(one.id)], ['version', String(one.version)], ['data', quotedBytes(one.payload)]] };
}

/**
 * The capabilities behind an info struct. A chain that cannot be walked is where it starts, in hex.
 *
 * @param flag of `flags`: there are capabilities.
 * @param prefix of the capabilities' structs: their names follow in small letters.
 */
export function capabilities(layout: AnyStructLayout, flag: number, prefix: string, decode: (one: PlacedCapability) => Named): Extra {
  return ({ bytes, context }) => {
    const start = numberAt(layout, 'cap_offset', bytes) ?? 0;
    if (((numberAt(layout, 'flags', bytes) ?? 0) & flag) === 0 || start === 0) return [];
    try {
      return [['caps', listOf(walkCapabilityChain(bytes, start, layout.size), (one) => capability(prefix, one, decode, context))]];
    } catch (error) {
      if (!(error instanceof CapabilityChainError)) throw error;
      return [['caps', hex(start)]];
    }
  };
}

/** A flexible array: as many elements as its count field says and the bytes hold; `...` for those they do not. */
function counted(layout: AnyStructLayout, field: string, width: number, bytes: Uint8Array, show: (view: DataView, at: number) => Shown): Shown {
  const start = layout.fields[field]!.offset;
  const wanted = numberAt(layout, 'count', bytes) ?? 0;
  const there = Math.min(wanted, Math.max(0, Math.floor((bytes.length - start) / width)));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const list = listOf(Array.from({ length: Math.min(there, 33) }, (_, i) => start + i * width), (at) => show(view, at));
  if (there < wanted && list.at(-1) !== '...') list.push('...');
  return list;
}

/** Data of VFIO_DEVICE_SET_IRQS: fds or booleans, one for each vector. */
export const irqData: Extra = ({ bytes }) => {
  const type = (numberAt(vfio_irq_set, 'flags', bytes) ?? 0) & VFIO_IRQ_SET_DATA_TYPE_MASK;
  if (type === VFIO_IRQ_SET_DATA_BOOL) return [['data', counted(vfio_irq_set, 'data', 1, bytes, (view, at) => String(view.getUint8(at)))]];
  if (type === VFIO_IRQ_SET_DATA_EVENTFD) return [['data', counted(vfio_irq_set, 'data', 4, bytes, (view, at) => String(view.getInt32(at, true)))]];
  return [];
};

/** The functions that a hot reset hits: only a call that succeeds writes them. */
export const hotResetDevices: Extra = ({ bytes, context, succeeded }) => {
  if (!succeeded) return [];
  const byId = ((numberAt(vfio_pci_hot_reset_info, 'flags', bytes) ?? 0) & VFIO_PCI_HOT_RESET_FLAG_DEV_ID) !== 0;
  const fields = [byId ? 'devid' : 'group_id', 'segment', 'bus', 'devfn'];
  return [['devices', counted(vfio_pci_hot_reset_info, 'devices', vfio_pci_dependent_device.size, bytes, (_, at) => structOf(vfio_pci_dependent_device, fields, { bytes, at }, context))]];
};

/** The groups that a hot reset names. */
export const groupFds: Extra = ({ bytes }) => [['group_fds', counted(vfio_pci_hot_reset, 'group_fds', 4, bytes, (view, at) => String(view.getInt32(at, true)))]];

/** The one member of the union that the kind of plane has. */
export const planeSource: Extra = ({ bytes, context }) => {
  const isDmabuf = ((numberAt(vfio_device_gfx_plane_info, 'flags', bytes) ?? 0) & VFIO_GFX_PLANE_TYPE_DMABUF) !== 0;
  return structOf(vfio_device_gfx_plane_info, [isDmabuf ? 'dmabuf_id' : 'region_index'], { bytes }, context).fields.slice();
};

/** A struct where the flexible array `data` starts. */
function payload(layout: AnyStructLayout, data: AnyStructLayout, fields: readonly string[], bytes: Uint8Array, context: NameContext): Shown {
  return structOf(data, fields, { bytes, at: layout.fields['data']!.offset }, context);
}

/** Where VFIO_IOMMU_UNMAP_DMA puts the dirty pages, when it is asked for them. */
export const unmapBitmap: Extra = ({ bytes, context }) => {
  const wants = ((numberAt(vfio_iommu_type1_dma_unmap, 'flags', bytes) ?? 0) & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP) !== 0;
  return wants ? [['bitmap', payload(vfio_iommu_type1_dma_unmap, vfio_bitmap, fixedFields(vfio_bitmap), bytes, context)]] : [];
};

/** The range whose dirty pages VFIO_IOMMU_DIRTY_PAGES is asked for. */
export const dirtyRange: Extra = ({ bytes, context }) => {
  const wants = ((numberAt(vfio_iommu_type1_dirty_bitmap, 'flags', bytes) ?? 0) & VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP) !== 0;
  return wants ? [['data', payload(vfio_iommu_type1_dirty_bitmap, vfio_iommu_type1_dirty_bitmap_get, fixedFields(vfio_iommu_type1_dirty_bitmap_get), bytes, context)]] : [];
};

/** The elements behind a payload: as many as its count field says and the bytes hold. */
function following(layout: AnyStructLayout, { element, countedBy }: NonNullable<FeaturePayload['list']>, bytes: Uint8Array, context: NameContext): Shown {
  const rest = bytes.subarray(vfio_device_feature.size);
  const wanted = numberAt(layout, countedBy, rest) ?? 0;
  const there = Math.min(wanted, Math.max(0, Math.floor((rest.length - layout.size) / element.size)));
  const shown = listOf(Array.from({ length: Math.min(there, 33) }, (_, i) => layout.size + i * element.size), (at) => structOf(element, fixedFields(element), { bytes: rest, at }, context));
  if (there < wanted && shown.at(-1) !== '...') shown.push('...');
  return shown;
}

function featureData(moment: 'before' | 'after'): Extra {
  return ({ bytes, context }) => {
    const flags = numberAt(vfio_device_feature, 'flags', bytes) ?? 0;
    const known = featurePayload(flags & VFIO_DEVICE_FEATURE_MASK, context.uapi);
    // A probe never looks at the data.
    if (known === undefined || (flags & VFIO_DEVICE_FEATURE_PROBE) !== 0) return [];
    const operation = (flags & VFIO_DEVICE_FEATURE_SET) !== 0 ? 'set' : (flags & VFIO_DEVICE_FEATURE_GET) !== 0 ? 'get' : undefined;
    const fields = operation === undefined ? undefined : known[operation]?.[moment];
    if (fields === undefined) return [];
    const { layout, list } = known;
    if (layout !== undefined) {
      const shown = structOf(layout, fields, { bytes, at: vfio_device_feature.size }, context);
      return [['data', list === undefined ? shown : { fields: [...shown.fields, [list.field, following(layout, list, bytes, context)] as const] }]];
    }
    return [['data', valueOf('vfio_device_feature', 'data', bytes.subarray(vfio_device_feature.size), context)]];
  };
}

/** What a feature is given. */
export const featureRequest = featureData('before');

/** What a feature answers. */
export const featureAnswer = featureData('after');
