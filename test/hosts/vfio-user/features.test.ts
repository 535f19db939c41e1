// DEVICE_FEATURE, MIG_DATA_READ and MIG_DATA_WRITE: the envelope, every way between two states, the stream, dirty pages.

import { describe, expect, test } from '@jest/globals';
import { decodePayload, encodePayload } from '../../../src/hosts/vfio-user/index.ts';
import { DmaLog } from '../../../src/vfio/index.ts';
import { S, TestModel } from '../../vfio/migration-model.ts';
import { Peer, hexOf, plainDevice } from './support.ts';

const [GET, SET, PROBE] = [0x1_0000, 0x2_0000, 0x4_0000];
const [MIGRATION, STATE, START, STOP, REPORT] = [1, 2, 6, 7, 8];
const NOTHING = new Uint8Array(0);

const feature = (flags: number, data: Uint8Array = NOTHING, argsz = 8 + data.length) => encodePayload('DEVICE_FEATURE', 'request', { argsz, flags, data });
const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
const u64 = (...values: bigint[]): Uint8Array => new Uint8Array(BigUint64Array.from(values).buffer);
const to = (state: number) => feature(SET | STATE, u32(state, 0));

function migratable(flags = 5) {
  const model = new TestModel(flags);
  const { device, connect } = plainDevice({ migration: model });
  const peer = connect();
  const state = () => new DataView(peer.ask('DEVICE_FEATURE', feature(GET | STATE, NOTHING, 16)).payload.buffer).getUint32(8, true);
  return { model, device, connect, peer, state };
}

const read = (size: number, argsz = 8 + size) => encodePayload('MIG_DATA_READ', 'request', { argsz, size });
const write = (data: Uint8Array, size = data.length) => encodePayload('MIG_DATA_WRITE', 'request', { argsz: 8 + data.length, size, data });
const data = (peer: Peer, size: number) => decodePayload('MIG_DATA_READ', 'reply', peer.ask('MIG_DATA_READ', read(size)).payload);

describe('the envelope', () => {
  test.each<[string, Uint8Array, string]>([
    ['too short', u32(16), 'EINVAL'],
    ['argsz 2, of a probe', feature(PROBE | GET | MIGRATION, NOTHING, 2), 'EINVAL'],
    ['GET of MIGRATION with argsz 8', feature(GET | MIGRATION), 'EINVAL'],
    ['GET of MIGRATION with argsz 15', feature(GET | MIGRATION, NOTHING, 15), 'EINVAL'],
    ['SET of MIGRATION', feature(SET | MIGRATION, new Uint8Array(8)), 'EINVAL'],
    ['a probe of GET and SET of MIGRATION', feature(PROBE | GET | SET | MIGRATION), 'EINVAL'],
    ['GET and SET at once', feature(GET | SET | STATE, new Uint8Array(8)), 'EINVAL'],
    ['neither', feature(STATE, new Uint8Array(8)), 'EINVAL'],
    ['flags beyond 0x7ffff', feature(0x8_0000 | GET | MIGRATION, NOTHING, 16), 'EINVAL'],
    ['SET of the state with argsz 8', feature(SET | STATE, new Uint8Array(8), 8), 'EINVAL'],
    ['SET of the state without data', feature(SET | STATE, NOTHING, 16), 'EINVAL'],
    ['a feature that there is not', feature(GET | 77, NOTHING, 64), 'ENOTTY'],
    ['dirty pages of a device that logs none', feature(SET | STOP), 'ENOTTY'],
    ['state 0xabcd', to(0xabcd), 'EINVAL'],
    ['state ERROR', to(S.ERROR), 'EINVAL'],
    ['a state with P2P, which the device has not', to(S.RUNNING_P2P), 'EINVAL'],
  ])('%s: refused, and the device runs', (_what, payload, errno) => {
    const { peer, state } = migratable();
    expect(peer.result('DEVICE_FEATURE', payload)).toBe(errno);
    expect(state()).toBe(S.RUNNING);
  });

  test('GET appends the data, SET and PROBE come back as they were', () => {
    const { peer } = migratable();
    expect(hexOf(peer.ask('DEVICE_FEATURE', feature(GET | MIGRATION, NOTHING, 64)).payload)).toBe('10000000' + '01000100' + '0500000000000000');
    for (const payload of [feature(PROBE | GET | MIGRATION), feature(PROBE | GET | SET | STATE), feature(PROBE | STATE, NOTHING, 16), to(S.STOP)]) expect(peer.ask('DEVICE_FEATURE', payload)).toMatchObject({ result: 'ok', payload });
  });

  test('a device that cannot be migrated has none of it', () => {
    const peer = plainDevice().connect();
    expect(peer.result('DEVICE_FEATURE', feature(GET | MIGRATION, NOTHING, 16))).toBe('ENOTTY');
    expect([peer.result('MIG_DATA_READ', read(1)), peer.result('MIG_DATA_WRITE', write(Uint8Array.of(1)))]).toEqual(['EINVAL', 'EINVAL']);
  });
});

