// Which bytes an ioctl may have written, told by what it was given and what it answered: each span is one that the kernel copies out. Behaviour text, sections 1, 3 and 8.
//
//   GET_REGION_INFO   argsz flags index cap_offset size offset | capabilities, up to the end of the last one
//                     (w)   w           (w)        w    w        w if cap_offset says where            (w): only with capabilities

import * as uapi from '../../../src/uapi/index.ts';
import { isEnvelope, word } from './errnos.ts';
import { hasFeature } from './facts.ts';
import type { Facts } from './facts.ts';

/** First byte, and the one behind the last, from the start of the argument. */
export type Span = readonly [from: number, to: number];

export interface Answered {
  readonly request: number;
  readonly facts: Facts | undefined;
  /** `ok`, or an errno. */
  readonly code: string;
  /** The argument before and after the call, as far as it is there. */
  readonly given: Uint8Array;
  readonly after: Uint8Array;
  /** Whether feature MIG_PRECOPY_INFOv2 may be on. */
  readonly tellsReinit: boolean;
}

const NOTHING: readonly Span[] = [];
const CAPS = uapi.VFIO_REGION_INFO_FLAG_CAPS;
const DEVICE_CAPS = uapi.VFIO_DEVICE_FLAGS_CAPS;

/** Where a chain ends that begins at `first`; -1 when it leads out of the argument or back. */
export function chainEnd(after: Uint8Array, first: number, isDevice: boolean): number {
  const view = new DataView(after.buffer, after.byteOffset, after.byteLength);
  let end = -1;
  for (let at = first; at !== 0; ) {
    if (at < end || at + 8 > after.length) return -1;
    const id = view.getUint16(at, true);
    if (isDevice || id === uapi.VFIO_REGION_INFO_CAP_TYPE || id === uapi.VFIO_REGION_INFO_CAP_ALIAS) end = at + 16;
    else if (id === uapi.VFIO_REGION_INFO_CAP_SPARSE_MMAP) end = at + 16 + 16 * view.getUint32(at + 8, true);
    else if (id === uapi.VFIO_REGION_INFO_CAP_MSIX_MAPPABLE) end = at + 8;
    else return -1;
    at = view.getUint32(at + 4, true);
  }
  return end;
}

/** Capabilities behind a fixed struct: the fields that tell of them, and they themselves. */
function chained({ given, after }: Answered, flagsAt: number, offsetAt: number, fixed: number, isDevice: boolean): readonly Span[] {
  if (((word(after, flagsAt) ?? 0) & (isDevice ? DEVICE_CAPS : CAPS)) === 0) return NOTHING;
  const fields: readonly Span[] = [[0, 4], [offsetAt, offsetAt + 4]];
  // Asks for more room, or has had enough.
  if ((word(after, offsetAt) ?? 0) !== fixed || (word(given, 0) ?? 0) < fixed) return fields;
  return [...fields, [fixed, chainEnd(after, fixed, isDevice)]];
}

function deviceInfo(answered: Answered): readonly Span[] {
  const argsz = word(answered.given, 0)!;
  const chain = argsz < 24 ? NOTHING : chained(answered, 4, 16, 24, true).slice(2);
  return [[0, Math.min(argsz, 24)], ...chain];
}

function hotResetInfo({ code, after }: Answered): readonly Span[] {
  if (code === 'ENOSPC') return [[4, 12]];
  return code === 'ok' ? [[4, 12 + 8 * word(after, 8)!]] : NOTHING;
}

function precopyInfo({ facts, tellsReinit }: Answered): readonly Span[] {
  if (facts?.kind !== 'migration data') return NOTHING;
  return tellsReinit ? [[4, 24]] : [[8, 24]];
}

function migrationState({ code, given }: Answered, isGet: boolean): readonly Span[] {
  if (code === 'ok') return isGet ? [[8, 16]] : [[12, 16]];
  // data_fd becomes -1 where a way was looked for and not found; nothing is told of a file that found no fd.
  return !isGet && (word(given, 0) ?? 0) >= 16 && code !== 'EMFILE' && code !== 'EFAULT' ? [[12, 16]] : NOTHING;
}

