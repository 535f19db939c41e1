// From events to what a reader wants to see: commands joined with their replies, transfers with guest addresses, interrupts with vectors.
//
//   received --> cut into messages --> command ... sent: its reply    one step
//   sent: a command of the server ... received: its reply             one step
//   signal --> which vector the fd was assigned to    fd-read, fd-write --> which mapping the fd was given for

import { VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_DATA_EVENTFD } from '../../../uapi/index.ts';
import { MAX_MESSAGE_SIZE, VFIO_USER_DEVICE_SET_IRQS, VFIO_USER_DMA_MAP, VFIO_USER_DMA_UNMAP } from '../codec/commands.ts';
import type { CommandName } from '../codec/commands.ts';
import { FLAG_ERROR, FLAG_NO_REPLY, HEADER_SIZE, TYPE_MASK, TYPE_REPLY, decodeHeader } from '../codec/header.ts';
import type { MessageHeader } from '../codec/header.ts';
import { MessageStream } from '../codec/message-stream.ts';
import { decodePayload } from '../codec/messages.ts';
import type { PayloadOf } from '../codec/messages.ts';
import type { SessionEvent } from './events.ts';

/** A whole message. */
export interface SteppedMessage {
  readonly header: MessageHeader;
  readonly payload: Uint8Array;
}

/** A command and what came of it. */
export interface CommandStep {
  readonly kind: 'command';
  readonly from: 'client' | 'server';
  /** When it was sent, in ns. */
  readonly at: number;
  /** When its reply was sent; the same for one without. */
  readonly until: number;
  readonly command: SteppedMessage;
  /** Fds that came with it. */
  readonly fds: number;
  /** Undefined: none was wanted, or none has come. */
  readonly reply: SteppedMessage | undefined;
}

/** One thing that has happened. */
export type SessionStep =
  | CommandStep
  | { readonly kind: 'client' | 'client-gone'; readonly at: number }
  | { readonly kind: 'interrupt'; readonly at: number; readonly fd: number; readonly index: number | undefined; readonly vector: number }
  /** DMA by an fd. `address`: undefined when the fd is of no mapping. */
  | { readonly kind: 'transfer'; readonly at: number; readonly writes: boolean; readonly fd: number; readonly offset: bigint; readonly address: bigint | undefined; readonly bytes: Uint8Array };

interface Mapping {
  readonly fd: number;
  readonly address: bigint;
  readonly offset: bigint;
  readonly size: bigint;
}

type Begun = Omit<CommandStep, 'until' | 'reply' | 'kind'> & { readonly numbers: readonly number[] };

const isReply = ({ flags }: MessageHeader): boolean => (flags & TYPE_MASK) === TYPE_REPLY;

/** Whether a reply says that the command has failed. */
export function hasFailed({ header }: SteppedMessage): boolean {
  return (header.flags & FLAG_ERROR) !== 0;
}

/** Makes steps of the events of one session. */
export class SessionSteps {
  private readonly take: (step: SessionStep) => void;
  private stream = new MessageStream<number>(MAX_MESSAGE_SIZE);
  private fds = 0;
  /** Commands without their reply, in order. */
  private readonly begun = { client: [] as Begun[], server: [] as Begun[] };
  private readonly vectors = new Map<number, { readonly index: number; readonly vector: number }>();
  private mappings: Mapping[] = [];

  constructor(take: (step: SessionStep) => void) {
    this.take = take;
  }

  /** Takes one event. */
  readonly listen = (event: SessionEvent): void => {
    const { at } = event;
    switch (event.kind) {
      case 'connect':
        this.stream = new MessageStream(MAX_MESSAGE_SIZE);
        this.take({ kind: 'client', at });
        break;
      case 'closed':
        this.closed(at);
        break;
      case 'received':
        this.received(at, event.bytes, event.fds.length);
        break;
      case 'sent':
        this.message('server', at, { header: decodeHeader(viewOf(event.bytes)), payload: event.bytes.slice(HEADER_SIZE) }, []);
        break;
      case 'signal': {
        const { index, vector = 0 } = this.vectors.get(event.fd) ?? { index: undefined };
        this.take({ kind: 'interrupt', at, fd: event.fd, index, vector });
        break;
      }
      case 'fd-read':
      case 'fd-write': {
        const { fd, offset, bytes } = event;
        this.take({ kind: 'transfer', at, writes: event.kind === 'fd-write', fd, offset, address: this.addressOf(fd, offset), bytes: bytes.slice() });
        break;
      }
    }
  };

