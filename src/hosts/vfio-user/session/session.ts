// One client's session: messages in, replies out, in their order. It does no input or output of its own, and waits for nothing.
//
//   VERSION, once and first --> commands --> ... --> close: mappings, fds and interrupts are gone, the device stays as it is
//
//   command --- good -----> reply
//           --- bad ------> header with ERROR and an errno        NO_REPLY: neither
//   reply   --- to DMA_READ, DMA_WRITE --> the transfer that waits for it
//
// A device's own messages come a turn after the access that caused them: the reply to that is on its way by then. A client that waits for it answers nothing else.

import { VfioError } from '../../../uapi/index.ts';
import { VFIO_USER_REGION_READ, VFIO_USER_REGION_WRITE, commandName, commandText } from '../codec/commands.ts';
import type { CommandName } from '../codec/commands.ts';
import { FLAG_NO_REPLY, HEADER_SIZE, TYPE_COMMAND, TYPE_MASK, TYPE_REPLY, decodeHeader, errorMessage, replyMessage } from '../codec/header.ts';
import type { MessageHeader } from '../codec/header.ts';
import { decodePayload } from '../codec/messages.ts';
import type { PayloadOf } from '../codec/messages.ts';
import type { ReceivedMessage } from '../codec/message-stream.ts';
import type { Capabilities } from '../codec/version.ts';
import type { Desk, PassedFd } from '../transport/transport.ts';
import { commands } from './commands.ts';
import type { MessageFds, SessionState } from './commands.ts';
import { Counting } from './counts.ts';
import type { SessionCounts } from './counts.ts';
import { DirtyLog } from './dirty-log.ts';
import { DmaMessages } from './dma-messages.ts';
import { DmaTable } from './dma-table.ts';
import { SessionDoorbells } from './doorbells.ts';
import type { OpenBells } from './doorbells.ts';
import { SessionInterrupts } from './interrupts.ts';
import { SessionMigration } from './migration.ts';
import { SERVER_CAPABILITIES, negotiate } from './negotiation.ts';
import type { Agreement } from './negotiation.ts';
import type { ServedDevice } from './served-device.ts';
import { LONG_WAY, SHORT_REPLY, ShortAccess } from './short-access.ts';

/** What a session is opened with. */
export interface SessionOptions {
  /** Sends one whole message to the client, and fds with it, which stay the session's. */
  readonly send: (message: Uint8Array, fds?: readonly PassedFd[]) => void;
  /** Sends the first bytes of the reply's place at the desk, for {@link Session.shown}. */
  readonly sendShown?: (count: number) => void;
  /** Whether `send` passes fds. Default false. */
  readonly passesFds?: boolean;
  /** Makes a socket of its own for DMA_READ and DMA_WRITE: what sends there, and the client's end, which is closed once it is sent. Default: they share the client's socket. */
  readonly openTwin?: () => { readonly send: (message: Uint8Array) => void; readonly fd: PassedFd };
  /** Makes eventfds for the client to signal. Default: there are none, and what they would stand for comes by messages. */
  readonly openBells?: OpenBells;
  /** Is told of what a device's own code threw. Default: nobody; the client gets EIO. */
  readonly onDeviceError?: (error: unknown) => void;
  /** What the server answers with as far as it is proposed. Default: {@link SERVER_CAPABILITIES}. */
  readonly capabilities?: Capabilities;
}

/** Asked for by few, and then it matters: first among what an answer has room for. */
const TWIN: Capabilities = { twin_socket: { supported: true, fd_index: 0 } };

const { max_dma_maps: MAX_DMA_MAPS = 0 } = SERVER_CAPABILITIES;

/** The state of one client. */
export class Session {
  private readonly options: SessionOptions;
  private readonly state: SessionState;
  private readonly messages: DmaMessages;
  private readonly counting = new Counting();
  private readonly short: ShortAccess;
  private readonly reply = new Uint8Array(SHORT_REPLY);
  private readonly replyView = new DataView(this.reply.buffer);
  private sendTwin: (message: Uint8Array) => void;
  private agreement: Agreement | undefined;
  /** The client's end, until it is on its way. */
  private twinEnd: PassedFd | undefined;
  private isOver = false;
  private count = 0;

