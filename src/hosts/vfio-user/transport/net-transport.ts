// A UNIX socket with what Node has: bytes, and no fds. The kernel drops those that a client sends, without a word to either side.
//
//   one client at a time:   accepted --> handler ... closed --> the next one, which has waited unread

import { lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { VfioError } from '../../../uapi/index.ts';
import type { Connection, ConnectionHandler, Listener, Transport } from './transport.ts';

/** Clients that may wait for the one before them. More are turned away. */
const MAX_WAITING = 16;

/** A connection over a socket of Node's. @internal */
export class NetConnection implements Connection {
  private readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Tells `handler` from now on. */
  start(handler: ConnectionHandler): void {
    const { socket } = this;
    socket.on('data', (bytes) => handler.received(bytes, []));
    socket.on('drain', () => handler.drained());
    socket.on('close', () => handler.closed());
    socket.resume();
  }

  send(message: Uint8Array): void {
    if (!this.socket.destroyed && this.socket.writable) this.socket.write(message);
  }

  get unsent(): number {
    return this.socket.writableLength;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(): void {
    this.socket.pause();
    this.socket.destroySoon();
  }
}

/** An error of Node's as one that has an errno. */
function socketError(call: string, path: string, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  try {
    return new VfioError(code as never, call, `${path}: ${message}`);
  } catch {
    return error as Error;
  }
}

class NetListener implements Listener {
  private readonly server: Server;
  private readonly accept: (connection: Connection) => ConnectionHandler;
  private readonly sockets = new Set<Socket>();
  private waiting: Socket[] = [];
  private current: Socket | undefined;

  constructor(accept: (connection: Connection) => ConnectionHandler) {
    this.accept = accept;
    this.server = createServer({ pauseOnConnect: true }, (socket) => this.arrived(socket));
  }

  private arrived(socket: Socket): void {
    if (this.waiting.length >= MAX_WAITING) {
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    // A broken connection is a closed one.
    socket.on('error', () => undefined);
    socket.on('close', () => this.left(socket));
    this.waiting.push(socket);
    this.next();
  }

  private left(socket: Socket): void {
    this.sockets.delete(socket);
    this.waiting = this.waiting.filter((other) => other !== socket);
  }

  private next(): void {
    if (this.current !== undefined || !this.server.listening) return;
    const socket = this.waiting.shift();
    if (socket === undefined) return;
    this.current = socket;
    const connection = new NetConnection(socket);
    connection.start(this.accept(connection));
    // Behind the handler's own: the one before is over when the next one begins.
    socket.on('close', () => {
      this.current = undefined;
      this.next();
    });
  }

  async listen(path: string): Promise<void> {
    try {
      await this.tryListen(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || !(await isLeftOver(path))) throw socketError('listen', path, error);
      // A server that was killed has left its socket behind.
      unlinkSync(path);
      await this.tryListen(path).catch((again: unknown) => {
        throw socketError('listen', path, again);
      });
    }
  }

  private tryListen(path: string): Promise<void> {
    const { server } = this;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        // One that fails later takes no client in; those that there are stay.
        server.on('error', () => undefined);
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    const sockets = [...this.sockets];
    // A socket tells of its end later than the server does that has no more of them.
    const ends = sockets.map((socket) => new Promise<void>((resolve) => void socket.once('close', () => resolve())));
    const end = new Promise<void>((resolve) => void this.server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await Promise.all([end, ...ends]);
  }
}

/** Whether a path is a socket that nobody listens at. */
function isLeftOver(path: string): Promise<boolean> {
  try {
    if (!lstatSync(path).isSocket()) return Promise.resolve(false);
  } catch {
    return Promise.resolve(false);
  }
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.on('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  });
}

/**
 * The transport that needs nothing but Node. Registers and DMA by messages work. Interrupts and shared memory do not: they are fds.
 *
 * @example
 * ```ts
 * netTransport().abilities.fds; // false
 * ```
 */
export function netTransport(): Transport {
  return {
    abilities: { fds: false },
    async listen(path, accept) {
      const listener = new NetListener(accept);
      await listener.listen(path);
      return listener;
    },
    connect(path, handler) {
      return new Promise((resolve, reject) => {
        const socket = connect(path);
        const failed = (error: Error): void => reject(socketError('connect', path, error));
        socket.once('error', failed);
        socket.once('connect', () => {
          socket.off('error', failed);
          // A broken connection is a closed one.
          socket.on('error', () => undefined);
          const connection = new NetConnection(socket);
          resolve(connection);
          connection.start(handler);
        });
      });
    },
  };
}
