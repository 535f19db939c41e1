// The typed client against a transport that lies about displays, dma-bufs and ioeventfds; and every errno of their docstrings, as that transport answers it.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  ERRNO,
  VFIO_DEVICE_FEATURE,
  VFIO_DEVICE_GET_GFX_DMABUF,
  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
  VFIO_DEVICE_GET_REGION_INFO,
  VFIO_DEVICE_IOEVENTFD,
  VFIO_DEVICE_PCI_HOT_RESET,
  VFIO_DEVICE_QUERY_GFX_PLANE,
  VFIO_DEVICE_RESET,
  VFIO_MIG_GET_PRECOPY_INFO,
  type ErrnoName,
  vfio_device_gfx_plane_info,
} from '../../src/uapi/index.ts';
import type { VfioClient } from '../../src/vfio-client/index.ts';
import { message, outcome } from '../vfio/support.ts';
import { type Answer, Liar } from './liar.ts';

const PAGE = [{ offset: 0n, size: 0x1000n }];
const bar: Answer = (_, view) => (view.setUint32(4, 7, true), view.setBigUint64(16, 0x1000n, true), 0);

describe('an fd that is none', () => {
  test.each<[string, number, string]>([
    ['the device\'s own', 3, "the new fd is 3, and that is the device's own"],
    ['more than an int', 2 ** 31, 'the new fd is 2147483648; expected at most 2147483647'],
    ['a fraction', 4.5, 'the result is 4.5; expected a whole number'],
    ['no number', undefined as never, 'the result is undefined; expected a whole number'],
    ['a negative number that is no errno', -5000, 'the result is -5000, which is no errno'],
  ])('%s', (_, result, want) => {
    const { client } = new Liar({ [VFIO_DEVICE_FEATURE]: () => result, [VFIO_DEVICE_GET_GFX_DMABUF]: () => result });
    expect(message(() => client.feature.dmaBuf.get(0, PAGE))).toBe(`VFIO_DEVICE_FEATURE DMA_BUF: ${want}`);
    expect(message(() => client.display.dmaBuf(1))).toBe(`VFIO_DEVICE_GET_GFX_DMABUF: ${want}`);
    expect([outcome(() => client.feature.dmaBuf.get(0, PAGE)), outcome(() => client.display.dmaBuf(1))]).toEqual(['VfioAnswerError', 'VfioAnswerError']);
  });

  test.each([0, 4, 2 ** 31 - 1])('%i is one', (result) => {
    const { client } = new Liar({ [VFIO_DEVICE_FEATURE]: () => result, [VFIO_DEVICE_GET_GFX_DMABUF]: () => result });
    expect([client.feature.dmaBuf.get(0, PAGE), client.display.dmaBuf(0xffff_ffff)]).toEqual([result, result]);
  });
});

test('a data file of a migration that is the device', () => {
  const to = (fd: number): unknown => outcome(() => new Liar({ [VFIO_DEVICE_FEATURE]: (_, view) => (view.setInt32(12, fd, true), 0) }).client.feature.migDeviceState.set('STOP_COPY'));
  expect([-2, -1, 0, 3, 4].map(to)).toEqual([undefined, undefined, 0, 'VfioAnswerError', 4]);
});

