// REGION_READ and REGION_WRITE of an aligned word of a BAR, which are nearly all that a busy client sends: from bytes to bytes, without a record between.
//
//   request   | header | offset u64 | region | count | data ...     REGION_WRITE
//   reply     | header | offset u64 | region | count | data ...     REGION_READ
//
// Everything else, and all that is to be refused, takes the general way (commands.ts), which answers these the same.

import { isWord, readWord, writeWord } from '../../../vfio/index.ts';
import { VFIO_USER_REGION_READ, VFIO_USER_REGION_WRITE } from '../codec/commands.ts';
import { FLAG_NO_REPLY, HEADER_SIZE, TYPE_REPLY, wordAt } from '../codec/header.ts';
import type { ReceivedMessage } from '../codec/message-stream.ts';
import type { ServedDevice } from './served-device.ts';

const HEAD = 16;
const [REGION, COUNT] = [8, 12];
const NO_REPLY = new Uint8Array(0);

/** A reply of `data` bytes behind what the request said of itself. */
function reply(id: number, command: number, request: Uint8Array, data: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE + HEAD + data);
  bytes[0] = id;
  bytes[1] = id >> 8;
  bytes[2] = command;
  bytes[4] = bytes.length;
  bytes[8] = TYPE_REPLY;
  for (let at = 0; at < HEAD; at++) bytes[HEADER_SIZE + at] = request[at]!;
  return bytes;
}

/**
 * Does it and answers it. Throws what the device throws at a write.
 *
 * @param report - Is told of what the device throws at a read, which gives ones.
 * @returns the whole reply, without bytes where none is wanted; undefined for a message that is to take the general way: nothing has been done.
 */
export function accessWord(device: ServedDevice, { header, payload }: ReceivedMessage<unknown>, report: (error: unknown) => void): Uint8Array | undefined {
  const { id, command, flags } = header;
  const isRead = command === VFIO_USER_REGION_READ;
  if ((!isRead && command !== VFIO_USER_REGION_WRITE) || (flags & ~FLAG_NO_REPLY) !== 0 || payload.length < HEAD) return undefined;
  const bytes = wordAt(payload, COUNT);
  if (payload.length !== (isRead ? HEAD : HEAD + bytes) || wordAt(payload, 4) !== 0) return undefined;
  const region = device.region(wordAt(payload, REGION));
  const position = wordAt(payload, 0);
  if (region === undefined || !isWord(device.vfio, region, position, bytes)) return undefined;
  if (!isRead) {
    if (!region.writable) return undefined;
    const high = bytes === 1 ? 0 : payload[HEAD + 1]! << 8;
    writeWord(device.vfio, region, position, bytes, bytes === 4 ? wordAt(payload, HEAD) : payload[HEAD]! | high);
    return (flags & FLAG_NO_REPLY) === 0 ? reply(id, command, payload, 0) : NO_REPLY;
  }
  let value = 0xffff_ffff;
  try {
    value = readWord(device.vfio, region, position, bytes);
  } catch (error) {
    report(error);
  }
  if ((flags & FLAG_NO_REPLY) !== 0) return NO_REPLY;
  const answer = reply(id, command, payload, bytes);
  for (let at = 0; at < bytes; at++) answer[HEADER_SIZE + HEAD + at] = value >>> (8 * at);
  return answer;
}
