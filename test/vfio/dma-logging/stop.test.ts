// DMA_LOGGING_STOP (section 3.3, 7; 7.4), and the last close.
import { describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_RESET } from '../../../src/uapi/index.ts';
import { hexOf } from '../support.ts';
import { GET, PROBE, SET, STOP, ask, device, log, process, report, reported, request, start, stop, world, useLoggedDevice } from './support.ts';

useLoggedDevice();

describe('7: STOP', () => {
  test.each<[string, Uint8Array, unknown]>([
    ['SET', request(SET | STOP), 0],
    ['GET', request(GET | STOP), 'EINVAL'],
    ['PROBE and SET', request(PROBE | SET | STOP), 0],
    ['no operation', request(STOP), 'EINVAL'],
    ['argsz 7', request(SET | STOP, [], 7), 'EINVAL'],
  ])('%s, started or not', (_, bytes, expected) => {
    expect(ask(bytes)).toBe(expected);
    start(0x1000n, [0n, 0x1000n]);
    expect(ask(bytes)).toBe(expected);
    expect(log.active).toBe(expected !== 0 || hexOf(bytes).endsWith('0600'));
  });

  test('what was logged is forgotten', () => {
    start(0x1000n, [0n, 0x10000n]);
    log.written(0x3000n, 1);
    stop();
    expect([report(0n, 0x10000n), log.chunks]).toEqual(['EINVAL', 0]);
    start(0x1000n, [0n, 0x10000n]);
    expect(reported(0n, 0x10000n)).toBe('0000000000000000');
  });

  test('7.4: the last close stops it, not one before; a reset of the function does not', () => {
    const other = world.open(device);
    start(0x1000n, [0n, 0x10000n]);
    log.written(0x3000n, 1);
    other.close(3);
    expect(process.ioctl(3, VFIO_DEVICE_RESET)).toBe(0);
    expect(reported(0n, 0x10000n)).toBe('0800000000000000');
    process.close(3);
    expect(log.active).toBe(false);
    process.open(device);
    expect([report(0n, 0x10000n), start(0x1000n, [0n, 0x10000n])]).toEqual(['EINVAL', 0]);
  });
});
