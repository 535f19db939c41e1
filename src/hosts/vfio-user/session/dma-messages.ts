// DMA_READ and DMA_WRITE: what a server asks of its client, and the replies that it waits for.
//
//   transfer --> chunks of at most the agreed size, one after the other --> id, message --> ... --> reply with that id
//   transfers wait for each other only when WINDOW messages are on their way

import { VfioError, errnoName } from '../../../uapi/index.ts';
import { COMMANDS } from '../codec/commands.ts';
import { FLAG_ERROR, commandMessage } from '../codec/header.ts';
import { decodePayload, encodePayload } from '../codec/messages.ts';
import type { ReceivedMessage } from '../codec/message-stream.ts';

/** Messages that are on their way at a time. */
const WINDOW = 32;

type DmaCommand = 'DMA_READ' | 'DMA_WRITE';

interface Waiting {
  readonly command: DmaCommand;
  readonly address: bigint;
  readonly count: number;
  readonly resolve: (data: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/** The commands of one session that go to the client. */
export class DmaMessages {
  private readonly send: (message: Uint8Array) => void;
  private readonly waiting = new Map<number, Waiting>();
  private queue: (() => void)[] = [];
  private nextId = 0;
  private isOver = false;

  constructor(send: (message: Uint8Array) => void) {
    this.send = send;
  }

  /** Messages that have no reply yet. */
  get inFlight(): number {
    return this.waiting.size;
  }

  /** Bytes from `address` on. Rejects with the errno of the client, EPROTO for a reply that is none, ECANCELED when the session ends first. */
  async read(address: bigint, target: Uint8Array, chunk: number): Promise<void> {
    for (let at = 0; at < target.length; at += chunk) {
      const part = target.subarray(at, at + chunk);
      part.set(await this.ask('DMA_READ', address + BigInt(at), part.length, undefined));
    }
  }

  /** The same the other way. */
  async write(address: bigint, source: Uint8Array, chunk: number): Promise<void> {
    for (let at = 0; at < source.length; at += chunk) {
      const part = source.subarray(at, at + chunk);
      await this.ask('DMA_WRITE', address + BigInt(at), part.length, part);
    }
  }

  private async ask(command: DmaCommand, addr: bigint, count: number, data: Uint8Array | undefined): Promise<Uint8Array> {
    while (this.waiting.size >= WINDOW && !this.isOver) await new Promise<void>((resolve) => void this.queue.push(resolve));
    if (this.isOver) throw new VfioError('ECANCELED', `vfio-user ${command}`, 'the client is gone');
    while (this.waiting.has(this.nextId)) this.nextId = (this.nextId + 1) & 0xffff;
    const id = this.nextId;
    this.nextId = (id + 1) & 0xffff;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { command, address: addr, count, resolve, reject });
      this.send(commandMessage(id, COMMANDS[command], encodePayload(command, 'request', { addr, count, ...(data !== undefined && { data }) })));
    });
  }

  /**
   * A message of the type reply has come.
   *
   * @throws VfioError EINVAL when nothing was asked that it answers.
   */
  receive({ header, payload }: ReceivedMessage<unknown>): void {
    const waiting = this.waiting.get(header.id);
    if (waiting === undefined || COMMANDS[waiting.command] !== header.command) throw new VfioError('EINVAL', 'vfio-user', `a reply with id ${header.id} to command ${header.command}, which was not asked`);
    this.waiting.delete(header.id);
    this.queue.shift()?.();
    try {
      waiting.resolve(this.answer(waiting, header.flags, header.errno, payload));
    } catch (error) {
      waiting.reject(error as Error);
    }
  }

  private answer({ command, address, count }: Waiting, flags: number, errno: number, payload: Uint8Array): Uint8Array {
    const call = `vfio-user ${command}`;
    if ((flags & FLAG_ERROR) !== 0) throw new VfioError(errnoName(errno) ?? 'EIO', call, `${count} bytes at 0x${address.toString(16)}: the client answered errno ${errno}`);
    // Clients of an older protocol answer a write with a header and nothing else.
    if (command === 'DMA_WRITE' && payload.length === 0) return payload;
    let reply: ReturnType<typeof decodePayload<DmaCommand, 'reply'>>;
    try {
      reply = decodePayload(command, 'reply', payload);
    } catch (error) {
      throw new VfioError('EPROTO', call, (error as Error).message);
    }
    if (reply.addr !== address || reply.count !== BigInt(count)) {
      throw new VfioError('EPROTO', call, `the reply is about ${reply.count.toString()} bytes at 0x${reply.addr.toString(16)}; expected ${count} at 0x${address.toString(16)}`);
    }
    return reply.data.slice();
  }

  /** The client is gone: nothing that was asked is answered. */
  close(): void {
    this.isOver = true;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const { command, reject } of waiting) reject(new VfioError('ECANCELED', `vfio-user ${command}`, 'the client is gone'));
    for (const go of this.queue.splice(0)) go();
  }
}