describe('states', () => {
  const STATES = [S.STOP, S.RUNNING, S.STOP_COPY, S.RESUMING, S.PRE_COPY] as const;
  const WAY: Record<number, readonly number[]> = { [S.STOP]: [S.STOP], [S.RUNNING]: [], [S.STOP_COPY]: [S.STOP, S.STOP_COPY], [S.RESUMING]: [S.STOP, S.RESUMING], [S.PRE_COPY]: [S.PRE_COPY] };

  test.each(STATES.flatMap((from) => STATES.map((target) => [from, target] as const)))('from %i to %i by the shortest way, where there is one', (from, target) => {
    const { peer, state } = migratable();
    for (const step of WAY[from]!) expect(peer.result('DEVICE_FEATURE', to(step))).toBe('ok');
    const isWay = !(from === S.STOP_COPY && target === S.PRE_COPY);
    expect(peer.result('DEVICE_FEATURE', to(target))).toBe(isWay ? 'ok' : 'EINVAL');
    expect(state()).toBe(isWay ? target : from);
  });

  test('without PRE_COPY that state is refused', () => {
    const { peer } = migratable(1);
    expect(peer.result('DEVICE_FEATURE', to(S.PRE_COPY))).toBe('EINVAL');
  });

  test('ERROR is left by a reset only', () => {
    const { model, peer, state } = migratable();
    model.fault = { step: 'stop', how: 'break' };
    expect(peer.result('DEVICE_FEATURE', to(S.STOP))).toBe('EIO');
    expect([state(), peer.result('DEVICE_FEATURE', to(S.RUNNING))]).toEqual([S.ERROR, 'EINVAL']);
    expect([peer.result('DEVICE_RESET'), state()]).toEqual(['ok', S.RUNNING]);
  });

  test('what the device answers to a step comes out as it is', () => {
    const { model, peer } = migratable();
    model.fault = { step: 'RUNNING>STOP', how: 'return' };
    expect(peer.result('DEVICE_FEATURE', to(S.STOP))).toBe('EBUSY');
  });
});

describe('the stream', () => {
  test('is read in any pieces; a short one is the end, for now and for good', () => {
    const { model, peer } = migratable();
    model.first = [Uint8Array.of(1, 2, 3)];
    model.last = [Uint8Array.of(4, 5)];
    peer.ask('DEVICE_FEATURE', to(S.PRE_COPY));
    expect(data(peer, 2)).toMatchObject({ argsz: 10, size: 2, data: Uint8Array.of(1, 2) });
    expect(data(peer, 2).data).toEqual(Uint8Array.of(3));
    expect(data(peer, 2).data).toHaveLength(0);
    peer.ask('DEVICE_FEATURE', to(S.STOP_COPY));
    expect(data(peer, 100).data).toEqual(Uint8Array.of(4, 5));
    expect(data(peer, 100).data).toHaveLength(0);
  });

  test('is written while RESUMING, and is the device\'s after it', () => {
    const { model, peer } = migratable();
    peer.ask('DEVICE_FEATURE', to(S.RESUMING));
    for (const part of [Uint8Array.of(1, 2), NOTHING, Uint8Array.of(3)]) expect(peer.result('MIG_DATA_WRITE', write(part))).toBe('ok');
    expect(peer.result('DEVICE_FEATURE', to(S.RUNNING))).toBe('ok');
    expect(model.written).toEqual([1, 2, 3]);
  });

  test.each<[string, number, 'MIG_DATA_READ' | 'MIG_DATA_WRITE', Uint8Array]>([
    ['read while RUNNING', S.RUNNING, 'MIG_DATA_READ', read(1)],
    ['read while RESUMING', S.RESUMING, 'MIG_DATA_READ', read(1)],
    ['written while RUNNING', S.RUNNING, 'MIG_DATA_WRITE', write(Uint8Array.of(1))],
    ['written while STOP_COPY', S.STOP_COPY, 'MIG_DATA_WRITE', write(Uint8Array.of(1))],
    ['read in more than 1 MiB', S.STOP_COPY, 'MIG_DATA_READ', read(0x10_0001)],
    ['read in more than argsz', S.STOP_COPY, 'MIG_DATA_READ', read(8, 15)],
    ['read by a short request', S.STOP_COPY, 'MIG_DATA_READ', read(8).subarray(0, 4)],
    ['written with a size above the data', S.RESUMING, 'MIG_DATA_WRITE', write(Uint8Array.of(1), 2)],
    ['written with a size below the data', S.RESUMING, 'MIG_DATA_WRITE', write(Uint8Array.of(1, 2), 1)],
    ['written by a short request', S.RESUMING, 'MIG_DATA_WRITE', write(NOTHING).subarray(0, 4)],
  ])('is not %s: EINVAL', (_what, state, command, payload) => {
    const { peer } = migratable();
    peer.ask('DEVICE_FEATURE', to(state));
    expect(peer.result(command, payload)).toBe('EINVAL');
  });

  test('is over when the client is gone: the device runs on as it was', () => {
    const { model, device, connect, peer } = migratable();
    const before = device.process.fds.length;
    peer.ask('DEVICE_FEATURE', to(S.STOP_COPY));
    expect([device.process.fds.length, model.isStopped]).toEqual([before + 1, true]);
    peer.session.close();
    expect([device.process.fds.length, model.isStopped, device.vfio.migration!.state]).toEqual([before, false, S.RUNNING]);
    const next = connect();
    expect(next.result('MIG_DATA_READ', read(1))).toBe('EINVAL');
    next.ask('DEVICE_FEATURE', to(S.RESUMING));
    next.session.close();
    expect(model.log.includes('finish load')).toBe(false);
  });

  test('is over after a reset', () => {
    const { device, peer } = migratable();
    const before = device.process.fds.length;
    peer.ask('DEVICE_FEATURE', to(S.STOP_COPY));
    expect(peer.result('DEVICE_RESET')).toBe('ok');
    expect([peer.result('MIG_DATA_READ', read(1)), device.process.fds.length]).toEqual(['EINVAL', before]);
  });
});

