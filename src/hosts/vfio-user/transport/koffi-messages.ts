// Messages with fds as the kernel takes and gives them: one block of memory per thread, whose addresses are known, and no allocation for each message.
//
//   block   0    to receive: msghdr, iov       SEND      bytes to send: the desk's place for a reply
//           128  to send: msghdr, iov          RECEIVE   bytes received: the desk's piece
//           256  cmsg with fds, either way
//
//   msghdr  0 name  8 name's length  16 iov  24 1  32 control  40 bytes of control  48 flags
//   iov     64 address  72 bytes                 behind its msghdr
//   cmsg    0 bytes with this head  8 SOL_SOCKET  12 SCM_RIGHTS  16 fd, fd, ...
//
// Both msghdrs are written once. What the kernel and fds change of them is put right when it has changed.
//
// Source: unix(7), cmsg(3), recvmsg(2)

import { MAX_MESSAGE_SIZE } from '../codec/commands.ts';
import { MSG_CMSG_CLOEXEC, MSG_CTRUNC, MSG_DONTWAIT, MSG_NOSIGNAL, SOL_SOCKET } from './koffi-calls.ts';
import type { SystemCalls } from './koffi-calls.ts';
import type { Desk } from './transport.ts';

/** Fds that Linux passes with one message. */
export const MAX_FDS = 253;
const SCM_RIGHTS = 1;

// Of a msghdr, its iov behind it.
const IOV = 64;
const CONTROL_AT = 32;
const CONTROL_COUNT = 40;
const FLAGS = 48;

const TAKING = 0;
const SENDING = 128;
const CONTROL = 256;
const CMSG_HEAD = 16;
const CONTROL_BYTES = CMSG_HEAD + 1024;
const SEND = CONTROL + CONTROL_BYTES;
const SEND_BYTES = MAX_MESSAGE_SIZE;
const RECEIVE = SEND + SEND_BYTES;
const RECEIVE_BYTES = 1 << 18;

const NO_FDS: readonly number[] = [];

/** Sends and receives over any socket of one thread. @internal */
export class MessageBlock {
  /** Where the last piece that was received lies, and where a reply to it can be put. */
  readonly desk: Desk;
  private readonly calls: SystemCalls;
  private readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly view: DataView;
  private readonly address: number;
  private readonly sending: number;
  private sendsFds = false;

  constructor(calls: SystemCalls) {
    this.calls = calls;
    const block = new ArrayBuffer(RECEIVE + RECEIVE_BYTES);
    this.bytes = new Uint8Array(block);
    this.view = new DataView(block);
    this.desk = { view: this.view, piece: RECEIVE, reply: SEND };
    this.address = calls.addressOf(block);
    this.sending = this.address + SENDING;
    this.prepare(TAKING, RECEIVE, RECEIVE_BYTES);
    this.prepare(SENDING, SEND, 0);
    this.setWord(TAKING + CONTROL_AT, this.address + CONTROL);
  }

  private setWord(at: number, value: number): void {
    this.view.setUint32(at, value % 2 ** 32, true);
    this.view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  }

  private prepare(header: number, data: number, count: number): void {
    this.setWord(header + 16, this.address + header + IOV);
    this.setWord(header + 24, 1);
    this.setWord(header + IOV, this.address + data);
    this.setWord(header + IOV + 8, count);
  }

  /**
   * Takes what there is.
   *
   * @param waits - For as long as {@link SystemCalls.receiveWaits} has set, where nothing is there.
   * @returns bytes: {@link MessageBlock.received}, until the next call. 0: the other side has closed. Below: -errno.
   */
  receive(fd: number, waits = false): number {
    this.view.setUint32(TAKING + CONTROL_COUNT, CONTROL_BYTES, true);
    const count = this.calls.recvmsg(fd, this.address, waits ? MSG_CMSG_CLOEXEC : MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    // The kernel has said nothing of them.
    if (count < 0) this.view.setUint32(TAKING + CONTROL_COUNT, 0, true);
    return count;
  }

  /** Whether fds came, or should have come, with what was received last. */
  get cameWithFds(): boolean {
    return this.view.getUint32(TAKING + CONTROL_COUNT, true) !== 0 || this.isCut;
  }

  /** Some fds did not come: this program has too many open. */
  get isCut(): boolean {
    return (this.view.getInt32(TAKING + FLAGS, true) & MSG_CTRUNC) !== 0;
  }

  /** Fds that came, by number: the caller's from now on. Asked once for each receive. */
  receivedFds(): readonly number[] {
    const end = this.view.getUint32(TAKING + CONTROL_COUNT, true);
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

  /** A copy of what the last receive gave, of `count` bytes from `from` on. */
  received(from: number, count: number): Uint8Array {
    return this.bytes.slice(RECEIVE + from, RECEIVE + from + count);
  }

  /** A copy of the first bytes of the reply's place. */
  reply(count: number): Uint8Array {
    return this.bytes.slice(SEND, SEND + count);
  }

  /** Sends the first bytes of the reply's place as {@link MessageBlock.send} does. */
  sendReply(fd: number, count: number): number {
    if (this.sendsFds) this.attach(NO_FDS);
    this.view.setUint32(SENDING + IOV + 8, count, true);
    return this.calls.sendmsg(fd, this.sending, MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  /** Sends as much as the other side has room for, without waiting: how many bytes, or -errno. Fds go with the first one. */
  send(fd: number, message: Uint8Array, fds: readonly number[]): number {
    const count = Math.min(message.length, SEND_BYTES);
    this.bytes.set(count === message.length ? message : message.subarray(0, count), SEND);
    if (this.sendsFds || fds.length > 0) this.attach(fds);
    this.view.setUint32(SENDING + IOV + 8, count, true);
    return this.calls.sendmsg(fd, this.sending, MSG_DONTWAIT | MSG_NOSIGNAL);
  }

  /** What is sent from now on goes with these. */
  private attach(fds: readonly number[]): void {
    this.sendsFds = fds.length > 0;
    this.setWord(SENDING + CONTROL_AT, this.sendsFds ? this.address + CONTROL : 0);
    this.view.setUint32(SENDING + CONTROL_COUNT, this.sendsFds ? CMSG_HEAD + ((fds.length * 4 + 7) & ~7) : 0, true);
    if (!this.sendsFds) return;
    this.setWord(CONTROL, CMSG_HEAD + fds.length * 4);
    this.view.setInt32(CONTROL + 8, SOL_SOCKET, true);
    this.view.setInt32(CONTROL + 12, SCM_RIGHTS, true);
    for (const [i, number] of fds.entries()) this.view.setInt32(CONTROL + CMSG_HEAD + 4 * i, number, true);
  }
}