  constructor(device: ServedDevice, options: SessionOptions) {
    this.options = options;
    this.sendTwin = options.send;
    const dma = new DmaTable(MAX_DMA_MAPS);
    const { vfio } = device;
    const { dmaLogging } = vfio.description;
    const report = (error: unknown): void => options.onDeviceError?.(error);
    this.state = {
      device,
      dma,
      interrupts: new SessionInterrupts(device, () => this.counting.interrupts++),
      migration: vfio.migration === undefined ? undefined : new SessionMigration(device),
      log: dmaLogging === undefined ? undefined : new DirtyLog(dmaLogging, dma),
      mayShare: () => options.passesFds === true && (this.agreement?.clientFds ?? 0) > 0,
      doorbells: new SessionDoorbells(device, options.openBells, () => this.counting.doorbells++, report),
      clientFds: () => this.agreement?.clientFds ?? 0,
      report,
    };
    this.short = new ShortAccess(device, this.state.report);
    this.messages = new DmaMessages((message) => this.sendTwin(message));
    device.dma.connect({
      read: (address, target) => this.transfer('DMA_READ', address, target),
      write: (address, source) => this.transfer('DMA_WRITE', address, source),
    });
  }

  /** Messages that were received. */
  get received(): number {
    return this.count;
  }

  /** What the client has had of the device so far. */
  get counts(): SessionCounts {
    return this.counting;
  }

  /** Mappings that the client has. */
  get mappings(): number {
    return this.state.dma.size;
  }

  /** Fds of the client that are held for its interrupts. */
  get heldFds(): number {
    return this.state.interrupts.held;
  }

  /** Eventfds that the client was given for the device's doorbells. */
  get givenFds(): number {
    return this.state.doorbells.held;
  }

  /** Messages to the client that have no reply yet. */
  get asked(): number {
    return this.messages.inFlight;
  }

  /** What was agreed on; undefined before VERSION. */
  get agreed(): Agreement | undefined {
    return this.agreement;
  }

  /** Takes one message, and its fds. Never throws. */
  receive(message: ReceivedMessage<PassedFd>): void {
    this.count++;
    this.counting.received(message.header.command, message.header.flags);
    this.catchUp(message.header.flags);
    if (this.agreement !== undefined && message.fds.length === 0 && message.fault === undefined && this.access(message)) return;
    const given: PassedFd[] = [];
    const fds = { all: message.fds, isTaken: false, take: () => void (fds.isTaken = true), give: (fd: PassedFd) => void given.push(fd) };
    const { header } = message;
    try {
      const reply = this.answer(message, fds);
      if (reply !== undefined && (header.flags & FLAG_NO_REPLY) === 0) this.options.send(replyMessage(header, reply), given);
    } catch (error) {
      this.refuse(header, error, message.fault !== undefined);
    } finally {
      this.twinEnd?.close();
      this.twinEnd = undefined;
      if (!fds.isTaken) for (const fd of message.fds) fd.close();
    }
  }

  /** In front of each message: who waits for an answer sees what it rang for before. What nobody waits for may have been sent before that. */
  private catchUp(flags: number): void {
    if ((flags & FLAG_NO_REPLY) === 0 && this.givenFds > 0) this.state.doorbells.act();
  }

  /** Whether it was an access that goes the short way. */
  private access(message: ReceivedMessage<PassedFd>): boolean {
    const { header, payload } = message;
    if (header.command !== VFIO_USER_REGION_READ && header.command !== VFIO_USER_REGION_WRITE) return false;
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    let size: number;
    try {
      size = this.short.carryOut(header.id | (header.command << 16), header.flags, view, 0, payload.length, this.replyView, 0);
    } catch (error) {
      this.refuse(header, error);
      return true;
    }
    if (size > 0) this.options.send(this.reply.slice(0, size));
    return size !== LONG_WAY;
  }

  /**
   * Takes the message that begins `at` bytes behind the start of a shown piece, if it is an access that goes the short way. Never throws.
   *
   * @param count - Bytes of the piece from there on.
   * @returns its bytes; 0 for any other message, with nothing done.
   */
  shown({ view, piece, reply }: Desk, at: number, count: number): number {
    if (count < HEADER_SIZE || this.agreement === undefined || this.options.sendShown === undefined) return 0;
    const start = piece + at;
    const size = view.getUint32(start + 4, true);
    if (size < HEADER_SIZE || size > count) return 0;
    const flags = view.getUint32(start + 8, true);
    this.catchUp(flags);
    let answer: number;
    try {
      answer = this.short.carryOut(view.getUint32(start, true), flags, view, start + HEADER_SIZE, size - HEADER_SIZE, view, reply);
    } catch (error) {
      this.count++;
      this.counting.received(view.getUint16(start + 2, true), flags);
      this.refuse(decodeHeader(view, start), error);
      return size;
    }
    if (answer === LONG_WAY) return 0;
    this.count++;
    this.counting.received(view.getUint16(start + 2, true), flags);
    if (answer > 0) this.options.sendShown(answer);
    return size;
  }

