// Recorded sessions as bytes: a line that says what they are, a line of JSON about the device, events of a few bytes each, and an end.
//
//   maplebar vfio-user session 1\n
//   {"device":"edu","slot":"00:00.0","fds":false}\n
//   event ... event  end
//
//   event   | kind: 1 byte | ns since the event before: n | ...           bit 7 of kind: no promise was settled since the input before
//     1 connect    2 closed
//     3 received                | fds: n   | of each: 1 byte: 0 unknown, 1 event, 2 memory, 3 other | bytes: n | the bytes |
//     4 sent                    | fds: n   | bytes: n | the bytes |
//     5 timer                   | timer: n |
//     6 signal    10 signalled  | fd: n    |
//     7 fd-read    8 fd-write   | fd: n    | offset: n | bytes: n | the bytes |
//     9 block-read              | block: n | bytes: n | the bytes |
//     0 end                     | events: n |   nothing follows
//
//   n    a number of up to 64 bits, 7 in each byte, the lowest first; bit 7: more follow

import { HEADER_SIZE } from '../codec/header.ts';
import type { FdKind, SessionEvent } from './events.ts';

/** What a recorded session says of itself. */
export interface SessionHeader {
  /** One of maplebar's devices, or the path of the file that makes it. */
  readonly device: string;
  readonly slot: string;
  /** Whether the transport passed fds. */
  readonly fds: boolean;
  /** Of a device with a disk: how many bytes it has. */
  readonly diskBytes?: number;
}

/** The first line of each file. */
export const SESSION_MAGIC = 'maplebar vfio-user session 1\n';

const KINDS = ['end', 'connect', 'closed', 'received', 'sent', 'timer', 'signal', 'fd-read', 'fd-write', 'block-read', 'signalled'] as const;
const END = 0;
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const JOINED = 0x80;
const FD_KINDS: readonly FdKind[] = ['unknown', 'event', 'memory', 'other'];
const MAX_FDS = 1 << 16;
/** Longer than any message or transfer: 1 GiB. */
const MAX_BYTES = 1 << 30;
const MAX_HEADER = 1 << 16;

/** Bytes are added to; what was written is taken. */
class Growing {
  private bytes = new Uint8Array(1 << 12);
  length = 0;

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const next = new Uint8Array(2 * (this.length + more));
    next.set(this.bytes.subarray(0, this.length));
    this.bytes = next;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  number(value: number | bigint): void {
    let rest = value;
    // Beyond 53 bits: few are.
    while (typeof rest === 'bigint' && rest > SAFE) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    let small = Number(rest);
    for (; small > 0x7f; small = Math.floor(small / 0x80)) this.byte((small % 0x80) | 0x80);
    this.byte(small);
  }

  block(bytes: Uint8Array): void {
    this.number(bytes.length);
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }
}

/** Makes the bytes of a session, event by event. */
export class SessionEncoder {
  private readonly out = new Growing();
  private last = 0;
  private count = 0;

  /** Bytes that wait to be taken. */
  get waiting(): number {
    return this.out.length;
  }

  /** The beginning of a file. */
  begin(header: SessionHeader): void {
    for (const byte of new TextEncoder().encode(`${SESSION_MAGIC}${JSON.stringify(header)}\n`)) this.out.byte(byte);
  }

  private head(kind: number, at: number): void {
    this.out.byte(kind);
    this.out.number(Math.max(0, at - this.last));
    this.last = Math.max(this.last, at);
  }

  add(event: SessionEvent): void {
    const { out } = this;
    this.count++;
    this.head(KINDS.indexOf(event.kind) | (event.isJoined === true ? JOINED : 0), event.at);
    if (event.kind === 'sent') out.number(event.fds);
    else if (event.kind === 'received') {
      out.number(event.fds.length);
      for (const kind of event.fds) out.byte(FD_KINDS.indexOf(kind));
    } else if (event.kind === 'timer') out.number(event.timer);
    else if (event.kind === 'signal' || event.kind === 'signalled' || event.kind === 'fd-read' || event.kind === 'fd-write') out.number(event.fd);
    else if (event.kind === 'block-read') out.number(event.block);
    if (event.kind === 'fd-read' || event.kind === 'fd-write') out.number(event.offset);
    if ('bytes' in event) out.block(event.bytes);
  }

  /** Nothing follows. */
  end(): void {
    this.head(END, this.last);
    this.out.number(this.count);
  }

  /** What was made since the last time. */
  take(): Uint8Array {
    return this.out.take();
  }
}

/** A recorded session that was read. */
export interface RecordedSession {
  /** Undefined of sessions that other programs have recorded. */
  readonly header: SessionHeader | undefined;
  readonly events: readonly SessionEvent[];
  /** Why there may be more that is lost: the recorder was killed, or the file was cut. Undefined of a whole one. */
  readonly cut: string | undefined;
}

/** The file ends here. */
class Cut extends Error {}

class Cursor {
  private readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  byte(): number {
    if (this.left < 1) throw new Cut('expected 1 byte more');
    return this.bytes[this.at++]!;
  }

