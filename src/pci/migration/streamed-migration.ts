// A device that has no stream format of its own, migrated by records: memory ahead, while it runs, then its state.
//
//   PRE_COPY    head | pages from first to last | pages that were written since, again and again
//   STOP_COPY   ... | pages that are left | state | last
//
// The target keeps all of that to the side until its stream is complete, and its state is known to be one of such a device.

import { VFIO_MIGRATION_P2P, VFIO_MIGRATION_PRE_COPY, VFIO_MIGRATION_STOP_COPY, VfioError } from '../../uapi/index.ts';
import type { MigrationSource, MigrationTarget } from '../../vfio/index.ts';
import type { PciDeviceMigration } from '../device/pci-device.ts';
import { RECORD, RECORD_HEADER_BYTES, RecordReader, encodeRecord } from './records.ts';
import { StateReader, StateWriter } from './state-bytes.ts';

const FORMAT = 1;
const PAGE = 4096;
/** Pages of one record. */
const RUN_PAGES = 16;
const PAGE_RECORD_BYTES = RECORD_HEADER_BYTES + 8 + PAGE;
const MAX_IDENTITY = 4096;

/** Memory that belongs to a device, and travels with it. */
export interface StreamedMemory {
  /** How many bytes there are. */
  readonly bytes: number;
  /** Fills `target` from `position` on. */
  read(position: number, target: Uint8Array): void;
  /** Stores `source` from `position` on. */
  write(position: number, source: Uint8Array): void;
  /** Calls `changed` after each change, until what it returns is called. */
  watch(changed: (position: number, bytes: number) => void): () => void;
}

/** What a device says of itself to be migrated by records. */
export interface StreamedDevice {
  /** For messages. */
  readonly name: string;
  /** Vendor and device. */
  readonly id: readonly [vendor: number, device: number];
  /** The version of what `save` answers. */
  readonly version: number;
  /** What must be the same at both ends: up to 4096 bytes. */
  identity(): Uint8Array;
  /** Its state now. It is stopped, or only the length is wanted. */
  save(): Uint8Array;
  /**
   * Checks a state.
   *
   * @returns what makes it the device's; it does not fail.
   * @throws VfioError EINVAL for what is no state of such a device: nothing has changed then.
   */
  load(state: Uint8Array): () => void;
  readonly memory?: StreamedMemory;
  /** The device goes on. */
  readonly resumed?: () => void;
}

function head(streamed: StreamedDevice): Uint8Array {
  const { id, version, memory } = streamed;
  const [vendor, device] = id;
  return new StateWriter().u32(FORMAT).u16(vendor).u16(device).u32(version).u64(BigInt(memory?.bytes ?? 0)).block(streamed.identity()).bytes();
}

function pagesOf(device: StreamedDevice): number {
  return Math.ceil((device.memory?.bytes ?? 0) / PAGE);
}

class Source implements MigrationSource {
  private readonly device: StreamedDevice;
  private readonly pages: number;
  private readonly dirty = new Set<number>();
  private readonly ready: Uint8Array[] = [];
  private readonly unwatch: (() => void) | undefined;
  private number = 0;
  /** The first page that has not been sent once. */
  private sent = 0;
  private stage: 'runs' | 'stopped' | 'over' = 'runs';

  constructor(device: StreamedDevice) {
    this.device = device;
    this.pages = pagesOf(device);
    this.add(RECORD.HEAD, head(device));
    this.unwatch = device.memory?.watch((position, bytes) => {
      for (let page = Math.floor(position / PAGE); page * PAGE < position + bytes; page++) if (page < this.sent) this.dirty.add(page);
    });
  }

  private add(kind: number, payload: Uint8Array): void {
    this.ready.push(encodeRecord(this.number++, { kind, payload }));
  }

  pending(): { readonly initial: number; readonly dirty: number } {
    const ready = this.ready.reduce((sum, { length }) => sum + length, 0);
    return { initial: ready + (this.pages - this.sent) * PAGE_RECORD_BYTES, dirty: this.dirty.size * PAGE_RECORD_BYTES };
  }

  next(): Uint8Array {
    if (this.ready.length === 0) this.more();
    return this.ready.shift() ?? new Uint8Array();
  }

  private more(): void {
    if (this.sent < this.pages) {
      const count = Math.min(RUN_PAGES, this.pages - this.sent);
      const first = this.sent;
      // Counted as sent before they are read: a write from now on counts again.
      this.sent += count;
      this.send(first, count);
    } else if (this.dirty.size > 0) {
      const first = Math.min(...[...this.dirty].slice(0, RUN_PAGES));
      let count = 0;
      while (count < RUN_PAGES && this.dirty.delete(first + count)) count++;
      this.send(first, count);
    } else if (this.stage === 'stopped') {
      this.stage = 'over';
      this.add(RECORD.STATE, this.device.save());
      this.add(RECORD.LAST, new Uint8Array());
    }
  }

