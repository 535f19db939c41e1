// What each command's request and reply is made of, and the one way between payloads and records.
//
//   payload: | head: a struct | data |
//
//   data   none      bytes behind the head are refused
//          ignored   they are not looked at: clients ask with as many bytes as they would take
//          any       they belong to the message
//          a field   as many as that field of the head says, no more and no fewer
//          some      at least as many as that field says: what is longer was left as it was

import { VfioError } from '../../../uapi/index.ts';
import type { StructInput, StructRecord } from '../../../uapi/index.ts';
import type { CommandName } from './commands.ts';
import * as layouts from './layouts.ts';

/** Where the bytes behind the head come from. */
type Data = 'none' | 'ignored' | 'any' | { readonly countedBy: string; readonly atLeast?: boolean };

interface Shape {
  readonly layout: MessageLayout | null;
  readonly data: Data;
}

/** What the table needs of a layout. */
interface MessageLayout {
  readonly name: string;
  readonly size: number;
  decodeHead(source: Uint8Array): object;
  encode(record: never): Uint8Array;
}

const shape = <L extends MessageLayout | null>(layout: L, data: Data): { readonly layout: L; readonly data: Data } => ({ layout, data });
const nothing = shape(null, 'none');

const { vfio_user_region_access: access, vfio_user_dma_access: dma } = layouts;

const MESSAGES = {
  VERSION: { request: shape(layouts.vfio_user_version, 'any'), reply: shape(layouts.vfio_user_version, 'any') },
  DMA_MAP: { request: shape(layouts.vfio_user_dma_map, 'none'), reply: nothing },
  DMA_UNMAP: { request: shape(layouts.vfio_user_dma_unmap, 'any'), reply: shape(layouts.vfio_user_dma_unmap, 'any') },
  DEVICE_GET_INFO: { request: shape(layouts.vfio_user_device_info, 'ignored'), reply: shape(layouts.vfio_user_device_info, 'ignored') },
  DEVICE_GET_REGION_INFO: { request: shape(layouts.vfio_user_region_info, 'ignored'), reply: shape(layouts.vfio_user_region_info, 'any') },
  DEVICE_GET_REGION_IO_FDS: { request: shape(layouts.vfio_user_region_io_fds, 'ignored'), reply: shape(layouts.vfio_user_region_io_fds, 'any') },
  DEVICE_GET_IRQ_INFO: { request: shape(layouts.vfio_user_irq_info, 'ignored'), reply: shape(layouts.vfio_user_irq_info, 'ignored') },
  DEVICE_SET_IRQS: { request: shape(layouts.vfio_user_irq_set, 'any'), reply: nothing },
  REGION_READ: { request: shape(access, 'none'), reply: shape(access, { countedBy: 'count' }) },
  REGION_WRITE: { request: shape(access, { countedBy: 'count' }), reply: shape(access, 'none') },
  DMA_READ: { request: shape(dma, 'none'), reply: shape(dma, { countedBy: 'count' }) },
  DMA_WRITE: { request: shape(dma, { countedBy: 'count' }), reply: shape(dma, 'none') },
  DEVICE_RESET: { request: nothing, reply: nothing },
  REGION_WRITE_MULTI: { request: shape(layouts.vfio_user_write_multi, 'any'), reply: shape(layouts.vfio_user_write_multi, 'none') },
  DEVICE_FEATURE: { request: shape(layouts.vfio_user_device_feature, 'any'), reply: shape(layouts.vfio_user_device_feature, 'any') },
  MIG_DATA_READ: { request: shape(layouts.vfio_user_mig_data, 'none'), reply: shape(layouts.vfio_user_mig_data, { countedBy: 'size', atLeast: true }) },
  MIG_DATA_WRITE: { request: shape(layouts.vfio_user_mig_data, { countedBy: 'size' }), reply: nothing },
} as const satisfies Record<CommandName, { readonly request: Shape; readonly reply: Shape }>;

/** Which of the two a payload belongs to. */
export type Direction = 'request' | 'reply';

type LayoutOf<C extends CommandName, D extends Direction> = (typeof MESSAGES)[C][D]['layout'];

/** What a payload says: the fields of its head, and the bytes behind it. */
export type PayloadOf<C extends CommandName, D extends Direction> = (LayoutOf<C, D> extends null ? unknown : Omit<StructRecord<LayoutOf<C, D>>, 'data'>) & { readonly data: Uint8Array };

/** What a payload is made from: any fields of its head, and the bytes behind it. The field that counts them is theirs to give. */
export type PayloadInput<C extends CommandName, D extends Direction> = (LayoutOf<C, D> extends null ? unknown : Omit<StructInput<LayoutOf<C, D>>, 'data'>) & { readonly data?: Uint8Array };

const NO_BYTES = new Uint8Array(0);

/** Bytes of the head of a request or reply. */
export function headSize(command: CommandName, direction: Direction): number {
  return MESSAGES[command][direction].layout?.size ?? 0;
}

function refuse(command: CommandName, direction: Direction, what: string): never {
  throw new VfioError('EINVAL', `vfio-user ${command}`, `${direction === 'reply' ? 'reply: ' : ''}${what}`);
}

/**
 * Reads a payload.
 *
 * @param payload - All bytes behind the header. The record's `data` is a part of them, not a copy.
 * @throws VfioError EINVAL for too few bytes, too many, or a count that says otherwise.
 * @example
 * ```ts
 * decodePayload('REGION_READ', 'request', payload); // { offset: 0n, region: 7, count: 256, data: Uint8Array(0) }
 * ```
 */
export function decodePayload<C extends CommandName, D extends Direction>(command: C, direction: D, payload: Uint8Array): PayloadOf<C, D> {
  const { layout, data } = MESSAGES[command][direction] as Shape;
  const size = layout?.size ?? 0;
  if (payload.length < size) refuse(command, direction, `the payload has ${payload.length} bytes; expected at least ${size}`);
  if (data === 'none' && payload.length > size) refuse(command, direction, `the payload has ${payload.length} bytes; expected ${size}`);
  const head = (layout?.decodeHead(payload.subarray(0, size)) ?? {}) as Record<string, number | bigint>;
  if (typeof data === 'string') return { ...head, data: data === 'any' ? payload.subarray(size) : NO_BYTES } as unknown as PayloadOf<C, D>;
  const counted = head[data.countedBy]!;
  const there = payload.length - size;
  if (data.atLeast === true ? counted > there : counted != there) refuse(command, direction, `${data.countedBy} is ${counted.toString()}, and ${there} bytes of data follow`);
  return { ...head, data: payload.subarray(size, size + Number(counted)) } as unknown as PayloadOf<C, D>;
}

/**
 * Makes a payload.
 *
 * @throws TypeError, RangeError for a field that is none or has no such value, naming it.
 * @example
 * ```ts
 * encodePayload('REGION_WRITE', 'request', { offset: 4, region: 0, count: 1, data: Uint8Array.of(7) });
 * ```
 */
export function encodePayload<C extends CommandName, D extends Direction>(command: C, direction: D, record: PayloadInput<C, D>): Uint8Array {
  const { layout } = MESSAGES[command][direction] as Shape;
  const { data = NO_BYTES, ...head } = record as { readonly data?: Uint8Array };
  if (layout === null) return data;
  const bytes = new Uint8Array(layout.size + data.length);
  (layout as { encode(record: object, target: Uint8Array): Uint8Array }).encode(head, bytes);
  bytes.set(data, layout.size);
  return bytes;
}