  big(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (value >> 64n !== 0n) throw new RangeError('a number has more than 64 bits');
      if ((byte & 0x80) === 0) return value;
      if (shift > 63n) throw new RangeError('a number has more than 64 bits');
    }
  }

  number(most = Number.MAX_SAFE_INTEGER): number {
    const first = this.bytes[this.at];
    if (first !== undefined && first < 0x80 && first <= most) {
      this.at++;
      return first;
    }
    const value = this.big();
    if (value > BigInt(most)) throw new RangeError(`a number is ${value.toString()}; expected at most ${most}`);
    return Number(value);
  }

  block(): Uint8Array {
    const length = this.number(MAX_BYTES);
    if (this.left < length) throw new Cut(`expected ${length} bytes, found ${this.left}`);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  line(most: number): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0 || end - this.at > most) throw new RangeError(`expected a line of at most ${most} bytes`);
    const text = new TextDecoder().decode(this.bytes.subarray(this.at, end));
    this.at = end + 1;
    return text;
  }
}

function fdKindOf(byte: number): FdKind {
  const kind = FD_KINDS[byte];
  if (kind === undefined) throw new RangeError(`an fd is of kind ${byte}; expected 0 to ${FD_KINDS.length - 1}`);
  return kind;
}

/** What is sent is sent whole, where what is received may come in pieces. */
function messageOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length < HEADER_SIZE) throw new RangeError(`a message that was sent has ${bytes.length} bytes; expected at least the ${HEADER_SIZE} of a header`);
  return bytes;
}

function eventOf(from: Cursor, kind: number, at: number): SessionEvent {
  const name = KINDS[kind];
  if (name === undefined || name === 'end') throw new RangeError(`an event is of kind ${kind}; expected 0 to ${KINDS.length - 1}`);
  if (name === 'connect' || name === 'closed') return { kind: name, at };
  if (name === 'timer') return { kind: name, at, timer: from.number() };
  if (name === 'signal' || name === 'signalled') return { kind: name, at, fd: from.number() };
  if (name === 'block-read') return { kind: name, at, block: from.number(), bytes: from.block() };
  if (name === 'sent') return { kind: name, at, fds: from.number(MAX_FDS), bytes: messageOf(from.block()) };
  if (name === 'received') return { kind: name, at, fds: Array.from({ length: from.number(MAX_FDS) }, () => fdKindOf(from.byte())), bytes: from.block() };
  return { kind: name, at, fd: from.number(), offset: from.big(), bytes: from.block() };
}

function headerOf(text: string): SessionHeader {
  const { device, slot, fds, diskBytes } = JSON.parse(text) as Partial<Record<keyof SessionHeader, unknown>>;
  if (typeof device !== 'string' || typeof slot !== 'string' || typeof fds !== 'boolean') throw new RangeError('expected a device, a slot and fds');
  if (diskBytes !== undefined && !(typeof diskBytes === 'number' && Number.isSafeInteger(diskBytes) && diskBytes > 0)) throw new RangeError('expected diskBytes to be a whole number');
  return { device, slot, fds, ...(diskBytes !== undefined && { diskBytes }) };
}

/** Whether a file that begins so is a recorded session. */
export function isSessionRecord(start: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(start.subarray(0, SESSION_MAGIC.length)) === SESSION_MAGIC;
}

/**
 * Reads a recorded session. One that ends in the middle of an event, or without an end, is read as far as it goes.
 *
 * @throws RangeError for what is no such file, naming the byte.
 * @example
 * ```ts
 * const { events, cut } = readSession(readFileSync('edu.session'));
 * ```
 */
export function readSession(bytes: Uint8Array): RecordedSession {
  if (!isSessionRecord(bytes)) throw new RangeError('vfio-user session: it does not begin with ' + JSON.stringify(SESSION_MAGIC));
  const from = new Cursor(bytes);
  const events: SessionEvent[] = [];
  let header: SessionHeader | undefined;
  let start = (from.at = SESSION_MAGIC.length);
  let at = 0;
  try {
    header = headerOf(from.line(MAX_HEADER));
    for (;;) {
      start = from.at;
      if (from.left === 0) return { header, events, cut: `it has no end after event ${events.length}, at byte ${start}: whoever recorded it was killed, or the file was cut` };
      const kind = from.byte();
      at += from.number();
      if (kind !== END) {
        events.push({ ...eventOf(from, kind & ~JOINED, at), ...((kind & JOINED) !== 0 && { isJoined: true }) });
        continue;
      }
      const count = from.number();
      if (count !== events.length) throw new RangeError(`the end counts ${count} events; there are ${events.length}`);
      if (from.left > 0) throw new RangeError(`${from.left} bytes follow the end`);
      return { header, events, cut: undefined };
    }
  } catch (error) {
    if (error instanceof Cut) return { header, events, cut: `it is cut short in event ${events.length + 1}, which begins at byte ${start}: ${error.message}` };
    const { message } = error as Error;
    throw new RangeError(`vfio-user session: byte ${start}: ${message}`, { cause: error });
  }
}