  private send(first: number, count: number): void {
    const memory = this.device.memory!;
    const position = first * PAGE;
    const bytes = new Uint8Array(Math.min(count * PAGE, memory.bytes - position));
    memory.read(position, bytes);
    if (bytes.every((byte) => byte === 0)) this.add(RECORD.ZERO, new StateWriter().u64(BigInt(position)).u64(BigInt(bytes.length)).bytes());
    else {
      const payload = new Uint8Array(8 + bytes.length);
      new DataView(payload.buffer).setBigUint64(0, BigInt(position), true);
      payload.set(bytes, 8);
      this.add(RECORD.MEMORY, payload);
    }
  }

  finish(): void {
    this.stage = 'stopped';
  }

  end(): void {
    this.unwatch?.();
  }
}

class Target implements MigrationTarget {
  private readonly device: StreamedDevice;
  private readonly reader = new RecordReader(({ kind, payload }) => this.take(kind, payload));
  /** Pages to the side; null: zeroes. */
  private readonly pages = new Map<number, Uint8Array | null>();
  private state: Uint8Array | undefined;

  constructor(device: StreamedDevice) {
    this.device = device;
  }

  private refuse(why: string): never {
    throw new VfioError('EINVAL', `${this.device.name}: load`, why);
  }

  write(bytes: Uint8Array): void {
    this.reader.write(bytes);
  }

  private take(kind: number, payload: Uint8Array): void {
    if (kind === RECORD.HEAD) this.takeHead(payload);
    else if (this.state !== undefined) this.refuse('a record follows the state');
    else if (kind === RECORD.STATE) this.state = payload;
    else this.takeMemory(kind, payload);
  }

  private takeHead(payload: Uint8Array): void {
    const { name, id, version, memory } = this.device;
    const from = new StateReader(name, payload);
    const expect = (what: string, found: number | bigint, expected: number | bigint): void => {
      if (found !== expected) this.refuse(`${what} is ${found}; expected ${expected}`);
    };
    expect('the format', from.u32(), FORMAT);
    expect('the vendor', from.u16(), id[0]);
    expect('the device', from.u16(), id[1]);
    expect('the version of the state', from.u32(), version);
    expect('memory', from.u64(), BigInt(memory?.bytes ?? 0));
    const [found, own] = [from.block(MAX_IDENTITY), this.device.identity()];
    from.end();
    if (found.length !== own.length || found.some((byte, i) => byte !== own[i])) this.refuse('it is of a device that is made differently');
  }

  private takeMemory(kind: number, payload: Uint8Array): void {
    const bytes = this.device.memory?.bytes ?? 0;
    const from = new StateReader(this.device.name, payload);
    const position = Number(from.u64(BigInt(bytes)));
    const length = kind === RECORD.ZERO ? Number(from.u64(BigInt(bytes))) : payload.length - 8;
    if (kind === RECORD.ZERO) from.end();
    const end = position + length;
    if (position % PAGE !== 0 || length === 0 || end > bytes || (end % PAGE !== 0 && end !== bytes)) this.refuse(`${length} bytes of memory at ${position} are no pages of its ${bytes}`);
    for (let at = 0; at < length; at += PAGE) {
      this.pages.set((position + at) / PAGE, kind === RECORD.ZERO ? null : payload.subarray(8 + at, 8 + Math.min(length, at + PAGE)));
    }
  }

  finish(): void {
    const { device, pages, reader, state } = this;
    if (!reader.isComplete || state === undefined) this.refuse(`the stream ends after ${reader.count} records, without its last`);
    if (pages.size !== pagesOf(device)) this.refuse(`the stream has ${pages.size} pages of memory; the device has ${pagesOf(device)}`);
    const become = device.load(state);
    const memory = device.memory!;
    for (const [page, bytes] of pages) memory.write(page * PAGE, bytes ?? new Uint8Array(Math.min(PAGE, memory.bytes - page * PAGE)));
    become();
  }
}

/**
 * Migrates a device by records (records.ts), with all features: STOP_COPY, P2P and PRE_COPY.
 *
 * @example
 * ```ts
 * pciDevice(engine, { id: [0x1de5, 1], class: 0xff0000, migration: streamedMigration({
 *   name: 'ping', id: [0x1de5, 1], version: 1,
 *   identity: () => new Uint8Array(),
 *   save: () => new StateWriter().u32(count).bytes(),
 *   load: (state) => {
 *     const from = new StateReader('ping', state);
 *     const loaded = from.u32();
 *     from.end();
 *     return () => (count = loaded);
 *   },
 * }) }, host);
 * ```
 */
export function streamedMigration(device: StreamedDevice): PciDeviceMigration {
  const fixed = (): number => 3 * RECORD_HEADER_BYTES + head(device).length;
  return {
    flags: VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P | VFIO_MIGRATION_PRE_COPY,
    dataSize: () => fixed() + pagesOf(device) * PAGE_RECORD_BYTES + device.save().length,
    save: () => new Source(device),
    load: () => new Target(device),
    ...(device.resumed !== undefined && { resumed: () => device.resumed!() }),
  };
}