function feature(answered: Answered): readonly Span[] {
  const { facts, given, code } = answered;
  const flags = word(given, 4) ?? 0;
  const index = flags & uapi.VFIO_DEVICE_FEATURE_MASK;
  if (facts === undefined || !isEnvelope(given) || !hasFeature(facts, index)) return NOTHING;
  const { alias } = facts.opening!;
  const [isGet, isSet] = [(flags & uapi.VFIO_DEVICE_FEATURE_GET) !== 0, (flags & uapi.VFIO_DEVICE_FEATURE_SET) !== 0];
  if ((flags & uapi.VFIO_DEVICE_FEATURE_PROBE) !== 0) return code === 'ok' && alias?.feature === index && alias.mode === 'rfc' ? [[8, 12]] : NOTHING;
  if (!isGet && !isSet) return NOTHING;
  if (index === uapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE) return migrationState(answered, isGet);
  if (code !== 'ok') return NOTHING;
  if (alias?.feature === index) return [[16, 20]];
  switch (index) {
    case uapi.VFIO_DEVICE_FEATURE_MIGRATION:
    case uapi.VFIO_DEVICE_FEATURE_MIG_DATA_SIZE:
    case uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START:
      return [[8, 16]];
    default:
      return NOTHING;
  }
}

/** What of its argument. Empty: no byte. */
export function written(answered: Answered): readonly Span[] {
  const { request, code, after } = answered;
  if (request === uapi.VFIO_DEVICE_FEATURE) return feature(answered);
  if (request === uapi.VFIO_DEVICE_GET_PCI_HOT_RESET_INFO) return hotResetInfo(answered);
  if (code !== 'ok') return NOTHING;
  switch (request) {
    case uapi.VFIO_DEVICE_GET_INFO:
      return deviceInfo(answered);
    case uapi.VFIO_DEVICE_GET_REGION_INFO:
      return [[4, 8], [16, 32], ...chained(answered, 4, 12, 32, false)];
    case uapi.VFIO_DEVICE_GET_REGION_CAPS:
      return [[8, 12], [16, 24], ...chained(answered, 8, 24, 32, false)];
    case uapi.VFIO_DEVICE_GET_REGION_MMAP:
      return [[16, 32]];
    case uapi.VFIO_DEVICE_GET_IRQ_INFO:
      return [[4, 8], [12, 16]];
    case uapi.VFIO_DEVICE_QUERY_GFX_PLANE:
      return ((word(after, 4) ?? 0) & uapi.VFIO_GFX_PLANE_TYPE_PROBE) !== 0 ? NOTHING : [[12, 60]];
    case uapi.VFIO_MIG_GET_PRECOPY_INFO:
      return precopyInfo(answered);
    default:
      return NOTHING;
  }
}

/** The bytes of a report's bitmap by their addresses: bits are set in them and none is cleared, whether the report succeeds or not. */
export function bitmapOf({ request, facts, given }: Omit<Answered, 'after' | 'code' | 'tellsReinit'>): readonly [from: bigint, to: bigint] | undefined {
  const flags = word(given, 4) ?? 0;
  const report = uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT;
  if (request !== uapi.VFIO_DEVICE_FEATURE || flags !== (uapi.VFIO_DEVICE_FEATURE_GET | report) || facts === undefined || !hasFeature(facts, report)) return undefined;
  if (given.length < 40 || word(given, 0)! < 40) return undefined;
  const { length, page_size: page, bitmap } = uapi.vfio_device_feature_dma_logging_report.decode(given.subarray(8, 40));
  if (page < 4096n || length === 0n) return undefined;
  const bits = (length - 1n) / page + 1n;
  return [bitmap, bitmap + (bits + 7n) / 8n];
}
