// A device at a UNIX socket: clients one after the other, the device's state kept between them.

import { VfioError } from '../../uapi/index.ts';
import { ServedConnection } from './session/served-connection.ts';
import type { ServedDevice } from './session/served-device.ts';
import type { Session } from './session/session.ts';
import { netTransport } from './transport/net-transport.ts';
import type { Connection, Listener, Transport, TransportAbilities } from './transport/transport.ts';

/** Where a device is served, and who is told of what. */
export interface VfioUserServerOptions {
  /** Path of the socket. One that a dead server left behind is taken over. */
  readonly path: string;
  /** Default: {@link netTransport}, which has neither interrupts nor shared memory. */
  readonly transport?: Transport;
  /** A client has come; its session. */
  readonly onClient?: (session: Session) => void;
  /** A client is gone. */
  readonly onClientGone?: (session: Session) => void;
  /** What the device's own code threw while a client was served; the client got EIO, or ones. */
  readonly onDeviceError?: (error: unknown) => void;
}

const NEEDS_FDS = [
  'interrupts are off: an eventfd of the client does not arrive, and the device has nobody to tell',
  'shared memory is off: DMA goes by messages, which a client answers only while it waits for nothing else',
] as const;

/** A server. Made by {@link serveVfioUser}. */
export class VfioUserServer {
  readonly device: ServedDevice;
  readonly path: string;
  readonly abilities: TransportAbilities;
  private readonly options: VfioUserServerOptions;
  private listener: Listener | undefined;
  private current: Session | undefined;
  private count = 0;

  /** @internal */
  constructor(device: ServedDevice, options: VfioUserServerOptions, abilities: TransportAbilities) {
    this.device = device;
    this.options = options;
    this.path = options.path;
    this.abilities = abilities;
  }

  /** What clients do without because of the transport, in words; nothing of a transport that passes fds. */
  get missing(): readonly string[] {
    return this.abilities.fds ? [] : NEEDS_FDS;
  }

  /** The session of who is connected now. */
  get session(): Session | undefined {
    return this.current;
  }

  /** Clients that have come so far. */
  get clients(): number {
    return this.count;
  }

  /** @internal */
  listening(listener: Listener): void {
    this.listener = listener;
  }

  /** @internal */
  accept(connection: Connection): ServedConnection {
    const { onClient, onClientGone, onDeviceError } = this.options;
    const served = new ServedConnection(this.device, connection, onDeviceError === undefined ? {} : { onDeviceError }, () => {
      this.current = undefined;
      onClientGone?.(served.session);
    });
    this.current = served.session;
    this.count++;
    onClient?.(served.session);
    return served;
  }

  /** Takes no more clients and ends the one there is. The device stays: serve it again, or destroy it. */
  async close(): Promise<void> {
    await this.listener?.close();
  }
}

/** Of a UNIX socket's address, without the NUL at its end. */
const MAX_PATH = 107;

function checkPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH) throw new VfioError('ENAMETOOLONG', 'listen', `${path}: the path has ${bytes} bytes; a socket's has at most ${MAX_PATH}`);
  if (bytes === 0 || path.includes('\0')) throw new VfioError('EINVAL', 'listen', `the path is ${JSON.stringify(path)}; expected a name in the file system`);
}

/**
 * Serves a device.
 *
 * @param device what {@link serveDevice} made; one server at a time.
 * @throws (rejects with) VfioError ENAMETOOLONG for a path of more than 107 bytes, EADDRINUSE when another server listens there, and what the system answers: ENOENT, EACCES.
 * @example
 * ```ts
 * const server = await serveVfioUser(device, { path: '/run/edu.sock' });
 * console.log(server.missing.join('\n'));
 * await server.close();
 * ```
 */
export async function serveVfioUser(device: ServedDevice, options: VfioUserServerOptions): Promise<VfioUserServer> {
  const { transport = netTransport() } = options;
  checkPath(options.path);
  const server = new VfioUserServer(device, options, transport.abilities);
  server.listening(await transport.listen(options.path, (connection) => server.accept(connection)));
  return server;
}