  private refuse(header: MessageHeader, error: unknown, isFault = false): void {
    if (!(error instanceof VfioError)) this.state.report(error);
    // A header whose size lies may lie about everything else.
    if (!isFault && (header.flags & FLAG_NO_REPLY) !== 0) return;
    this.options.send(errorMessage(header, error instanceof VfioError ? error.errno : new VfioError('EIO', '').errno));
  }

  /** The payload of the reply; undefined for what has none. */
  private answer(message: ReceivedMessage<PassedFd>, fds: MessageFds): Uint8Array | undefined {
    const { header, payload, fault } = message;
    if (fault !== undefined) throw fault;
    const type = header.flags & TYPE_MASK;
    if (type === TYPE_REPLY) {
      this.messages.receive(message);
      return undefined;
    }
    const name = commandName(header.command);
    const call = `vfio-user ${commandText(header.command)}`;
    if (type !== TYPE_COMMAND) throw new VfioError('EINVAL', call, `flags 0x${header.flags.toString(16)}: the type is ${type}; expected 0, a command, or 1, a reply`);
    if (name === undefined) throw new VfioError('EINVAL', call, 'there is no such command');
    if (name === 'DMA_READ' || name === 'DMA_WRITE') throw new VfioError('EINVAL', call, 'it goes from the server to the client');
    if (name === 'VERSION') return this.begin(decodePayload(name, 'request', payload), fds);
    if (this.agreement === undefined) throw new VfioError('EINVAL', call, 'VERSION comes first');
    return this.run(name, payload, fds);
  }

  private begin(request: PayloadOf<'VERSION', 'request'>, fds: MessageFds): Uint8Array {
    if (this.agreement !== undefined) throw new VfioError('EINVAL', 'vfio-user VERSION', 'it was agreed on before');
    const { capabilities = SERVER_CAPABILITIES, openTwin } = this.options;
    const { reply, agreement } = negotiate(request, openTwin === undefined ? capabilities : { ...TWIN, ...capabilities });
    if (agreement.hasTwin) {
      const { send, fd } = openTwin!();
      this.sendTwin = send;
      fds.give(fd);
      this.twinEnd = fd;
    }
    this.agreement = agreement;
    return reply;
  }

  private run(name: Exclude<CommandName, 'VERSION' | 'DMA_READ' | 'DMA_WRITE'>, payload: Uint8Array, fds: MessageFds): Uint8Array {
    return commands[name](this.state, decodePayload(name, 'request', payload) as never, fds);
  }

  private async transfer(command: 'DMA_READ' | 'DMA_WRITE', address: bigint, bytes: Uint8Array): Promise<void> {
    const writes = command === 'DMA_WRITE';
    const call = `vfio-user ${command}`;
    const { dma } = this.state;
    const chunk = this.agreement?.clientDataBytes ?? 1;
    dma.check(call, address, bytes.length, writes);
    for (let at = 0; at < bytes.length; ) {
      // Looked for again each time: while a message was on its way the client may have unmapped what comes next.
      const { mapping, address: start, bytes: count } = dma.part(call, address + BigInt(at), bytes.length - at, writes);
      const part = bytes.subarray(at, at + count);
      at += count;
      if (mapping.fd === undefined) await this.messages[writes ? 'write' : 'read'](start, part, chunk);
      else mapping.fd[writes ? 'write' : 'read'](mapping.offset + (start - mapping.address), part);
      this.counting.moved(count, mapping.fd === undefined ? Math.ceil(count / chunk) : 0);
    }
  }

  /** The client is gone. A second call does nothing. */
  close(): void {
    if (this.isOver) return;
    this.isOver = true;
    const { device, dma, doorbells, interrupts, migration, log, report } = this.state;
    const steps = [
      () => this.messages.close(),
      () => doorbells.close(),
      () => migration?.close(),
      () => log?.isActive === true && log.stop(),
      () => device.clientGone(),
      () => interrupts.close(),
      () => dma.clear(),
    ];
    // Whatever a device does about one of them, the others are done.
    for (const step of steps) {
      try {
        step();
      } catch (error) {
        report(error);
      }
    }
  }
}
