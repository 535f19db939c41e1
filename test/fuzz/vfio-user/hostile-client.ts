// One client without manners at a session, and what must hold whatever it sends: a reply to each command that wants one, in order; memory reached only where it is mapped; each fd closed once.
//
//   pieces of bytes, fds --> session, as messages or at a desk --> replies: checked against the messages that these bytes are, as this file cuts them

import { MessageStream, Session, commandMessage } from '../../../src/hosts/vfio-user/index.ts';
import type { Desk, ReceivedMessage, ServedDevice } from '../../../src/hosts/vfio-user/index.ts';
import { Broken, rule } from '../broken.ts';
import type { Random } from '../random.ts';
import { WitnessFd } from './witness-fd.ts';
import type { Reached } from './witness-fd.ts';

/** Bytes that come at once, and how many fds come along. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly fds: number;
}

/** How messages ended, and what was reached. */
export interface Tally extends Reached {
  messages: number;
  replies: number;
  errors: number;
  asked: number;
  fds: number;
}

const HEADER = 16;
const LONGEST = (1 << 20) + 32;
const [DMA_MAP, DMA_UNMAP, DMA_READ, DMA_WRITE] = [2, 3, 11, 12];
const [READABLE, WRITEABLE, UNMAP_ALL] = [1, 2, 2];
const [REPLY, NO_REPLY, ERROR] = [1, 0x10, 0x20];

/** What is shown lies in the middle of what is not. */
const DESK: Desk = { view: new DataView(new ArrayBuffer(0x200)), piece: 0x100, reply: 0x40 };
const LONGEST_SHOWN = 0x80;

interface Due {
  readonly id: number;
  readonly command: number;
  /** A message of type reply gets an error when nobody asked. */
  readonly isCertain: boolean;
}

/** A client of one session. */
export class HostileClient {
  private readonly session: Session;
  private readonly stream = new MessageStream<WitnessFd>(LONGEST);
  private readonly tally: Tally;
  private readonly random: Random;
  private readonly held: WitnessFd[] = [];
  private due: Due[] = [];
  private failed: number | undefined;
  private last: Uint8Array = new Uint8Array(0);
  private answers: Uint8Array[] = [];
  private broken: unknown;

  constructor(device: ServedDevice, tally: Tally, random: Random) {
    this.tally = tally;
    this.random = random;
    this.session = new Session(device, { send: (message) => this.came(message), sendShown: (count) => this.came(new Uint8Array(DESK.view.buffer, DESK.reply, count)), onDeviceError: (error) => void (error instanceof Broken && (this.broken ??= error)) });
  }

  private came(message: Uint8Array): void {
    try {
      this.check(message);
    } catch (error) {
      this.broken ??= error;
    }
  }

  private check(message: Uint8Array): void {
    rule(message.length >= HEADER, () => `a message of ${message.length} bytes was sent`);
    const view = new DataView(message.buffer, message.byteOffset, message.length);
    const [id, command, size, flags] = [view.getUint16(0, true), view.getUint16(2, true), view.getUint32(4, true), view.getUint32(8, true)];
    rule(size === message.length, () => `command ${command}: a message of ${message.length} bytes says that it has ${size}`);
    if ((flags & 0xf) !== REPLY) return this.asks(command, flags, message);
    this.tally.replies++;
    this.failed = undefined;
    if ((flags & ERROR) !== 0) {
      this.tally.errors++;
      this.failed = view.getUint32(12, true);
      rule(size === HEADER && this.failed > 0, () => `an error reply to command ${command} of ${size} bytes, errno ${this.failed}`);
    }
    let next = this.due.shift();
    while (next !== undefined && !next.isCertain && (next.id !== id || next.command !== command)) next = this.due.shift();
    rule(next?.id === id && next.command === command, () => `a reply to command ${command} with id ${id}; due was ${next === undefined ? 'none' : `one to ${next.command} with id ${next.id}`}`);
  }

  /** The server asks for memory: some get what they asked for, some nothing, some nonsense. */
  private asks(command: number, flags: number, message: Uint8Array): void {
    rule((command === DMA_READ || command === DMA_WRITE) && flags === 0, () => `the server sent command ${command} with flags ${flags}`);
    this.tally.asked++;
    const count = new DataView(message.buffer, message.byteOffset).getUint32(HEADER + 8, true);
    rule(message.length === HEADER + 16 + (command === DMA_WRITE ? count : 0), () => `DMA command ${command} for ${count} bytes is ${message.length} bytes long`);
    if (this.random.once(3)) return;
    const reply = new Uint8Array(HEADER + 16 + (command === DMA_READ ? count : 0));
    reply.set(message.subarray(0, HEADER + 16));
    const view = new DataView(reply.buffer);
    view.setUint32(4, reply.length, true);
    view.setUint32(8, this.random.once(4) ? REPLY | ERROR : REPLY, true);
    if (this.random.once(6)) reply[this.random.below(reply.length)]! ^= 1 << this.random.below(8);
    this.answers.push(reply);
  }

