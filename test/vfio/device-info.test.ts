// VFIO_DEVICE_GET_INFO: which bytes are written, for every argsz, and what they hold.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_GET_INFO } from '../../src/uapi/index.ts';
import { type VfioDevice, type VfioDeviceDescription } from '../../src/vfio/index.ts';
import { World, filled, hexOf, outcome } from './support.ts';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

/** GET_INFO with an argument of `room` bytes that asks with `argsz`; the other bytes hold 0xaa. */
function getInfo(device: VfioDevice, argsz: number, room = 96): { result: unknown; hex: string } {
  const process = world.open(device);
  const bytes = filled(room);
  if (room >= 4) new DataView(bytes.buffer).setUint32(0, argsz, true);
  return { result: outcome(() => process.ioctl(3, VFIO_DEVICE_GET_INFO, bytes)), hex: hexOf(bytes) };
}

const u32 = (...values: number[]): string => hexOf(new Uint8Array(new Uint32Array(values).buffer));
const untouched = (hex: string, room = 96): string => hex.padEnd(2 * room, 'aa');
const make = (more: Partial<VfioDeviceDescription> = {}): VfioDevice => world.device({}, more);

describe('without capabilities: min(argsz, 24) bytes', () => {
  test.each([0, 1, 15])('argsz %i is EINVAL and writes nothing', (argsz) => {
    expect(getInfo(make(), argsz)).toEqual({ result: 'EINVAL', hex: untouched(u32(argsz)) });
  });

  test.each([16, 17, 18, 20, 21, 23, 24, 25, 39, 40, 47, 48, 80, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])('argsz %i', (argsz) => {
    const whole = u32(argsz, 2, 9, 5, 0, 0);
    expect(getInfo(make(), argsz)).toEqual({ result: 0, hex: untouched(whole.slice(0, 2 * Math.min(argsz, 24))) });
  });
});

describe('with the atomics capability: 16 bytes at 24', () => {
  const capability = u32(0x0001_0005, 0, 5, 0);

  test.each([16, 17, 20, 21, 23, 24, 25, 39])('argsz %i grows to 40, cap_offset is 0, no capability is written', (argsz) => {
    const whole = u32(40, 0x82, 9, 5, 0, 0);
    expect(getInfo(make({ atomics: 5 }), argsz)).toEqual({ result: 0, hex: untouched(whole.slice(0, 2 * Math.min(argsz, 24))) });
  });

  test.each([40, 41, 47, 48, 80, 0xffff_ffff])('argsz %i stays and the capability is at 24', (argsz) => {
    expect(getInfo(make({ atomics: 5 }), argsz)).toEqual({ result: 0, hex: untouched(u32(argsz, 0x82, 9, 5, 24, 0) + capability) });
  });

  test.each([1, 2, 4, 7])('flags %i', (atomics) => {
    expect(getInfo(make({ atomics }), 40).hex).toBe(untouched(u32(40, 0x82, 9, 5, 24, 0, 0x0001_0005, 0, atomics, 0)));
  });

  test('room for the struct but not for the chain that argsz promises: EFAULT, and the struct is not written', () => {
    for (const room of [24, 39]) expect(getInfo(make({ atomics: 5 }), 40, room)).toEqual({ result: 'EFAULT', hex: untouched(u32(40), room) });
    expect(getInfo(make({ atomics: 5 }), 40, 40).result).toBe(0);
  });
});

describe('two faults at once: the copy of the first 16 bytes comes before argsz', () => {
  test.each([0, 3, 15])('an argument of %i bytes is EFAULT whatever its argsz', (room) => {
    expect(getInfo(make(), 4, room).result).toBe('EFAULT');
  });

  test('argsz below 16 and room for 16 only: EINVAL', () => {
    expect(getInfo(make(), 15, 16).result).toBe('EINVAL');
  });

  test('the answer does not fit the memory: EFAULT, nothing written', () => {
    expect(getInfo(make(), 24, 23)).toEqual({ result: 'EFAULT', hex: untouched(u32(24), 23) });
    expect(getInfo(make(), 16, 16).result).toBe(0);
    expect(getInfo(make(), 17, 17)).toEqual({ result: 0, hex: u32(17, 2, 9, 5) + '00' });
  });

  test('NULL and a closed fd', () => {
    const process = world.open(make());
    expect(outcome(() => process.ioctl(3, VFIO_DEVICE_GET_INFO))).toBe('EFAULT');
    expect(outcome(() => process.ioctl(4, VFIO_DEVICE_GET_INFO))).toBe('EBADF');
  });
});

describe('what the fields say', () => {
  const fields = (device: VfioDevice): string => getInfo(device, 24).hex.slice(0, 48);

  test('RESET only when function reset worked at open', () => {
    expect(fields(make({ reset: true }))).toBe(u32(24, 3, 9, 5, 0, 0));
    expect(fields(make({ reset: false }))).toBe(u32(24, 2, 9, 5, 0, 0));
  });

  test('num_regions counts device-specific regions', () => {
    const region = world.ram(16);
    expect(fields(world.device({ 9: { region }, 10: { region } }))).toBe(u32(24, 2, 11, 5, 0, 0));
  });

  test('a platform device', () => {
    const region = world.ram(16);
    expect(fields(world.device({ 0: { region }, 1: { region } }, { kind: 'platform' }))).toBe(u32(24, 4, 2, 0, 0, 0));
    expect(fields(world.device({}, { kind: 'platform', reset: true }))).toBe(u32(24, 5, 0, 0, 0, 0));
  });

  test('the same answer every time, from every fd', () => {
    const device = make({ atomics: 1 });
    const process = world.open(device);
    const again = process.dup(3);
    const answers = [3, 3, again].map((fd) => {
      const bytes = filled(40);
      new DataView(bytes.buffer).setUint32(0, 40, true);
      process.ioctl(fd, VFIO_DEVICE_GET_INFO, bytes);
      return hexOf(bytes);
    });
    expect(new Set(answers).size).toBe(1);
  });
});
