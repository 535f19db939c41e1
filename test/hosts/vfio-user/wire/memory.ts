// Wire cases of mappings, of dirty pages, and of migration.

import { encodePayload } from '../../../../src/hosts/vfio-user/index.ts';
import { S } from '../../../vfio/migration-model.ts';
import { NOTHING, type Row, type Step, hex, join, refused, row, step, u32, u64 } from './row.ts';

interface Map {
  readonly address?: bigint;
  readonly size?: bigint;
  readonly flags?: number;
  readonly argsz?: number;
  readonly offset?: bigint;
}
const map = ({ address = 0x1000n, size = 0x1000n, flags = 3, argsz = 32, offset = 0n }: Map = {}): Uint8Array => encodePayload('DMA_MAP', 'request', { argsz, flags, offset, addr: address, size });
const unmap = (addr: bigint, size: bigint, flags = 0, argsz = 24, data = NOTHING): Uint8Array => encodePayload('DMA_UNMAP', 'request', { argsz, flags, addr, size, data });
const mapped = step('DMA_MAP', map(), 'ok', { fds: ['memory'] });

export const mappings: readonly Row[] = [
  ...refused('map', 'DMA_MAP', [
    ['argsz 8', map({ argsz: 8 })],
    ['short', map().subarray(0, 24)],
    ['long', join(map(), new Uint8Array(8))],
    ['no bytes', map({ size: 0n })],
    ['bytes beyond 2^64', map({ address: 0xffff_ffff_ffff_f000n, size: 0x2000n })],
    ['bytes of the fd beyond 2^64', map({ offset: 0xffff_ffff_ffff_f000n, size: 0x2000n })],
    ['flags 0x13', map({ flags: 0x13 })],
    ['more than 8 TiB', map({ size: (1n << 43n) + 0x1000n }), 'ENOSPC'],
  ]),
  row('map: over another one', [mapped, step('DMA_MAP', map({ address: 0x1800n }), 'EEXIST', { fds: ['memory'] })]),
  row('map: the same again', [mapped, mapped]),
  row('map: two fds', step('DMA_MAP', map(), 'EINVAL', { fds: ['memory', 'memory'], withoutFds: 'ok' })),
  row('map: an eventfd', step('DMA_MAP', map(), 'EINVAL', { fds: ['event'], withoutFds: 'ok' })),
  row('map: 40 and gone', Array.from({ length: 40 }, (_, i) => step('DMA_MAP', map({ address: BigInt(i) * 0x2000n }), 'ok', { fds: ['memory'] }))),
  ...refused('unmap', 'DMA_UNMAP', [
    ['short', unmap(0x1000n, 0x1000n).subarray(0, 16)],
    ['long', join(unmap(0x1000n, 0x1000n), new Uint8Array(8))],
    ['argsz 8', unmap(0x1000n, 0x1000n, 0, 8)],
    ['argsz above 1 MiB', unmap(0x1000n, 0x1000n, 0, 0x10_0001)],
    ['flags 4', unmap(0x1000n, 0x1000n, 4)],
    ['all, with an address', unmap(0x1000n, 0x1000n, 2)],
    ['all, with dirty pages', unmap(0n, 0n, 3)],
    ['dirty pages while nothing is logged', unmap(0x1000n, 0x1000n, 1, 64, u64(0x1000n, 8n))],
    ['a part of a mapping', unmap(0x1000n, 0x800n)],
    ['beyond 2^64', unmap(0xffff_ffff_ffff_f000n, 0x2000n)],
    ['where nothing is', unmap(0x9000n, 0x1000n), 'ENOENT'],
    ['of no bytes', unmap(0x9000n, 0n), 'ENOENT'],
  ], [mapped]),
  row('unmap: exactly', [mapped, step('DMA_UNMAP', unmap(0x1000n, 0x1000n), 'ok', { reply: hex(u32(24, 0), u64(0x1000n, 0x1000n)) }), step('DMA_UNMAP', unmap(0x1000n, 0x1000n), 'ENOENT')]),
  row('unmap: all', [mapped, step('DMA_MAP', map({ address: 0x8000n })), step('DMA_UNMAP', unmap(0n, 0n, 2), 'ok', { reply: hex(u32(24, 2), u64(0n, 0n)) }), step('DMA_UNMAP', unmap(0n, 0n, 2))]),
  row('unmap: a large range over several', [mapped, step('DMA_MAP', map({ address: 0x8000n })), step('DMA_UNMAP', unmap(0n, 1n << 40n)), step('DMA_MAP', map({ address: 0x8800n }))]),
];

