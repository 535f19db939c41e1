// The short way of REGION_READ and REGION_WRITE: a register's bytes in one cycle, without records. Anything unusual goes the long way, commands.ts, with nothing done.
//
//   header | offset 0  low 4  high | region 8 | count 12 | data 16          reply: the same with REPLY, of a read with the data, of a write without

import { vfio_user_region_access } from '../codec/layouts.ts';
import { VFIO_USER_REGION_READ } from '../codec/commands.ts';
import { FLAG_NO_REPLY, HEADER_SIZE, TYPE_REPLY } from '../codec/header.ts';
import type { MessageHeader } from '../codec/header.ts';
import type { ServedDevice } from './served-device.ts';

const HEAD = vfio_user_region_access.size;

const word = (bytes: Uint8Array, at: number): number => (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;

function put(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Nobody waits for a reply. */
export const NO_REPLY = new Uint8Array(0);

/**
 * Carries out an access.
 *
 * @param header of a REGION_READ or REGION_WRITE command.
 * @returns the whole reply; {@link NO_REPLY}; undefined when it has to go the long way.
 * @throws what the device's own code throws at a write.
 */
export function shortAccess(device: ServedDevice, header: MessageHeader, payload: Uint8Array, report: (error: unknown) => void): Uint8Array | undefined {
  const { length } = payload;
  const reads = header.command === VFIO_USER_REGION_READ;
  if (length < HEAD) return undefined;
  const [count, index, high] = [word(payload, 12), word(payload, 8), word(payload, 4)];
  if (count > 4 || length !== HEAD + (reads ? 0 : count) || high >= 1 << 21 || index >= device.numRegions) return undefined;
  const reply = new Uint8Array(HEADER_SIZE + HEAD + (reads ? count : 0));
  const data = reads ? reply.subarray(HEADER_SIZE + HEAD) : payload.subarray(HEAD);
  try {
    if (!device.short.move(index, high * 2 ** 32 + word(payload, 0), data, !reads)) return undefined;
  } catch (error) {
    if (!reads) throw error;
    report(error);
    data.fill(0xff);
  }
  if ((header.flags & FLAG_NO_REPLY) !== 0) return NO_REPLY;
  put(reply, 0, header.id | (header.command << 16));
  put(reply, 4, reply.length);
  put(reply, 8, TYPE_REPLY);
  for (let at = 0; at < HEAD; at++) reply[HEADER_SIZE + at] = payload[at]!;
  return reply;
}
