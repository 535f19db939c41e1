// What the tests of vfio-user share: a device of plain memory, a client's end of a session without a socket, fds that count.

import { createEngine } from '../../../src/core/index.ts';
import type { Engine } from '../../../src/core/index.ts';
import { COMMANDS, type CommandName, MessageStream, type PassedFd, ServedDevice, Session, type SessionOptions, commandMessage, encodeCapabilities, encodePayload, serveDevice } from '../../../src/hosts/vfio-user/index.ts';
import { errnoName } from '../../../src/uapi/index.ts';
import { VfioDevice, type VfioDeviceDescription } from '../../../src/vfio/index.ts';

/** What QEMU 11.1 proposes. */
export const QEMU_CAPABILITIES = { pgsizes: 4096, max_msg_fds: 16, max_dma_maps: 65535, max_data_xfer_size: 1048576, migration: { max_bitmap_size: 268435456, pgsize: 4096 }, write_multiple: true };

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

/** An fd that knows how often it was signalled and closed, with memory behind it. */
export class TestFd implements PassedFd {
  readonly memory: Uint8Array;
  signals = 0;
  closes = 0;

  constructor(bytes = 0) {
    this.memory = new Uint8Array(bytes);
  }

  private part(offset: bigint, length: number): Uint8Array {
    if (this.closes > 0) throw new Error('the fd is closed');
    if (Number(offset) + length > this.memory.length) throw new Error(`${length} bytes at ${offset} of an fd of ${this.memory.length}`);
    return this.memory.subarray(Number(offset), Number(offset) + length);
  }

  signal(): void {
    if (this.closes > 0) throw new Error('the fd is closed');
    this.signals++;
  }

  read(offset: bigint, target: Uint8Array): void {
    target.set(this.part(offset, target.length));
  }

  write(offset: bigint, source: Uint8Array): void {
    this.part(offset, source.length).set(source);
  }

  close(): void {
    this.closes++;
  }
}

export interface Reply {
  readonly id: number;
  readonly command: number;
  readonly flags: number;
  /** `ok`, or the errno's name. */
  readonly result: string;
  readonly payload: Uint8Array;
}

/** The client's end of a session, in the same program. */
export class Peer {
  readonly session: Session;
  readonly replies: Reply[] = [];
  /** Whole messages, as they were sent. */
  readonly sent: Uint8Array[] = [];
  /** Fds that came with replies. */
  readonly given: PassedFd[] = [];
  private readonly stream = new MessageStream<PassedFd>(1 << 21);
  private readonly answers = new MessageStream<never>(1 << 21);
  private nextId = 0;

  constructor(device: ServedDevice, options: Omit<SessionOptions, 'send'> = {}) {
    this.session = new Session(device, {
      ...options,
      send: (message, fds = []) => {
        this.sent.push(message);
        this.given.push(...fds);
        this.answers.push(message);
        for (let one = this.answers.next(); one !== undefined; one = this.answers.next()) {
          const { id, command, flags, errno } = one.header;
          this.replies.push({ id, command, flags, result: (flags & 0x20) === 0 ? 'ok' : (errnoName(errno) ?? String(errno)), payload: one.payload.slice() });
        }
      },
    });
  }

  /** Bytes as they come from a socket. */
  push(bytes: Uint8Array, fds: readonly PassedFd[] = []): void {
    this.stream.push(bytes, fds);
    for (let one = this.stream.next(); one !== undefined; one = this.stream.next()) this.session.receive(one);
  }

  /** One command with its reply. */
  ask(command: CommandName | number, payload: Uint8Array = new Uint8Array(0), fds: readonly PassedFd[] = [], flags = 0): Reply {
    const before = this.replies.length;
    const id = this.nextId++;
    this.push(commandMessage(id & 0xffff, typeof command === 'number' ? command : COMMANDS[command], payload, flags), fds);
    const reply = this.replies[before];
    if (reply === undefined) throw new Error(`no reply to ${command}`);
    return reply;
  }

  /** How it ended. */
  result(command: CommandName | number, payload?: Uint8Array, fds?: readonly PassedFd[]): string {
    return this.ask(command, payload, fds).result;
  }

  version(capabilities: object = QEMU_CAPABILITIES): Reply {
    return this.ask('VERSION', encodePayload('VERSION', 'request', { major: 0, minor: 0, data: encodeCapabilities(capabilities) }));
  }
}

export interface PlainDevice {
  readonly engine: Engine;
  readonly device: ServedDevice;
  /** A peer that has agreed on a version. */
  connect(options?: Omit<SessionOptions, 'send'>): Peer;
}

/** A device of plain memory: BAR 0 of 4 KiB, BAR 2 of 256 ports, a configuration space that is only bytes; INTx, 4 MSI messages, 16 MSI-X vectors. */
export function plainDevice(description: Partial<VfioDeviceDescription> = {}): PlainDevice {
  const engine = createEngine();
  const ram = (size: number, name: string) => engine.region({ kind: 'ram', size, name });
  const device = serveDevice(engine, () =>
    new VfioDevice({
      name: '0000:00:01.0',
      regions: { 0: { region: ram(0x1000, 'BAR 0') }, 2: { region: ram(0x100, 'BAR 2'), ioPorts: true }, 7: { region: ram(0x100, 'config') } },
      interrupts: { intx: true, msi: 4, express: true },
      msix: { bar: 0, offset: 0x800, count: 16 },
      ...description,
    }),
  );
  return {
    engine,
    device,
    connect(options) {
      const peer = new Peer(device, options);
      if (peer.version().result !== 'ok') throw new Error('VERSION was refused');
      return peer;
    },
  };
}
