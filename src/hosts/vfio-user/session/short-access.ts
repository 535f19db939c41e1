// The short way of REGION_READ and REGION_WRITE: a register's bytes in one cycle, from bytes to bytes. Anything unusual goes the long way, commands.ts, with nothing done.
//
//   message   header 0 | offset 16  low 20  high | region 24 | count 28 | data 32
//   reply     header 0 | the same 16 bytes                              | data of a read 32

import { vfio_user_region_access } from '../codec/layouts.ts';
import { VFIO_USER_REGION_READ, VFIO_USER_REGION_WRITE } from '../codec/commands.ts';
import { FLAG_NO_REPLY, HEADER_SIZE, TYPE_COMMAND, TYPE_MASK, TYPE_REPLY } from '../codec/header.ts';
import type { ServedDevice } from './served-device.ts';

const HEAD = vfio_user_region_access.size;
const DATA = HEADER_SIZE + HEAD;
/** Bytes of the longest reply. */
export const SHORT_REPLY = DATA + 4;

/** It has to go the long way. */
export const LONG_WAY = -1;

/** The short way to one device's registers. */
export class ShortAccess {
  private readonly device: ServedDevice;
  private readonly report: (error: unknown) => void;

  /** @param report - Is told of what the device's own code threw at a read. */
  constructor(device: ServedDevice, report: (error: unknown) => void) {
    this.device = device;
    this.report = report;
  }

  /**
   * Carries out a command.
   *
   * @param view - Where it is: its payload of `length` bytes from `payload` on. `name` and `flags` are the first and third word of its header.
   * @param reply - Where the reply is put, from `to` on, when the access is over: room for {@link SHORT_REPLY} bytes.
   * @returns bytes of the reply; 0 when nobody waits for one; {@link LONG_WAY}.
   * @throws what the device's own code throws at a write.
   */
  carryOut(name: number, flags: number, view: DataView, payload: number, length: number, reply: DataView, to: number): number {
    const command = name >>> 16;
    const reads = command === VFIO_USER_REGION_READ;
    if ((!reads && command !== VFIO_USER_REGION_WRITE) || (flags & TYPE_MASK) !== TYPE_COMMAND || length < HEAD) return LONG_WAY;
    const low = view.getUint32(payload, true);
    const high = view.getUint32(payload + 4, true);
    const index = view.getUint32(payload + 8, true);
    const count = view.getUint32(payload + 12, true);
    if ((count !== 4 && count !== 2 && count !== 1) || length !== (reads ? HEAD : HEAD + count) || high >= 1 << 21 || index >= this.device.numRegions) return LONG_WAY;
    const position = high * 2 ** 32 + low;
    let value = 0;
    if (reads) {
      value = this.read(index, position, count);
      if (value < 0) return LONG_WAY;
    } else if (!this.device.short.write(index, position, count, word(view, payload + HEAD, count))) return LONG_WAY;
    if ((flags & FLAG_NO_REPLY) !== 0) return 0;
    const size = reads ? DATA + count : DATA;
    reply.setUint32(to, name, true);
    reply.setUint32(to + 4, size, true);
    reply.setUint32(to + 8, TYPE_REPLY, true);
    reply.setUint32(to + 12, 0, true);
    reply.setUint32(to + HEADER_SIZE, low, true);
    reply.setUint32(to + HEADER_SIZE + 4, high, true);
    reply.setUint32(to + HEADER_SIZE + 8, index, true);
    reply.setUint32(to + HEADER_SIZE + 12, count, true);
    // What is behind the count is not sent.
    if (reads) reply.setUint32(to + DATA, value, true);
    return size;
  }

  /** A number below 0: the long way. */
  private read(index: number, position: number, count: 1 | 2 | 4): number {
    try {
      return this.device.short.read(index, position, count);
    } catch (error) {
      this.report(error);
      return ONES[count];
    }
  }
}

/** As a bus reads where nobody answers. */
const ONES = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff } as const;

function word(view: DataView, at: number, count: 1 | 2 | 4): number {
  if (count === 4) return view.getUint32(at, true);
  return count === 2 ? view.getUint16(at, true) : view.getUint8(at);
}
