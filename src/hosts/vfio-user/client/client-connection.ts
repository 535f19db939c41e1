// The client's end of a connection: commands with the replies that they wait for, and what the server asks in between.
//
//   ask --> id, command --> ... --> reply with that id --> the promise       a lost connection ends them all
//   DMA_READ, DMA_WRITE of the server --> the client's memory --> reply

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { VfioError, errnoName } from '../../../uapi/index.ts';
import { COMMANDS, MAX_MESSAGE_SIZE, commandName, commandText } from '../codec/commands.ts';
import type { CommandName } from '../codec/commands.ts';
import { FLAG_ERROR, FLAG_NO_REPLY, TYPE_MASK, TYPE_REPLY, commandMessage, errorMessage, replyMessage } from '../codec/header.ts';
import { decodePayload, encodePayload } from '../codec/messages.ts';
import type { PayloadInput, PayloadOf } from '../codec/messages.ts';
import { MessageStream } from '../codec/message-stream.ts';
import type { ReceivedMessage } from '../codec/message-stream.ts';
import { socketError } from '../transport/net-transport.ts';
import type { ClientMemory } from './client-memory.ts';

interface Waiting {
  readonly command: CommandName;
  readonly resolve: (payload: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/** One connection to a server. @internal */
export class ClientConnection {
  private readonly socket: Socket;
  private readonly memory: ClientMemory;
  private readonly stream = new MessageStream(MAX_MESSAGE_SIZE);
  private readonly waiting = new Map<number, Waiting>();
  private readonly over: Promise<void>;
  private nextId = 0;
  private ended: VfioError | undefined;

  private constructor(socket: Socket, memory: ClientMemory) {
    this.socket = socket;
    this.memory = memory;
    socket.on('data', (bytes) => this.received(bytes));
    socket.on('error', ({ message }) => this.end(message));
    this.over = new Promise((resolve) => {
      socket.on('close', () => {
        this.end('the server has closed the connection');
        resolve();
      });
    });
  }

  /** Connects. Rejects with VfioError ENOENT, ECONNREFUSED, EACCES as the system says. */
  static open(path: string, memory: ClientMemory): Promise<ClientConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      const failed = (error: Error): void => reject(socketError('connect', path, error));
      socket.once('error', failed);
      socket.once('connect', () => {
        socket.off('error', failed);
        resolve(new ClientConnection(socket, memory));
      });
    });
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

  /** Sends a command and waits for its reply: the payload of that, as a copy. Rejects with the server's errno, ECONNRESET when the connection ends. */
  askBytes(command: CommandName, payload: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.ended !== undefined) throw this.ended;
      const id = this.freeId(command);
      this.waiting.set(id, { command, resolve, reject });
      this.socket.write(commandMessage(id, COMMANDS[command], payload));
    });
  }

  /** The same with records. */
  async ask<C extends CommandName>(command: C, request: PayloadInput<C, 'request'>): Promise<PayloadOf<C, 'reply'>> {
    const payload = await this.askBytes(command, encodePayload(command, 'request', request));
    try {
      return decodePayload(command, 'reply', payload);
    } catch (error) {
      throw new VfioError('EPROTO', `vfio-user ${command}`, (error as Error).message);
    }
  }

  /** Sends a command that has no reply: nobody hears of its failure either. */
  post<C extends CommandName>(command: C, request: PayloadInput<C, 'request'>): void {
    if (this.ended !== undefined) throw this.ended;
    this.socket.write(commandMessage(this.freeId(command), COMMANDS[command], encodePayload(command, 'request', request), FLAG_NO_REPLY));
  }

  /** Sends bytes as they are, whatever they are. */
  sendRaw(bytes: Uint8Array): void {
    if (this.ended !== undefined) throw this.ended;
    this.socket.write(bytes);
  }

  private received(bytes: Uint8Array): void {
    this.stream.push(bytes);
    for (let message = this.stream.next(); message !== undefined; message = this.stream.next()) {
      if (message.fault !== undefined) {
        this.end(message.fault.message);
        this.socket.destroy();
        return;
      }
      if ((message.header.flags & TYPE_MASK) === TYPE_REPLY) this.replied(message);
      else this.asked(message);
    }
  }

  private replied({ header, payload }: ReceivedMessage<never>): void {
    const waiting = this.waiting.get(header.id);
    // Nobody waits for it: there is nobody to tell.
    if (waiting === undefined || COMMANDS[waiting.command] !== header.command) return;
    this.waiting.delete(header.id);
    const call = `vfio-user ${waiting.command}`;
    if ((header.flags & FLAG_ERROR) !== 0) waiting.reject(new VfioError(errnoName(header.errno) ?? 'EIO', call, `the server answered errno ${header.errno}`));
    else waiting.resolve(payload.slice());
  }

  private asked({ header, payload }: ReceivedMessage<never>): void {
    let reply: Uint8Array;
    try {
      reply = replyMessage(header, this.answer(header.command, payload));
    } catch (error) {
      reply = errorMessage(header, error instanceof VfioError ? error.errno : new VfioError('EIO', '').errno);
    }
    if ((header.flags & FLAG_NO_REPLY) === 0 && this.ended === undefined) this.socket.write(reply);
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
    this.socket.end();
    this.socket.destroySoon();
    await this.over;
  }
}
