// The client's end of a connection: commands with the replies that they wait for, and what the server asks in between.
//
//   ask --> id, command --> ... --> reply with that id --> the promise       a lost connection ends them all
//   DMA_READ, DMA_WRITE of the server --> the client's memory --> reply

import { VfioError, errnoName } from '../../../uapi/index.ts';
import { COMMANDS, MAX_MESSAGE_SIZE, commandName, commandText } from '../codec/commands.ts';
import type { CommandName } from '../codec/commands.ts';
import { FLAG_ERROR, FLAG_NO_REPLY, TYPE_MASK, TYPE_REPLY, commandMessage, errorMessage, replyMessage } from '../codec/header.ts';
import { decodePayload, encodePayload } from '../codec/messages.ts';
import type { PayloadInput, PayloadOf } from '../codec/messages.ts';
import { MessageStream } from '../codec/message-stream.ts';
import type { ReceivedMessage } from '../codec/message-stream.ts';
import type { Connection, ConnectionHandler, PassedFd, Transport } from '../transport/transport.ts';
import type { ClientMemory } from './client-memory.ts';

interface Waiting {
  readonly command: CommandName;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** What a reply brought. */
export interface Answer {
  /** A copy. */
  readonly payload: Uint8Array;
  /** The caller's from now on. */
  readonly fds: readonly PassedFd[];
}

/** One connection to a server. @internal */
export class ClientConnection implements ConnectionHandler {
  private readonly memory: ClientMemory;
  private readonly stream = new MessageStream<PassedFd>(MAX_MESSAGE_SIZE);
  private readonly waiting = new Map<number, Waiting>();
  private readonly over: Promise<void>;
  private connection!: Connection;
  private twin: Connection | undefined;
  private isGone!: () => void;
  private nextId = 0;
  private ended: VfioError | undefined;

  private constructor(memory: ClientMemory) {
    this.memory = memory;
    this.over = new Promise((resolve) => void (this.isGone = resolve));
  }

  /** Connects. Rejects with VfioError ENOENT, ECONNREFUSED, EACCES as the system says. */
  static async open(transport: Transport, path: string, memory: ClientMemory): Promise<ClientConnection> {
    const opened = new ClientConnection(memory);
    opened.connection = await transport.connect(path, opened);
    return opened;
  }

  /** Whether the connection is over. */
  get isOver(): boolean {
    return this.ended !== undefined;
  }

  private end(why: string): void {
    this.ended ??= new VfioError('ECONNRESET', 'vfio-user', why);
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const { command, reject } of waiting) reject(new VfioError('ECONNRESET', `vfio-user ${command}`, why));
  }

  private freeId(command: CommandName): number {
    if (this.waiting.size > 0xffff) throw new VfioError('EBUSY', `vfio-user ${command}`, '65536 commands wait for their replies');
    while (this.waiting.has(this.nextId)) this.nextId = (this.nextId + 1) & 0xffff;
    const id = this.nextId;
    this.nextId = (id + 1) & 0xffff;
    return id;
  }

