// What a server tells of the fds that stand for places of a region, read with the doubt that it deserves.
//
//   40 bytes   offset 0 | size 8 | fd_index 16 | type 20 | flags 24 | padding 28 | datamatch 32
//   48 bytes   the same up to 28, then the index of another fd 28 | an offset there 32 | datamatch 40        libvfio-user's
//
// How long an entry is follows from argsz and count: (argsz - 16) / count.

import { VfioError } from '../../../uapi/index.ts';
import { IO_FD_TYPE_IOEVENTFD } from '../codec/commands.ts';
import { vfio_user_io_fd as ENTRY } from '../codec/layouts.ts';
import type { PayloadOf } from '../codec/messages.ts';
import { headSize } from '../codec/messages.ts';
import type { PassedFd } from '../transport/transport.ts';

/** A place of a region that has an fd. */
export interface ClientIoFd {
  /** Bytes from the start of the region. */
  readonly offset: bigint;
  /** Bytes of the write; 0: any. */
  readonly size: bigint;
  /** 0 ioeventfd, 1 ioregionfd, 2 ioeventfd with memory that is written. */
  readonly type: number;
  /** Of an ioeventfd: 1 DATAMATCH, 2 PIO. */
  readonly flags: number;
  /** What a write must be of to ring, with DATAMATCH. Of an ioregionfd: what messages carry. */
  readonly datamatch: bigint;
  /** Undefined where the server has sent none. Places may share one. */
  readonly fd: PassedFd | undefined;
  /** Rings: signals the eventfd. VfioError EBADF where there is none. */
  ring(): void;
}

const MATCH_OF_LONG = 40;

function wrong(what: string): never {
  throw new VfioError('EPROTO', 'vfio-user DEVICE_GET_REGION_IO_FDS', what);
}

/**
 * Reads a reply.
 *
 * @param size - Of the region: a place beyond it is refused.
 * @throws VfioError EPROTO for a reply that cannot be; the fds are the caller's to close.
 */
export function readIoFds({ argsz, count, data }: PayloadOf<'DEVICE_GET_REGION_IO_FDS', 'reply'>, fds: readonly PassedFd[], size: bigint): readonly ClientIoFd[] {
  if (count === 0) return [];
  const head = headSize('DEVICE_GET_REGION_IO_FDS', 'reply');
  const each = (argsz - head) / count;
  if (!Number.isInteger(each) || each < ENTRY.size) wrong(`argsz ${argsz} for ${count} places; expected ${head} and at least ${ENTRY.size} for each`);
  if (data.length !== each * count) wrong(`${data.length} bytes of places; argsz ${argsz} says ${each * count}`);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return Array.from({ length: count }, (_, i) => {
    const entry = ENTRY.decode(data, i * each);
    const { offset, size: bytes, fd_index, type, flags } = entry;
    const at = `place ${i}: ${bytes.toString()} bytes at 0x${offset.toString(16)}`;
    if (offset + bytes > size || offset >= size) wrong(`${at} are beyond the region, 0x${size.toString(16)} bytes`);
    const fd = fds[fd_index];
    return {
      offset,
      size: bytes,
      type,
      flags,
      datamatch: each >= MATCH_OF_LONG + 8 ? view.getBigUint64(i * each + MATCH_OF_LONG, true) : entry.datamatch,
      fd,
      ring() {
        if (fd === undefined || type === 1 || (fd.kind ?? 'event') !== 'event') throw new VfioError('EBADF', 'ring', `${at}: it has no eventfd${type === IO_FD_TYPE_IOEVENTFD ? '' : `, and is of type ${type}`}`);
        fd.signal();
      },
    };
  });
}
