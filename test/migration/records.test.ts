// Streams of records: what a target takes, and that everything else leaves it as it was. Section 3.4, data_fd rules.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { PciDevice, StateReader, StateWriter, crc32, pciDevice, streamedMigration } from '../../src/pci/index.ts';
import type { StreamedDevice } from '../../src/pci/index.ts';
import { RECORD, RECORD_HEADER_BYTES, encodeRecord } from '../../src/pci/migration/records.ts';
import { outcome } from '../vfio/support.ts';
import { MigrationUser, STATE } from './user.ts';

const PAGE = 4096;

/** A counter, and memory. */
class Toy {
  count = 0;
  readonly memory: Uint8Array;
  readonly card: PciDevice;
  readonly user: MigrationUser;
  private readonly watchers = new Set<(position: number, bytes: number) => void>();

  constructor(bytes: number, name = 'toy', more: Partial<StreamedDevice> = {}) {
    const engine = createEngine();
    this.memory = new Uint8Array(bytes);
    this.card = pciDevice(engine, {
      id: [0x1de5, 1],
      class: 0xff0000,
      migration: streamedMigration({
        name,
        id: [0x1de5, 1],
        version: 3,
        identity: () => new TextEncoder().encode(name),
        save: () => new StateWriter().u32(this.count).bytes(),
        load: (state) => {
          const from = new StateReader(name, state);
          const count = from.u32(1000);
          from.end();
          return () => void (this.count = count);
        },
        memory: {
          bytes,
          read: (position, target) => target.set(this.memory.subarray(position, position + target.length)),
          write: (position, source) => this.memory.set(source, position),
          watch: (changed) => {
            this.watchers.add(changed);
            return () => this.watchers.delete(changed);
          },
        },
        ...more,
      }),
    });
    this.user = new MigrationUser(engine, this.card.vfio);
  }

  poke(position: number, ...bytes: number[]): void {
    this.memory.set(bytes, position);
    for (const changed of this.watchers) changed(position, bytes.length);
  }

  get watched(): number {
    return this.watchers.size;
  }

  destroy(): void {
    this.user.exit();
    this.card.destroy();
  }
}

let toys: Toy[];
beforeEach(() => {
  toys = [];
});
afterEach(() => {
  for (const toy of toys) toy.destroy();
});

function toy(bytes: number, name?: string, more?: Partial<StreamedDevice>): Toy {
  const made = new Toy(bytes, name, more);
  toys.push(made);
  return made;
}

/** One with something in it. */
function full(bytes = 3 * PAGE + 100): Toy {
  const made = toy(bytes);
  made.count = 7;
  for (let i = 0; i < bytes; i++) made.memory[i] = i < PAGE ? 0 : i * 7;
  return made;
}

test('CRC-32: the check value of the catalogue, and in parts', () => {
  const bytes = new TextEncoder().encode('123456789');
  expect(crc32(bytes)).toBe(0xcbf4_3926);
  expect(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4)))).toBe(0xcbf4_3926);
  expect(crc32(new Uint8Array())).toBe(0);
});

describe('a stream', () => {
  test.each([1, 7, 4096, 1 << 20])('in pieces of %i bytes makes the target what the source is', (piece) => {
    const source = full();
    const target = toy(source.memory.length);
    target.memory.fill(0xee);
    const stream = source.user.save();
    expect(stream.length).toBeLessThanOrEqual(source.user.dataSize + 3 * 32);
    target.user.load(stream, piece);
    expect([target.count, Buffer.compare(target.memory, source.memory)]).toEqual([7, 0]);
    source.user.set(STATE.RUNNING);
    expect(source.watched).toBe(0);
  });

  test('begins with its magic, and has no memory records without memory', () => {
    const source = toy(0);
    const stream = source.user.save();
    expect(String.fromCharCode(...stream.subarray(0, 4))).toBe('MAPL');
    expect(stream.length).toBe(source.user.dataSize);
  });

  test('sends again what changes after it was sent, and only that', () => {
    const source = full(64 * PAGE);
    const target = toy(64 * PAGE);
    source.user.set(STATE.PRE_COPY);
    const first = source.user.read(4096, 40 * PAGE);
    const [initial, dirty] = source.user.info();
    expect([initial > 0, dirty]).toEqual([true, 0]);
    source.poke(63 * PAGE, 1);
    expect(source.user.info()[0]).toBe(initial);
    const rest = source.user.read();
    expect(source.user.info()).toEqual([0, 0]);
    source.poke(5 * PAGE - 1, 1, 2);
    expect(source.user.info()[0]).toBe(0);
    expect(source.user.info()[1]).toBeGreaterThan(2 * PAGE);
    const again = source.user.read();
    expect(again.length).toBe(RECORD_HEADER_BYTES + 8 + 2 * PAGE);
    source.poke(9, 9);
    source.user.set(STATE.PRE_COPY_P2P);
    source.user.set(STATE.STOP_COPY);
    const last = source.user.read();
    target.user.load(new Uint8Array([...first, ...rest, ...again, ...last]));
    expect(Buffer.compare(target.memory, source.memory)).toBe(0);
  });
});

