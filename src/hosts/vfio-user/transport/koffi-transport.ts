// The transport that passes fds: interrupts and shared memory work. It needs the package koffi, on Linux.

import { lstatSync, unlinkSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { VfioError } from '../../../uapi/index.ts';
import { systemCalls } from './koffi-calls.ts';
import { KoffiConnection } from './koffi-connection.ts';
import type { KoffiConnectionOptions, KoffiThread } from './koffi-connection.ts';
import { MessageBlock } from './koffi-messages.ts';
import { LoopReadiness } from './koffi-readiness.ts';
import type { FdWatch } from './koffi-readiness.ts';
import { StandingReadiness } from './koffi-standing.ts';
import type { Connection, ConnectionHandler, Listener, Transport } from './transport.ts';

/** How {@link koffiTransport} waits and reaches memory. */
export interface KoffiTransportOptions {
  /**
   * Microseconds for which the thread stands still after a message, because the next one is likely to come: 0 to 1,000,000. Default 50. More makes a busy client's round trips shorter;
   * timers and files of the same thread wait as long. 0: never. From 4000 on the wait is the receive itself, in ticks of the kernel's clock (1 to 10 ms), which saves a system call for each
   * message: for a program that does little else than serve one client.
   */
  readonly patience?: number;
  /**
   * Where the thread waits. `'event-loop'`, the default of the main thread: among everything else that it does. `'standing'`, the default of a Worker: it stands still until a client or a timer
   * of {@link wallClock} comes; what else it waits for is up to 16 ms late. A Worker with `'event-loop'` must not be terminated while it serves: that would end the program.
   */
  readonly waiting?: KoffiWaiting;
  /**
   * How a client's memory is reached. `'read-write'`, the default: by pread and pwrite, about a microsecond for 4 KiB. `'mapped'`: in place, where the client has sealed its fd against
   * shrinking (QEMU's memory-backend-memfd does); other fds by pread and pwrite, because a page that is gone would end this program.
   */
  readonly memory?: 'read-write' | 'mapped';
}

/** Clients that may wait for the one before them. */
const BACKLOG = 16;
const RETRY_MS = 100;
const FULL_MS = 5;
const MAX_PATIENCE = 1_000_000;

/** Where a thread waits for its clients. */
export type KoffiWaiting = 'event-loop' | 'standing';

const threads = new Map<KoffiWaiting, Promise<KoffiThread>>();
const USUAL: KoffiWaiting = isMainThread ? 'event-loop' : 'standing';

/** What all connections of this thread share. @internal */
export function koffiThread(waiting = USUAL): Promise<KoffiThread> {
  const known = threads.get(waiting);
  if (known !== undefined) return known;
  const made = systemCalls().then((calls) => ({ calls, block: new MessageBlock(calls), readiness: waiting === 'standing' ? new StandingReadiness(calls) : new LoopReadiness(calls) }));
  threads.set(waiting, made);
  made.catch(() => threads.delete(waiting));
  return made;
}

class KoffiListener implements Listener {
  private readonly thread: KoffiThread;
  private readonly options: KoffiConnectionOptions;
  private readonly path: string;
  private readonly accept: (connection: Connection) => ConnectionHandler;
  private readonly fd: number;
  private readonly watch: FdWatch;
  private current: KoffiConnection | undefined;
  private over: Promise<void> = Promise.resolve();
  private isClosed = false;

  constructor(shared: KoffiThread, options: KoffiConnectionOptions, path: string, accept: KoffiListener['accept']) {
    this.thread = shared;
    this.options = options;
    this.path = path;
    this.accept = accept;
    this.fd = listenAt(shared, path);
    this.watch = shared.readiness.watch(this.fd, { readable: true, writable: false }, () => this.arrived());
  }

  /** Clients wait in the kernel until the one before them is gone. */
  private arrived(): void {
    if (this.isClosed || this.current !== undefined) return;
    let fd: number | undefined;
    try {
      fd = this.thread.calls.accept(this.fd);
    } catch {
      // Too many fds are open: there will be fewer.
      this.watch.stop();
      setTimeout(() => this.listen(), RETRY_MS);
      return;
    }
    if (fd === undefined) return;
    this.watch.stop();
    this.serve(new KoffiConnection(this.thread, fd, this.options));
  }

  private serve(connection: KoffiConnection): void {
    this.current = connection;
    const handler = this.accept(connection);
    this.over = new Promise((resolve) => {
      connection.start(handler, () => {
        this.current = undefined;
        resolve();
        this.listen();
      });
    });
  }

  private listen(): void {
    if (this.isClosed || this.current !== undefined) return;
    this.watch.start({ readable: true, writable: false });
  }

  async close(): Promise<void> {
    if (!this.isClosed) {
      this.isClosed = true;
      this.watch.close();
      this.thread.calls.close(this.fd);
      remove(this.path);
      this.current?.destroy();
    }
    await this.over;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    return;
  }
}

function listenAt({ calls }: KoffiThread, path: string): number {
  const fd = calls.socket(path);
  try {
    try {
      calls.bind(fd, path);
    } catch (error) {
      if (!(error instanceof VfioError) || error.code !== 'EADDRINUSE' || !isLeftOver(calls, path)) throw error;
      // A server that was killed has left its socket behind.
      unlinkSync(path);
      calls.bind(fd, path);
    }
    calls.listen(fd, BACKLOG, path);
    return fd;
  } catch (error) {
    calls.close(fd);
    throw error;
  }
}

/** Whether a path is a socket that nobody listens at. */
function isLeftOver(calls: KoffiThread['calls'], path: string): boolean {
  const fd = calls.socket(path);
  try {
    if (!lstatSync(path).isSocket()) return false;
    calls.connect(fd, path);
    return false;
  } catch (error) {
    return error instanceof VfioError && error.code === 'ECONNREFUSED';
  } finally {
    calls.close(fd);
  }
}

/** A server with a full backlog is asked again, as a connect that waits would be. */
async function connectTo({ calls }: KoffiThread, path: string): Promise<number> {
  for (;;) {
    const fd = calls.socket(path);
    try {
      calls.connect(fd, path);
      return fd;
    } catch (error) {
      calls.close(fd);
      if (!(error instanceof VfioError) || error.code !== 'EAGAIN') throw error;
    }
    await new Promise((resolve) => void setTimeout(resolve, FULL_MS));
  }
}

/**
 * The transport that passes fds: interrupts by eventfd, and memory of the client that the device reads and writes itself. Needs the package koffi, and Linux.
 *
 * @throws RangeError for a patience that is none. Where koffi is not installed `listen` rejects, and says how to get it; {@link hasKoffi} asks.
 * @example
 * ```ts
 * const server = await serveVfioUser(device, { path: '/run/edu.sock', transport: koffiTransport() });
 * server.missing; // []
 * ```
 */
export function koffiTransport(options: KoffiTransportOptions = {}): Transport {
  const { patience = 50, memory = 'read-write', waiting = USUAL } = options;
  if (!Number.isSafeInteger(patience) || patience < 0 || patience > MAX_PATIENCE) throw new RangeError(`koffiTransport: patience is ${patience}; expected a whole number from 0 to ${MAX_PATIENCE}`);
  if (!['read-write', 'mapped'].includes(memory)) throw new TypeError(`koffiTransport: memory is ${JSON.stringify(memory)}; expected 'read-write' or 'mapped'`);
  if (!['event-loop', 'standing'].includes(waiting)) throw new TypeError(`koffiTransport: waiting is ${JSON.stringify(waiting)}; expected 'event-loop' or 'standing'`);
  const connectionOptions = { patience, isMapped: memory === 'mapped' };
  return {
    abilities: { fds: true },
    async listen(path, accept) {
      return new KoffiListener(await koffiThread(waiting), connectionOptions, path, accept);
    },
    async connect(path, handler) {
      const shared = await koffiThread(waiting);
      const connection = new KoffiConnection(shared, await connectTo(shared, path), connectionOptions);
      connection.start(handler);
      return connection;
    },
  };
}