const [GET, SET, PROBE] = [0x1_0000, 0x2_0000, 0x4_0000];
const [MIGRATION, STATE, START, STOP, REPORT] = [1, 2, 6, 7, 8];
const feature = (flags: number, data = NOTHING, argsz = 8 + data.length): Uint8Array => encodePayload('DEVICE_FEATURE', 'request', { argsz, flags, data });
const log = (pageSize: bigint, ...ranges: bigint[]): Uint8Array => feature(SET | START, join(u64(pageSize), u32(ranges.length / 2, 0), u64(...ranges)));
const report = (iova: bigint, length: bigint, pageSize: bigint, room = 8): Uint8Array => feature(GET | REPORT, u64(iova, length, pageSize), 8 + 24 + room);
const logged: readonly Step[] = [step('DMA_MAP', map({ address: 0x1_0000n, size: 0x1_0000n }), 'ok', { fds: ['memory'] }), step('DEVICE_FEATURE', log(0x1000n))];

export const dirtyPages: readonly Row[] = [
  ...refused('dirty pages', 'DEVICE_FEATURE', [['page size 0', log(0n)], ['page size 6144', log(0x1800n)], ['a range that is no page', log(0x1000n, 0x800n, 0x1000n)], ['ranges that overlap', log(0x1000n, 0x1000n, 0x2000n, 0x2000n, 0x1000n)], ['a range up to the end', log(0x1000n, 0xffff_ffff_ffff_f000n, 0x1000n), 'EOVERFLOW'], ['257 ranges', feature(SET | START, join(u64(0x1000n), u32(257, 0), new Uint8Array(257 * 16))), 'E2BIG'], ['without logging', report(0x1_0000n, 0x1_0000n, 0x1000n)], ['short', feature(SET | START, u64(0x1000n))]]),
  ...refused('dirty pages', 'DEVICE_FEATURE', [
    ['another page size meanwhile', log(0x2000n)],
    ['where nothing is mapped', report(0x5_0000n, 0x1000n, 0x1000n), 'ENOENT'],
    ['of a part of a mapping', report(0x1_0000n, 0x1000n, 0x1000n), 'EOPNOTSUPP'],
    ['by pages larger than the mapping', report(0x1_0000n, 0x1_0000n, 0x2_0000n)],
    ['by pages that are no power of two', report(0x1_0000n, 0x1_0000n, 0x1800n)],
    ['with room for a byte too little', report(0x1_0000n, 0x1_0000n, 0x1000n, 7)],
    ['by a short request', feature(GET | REPORT, u64(0x1_0000n), 64)],
  ], logged),
  row('dirty pages: logging again', [...logged, step('DEVICE_FEATURE', log(0x1000n)), step('DEVICE_FEATURE', feature(SET | STOP)), step('DEVICE_FEATURE', log(0x2000n))]),
  ...[0x800n, 0x1000n, 0x2000n, 0x1_0000n].map((pageSize) => row(`dirty pages: none, by pages of ${pageSize}`, [...logged, step('DEVICE_FEATURE', report(0x1_0000n, 0x1_0000n, pageSize), 'ok', { reply: hex(u32(40, GET | REPORT), u64(0x1_0000n, 0x1_0000n, pageSize, 0n)) })])),
  ...refused('dirty pages of an unmap', 'DMA_UNMAP', [['page size 0', unmap(0x1_0000n, 0x1_0000n, 1, 48, u64(0n, 8n))], ['a bitmap that is too small', unmap(0x1_0000n, 0x1_0000n, 1, 48, u64(0x1000n, 7n))], ['argsz that is too small', unmap(0x1_0000n, 0x1_0000n, 1, 47, u64(0x1000n, 8n))], ['a bitmap of 2^64-1 bytes', unmap(0x1_0000n, 0x1_0000n, 1, 40, u64(0x1000n, 0xffff_ffff_ffff_ffffn))]], logged),
  row('dirty pages of an unmap', [...logged, step('DMA_UNMAP', unmap(0x1_0000n, 0x1_0000n, 1, 48, u64(0x1000n, 8n)), 'ok', { reply: hex(u32(48, 1), u64(0x1_0000n, 0x1_0000n, 0x1000n, 8n, 0n)) })]),
];