describe('what is refused leaves the target as it was', () => {
  function refused(stream: Uint8Array, target = toy(3 * PAGE + 100)): void {
    target.count = 3;
    target.memory.fill(0x55);
    target.user.set(STATE.RESUMING);
    const wrote = outcome(() => target.user.write(stream));
    expect(['EINVAL', undefined]).toContain(wrote);
    expect(outcome(() => target.user.set(STATE.STOP))).toBe('EINVAL');
    expect(target.user.state).toBe(STATE.RESUMING);
    expect([target.count, target.memory.every((byte) => byte === 0x55)]).toEqual([3, true]);
    // It can begin again.
    target.card.function.resetFunction();
    expect(target.user.state).toBe(STATE.RUNNING);
  }

  test('a stream that ends early, wherever', () => {
    const source = full();
    const stream = source.user.save();
    const target = toy(source.memory.length);
    for (let length = 0; length < stream.length; length += length < 120 || length > stream.length - 60 ? 1 : 509) refused(stream.subarray(0, length), target);
    target.user.load(stream);
    expect(target.count).toBe(7);
  });

  test('any bit turned', () => {
    const source = full();
    const stream = source.user.save();
    const target = toy(source.memory.length);
    for (let bit = 0; bit < 8 * stream.length; bit += bit < 1000 || bit > 8 * stream.length - 600 ? 1 : 4001) {
      const turned = stream.slice();
      turned[bit >> 3]! ^= 1 << (bit & 7);
      refused(turned, target);
    }
  });

  /** The records of a stream. */
  function split(stream: Uint8Array): Uint8Array[] {
    const records: Uint8Array[] = [];
    for (let at = 0; at < stream.length; ) {
      const end = at + RECORD_HEADER_BYTES + new DataView(stream.buffer, stream.byteOffset).getUint32(at + 4, true);
      records.push(stream.slice(at, end));
      at = end;
    }
    return records;
  }
  const join = (records: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(records));

  test('records in another order, twice, or left out', () => {
    const source = full();
    const records = split(source.user.save());
    expect(records.length).toBeGreaterThan(3);
    const target = toy(source.memory.length);
    for (let i = 0; i < records.length; i++) {
      refused(join(records.toSpliced(i, 1)), target);
      refused(join(records.toSpliced(i, 0, records[i]!)), target);
      if (i > 0) refused(join(records.toSpliced(i - 1, 2, records[i]!, records[i - 1]!)), target);
    }
    refused(join([...records, new Uint8Array([0])]), target);
  });

  /** The stream with one record's payload changed, and its checksum made right. */
  function forged(stream: Uint8Array, kind: number, change: (payload: Uint8Array, view: DataView) => Uint8Array | void): Uint8Array {
    return join(split(stream).map((record, number) => {
      const own = new DataView(record.buffer, record.byteOffset).getUint32(0, true);
      if (own !== kind) return record;
      const payload = record.slice(RECORD_HEADER_BYTES);
      return encodeRecord(number, { kind, payload: change(payload, new DataView(payload.buffer)) ?? payload });
    }));
  }

  test.each<[string, number, (payload: Uint8Array, view: DataView) => Uint8Array | void]>([
    ['another format', RECORD.HEAD, (_, view) => view.setUint32(0, 2, true)],
    ['another vendor', RECORD.HEAD, (_, view) => view.setUint16(4, 0x1af4, true)],
    ['another device', RECORD.HEAD, (_, view) => view.setUint16(6, 2, true)],
    ['another version of the state', RECORD.HEAD, (_, view) => view.setUint32(8, 4, true)],
    ['more memory', RECORD.HEAD, (_, view) => view.setUint32(12, 4 * PAGE, true)],
    ['another identity', RECORD.HEAD, (payload) => void (payload[payload.length - 1]! ^= 1)],
    ['an identity that is too long', RECORD.HEAD, (payload, view) => view.setUint32(20, payload.length, true)],
    ['something behind the identity', RECORD.HEAD, (payload) => new Uint8Array([...payload, 0])],
    ['memory between pages', RECORD.MEMORY, (_, view) => view.setUint32(0, 5, true)],
    ['memory behind the end', RECORD.MEMORY, (_, view) => view.setUint32(0, 4 * PAGE, true)],
    ['memory beyond numbers', RECORD.MEMORY, (_, view) => view.setBigUint64(0, 0xffff_ffff_ffff_f000n, true)],
    ['a part of a page', RECORD.MEMORY, (payload) => payload.subarray(0, -1)],
    ['no memory', RECORD.MEMORY, (payload) => payload.subarray(0, 8)],
    ['less than a position', RECORD.MEMORY, (payload) => payload.subarray(0, 7)],
    ['zeroes for memory that was there', RECORD.MEMORY, () => new Uint8Array(8)],
    ['a state that is too long', RECORD.STATE, () => new Uint8Array(5)],
    ['a state that is too short', RECORD.STATE, () => new Uint8Array(3)],
    ['a state that cannot be', RECORD.STATE, (_, view) => view.setUint32(0, 1001, true)],
    ['something in the last record', RECORD.LAST, () => new Uint8Array(1)],
  ])('%s, with a right checksum', (_, kind, change) => {
    refused(forged(full().user.save(), kind, change));
  });

  test('a page that was never sent', () => {
    const source = full();
    const records = split(source.user.save()).filter((record) => new DataView(record.buffer).getUint32(0, true) !== RECORD.MEMORY);
    refused(join(records.map((record, number) => encodeRecord(number, { kind: new DataView(record.buffer).getUint32(0, true), payload: record.subarray(RECORD_HEADER_BYTES) }))));
  });

  test('the stream of another device', () => {
    refused(toy(3 * PAGE + 100, 'another toy').user.save());
    refused(toy(3 * PAGE + 101).user.save());
    refused(toy(3 * PAGE + 100, 'toy', { version: 2 }).user.save());
  });

  test('garbage', () => {
    refused(new Uint8Array(100).map((_, i) => i * 37));
    refused(new TextEncoder().encode('MAPL'));
  });
});