describe('dirty pages', () => {
  const start = (pageSize: bigint, ...ranges: bigint[]) => feature(SET | START, Buffer.concat([u64(pageSize), u32(ranges.length / 2, 0), u64(...ranges)]));
  const report = (iova: bigint, length: bigint, pageSize: bigint, room: number) => feature(GET | REPORT, u64(iova, length, pageSize), 8 + 24 + room);
  const map = (address: bigint, size: bigint) => encodePayload('DMA_MAP', 'request', { argsz: 32, flags: 3, addr: address, size });

  function logging() {
    const log = new DmaLog();
    const { connect } = plainDevice({ dmaLogging: log });
    const peer = connect();
    peer.ask('DMA_MAP', map(0x1_0000n, 0x1_0000n));
    const bits = (pageSize: bigint, room = 8) => hexOf(peer.ask('DEVICE_FEATURE', report(0x1_0000n, 0x1_0000n, pageSize, room)).payload.subarray(32));
    return { log, connect, peer, bits };
  }

  test.each<[bigint, string, number]>([
    [0x1000n, '0501000000000000', 8],
    [0x800n, '3300030000000000', 8],
    [0x2000n, '1300000000000000', 8],
    [0x1_0000n, '0100000000000000', 8],
  ])('told by pages of 0x%s bytes, and forgotten by that', (pageSize, expected, room) => {
    const { log, peer, bits } = logging();
    expect(peer.result('DEVICE_FEATURE', start(0x1000n))).toBe('ok');
    expect(bits(pageSize, room)).toBe('0000000000000000');
    log.written(0x1_0123n, 4);
    log.written(0x1_2fffn, 1);
    log.written(0x1_8000n, 0x1000);
    log.written(0x2_0000n, 1);
    expect(bits(pageSize, room)).toBe(expected);
    expect(bits(pageSize, room)).toBe('0000000000000000');
  });

  test('the reply is the request, with the bitmap behind it', () => {
    const { peer } = logging();
    peer.ask('DEVICE_FEATURE', start(0x1000n, 0x1_0000n, 0x1_0000n));
    const { payload } = peer.ask('DEVICE_FEATURE', report(0x1_0000n, 0x1_0000n, 0x1000n, 100));
    expect(hexOf(payload)).toBe('28000000' + '08000100' + hexOf(u64(0x1_0000n, 0x1_0000n, 0x1000n)) + '0000000000000000');
  });

  test.each<[string, Uint8Array, string]>([
    ['a page size of 0', start(0n), 'EINVAL'],
    ['a page size that is no power of two', start(0x1800n), 'EINVAL'],
    ['a range that is no page', start(0x1000n, 0x800n, 0x1000n), 'EINVAL'],
    ['an empty range', start(0x1000n, 0x1000n, 0n), 'EINVAL'],
    ['ranges that overlap', start(0x1000n, 0x1000n, 0x2000n, 0x2000n, 0x1000n), 'EINVAL'],
    ['a range up to the end', start(0x1000n, 0xffff_ffff_ffff_f000n, 0x1000n), 'EOVERFLOW'],
    ['fewer ranges than it says', feature(SET | START, Buffer.concat([u64(0x1000n), u32(2, 0), u64(0n, 0x1000n)])), 'EINVAL'],
    ['257 ranges', feature(SET | START, Buffer.concat([u64(0x1000n), u32(257, 0), new Uint8Array(257 * 16)])), 'E2BIG'],
    ['a short request', feature(SET | START, u64(0x1000n)), 'EINVAL'],
  ])('are not logged with %s', (_what, payload, errno) => {
    const { log, peer } = logging();
    expect(peer.result('DEVICE_FEATURE', payload)).toBe(errno);
    expect(log.active).toBe(false);
  });

  test('logging again is fine with the same pages only', () => {
    const { log, peer } = logging();
    peer.ask('DEVICE_FEATURE', start(0x1000n));
    expect(peer.result('DEVICE_FEATURE', start(0x1000n))).toBe('ok');
    expect(peer.result('DEVICE_FEATURE', start(0x2000n))).toBe('EINVAL');
    expect(peer.result('DEVICE_FEATURE', feature(SET | STOP))).toBe('ok');
    expect(log.active).toBe(false);
    expect(peer.result('DEVICE_FEATURE', start(0x2000n))).toBe('ok');
  });

  test.each<[string, Uint8Array, string]>([
    ['where nothing is mapped', report(0x5_0000n, 0x1000n, 0x1000n, 8), 'ENOENT'],
    ['of a part of a mapping', report(0x1_0000n, 0x1000n, 0x1000n, 8), 'ENOTSUP'],
    ['by pages larger than the mapping', report(0x1_0000n, 0x1_0000n, 0x2_0000n, 8), 'EINVAL'],
    ['by pages that are no power of two', report(0x1_0000n, 0x1_0000n, 0x1800n, 8), 'EINVAL'],
    ['with room for one byte too little', report(0x1_0000n, 0x1_0000n, 0x1000n, 7), 'EINVAL'],
    ['by a short request', feature(GET | REPORT, u64(0x1_0000n), 64), 'EINVAL'],
  ])('are not told %s', (_what, payload, errno) => {
    const { peer } = logging();
    peer.ask('DEVICE_FEATURE', start(0x1000n));
    expect(peer.result('DEVICE_FEATURE', payload)).toBe(errno === 'ENOTSUP' ? 'EOPNOTSUPP' : errno);
  });

  test('are not told when nothing is logged, and not by whom comes next', () => {
    const { log, connect, peer } = logging();
    expect(peer.result('DEVICE_FEATURE', report(0x1_0000n, 0x1_0000n, 0x1000n, 8))).toBe('EINVAL');
    peer.ask('DEVICE_FEATURE', start(0x1000n));
    peer.session.close();
    expect(log.active).toBe(false);
    expect(connect().result('DEVICE_FEATURE', report(0x1_0000n, 0x1_0000n, 0x1000n, 8))).toBe('EINVAL');
  });

  test('come with an unmap that asks for them', () => {
    const { log, peer } = logging();
    const unmap = (pageSize: bigint, bytes: bigint, argsz = 48) => encodePayload('DMA_UNMAP', 'request', { argsz, flags: 1, addr: 0x1_0000n, size: 0x1_0000n, data: u64(pageSize, bytes) });
    peer.ask('DEVICE_FEATURE', start(0x1000n));
    log.written(0x1_1000n, 1);
    for (const bad of [unmap(0n, 8n), unmap(0x1000n, 7n), unmap(0x1000n, 8n, 47), unmap(0x1000n, 0xffff_ffff_ffff_ffffn, 40)]) expect(peer.result('DMA_UNMAP', bad)).toBe('EINVAL');
    const { payload } = peer.ask('DMA_UNMAP', unmap(0x1000n, 0xffff_ffff_ffff_ffffn));
    expect(hexOf(payload)).toBe('30000000' + '01000000' + hexOf(u64(0x1_0000n, 0x1_0000n)) + hexOf(u64(0x1000n, 8n)) + '0200000000000000');
    expect(peer.session.mappings).toBe(0);
  });
});
