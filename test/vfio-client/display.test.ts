// The typed client's view of a display (section 1.12): which kind it is, the plane now, the buffer behind it.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Region } from '../../src/core/index.ts';
import { VfioClient } from '../../src/vfio-client/index.ts';
import { type BufferPlane, MAP_SHARED, PROT_READ, type Process, type VfioDisplay } from '../../src/vfio/index.ts';
import { PAGE, World, message, outcome } from '../vfio/support.ts';

const XR24 = 0x3432_5258;

let world: World;
let memory: Region;
let plane: BufferPlane | null;
let process: Process;
beforeEach(() => {
  world = new World();
  memory = world.ram(4 * PAGE);
  plane = { format: XR24, width: 32, height: 64, stride: 128, size: 2 * PAGE, region: memory, position: PAGE };
});
afterEach(() => world.end());

const ofRegion = (): VfioDisplay => ({ kind: 'region', regionIndex: 16, plane: () => plane });
const ofBuffers = (): VfioDisplay => ({ kind: 'dma-buf', plane: (type) => (type === 1 ? plane : null) });

function open(display?: VfioDisplay): VfioClient {
  process = world.process({ maxFds: 5 });
  return new VfioClient(process, process.open(world.device({ 0: { region: memory } }, display && { display })));
}

const SHOWN = { format: XR24, formatName: 'XR24', modifier: 0n, width: 32, height: 64, stride: 128, size: 0x2000, xPos: 0, yPos: 0, xHot: 0, yHot: 0 };

describe('which kind', () => {
  test.each<[string, () => VfioDisplay | undefined, unknown]>([['regions', ofRegion, [true, false]], ['buffers', ofBuffers, [false, true]], ['no display', () => undefined, [undefined, undefined]]])('%s', (_, display, kinds) => {
    const client = open(display());
    expect([client.display.probe('region'), client.display.probe('dma-buf')]).toEqual(kinds);
    expect(outcome(() => client.display.probe('pixels' as never))).toBe('TypeError');
    client.close();
    expect(message(() => client.display.probe('region'))).toMatch(/^EBADF: VFIO_DEVICE_QUERY_GFX_PLANE/);
  });

  test('a probe of buffers makes none', () => {
    const { display } = open(ofBuffers());
    display.probe('dma-buf');
    expect([outcome(() => display.dmaBuf(1)), outcome(() => display.plane('dma-buf'))]).toEqual(['ENOENT', 'ENOMEM']);
  });
});

describe('the plane', () => {
  test('in a region', () => {
    plane = { ...plane!, modifier: 0x0100_0000_0000_0001n, xPos: 1, yPos: 2, xHot: 3, yHot: 0xffff_ffff };
    expect(open(ofRegion()).display.plane('region')).toEqual({ ...SHOWN, modifier: 0x0100_0000_0000_0001n, xPos: 1, yPos: 2, xHot: 3, yHot: undefined, regionIndex: 16 });
  });

  test('in a buffer: ENOMEM while it is made, then its number, the same for the same picture', () => {
    const { display } = open(ofBuffers());
    expect(message(() => display.plane('dma-buf'))).toMatch(/^ENOMEM: VFIO_DEVICE_QUERY_GFX_PLANE/);
    expect([display.plane('dma-buf'), display.plane('dma-buf', 'primary')]).toEqual([{ ...SHOWN, dmaBufId: 1 }, { ...SHOWN, dmaBufId: 1 }]);
  });

  test('nothing is shown: not on this plane, not now', () => {
    const { display } = open(ofBuffers());
    expect([display.plane('dma-buf', 'overlay'), display.plane('dma-buf', 'cursor')]).toEqual([undefined, undefined]);
    plane = null;
    expect([display.plane('dma-buf'), open(ofRegion()).display.plane('region')]).toEqual([undefined, undefined]);
  });

  test('of the other kind, of no display, of a type that is none', () => {
    const { display } = open(ofRegion());
    expect(message(() => display.plane('dma-buf'))).toMatch(/^EINVAL: VFIO_DEVICE_QUERY_GFX_PLANE/);
    expect(outcome(() => display.plane('region', 'sprite' as never))).toBe('TypeError');
    expect(outcome(() => display.plane('pixels' as never))).toBe('TypeError');
    expect(message(() => open().display.plane('region'))).toMatch(/^ENOTTY: VFIO_DEVICE_QUERY_GFX_PLANE/);
  });

  test.each([[0x3231_564e, 'NV12'], [0x2020_3852, 'R8'], [0xb432_5258, 'XR24 BE'], [1, '0x1'], [0x8000_0001, '0x80000001']])('format %i is %s', (format, name) => {
    plane = { ...plane!, format };
    expect(open(ofRegion()).display.plane('region')).toMatchObject({ format, formatName: name });
  });
});

describe('the buffer', () => {
  test('a new fd each time; its pages are the picture, also when the device file is closed', () => {
    const client = open(ofBuffers());
    outcome(() => client.display.plane('dma-buf'));
    const { dmaBufId, size, stride } = client.display.plane('dma-buf')!;
    const fd = client.display.dmaBuf(dmaBufId);
    expect([fd, process.lseek(fd)]).toEqual([4, size]);
    client.close();
    const pixels = process.mmap(size, PROT_READ, MAP_SHARED, fd);
    memory.write32(PAGE + stride, 0xff_1234);
    expect(process.memory.read32(pixels + stride)).toBe(0xff_1234);
  });

  test('no such number, no such number can be, none left, inside a page, not of a display of regions, of none', () => {
    const { display } = open(ofBuffers());
    outcome(() => display.plane('dma-buf'));
    expect(message(() => display.dmaBuf(2))).toMatch(/^ENOENT: VFIO_DEVICE_GET_GFX_DMABUF/);
    for (const id of [-1, 2 ** 32, 0.5, NaN, '1']) expect(outcome(() => display.dmaBuf(id as number))).toBe('RangeError');
    process.eventfd();
    expect(message(() => display.dmaBuf(1))).toMatch(/^EMFILE: VFIO_DEVICE_GET_GFX_DMABUF/);
    process.close(4);
    plane = { ...plane!, position: PAGE + 4 };
    outcome(() => display.plane('dma-buf'));
    expect(outcome(() => display.dmaBuf(2))).toBe('EINVAL');
    expect(message(() => open(ofRegion()).display.dmaBuf(1))).toMatch(/^ENOTTY: VFIO_DEVICE_GET_GFX_DMABUF/);
    expect(outcome(() => open().display.dmaBuf(1))).toBe('ENOTTY');
  });
});
