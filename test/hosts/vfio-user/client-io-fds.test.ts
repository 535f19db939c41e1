// What a client makes of a server's answer to DEVICE_GET_REGION_IO_FDS: entries of both lengths, fds that are shared or missing, and numbers that lie.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readIoFds } from '../../../src/hosts/vfio-user/client/io-fds.ts';
import type { PassedFd } from '../../../src/hosts/vfio-user/index.ts';
import { VfioError } from '../../../src/uapi/index.ts';
import { TestFd } from './support.ts';

interface Entry {
  readonly offset?: bigint;
  readonly size?: bigint;
  readonly fd?: number;
  readonly type?: number;
  readonly match?: bigint;
}

function entries(each: number, ...list: readonly Entry[]): Uint8Array {
  const bytes = new Uint8Array(each * list.length);
  const view = new DataView(bytes.buffer);
  for (const [i, { offset = 0n, size = 4n, fd = 0, type = 0, match = 0n }] of list.entries()) {
    view.setBigUint64(i * each, offset, true);
    view.setBigUint64(i * each + 8, size, true);
    view.setUint32(i * each + 16, fd, true);
    view.setUint32(i * each + 20, type, true);
    view.setUint32(i * each + 24, 1, true);
    view.setBigUint64(i * each + (each >= 48 ? 40 : 32), match, true);
  }
  return bytes;
}
const reply = (data: Uint8Array, count: number, argsz = 16 + data.length) => ({ argsz, flags: 0, index: 0, count, data });

test.each([40, 48, 64])('entries of %i bytes', (each) => {
  const fds = [new TestFd(), new TestFd()];
  const places = readIoFds(reply(entries(each, { offset: 8n, match: 0x1234n, fd: 1 }, { offset: 0n, size: 0n, fd: 1 }, { offset: 0xffn, size: 1n, fd: 0 }), 3), fds, 0x100n);
  expect(places.map(({ offset, size, datamatch, fd }) => [offset, size, datamatch, fds.indexOf(fd as TestFd)])).toEqual([[8n, 4n, 0x1234n, 1], [0n, 0n, 0n, 1], [0xffn, 1n, 0n, 0]]);
  places[0]!.ring();
  places[1]!.ring();
  expect(fds.map(({ signals }) => signals)).toEqual([0, 2]);
});

test('a place without an fd, one of memory, and one whose fd carries messages cannot be rung', () => {
  const memory: PassedFd = Object.assign(new TestFd(), { kind: 'memory' as const });
  const places = readIoFds(reply(entries(40, { fd: 0xffff_ffff }, { fd: 0 }, { fd: 1, type: 1 }), 3), [memory, new TestFd()], 0x100n);
  for (const place of places) expect(() => place.ring()).toThrow('EBADF: ring: ');
});

describe('EPROTO', () => {
  test.each<[string, ReturnType<typeof reply>]>([
    ['entries that argsz has no room for', reply(entries(40, {}), 1, 55)],
    ['a length that is no whole number', reply(new Uint8Array(90), 2, 16 + 91)],
    ['more places than bytes', reply(entries(40, {}), 3)],
    ['fewer bytes than argsz says', reply(entries(40, {}), 1, 16 + 48)],
    ['argsz below the head', reply(entries(40, {}), 1, 0)],
    ['2^32-1 places', reply(entries(40, {}), 0xffff_ffff)],
    ['a place beyond the region', reply(entries(40, { offset: 0x100n, size: 0n }), 1)],
    ['a place over its end', reply(entries(40, { offset: 0xfdn }), 1)],
    ['an end that overflows', reply(entries(40, { offset: 0xffff_ffff_ffff_fffen }), 1)],
  ])('%s', (_what, answer) => {
    expect(() => readIoFds(answer, [new TestFd()], 0x100n)).toThrow('EPROTO: vfio-user DEVICE_GET_REGION_IO_FDS: ');
  });

  test('or places inside the region, whatever the bytes are', () => {
    const number = fc.oneof(fc.nat(200), fc.constantFrom(16, 56, 64, 96, 0xffff_ffff));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 160 }), number, number, fc.nat(3), (data, argsz, count, fds) => {
        try {
          for (const { offset, size } of readIoFds({ argsz, flags: 0, index: 0, count, data }, Array.from({ length: fds }, () => new TestFd()), 0x100n)) expect(offset + size <= 0x100n && offset < 0x100n).toBe(true);
        } catch (error) {
          if (!(error instanceof VfioError) || error.code !== 'EPROTO') throw error;
        }
      }),
    );
  });
});