  /** Sends a piece, and then what the server has asked for. */
  send(piece: Piece): void {
    this.push(piece);
    for (const bytes of this.answers.splice(0)) this.push({ bytes, fds: 0 });
  }

  private push({ bytes, fds }: Piece): void {
    const came = Array.from({ length: fds }, () => new WitnessFd(this.tally));
    this.held.push(...came);
    this.tally.fds += fds;
    this.stream.push(bytes, came);
    for (let one = this.stream.next(); one !== undefined; one = this.stream.next()) {
      const { id, command, size, flags } = one.header;
      const isLie = size < HEADER || size > LONGEST;
      const type = flags & 0xf;
      this.tally.messages++;
      if (isLie || (flags & NO_REPLY) === 0) this.due.push({ id, command, isCertain: isLie || type !== REPLY });
      this.last = one.payload.slice();
      if (command === DMA_MAP && type === 0 && one.fds.length === 1) this.map(one.fds[0]!);
      const mapped = this.session.mappings;
      this.failed = undefined;
      if (!this.shown(one)) this.session.receive(one);
      if (this.broken !== undefined) throw this.broken as Error;
      rule(this.due.every(({ isCertain }) => !isCertain), () => `no reply to command ${command} with id ${id}`);
      this.due = [];
      if (command === DMA_UNMAP && type === 0 && this.failed === undefined && ((flags & NO_REPLY) === 0 || this.session.mappings < mapped)) this.unmapped();
    }
  }

  /** Half of what is short and has no fds lies at the desk first, with others' bytes around it: whether it was dealt with there. */
  private shown({ header, payload, fds, fault }: ReceivedMessage<WitnessFd>): boolean {
    if (fault !== undefined || fds.length > 0 || header.size > LONGEST_SHOWN || this.random.once(2)) return false;
    const bytes = new Uint8Array(DESK.view.buffer);
    bytes.fill(0xff);
    bytes.set(commandMessage(header.id, header.command, payload, header.flags), DESK.piece);
    const done = this.session.shown(DESK, 0, header.size);
    rule(done === 0 || done === header.size, () => `${done} bytes of a message of ${header.size} were dealt with`);
    return done > 0;
  }

  private map(fd: WitnessFd): void {
    if (this.last.length < 32) return;
    const view = new DataView(this.last.buffer);
    const flags = view.getUint32(4, true);
    fd.window = { offset: view.getBigUint64(8, true), address: view.getBigUint64(16, true), size: view.getBigUint64(24, true), isReadable: (flags & READABLE) !== 0, isWritable: (flags & WRITEABLE) !== 0 };
  }

  /** What an unmap took away is held no more. */
  private unmapped(): void {
    const view = new DataView(this.last.buffer);
    const [flags, address, size] = [view.getUint32(4, true), view.getBigUint64(8, true), view.getBigUint64(16, true)];
    for (const { window, closes } of this.held) {
      const isInside = window !== undefined && ((flags & UNMAP_ALL) !== 0 || (window.address >= address && window.address + window.size <= address + size));
      rule(!isInside || closes === 1, () => `DMA_UNMAP of ${size} bytes at ${address} left an fd open`);
    }
  }

  /** What was begun goes on for a turn. */
  async turn(): Promise<void> {
    for (let i = 0; i < 4; i++) await Promise.resolve();
    for (const bytes of this.answers.splice(0)) this.push({ bytes, fds: 0 });
    if (this.broken !== undefined) throw this.broken as Error;
  }

  get isBroken(): boolean {
    return this.stream.isBroken;
  }

  /** The client goes, in the middle of whatever it is. Nothing of it is left, and nothing comes later. */
  async leave(): Promise<void> {
    for (const fd of this.stream.close()) fd.close();
    this.session.close();
    const open = this.held.filter(({ closes }) => closes !== 1).length;
    rule(open === 0, () => `${open} of ${this.held.length} fds were not closed`);
    rule(this.session.mappings === 0 && this.session.heldFds === 0 && this.session.asked === 0, () => 'a session that is over holds mappings, fds or messages');
    await this.turn();
  }
}
