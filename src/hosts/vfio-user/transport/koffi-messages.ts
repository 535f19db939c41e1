// Messages with fds as the kernel takes and gives them: one block of memory per thread, whose addresses are known, and no allocation for each message.
//
//   block   0          64     80            112                1152 (0x480)                     0x480 + SEND
//           | msghdr   | iov  | pollfd .. --- | cmsg with fds    | bytes to send                  | bytes received
//
//   msghdr  0 name  8 name's length  16 iov  24 1  32 control  40 bytes of control  48 flags
//   iov     0 address  8 bytes
//   cmsg    0 bytes with this head  8 SOL_SOCKET  12 SCM_RIGHTS  16 fd, fd, ...
//
// Source: unix(7), cmsg(3), recvmsg(2)

import { MAX_MESSAGE_SIZE } from '../codec/commands.ts';
import { MSG_CMSG_CLOEXEC, MSG_CTRUNC, MSG_DONTWAIT, MSG_NOSIGNAL } from './koffi-calls.ts';
import type { SystemCalls } from './koffi-calls.ts';

/** Fds that Linux passes with one message. */
export const MAX_FDS = 253;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

const IOV = 64;
const CONTROL = 112;
const CMSG_HEAD = 16;
const CONTROL_BYTES = CMSG_HEAD + 1024;
const SEND = CONTROL + CONTROL_BYTES;
const SEND_BYTES = MAX_MESSAGE_SIZE;
const RECEIVE = SEND + SEND_BYTES;
const RECEIVE_BYTES = 1 << 18;

/** What one receive gave. */
export interface Received {
  /** Above 0; 0: the other side has closed. Below: -errno. */
  readonly count: number;
  /** Fds that came, by number: the caller's from now on. */
  readonly fds: readonly number[];
  /** Some fds did not come: this program has too many open. */
  readonly isCut: boolean;
}

const NO_FDS: readonly number[] = [];

/** Sends and receives over any socket of one thread. @internal */
export class MessageBlock {
  private readonly calls: SystemCalls;
  private readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly view: DataView;
  private readonly address: number;

  constructor(calls: SystemCalls) {
    this.calls = calls;
    const block = new ArrayBuffer(RECEIVE + RECEIVE_BYTES);
    this.bytes = new Uint8Array(block);
    this.view = new DataView(block);
    this.address = calls.addressOf(block);
    this.setWord(16, this.address + IOV);
    this.setWord(24, 1);
  }

  private setWord(at: number, value: number): void {
    this.view.setUint32(at, value % 2 ** 32, true);
    this.view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  }

  private prepare(data: number, count: number, controlBytes: number): void {
    this.setWord(IOV, this.address + data);
    this.view.setUint32(IOV + 8, count, true);
    this.setWord(32, controlBytes === 0 ? 0 : this.address + CONTROL);
    this.view.setUint32(40, controlBytes, true);
  }

  /**
   * Takes what there is, without waiting.
   *
   * @returns the bytes are {@link MessageBlock.received}'s, until the next call.
   */
  receive(fd: number): Received {
    this.prepare(RECEIVE, RECEIVE_BYTES, CONTROL_BYTES);
    const count = this.calls.recvmsg(fd, this.address, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count < 0) return { count, fds: NO_FDS, isCut: false };
    const isCut = (this.view.getInt32(48, true) & MSG_CTRUNC) !== 0;
    return { count, fds: this.receivedFds(), isCut };
  }

  private receivedFds(): readonly number[] {
    const end = this.view.getUint32(40, true);
    if (end < CMSG_HEAD) return NO_FDS;
    const fds: number[] = [];
    for (let at = 0; at + CMSG_HEAD <= end; ) {
      const length = this.view.getUint32(CONTROL + at, true);
      if (length < CMSG_HEAD) break;
      const isRights = this.view.getInt32(CONTROL + at + 8, true) === SOL_SOCKET && this.view.getInt32(CONTROL + at + 12, true) === SCM_RIGHTS;
      if (isRights) for (let fd = at + CMSG_HEAD; fd + 4 <= at + length; fd += 4) fds.push(this.view.getInt32(CONTROL + fd, true));
      at += (length + 7) & ~7;
    }
    return fds;
  }

  /** A copy of the first bytes that the last receive gave. */
  received(count: number): Uint8Array {
    return this.bytes.slice(RECEIVE, RECEIVE + count);
  }

  /** Sends as much as the other side has room for, without waiting: how many bytes, or -errno. Fds go with the first one. */
  send(fd: number, message: Uint8Array, fds: readonly number[]): number {
    const count = Math.min(message.length, SEND_BYTES);
    this.bytes.set(count === message.length ? message : message.subarray(0, count), SEND);
    const control = fds.length === 0 ? 0 : CMSG_HEAD + ((fds.length * 4 + 7) & ~7);
    this.prepare(SEND, count, control);
    if (control !== 0) {
      this.setWord(CONTROL, CMSG_HEAD + fds.length * 4);
      this.view.setInt32(CONTROL + 8, SOL_SOCKET, true);
      this.view.setInt32(CONTROL + 12, SCM_RIGHTS, true);
      for (const [i, number] of fds.entries()) this.view.setInt32(CONTROL + CMSG_HEAD + 4 * i, number, true);
    }
    return this.calls.sendmsg(fd, this.address, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
}
