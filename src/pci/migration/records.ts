// The stream of a migrated device, where no other format is documented: records, each with its number and a checksum.
//
//   | MAPL | MEMO or ZERO | MEMO or ZERO | .. | STAT | LAST |        little-endian
//
//   00 kind: four letters    04 bytes of payload    08 its number in the stream    0c CRC-32 of the 12 bytes before and the payload    10 payload
//
//   MAPL   the magic of the stream: u32 version 1 | u16 vendor, device | u32 version of the state | u64 bytes of memory | identity of the device
//   MEMO   u64 position | bytes of memory
//   ZERO   u64 position | u64 how many bytes of memory are 0
//   STAT   everything else
//   LAST   nothing: a stream without it is cut off

import { VfioError } from '../../uapi/index.ts';
import { crc32 } from './crc32.ts';

const letters = (text: string): number => new DataView(new TextEncoder().encode(text).buffer).getUint32(0, true);

/** Kinds of records. */
export const RECORD = { HEAD: letters('MAPL'), MEMORY: letters('MEMO'), ZERO: letters('ZERO'), STATE: letters('STAT'), LAST: letters('LAST') } as const;
/** Bytes in front of each payload. */
export const RECORD_HEADER_BYTES = 16;
/** The most bytes of a payload. */
export const MAX_PAYLOAD = 1 << 24;

const CRC_AT = 12;
const KINDS: ReadonlySet<number> = new Set(Object.values(RECORD));

/** One record. */
export interface StreamRecord {
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** A record as bytes. */
export function encodeRecord(number: number, { kind, payload }: StreamRecord): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  [kind, payload.length, number].forEach((word, i) => view.setUint32(4 * i, word, true));
  bytes.set(payload, RECORD_HEADER_BYTES);
  view.setUint32(CRC_AT, crc32(payload, crc32(bytes.subarray(0, CRC_AT))), true);
  return bytes;
}

/** Takes a stream apart that comes in pieces. Nothing of a record is believed before its checksum is right. */
export class RecordReader {
  private readonly take: (record: StreamRecord) => void;
  private rest = new Uint8Array();
  private length = 0;
  private number = 0;
  private isOver = false;

  /** @param take - is given each record but the last; throws for one that cannot be. */
  constructor(take: (record: StreamRecord) => void) {
    this.take = take;
  }

  /** Whether the last record was there. */
  get isComplete(): boolean {
    return this.isOver;
  }

  /** Records that were taken. */
  get count(): number {
    return this.number;
  }

  private refuse(why: string): never {
    throw new VfioError('EINVAL', 'migration stream', `record ${this.number}: ${why}`);
  }

  /** More of the stream. VfioError EINVAL for what is no such stream. */
  write(bytes: Uint8Array): void {
    this.append(bytes);
    let at = 0;
    for (let used = this.record(at); used > 0; used = this.record(at)) at += used;
    this.rest.copyWithin(0, at, this.length);
    this.length -= at;
  }

  private append(bytes: Uint8Array): void {
    const length = this.length + bytes.length;
    if (length > this.rest.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.rest.length));
      larger.set(this.rest.subarray(0, this.length));
      this.rest = larger;
    }
    this.rest.set(bytes, this.length);
    this.length = length;
  }

  /** Takes the record at `at`. Its bytes; 0 when it is not there as a whole. */
  private record(at: number): number {
    const there = this.length - at;
    if (there === 0) return 0;
    if (this.isOver) this.refuse('bytes follow the last record');
    if (there < RECORD_HEADER_BYTES) return 0;
    const view = new DataView(this.rest.buffer, at, RECORD_HEADER_BYTES);
    const word = (field: number): number => view.getUint32(field, true);
    const [kind, bytes, number, crc] = [word(0), word(4), word(8), word(CRC_AT)];
    if (!KINDS.has(kind)) this.refuse(`there is no kind 0x${kind.toString(16)}`);
    if ((kind === RECORD.HEAD) !== (this.number === 0)) this.refuse('a stream begins with its magic, and has it once');
    if (number !== this.number) this.refuse(`its number is ${number}`);
    if (bytes > MAX_PAYLOAD) this.refuse(`${bytes} bytes; the most is ${MAX_PAYLOAD}`);
    const end = RECORD_HEADER_BYTES + bytes;
    if (there < end) return 0;
    const payload = this.rest.slice(at + RECORD_HEADER_BYTES, at + end);
    const found = crc32(payload, crc32(this.rest.subarray(at, at + CRC_AT)));
    if (found !== crc) this.refuse(`its checksum is 0x${crc.toString(16)}; its bytes have 0x${found.toString(16)}`);
    if (kind !== RECORD.LAST) this.take({ kind, payload });
    else if (bytes > 0) this.refuse(`the last record has ${bytes} bytes; expected none`);
    else this.isOver = true;
    this.number++;
    return end;
  }
}
