// Cuts a byte stream into messages, wherever the pieces begin and end, and finds out which fds belong to which message.
//
//   pieces     | header payload hea | der payl | oad header payload header pay |
//   messages   [              ] [                 ] [            ] [ not whole yet
//   fds of a piece belong to the last message that begins in it: a receive ends with the piece that fds came with
//
//   sizes that lie   below 16      the header is a message of its own, and what follows it is the next one
//                    too large     nothing behind it can be told apart: the stream is broken

import { VfioError } from '../../../uapi/index.ts';
import { commandText } from './commands.ts';
import { HEADER_SIZE, decodeHeader } from './header.ts';
import type { MessageHeader } from './header.ts';

/** A message as it came: not looked at beyond its header. */
export interface ReceivedMessage<Fd> {
  readonly header: MessageHeader;
  /** What follows the header, valid until more is pushed. */
  readonly payload: Uint8Array;
  readonly fds: readonly Fd[];
  /** Of a header whose size cannot be: how it lies. */
  readonly fault?: VfioError;
}

const NO_BYTES = new Uint8Array(0);
const NO_FDS: readonly never[] = [];

/**
 * One direction of a connection.
 *
 * @example
 * ```ts
 * const stream = new MessageStream();
 * stream.push(bytes);
 * for (let message = stream.next(); message !== undefined; message = stream.next()) console.log(message.header.command);
 * ```
 */
export class MessageStream<Fd = never> {
  private readonly maxMessage: number;
  private buffer: Uint8Array = NO_BYTES;
  private viewed: Uint8Array | undefined;
  private bufferView!: DataView;
  private ownsBuffer = false;
  /** Bytes of the buffer from `start` to `end` have not been taken. */
  private start = 0;
  private end = 0;
  /** Where the first message begins that has not been found to be whole: at or behind `end` when it has not begun. */
  private scanned = 0;
  private broken = false;
  /** By where in the buffer their message begins. */
  private fds = new Map<number, Fd[]>();

  /** @param maxMessage - Bytes of the longest message. */
  constructor(maxMessage: number) {
    this.maxMessage = maxMessage;
  }

  /** Bytes that wait to be taken or to become whole. */
  get waiting(): number {
    return this.end - this.start;
  }

  /** Fds that came with the message that is not whole yet. */
  get waitingFds(): number {
    return this.fds.get(this.scanned)?.length ?? 0;
  }

  /** Whether a size made the rest of the stream meaningless. */
  get isBroken(): boolean {
    return this.broken;
  }

  /** Takes a piece, and the fds that came with it. */
  push(bytes: Uint8Array, fds: readonly Fd[] = []): void {
    this.append(bytes);
    const began = this.scan();
    if (fds.length > 0) this.fds.set(began, [...(this.fds.get(began) ?? []), ...fds]);
  }

  private append(bytes: Uint8Array): void {
    if (this.waiting === 0 && this.fds.size === 0) {
      this.buffer = bytes;
      this.ownsBuffer = false;
      this.start = this.scanned = 0;
      this.end = bytes.length;
      return;
    }
    if (!this.ownsBuffer || this.end + bytes.length > this.buffer.length) this.makeRoom(bytes.length);
    this.buffer.set(bytes, this.end);
    this.end += bytes.length;
  }

  private makeRoom(more: number): void {
    const { start, waiting } = this;
    const needed = waiting + more;
    const target = this.ownsBuffer && needed * 2 <= this.buffer.length ? this.buffer : new Uint8Array(needed * 2);
    target.set(this.buffer.subarray(start, this.end));
    this.buffer = target;
    this.ownsBuffer = true;
    this.fds = new Map([...this.fds].map(([at, fds]) => [at - start, fds]));
    this.scanned -= start;
    this.start = 0;
    this.end = waiting;
  }

  private view(): DataView {
    if (this.viewed !== this.buffer) {
      this.viewed = this.buffer;
      this.bufferView = new DataView(this.buffer.buffer, this.buffer.byteOffset, this.buffer.length);
    }
    return this.bufferView;
  }

  /** Bytes of the message that begins at `at`, as far as they count: a header whose size lies stands alone. */
  private length(view: DataView, at: number): number {
    const size = view.getUint32(at + 4, true);
    return size < HEADER_SIZE || size > this.maxMessage ? HEADER_SIZE : size;
  }

  /** Goes on to the first message that is not whole. Where the last one began. */
  private scan(): number {
    const view = this.view();
    let last = this.scanned;
    while (this.scanned + HEADER_SIZE <= this.end) {
      const behind = this.scanned + this.length(view, this.scanned);
      if (behind > this.end) break;
      last = this.scanned;
      this.scanned = behind;
    }
    return this.scanned < this.end ? this.scanned : last;
  }

  /** The next message that is whole; undefined when there is none. */
  next(): ReceivedMessage<Fd> | undefined {
    const { start } = this;
    if (this.broken || start >= this.scanned) return undefined;
    const view = this.view();
    const header = decodeHeader(view, start);
    const end = start + this.length(view, start);
    const payload = new Uint8Array(this.buffer.buffer, this.buffer.byteOffset + start + HEADER_SIZE, end - start - HEADER_SIZE);
    this.start = end;
    const fds = this.fds.size === 0 ? NO_FDS : this.takeFds(start);
    if (header.size >= HEADER_SIZE && header.size <= this.maxMessage) return { header, payload, fds };
    return { header, payload, fds, fault: this.fault(header) };
  }

  private takeFds(start: number): readonly Fd[] {
    const fds = this.fds.get(start);
    this.fds.delete(start);
    return fds ?? NO_FDS;
  }

  private fault({ command, size }: MessageHeader): VfioError {
    this.broken = size > this.maxMessage;
    const bound = this.broken ? `above ${this.maxMessage}, the longest message` : `below the header's ${HEADER_SIZE}`;
    return new VfioError('EINVAL', `vfio-user ${commandText(command)}`, `size ${size} is ${bound}`);
  }

  /** Gives up what waits. The fds of messages that nobody took. */
  close(): Fd[] {
    const left = [...this.fds.values()].flat();
    this.fds.clear();
    this.buffer = NO_BYTES;
    this.start = this.end = this.scanned = 0;
    this.broken = true;
    return left;
  }
}