  private closed(at: number): void {
    for (const side of ['client', 'server'] as const) for (const one of this.begun[side].splice(0)) this.end(one, one.at, undefined);
    this.vectors.clear();
    this.mappings = [];
    this.take({ kind: 'client-gone', at });
  }

  private received(at: number, bytes: Uint8Array, fds: number): void {
    const first = this.fds;
    this.fds += fds;
    // A copy: what is not whole stays.
    this.stream.push(bytes.slice(), Array.from({ length: fds }, (_, i) => first + i));
    for (let one = this.stream.next(); one !== undefined; one = this.stream.next()) this.message('client', at, { header: one.header, payload: one.payload.slice() }, one.fds);
  }

  private message(from: 'client' | 'server', at: number, message: SteppedMessage, numbers: readonly number[]): void {
    if (isReply(message.header)) {
      const waiting = this.begun[from === 'client' ? 'server' : 'client'];
      const found = waiting.findIndex(({ command: { header } }) => header.id === message.header.id && header.command === message.header.command);
      if (found >= 0) this.end(waiting.splice(found, 1)[0]!, at, message);
      return;
    }
    const begun = { from, at, command: message, fds: numbers.length, numbers };
    // A level that is high already is signalled before the reply.
    if (from === 'client') this.assign(message, numbers);
    if ((message.header.flags & FLAG_NO_REPLY) !== 0) this.end(begun, at, undefined);
    else this.begun[from].push(begun);
  }

  private end({ numbers, ...begun }: Begun, until: number, reply: SteppedMessage | undefined): void {
    if (begun.from === 'client' && (reply === undefined || !hasFailed(reply))) this.map(begun.command, numbers);
    this.take({ ...begun, kind: 'command', until, reply });
  }

  /** Which vectors eventfds are for. */
  private assign({ header, payload }: SteppedMessage, numbers: readonly number[]): void {
    if (numbers.length === 0 || header.command !== VFIO_USER_DEVICE_SET_IRQS) return;
    const request = decoded('DEVICE_SET_IRQS', payload);
    if (request?.flags === (VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER)) numbers.forEach((fd, i) => this.vectors.set(fd, { index: request.index, vector: request.start + i }));
  }

  /** Where fds of memory are mapped. */
  private map({ header, payload }: SteppedMessage, numbers: readonly number[]): void {
    if (header.command === VFIO_USER_DMA_MAP && numbers.length > 0) {
      const request = decoded('DMA_MAP', payload);
      if (request !== undefined) this.mappings.push({ fd: numbers[0]!, address: request.addr, offset: request.offset, size: request.size });
    } else if (header.command === VFIO_USER_DMA_UNMAP) {
      const request = decoded('DMA_UNMAP', payload);
      if (request === undefined) return;
      const { addr, size } = request;
      this.mappings = size === 0n ? [] : this.mappings.filter(({ address }) => address < addr || address >= addr + size);
    }
  }

  /** One file may have come as many fds, of which the server keeps one: then the place alone says which mapping it is. */
  private addressOf(fd: number, at: bigint): bigint | undefined {
    const holds = ({ offset, size }: Mapping): boolean => at >= offset && at < offset + size;
    const found = this.mappings.findLast((one) => one.fd === fd && holds(one)) ?? this.mappings.findLast(holds);
    return found === undefined ? undefined : found.address + (at - found.offset);
  }
}

/** A request; undefined for bytes that are none. */
function decoded<C extends CommandName>(command: C, payload: Uint8Array): PayloadOf<C, 'request'> | undefined {
  try {
    return decodePayload(command, 'request', payload);
  } catch {
    return undefined;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
