// What one client has had of a device, in numbers: counted where it happens, so that whoever looks stands in nobody's way.

import { VFIO_USER_REGION_READ, VFIO_USER_REGION_WRITE, VFIO_USER_REGION_WRITE_MULTI } from '../codec/commands.ts';
import { FLAG_NO_REPLY, TYPE_COMMAND, TYPE_MASK } from '../codec/header.ts';

/** What is counted of a session. */
export interface SessionCounts {
  /** Commands of the client, and DMA messages to it. */
  readonly messages: number;
  /** REGION_READ. */
  readonly reads: number;
  /** REGION_WRITE and REGION_WRITE_MULTI. */
  readonly writes: number;
  /** Of the writes, those that nobody waited for. */
  readonly posted: number;
  /** Writes that came as a signal of an eventfd, without a message. */
  readonly doorbells: number;
  /** Eventfds of the client that were signalled. */
  readonly interrupts: number;
  /** Reads and writes of the client's memory: messages, and accesses by fd. */
  readonly transfers: number;
  /** Bytes of them. */
  readonly transferred: number;
}

/** The counts of a session that goes on. @internal */
export class Counting implements SessionCounts {
  messages = 0;
  reads = 0;
  writes = 0;
  posted = 0;
  doorbells = 0;
  interrupts = 0;
  transfers = 0;
  transferred = 0;

  /** A message has come: numbers of its header. */
  received(command: number, flags: number): void {
    if ((flags & TYPE_MASK) !== TYPE_COMMAND) return;
    this.messages++;
    if (command === VFIO_USER_REGION_READ) this.reads++;
    else if (command === VFIO_USER_REGION_WRITE || command === VFIO_USER_REGION_WRITE_MULTI) {
      this.writes++;
      if ((flags & FLAG_NO_REPLY) !== 0) this.posted++;
    }
  }

  /** Bytes of the client's memory were moved; `messages` to it did that. */
  moved(bytes: number, messages: number): void {
    this.messages += messages;
    this.transfers += Math.max(1, messages);
    this.transferred += bytes;
  }
}