describe('a picture that cannot be', () => {
  const RIGHT = { drm_format: 0x3432_5258, width: 4, height: 8, stride: 16, size: 128 };
  const answer = (wrong: Parameters<typeof vfio_device_gfx_plane_info.encode>[0]): VfioClient =>
    new Liar({ [VFIO_DEVICE_QUERY_GFX_PLANE]: (bytes) => (vfio_device_gfx_plane_info.encode({ ...RIGHT, ...wrong }, bytes), 0) }).client;

  test.each([
    ['no pixels', { width: 0 }, '0x8 of format 0x34325258, 16 bytes a line, 128 bytes: expected a picture, or zeros alone'],
    ['no lines', { height: 0 }, '4x0 of format 0x34325258, 16 bytes a line, 128 bytes: expected a picture, or zeros alone'],
    ['no stride', { stride: 0 }, '4x8 of format 0x34325258, 0 bytes a line, 128 bytes: expected a picture, or zeros alone'],
    ['no bytes', { size: 0 }, '4x8 of format 0x34325258, 16 bytes a line, 0 bytes: expected a picture, or zeros alone'],
    ['no format', { drm_format: 0 }, '4x8 of format 0x0, 16 bytes a line, 128 bytes: expected a picture, or zeros alone'],
    ['no room for the last line', { height: 9 }, '4x9 of format 0x34325258, 16 bytes a line, 128 bytes: there is no room for the last line'],
    ['no room for anything', { height: 0xffff_ffff, stride: 0xffff_ffff, size: 0xffff_ffff }, '4x4294967295 of format 0x34325258, 4294967295 bytes a line, 4294967295 bytes: there is no room for the last line'],
    ['of another kind than was asked for', { flags: 2 }, 'flags 0x4 were asked for, and 0x2 answered'],
  ])('%s', (_, wrong, want) => {
    expect(message(() => answer(wrong).display.plane('region'))).toBe(`VFIO_DEVICE_QUERY_GFX_PLANE: ${want}`);
    expect(outcome(() => answer(wrong).display.plane('region'))).toBe('VfioAnswerError');
  });

  test('tiles are not counted in lines; a last line may be short; of a probe only the flags are looked at', () => {
    expect(answer({ height: 9, drm_format_mod: 1n }).display.plane('region')).toMatchObject({ height: 9, modifier: 1n });
    expect(answer({ size: 113 }).display.plane('region')).toMatchObject({ size: 113 });
    expect([answer({ width: 0 }).display.probe('region'), outcome(() => answer({ flags: 4 }).display.probe('region'))]).toEqual([true, 'VfioAnswerError']);
  });

  test('whatever the bytes are, it is a picture, none, or an error of the answer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 52, maxLength: 52 }), fc.boolean(), (garbage, isSmall) => {
        const { client } = new Liar({
          [VFIO_DEVICE_QUERY_GFX_PLANE]: (bytes) => {
            // Small numbers make pictures that can be.
            bytes.set(isSmall ? garbage.map((byte, i) => ((i % 4 === 0 && i !== 4 && i !== 8) || i === 25 ? byte : 0)) : garbage, 12);
            return 0;
          },
        });
        const result = outcome(() => client.display.plane('dma-buf'));
        if (typeof result === 'string') expect(result).toBe('VfioAnswerError');
        else if (result !== undefined) expect(Math.min(result.width, result.height, result.stride, result.size, result.format)).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('every errno of the docstrings is handed on under the request\'s name', () => {
  const all: [string, number, string, (client: VfioClient) => unknown, ErrnoName[]][] = [
    ['display.probe', VFIO_DEVICE_QUERY_GFX_PLANE, 'VFIO_DEVICE_QUERY_GFX_PLANE', (client) => client.display.probe('region'), ['EBADF', 'EIO']],
    ['display.plane', VFIO_DEVICE_QUERY_GFX_PLANE, 'VFIO_DEVICE_QUERY_GFX_PLANE', (client) => client.display.plane('region'), ['ENOTTY', 'EINVAL', 'ENOMEM', 'EBADF', 'EAGAIN']],
    ['display.dmaBuf', VFIO_DEVICE_GET_GFX_DMABUF, 'VFIO_DEVICE_GET_GFX_DMABUF', (client) => client.display.dmaBuf(1), ['ENOTTY', 'ENOENT', 'EINVAL', 'EMFILE', 'EBADF']],
    ['feature.dmaBuf.probe', VFIO_DEVICE_FEATURE, 'VFIO_DEVICE_FEATURE DMA_BUF', (client) => client.feature.dmaBuf.probe(), ['EOPNOTSUPP', 'EBADF']],
    ['feature.dmaBuf.get', VFIO_DEVICE_FEATURE, 'VFIO_DEVICE_FEATURE DMA_BUF', (client) => client.feature.dmaBuf.get(0, PAGE), ['ENOTTY', 'EOPNOTSUPP', 'EINVAL', 'ENODEV', 'ENOMEM', 'EMFILE', 'EBADF']],
    ['feature.precopyInfoV2.probe', VFIO_DEVICE_FEATURE, 'VFIO_DEVICE_FEATURE MIG_PRECOPY_INFOv2', (client) => client.feature.precopyInfoV2.probe(), ['EINVAL', 'EBADF']],
    ['feature.precopyInfoV2.set', VFIO_DEVICE_FEATURE, 'VFIO_DEVICE_FEATURE MIG_PRECOPY_INFOv2', (client) => client.feature.precopyInfoV2.set(), ['ENOTTY', 'EINVAL', 'EBADF']],
    ['region.ioeventfd', VFIO_DEVICE_IOEVENTFD, 'VFIO_DEVICE_IOEVENTFD', (client) => client.region(0).ioeventfd({ at: 0, value: 0, width: 1, fd: 4 }), ['ENOTTY', 'EINVAL', 'EEXIST', 'ENOSPC', 'EBADF', 'EBUSY', 'ENOMEM']],
    ['reset', VFIO_DEVICE_RESET, 'VFIO_DEVICE_RESET', (client) => client.reset(), ['EINVAL', 'EAGAIN', 'ENOTTY', 'EBADF']],
    ['hotReset.info', VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO', (client) => client.hotReset.info(), ['ENOTTY', 'ENODEV', 'EPERM', 'EAGAIN', 'EBADF']],
    ['hotReset.reset', VFIO_DEVICE_PCI_HOT_RESET, 'VFIO_DEVICE_PCI_HOT_RESET', (client) => client.hotReset.reset([4]), ['ENOTTY', 'EINVAL', 'ENODEV', 'EBADF', 'EBUSY', 'EAGAIN']],
  ];
  const rows = all.flatMap(([method, request, name, call, codes]) => codes.map((code) => ({ method, request, name, call, code })));

  test.each(rows)('$method: $code', ({ request, name, call, code }) => {
    const { client } = new Liar({ [VFIO_DEVICE_GET_REGION_INFO]: bar, [request]: () => -ERRNO[code] });
    expect(message(() => call(client))).toBe(`${code}: ${name}`);
  });

  test.each<ErrnoName>(['EINVAL', 'ENODEV', 'ENOTTY'])('migration data, precopyInfo: %s', (code) => {
    const { client } = new Liar({ [VFIO_DEVICE_FEATURE]: (_, view) => (view.setInt32(12, 9, true), 0), [VFIO_MIG_GET_PRECOPY_INFO]: () => -ERRNO[code] });
    expect(message(() => client.migration.to('PRE_COPY')!.precopyInfo())).toBe(`${code}: VFIO_MIG_GET_PRECOPY_INFO`);
  });

  test('an ioeventfd that cannot be removed can be tried again', () => {
    let code: ErrnoName | undefined;
    const fds: number[] = [];
    const { client } = new Liar({ [VFIO_DEVICE_GET_REGION_INFO]: bar, [VFIO_DEVICE_IOEVENTFD]: (_, view) => (fds.push(view.getInt32(24, true)), code === undefined ? 0 : -ERRNO[code]) });
    const remove = client.region(0).ioeventfd({ at: 0, value: 0, width: 1, fd: 4 });
    for (code of ['ENODEV', 'EBADF'] as const) expect(message(remove)).toBe(`${code}: VFIO_DEVICE_IOEVENTFD`);
    code = undefined;
    remove();
    remove();
    expect(fds).toEqual([4, -1, -1, -1]);
  });
});

test('unknown flags of precopy information are no new first pass', () => {
  const info = (flags: number): unknown => {
    const { client } = new Liar({ [VFIO_DEVICE_FEATURE]: (_, view) => (view.setInt32(12, 9, true), 0), [VFIO_MIG_GET_PRECOPY_INFO]: (_, view) => (view.setUint32(4, flags, true), 0) });
    return client.migration.to('PRE_COPY')!.precopyInfo().reinit;
  };
  expect([0, 1, 2, 0xffff_fffe, 0xffff_ffff].map(info)).toEqual([false, true, false, false, true]);
});