const to = (state: number): Uint8Array => feature(SET | STATE, u32(state, 0));
const goes = (state: number, ends = 'ok'): Step => step('DEVICE_FEATURE', to(state), ends);
const is = (state: number): Step => step('DEVICE_FEATURE', feature(GET | STATE, NOTHING, 16), 'ok', { reply: hex(u32(16, GET | STATE, state)) });
const STATES = [S.STOP, S.RUNNING, S.STOP_COPY, S.RESUMING, S.PRE_COPY] as const;
const WAY: Readonly<Record<number, readonly number[]>> = { [S.STOP]: [S.STOP], [S.RUNNING]: [], [S.STOP_COPY]: [S.STOP, S.STOP_COPY], [S.RESUMING]: [S.STOP, S.RESUMING], [S.PRE_COPY]: [S.PRE_COPY] };
const read = (size: number, argsz = 8 + size): Uint8Array => encodePayload('MIG_DATA_READ', 'request', { argsz, size });
const write = (data: Uint8Array, size = data.length): Uint8Array => encodePayload('MIG_DATA_WRITE', 'request', { argsz: 8 + data.length, size, data });

export const migration: readonly Row[] = [
  ...STATES.flatMap((from) =>
    STATES.map((target) => {
      const isWay = !(from === S.STOP_COPY && target === S.PRE_COPY);
      return row(`migration: from ${from} to ${target}`, [...WAY[from]!.map((state) => goes(state)), goes(target, isWay ? 'ok' : 'EINVAL'), is(isWay ? target : from)]);
    }),
  ),
  ...[S.ERROR, S.RUNNING_P2P, S.PRE_COPY_P2P, 0xabcd, 0xffff_ffff].map((state) => row(`migration: state ${state}`, [goes(state, 'EINVAL'), is(S.RUNNING)])),
  ...refused('feature', 'DEVICE_FEATURE', [
    ['short', u32(16)],
    ['argsz 2, of a probe', feature(PROBE | GET | MIGRATION, NOTHING, 2)],
    ['GET with argsz 8', feature(GET | MIGRATION)],
    ['SET of MIGRATION', feature(SET | MIGRATION, new Uint8Array(8))],
    ['a probe of GET and SET of MIGRATION', feature(PROBE | GET | SET | MIGRATION)],
    ['GET and SET', feature(GET | SET | STATE, new Uint8Array(8))],
    ['neither', feature(STATE, new Uint8Array(8))],
    ['flags beyond 0x7ffff', feature(0x8_0000 | GET | MIGRATION, NOTHING, 16)],
    ['SET with argsz 8', feature(SET | STATE, new Uint8Array(8), 8)],
    ['one that there is not', feature(GET | 77, NOTHING, 64), 'ENOTTY'],
  ]),
  row('feature: GET of MIGRATION', step('DEVICE_FEATURE', feature(GET | MIGRATION, NOTHING, 64), 'ok', { reply: '10000000' + '01000100' + '0500000000000000' })),
  ...([['read while RUNNING', [], 'MIG_DATA_READ', read(1)], ['read while RESUMING', [S.RESUMING], 'MIG_DATA_READ', read(1)], ['read in more than 1 MiB', [S.STOP_COPY], 'MIG_DATA_READ', read(0x10_0001)], ['read in more than argsz', [S.STOP_COPY], 'MIG_DATA_READ', read(8, 15)], ['read, short', [S.STOP_COPY], 'MIG_DATA_READ', read(8).subarray(0, 4)], ['written while RUNNING', [], 'MIG_DATA_WRITE', write(Uint8Array.of(1))], ['written while STOP_COPY', [S.STOP_COPY], 'MIG_DATA_WRITE', write(Uint8Array.of(1))], ['written with a size above the data', [S.RESUMING], 'MIG_DATA_WRITE', write(Uint8Array.of(1), 2)], ['written with a size below the data', [S.RESUMING], 'MIG_DATA_WRITE', write(Uint8Array.of(1, 2), 1)], ['written, short', [S.RESUMING], 'MIG_DATA_WRITE', write(NOTHING).subarray(0, 4)]] as const).map(([what, states, command, payload]) => row(`migration data: ${what}`, [...states.map((state) => goes(state)), step(command, payload, 'EINVAL')])),
  row('migration data: written, and gone in the middle', [goes(S.RESUMING), step('MIG_DATA_WRITE', write(Uint8Array.of(1, 2, 3)))]),
  row('migration data: read to the end', [goes(S.STOP_COPY), step('MIG_DATA_READ', read(64), 'ok', { reply: hex(u32(8, 0)) })]),
];