  /** Sends a command, and fds with it, which stay the caller's; waits for its reply. Rejects with the server's errno, ECONNRESET when the connection ends. */
  askWithFds(command: CommandName, payload: Uint8Array, fds: readonly PassedFd[] = []): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.ended !== undefined) throw this.ended;
      const id = this.freeId(command);
      this.connection.send(commandMessage(id, COMMANDS[command], payload), fds);
      this.waiting.set(id, { command, resolve, reject });
    });
  }

  /** The same for what brings no fds. A copy of the reply's payload. */
  async askBytes(command: CommandName, payload: Uint8Array, fds?: readonly PassedFd[]): Promise<Uint8Array> {
    const answer = await this.askWithFds(command, payload, fds);
    for (const fd of answer.fds) fd.close();
    return answer.payload;
  }

  /** The same with records. */
  async ask<C extends CommandName>(command: C, request: PayloadInput<C, 'request'>, fds?: readonly PassedFd[]): Promise<PayloadOf<C, 'reply'>> {
    return this.decode(command, await this.askBytes(command, encodePayload(command, 'request', request), fds));
  }

  /** A reply as a record. VfioError EPROTO when it is none. */
  decode<C extends CommandName>(command: C, payload: Uint8Array): PayloadOf<C, 'reply'> {
    try {
      return decodePayload(command, 'reply', payload);
    } catch (error) {
      throw new VfioError('EPROTO', `vfio-user ${command}`, (error as Error).message);
    }
  }

  /** Sends a command that has no reply: nobody hears of its failure either. */
  post<C extends CommandName>(command: C, request: PayloadInput<C, 'request'>): void {
    if (this.ended !== undefined) throw this.ended;
    this.connection.send(commandMessage(this.freeId(command), COMMANDS[command], encodePayload(command, 'request', request), FLAG_NO_REPLY));
  }

  /** Sends bytes as they are, whatever they are. */
  sendRaw(bytes: Uint8Array, fds?: readonly PassedFd[]): void {
    if (this.ended !== undefined) throw this.ended;
    this.connection.send(bytes, fds);
  }

  drained(): void {
    return;
  }

  closed(): void {
    for (const fd of this.stream.close()) fd.close();
    this.end('the server has closed the connection');
    this.twin?.close();
    this.isGone();
  }

  received(bytes: Uint8Array, fds: readonly PassedFd[]): void {
    this.stream.push(bytes, fds);
    for (let message = this.stream.next(); message !== undefined; message = this.stream.next()) {
      if (message.fault !== undefined) {
        this.end(message.fault.message);
        for (const fd of message.fds) fd.close();
        this.connection.close();
        return;
      }
      if ((message.header.flags & TYPE_MASK) === TYPE_REPLY) this.replied(message);
      else this.asked(message);
    }
  }

  private replied({ header, payload, fds }: ReceivedMessage<PassedFd>): void {
    const waiting = this.waiting.get(header.id);
    const isAsked = waiting !== undefined && COMMANDS[waiting.command] === header.command;
    const isError = (header.flags & FLAG_ERROR) !== 0;
    if (!isAsked || isError) for (const fd of fds) fd.close();
    // Nobody waits for it: there is nobody to tell.
    if (!isAsked) return;
    this.waiting.delete(header.id);
    const call = `vfio-user ${waiting.command}`;
    if (isError) waiting.reject(new VfioError(errnoName(header.errno) ?? 'EIO', call, `the server answered errno ${header.errno}`));
    else waiting.resolve({ payload: payload.slice(), fds });
  }

  private asked({ header, payload, fds }: ReceivedMessage<PassedFd>, from: Connection | undefined = this.connection): void {
    for (const fd of fds) fd.close();
    let reply: Uint8Array;
    try {
      reply = replyMessage(header, this.answer(header.command, payload));
    } catch (error) {
      reply = errorMessage(header, error instanceof VfioError ? error.errno : new VfioError('EIO', '').errno);
    }
    if ((header.flags & FLAG_NO_REPLY) === 0 && this.ended === undefined) from.send(reply);
  }

  /** The server's own commands come on a socket of their own from now on. VfioError ENOTSOCK for what is none. */
  adopt(fd: PassedFd): void {
    const stream = new MessageStream<PassedFd>(MAX_MESSAGE_SIZE);
    let twin: Connection | undefined = undefined;
    twin = this.connection.adopt!(fd, {
      received: (bytes, fds) => {
        stream.push(bytes, fds);
        for (let message = stream.next(); message !== undefined; message = stream.next()) {
          if (message.fault === undefined) this.asked(message, twin);
          else this.connection.close();
        }
      },
      drained: () => undefined,
      closed: () => this.connection.close(),
    });
    this.twin = twin;
  }

  private answer(command: number, payload: Uint8Array): Uint8Array {
    const name = commandName(command);
    if (name === 'DMA_READ') {
      const { addr, count } = decodePayload(name, 'request', payload);
      return encodePayload(name, 'reply', { addr, count, data: this.memory.read(addr, count) });
    }
    if (name === 'DMA_WRITE') {
      const { addr, count, data } = decodePayload(name, 'request', payload);
      this.memory.write(addr, data);
      return encodePayload(name, 'reply', { addr, count });
    }
    throw new VfioError('EINVAL', `vfio-user ${commandText(command)}`, 'a server asks for DMA_READ and DMA_WRITE only');
  }

  /** Ends the connection. Resolves when it is over. */
  async close(): Promise<void> {
    this.connection.close();
    await this.over;
  }
}
