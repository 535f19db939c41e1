// What the tests of recorded sessions share: a transport whose client is the test, and a recording of what passes.

import { createEngine } from '../../../src/core/index.ts';
import type { ManualClock } from '../../../src/hosts/testbench/index.ts';
import { type Connection, type ConnectionHandler, type DeviceMaker, type PassedFd, type SessionEvent, SessionEncoder, type SessionHeader, SessionLog, type Transport, type VfioUserServer, commandMessage, COMMANDS, type CommandName, encodeCapabilities, encodePayload, loggedClock, loggedTransport, serveDevice, serveVfioUser } from '../../../src/hosts/vfio-user/index.ts';
import { QEMU_CAPABILITIES } from './support.ts';

/** A transport of which the test is the other end. */
export class HandTransport implements Transport {
  readonly abilities = { fds: true };
  readonly sent: Uint8Array[] = [];
  private accept: ((connection: Connection) => ConnectionHandler) | undefined;

  listen(_path: string, accept: (connection: Connection) => ConnectionHandler): Promise<{ close(): Promise<void> }> {
    this.accept = accept;
    return Promise.resolve({ close: () => Promise.resolve() });
  }

  connect(): Promise<Connection> {
    return Promise.reject(new Error('nobody connects'));
  }

  /** @param more - What its connection can beyond sending. */
  client(more: Partial<Connection> = {}): ConnectionHandler {
    return this.accept!({ ...more, send: (message) => void this.sent.push(message), unsent: 0, pause: () => undefined, resume: () => undefined, close: () => undefined });
  }
}

export const HEADER: SessionHeader = { device: 'edu', slot: '00:00.0', fds: true };

/** A recorded server, and the test as its client. */
export class Recording {
  readonly transport = new HandTransport();
  readonly events: SessionEvent[] = [];
  handler!: ConnectionHandler;
  private readonly encoder = new SessionEncoder();
  private server!: VfioUserServer;
  private nextId = 0;

  private constructor(header: SessionHeader) {
    this.encoder.begin(header);
  }

  static async start(make: DeviceMaker, clock: ManualClock, header: SessionHeader = HEADER): Promise<Recording> {
    const own = new Recording(header);
    const log = new SessionLog(() => Number(clock.now()), [
      (event) => {
        own.encoder.add(event);
        own.events.push('bytes' in event ? { ...event, bytes: event.bytes.slice() } : event);
      },
    ]);
    const device = serveDevice(createEngine(), make, { clock: loggedClock(clock, log), slot: header.slot });
    own.server = await serveVfioUser(device, { path: 'by hand', transport: loggedTransport(own.transport, log) });
    own.handler = own.transport.client();
    return own;
  }

  /** A turn of the event loop. */
  static turn(): Promise<void> {
    return new Promise((resolve) => void setImmediate(resolve));
  }

  message(command: CommandName, payload: Uint8Array, flags = 0): Uint8Array {
    return commandMessage(this.nextId++ & 0xffff, COMMANDS[command], payload, flags);
  }

  push(command: CommandName, payload: Uint8Array = new Uint8Array(0), fds: readonly PassedFd[] = []): void {
    this.handler.received(this.message(command, payload), fds);
  }

  version(): void {
    this.push('VERSION', encodePayload('VERSION', 'request', { major: 0, minor: 0, data: encodeCapabilities(QEMU_CAPABILITIES) }));
  }

  write32(region: number, offset: number, value: number): void {
    const data = new Uint8Array(4);
    new DataView(data.buffer).setUint32(0, value, true);
    this.push('REGION_WRITE', encodePayload('REGION_WRITE', 'request', { offset, region, count: 4, data }));
  }

  read32(region: number, offset: number): number {
    this.push('REGION_READ', encodePayload('REGION_READ', 'request', { offset, region, count: 4 }));
    const reply = this.transport.sent.at(-1)!;
    return new DataView(reply.buffer, reply.byteOffset).getUint32(32, true);
  }

  /** The recorded bytes, all of them. */
  async end(): Promise<Uint8Array> {
    this.handler.closed();
    await this.server.close();
    this.server.device.destroy();
    this.encoder.end();
    return this.encoder.take();
  }
}
