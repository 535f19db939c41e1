// A connection and its session joined: the stream cut into messages, one handled after the other, as fast as the client takes the replies.
//
//   shown --- short accesses, where they lie ---+
//   received --> stream --> session --> send <--+
//                  ^                      |
//                  +---- waits while more than HIGH_WATER bytes are unsent: the client is not read either
//
// So a client that floods without reading costs HIGH_WATER, one reply and one piece of its stream, and no more.

import { MAX_MESSAGE_SIZE } from '../codec/commands.ts';
import { TYPE_MASK, TYPE_REPLY } from '../codec/header.ts';
import { MessageStream } from '../codec/message-stream.ts';
import type { Connection, ConnectionHandler, Desk, PassedFd } from '../transport/transport.ts';
import type { OpenBells } from './doorbells.ts';
import { Session } from './session.ts';
import type { SessionOptions } from './session.ts';
import type { ServedDevice } from './served-device.ts';

/** Bytes that may wait for the client before its next message is looked at. */
const HIGH_WATER = 1 << 20;

/** Fds that a message may bring before it is whole: an eventfd for every vector that there can be. */
const MAX_WAITING_FDS = 2048;

/** One client of a device. @internal */
export class ServedConnection implements ConnectionHandler {
  readonly session: Session;
  private readonly device: ServedDevice;
  private readonly connection: Connection;
  private readonly stream = new MessageStream<PassedFd>(MAX_MESSAGE_SIZE);
  private readonly gone: () => void;
  private readonly onDeviceError: SessionOptions['onDeviceError'];
  private twin: Connection | undefined;
  private isWaiting = false;
  private isWorking = false;

  constructor(device: ServedDevice, connection: Connection, options: Omit<SessionOptions, 'send'>, gone: () => void) {
    this.device = device;
    this.connection = connection;
    this.gone = gone;
    this.onDeviceError = options.onDeviceError;
    this.session = new Session(device, {
      ...options,
      ...('twin' in connection && { passesFds: true, openTwin: () => this.openTwin() }),
      ...('bells' in connection && { openBells: (count, rung) => this.openBells(count, rung) }),
      send: (message, fds) => connection.send(message, fds),
      sendShown: (count) => connection.sendShown!(count),
    });
  }

  /** The client's replies come there; when it closes that, it is gone. */
  private openTwin(): ReturnType<NonNullable<SessionOptions['openTwin']>> {
    const stream = new MessageStream<PassedFd>(MAX_MESSAGE_SIZE);
    const { connection, fd } = this.connection.twin!({
      received: (bytes, fds) => {
        for (const one of fds) one.close();
        stream.push(bytes);
        for (let message = stream.next(); message !== undefined; message = stream.next()) {
          if ((message.header.flags & TYPE_MASK) === TYPE_REPLY && message.fault === undefined) this.session.receive(message);
          else this.connection.close();
        }
        this.pump();
      },
      drained: () => undefined,
      closed: () => this.connection.close(),
    });
    this.twin = connection;
    return { send: (message) => connection.send(message), fd };
  }

  private openBells(...[count, rung]: Parameters<OpenBells>): ReturnType<OpenBells> {
    return this.connection.bells!(count, () => {
      rung();
      this.pump();
    });
  }

  received(bytes: Uint8Array, fds: readonly PassedFd[]): void {
    this.stream.push(bytes, fds);
    this.work();
    // No message is about so many: a client that goes on would have this program's fds to itself.
    if (this.stream.waitingFds > MAX_WAITING_FDS) this.connection.close();
  }

  shown(desk: Desk, count: number): number {
    // What waits comes first.
    if (this.isWorking || this.isWaiting || this.stream.waiting > 0) return 0;
    this.isWorking = true;
    let done = 0;
    try {
      while (done < count && this.connection.unsent < HIGH_WATER) {
        const size = this.session.shown(desk, done, count - done);
        if (size === 0) break;
        done += size;
      }
    } finally {
      this.isWorking = false;
    }
    if (done > 0) this.pump();
    return done;
  }

  drained(): void {
    if (!this.isWaiting) return;
    this.isWaiting = false;
    this.work();
    if (!this.stillWaiting()) this.connection.resume();
  }

  private stillWaiting(): boolean {
    return this.isWaiting;
  }

  private work(): void {
    // What a message sets off may lead back here.
    if (this.isWorking || this.isWaiting) return;
    this.isWorking = true;
    try {
      while (this.connection.unsent < HIGH_WATER) {
        const message = this.stream.next();
        if (message === undefined) break;
        this.session.receive(message);
      }
    } finally {
      this.isWorking = false;
    }
    this.pump();
    if (this.stream.isBroken) this.connection.close();
    else if (this.connection.unsent >= HIGH_WATER) {
      this.isWaiting = true;
      this.connection.pause();
    }
  }

  /** Doorbells are told. */
  private pump(): void {
    try {
      this.device.engine.pump();
    } catch (error) {
      this.onDeviceError?.(error);
    }
  }

  closed(): void {
    for (const fd of this.stream.close()) fd.close();
    this.twin?.close();
    this.session.close();
    this.gone();
  }
}
