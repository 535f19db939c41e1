// Raw calls never throw, whatever they are handed: a number comes back, a refused call changes nothing, and nothing is left in the end.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Process, type RawCalls } from '../../src/vfio/index.ts';
import { PAGE, World, filled, offsetOf } from './support.ts';

/** Values that bite: getters that throw, proxies that throw, conversions that throw. */
const biting = (): unknown[] => {
  const boom = (): never => {
    throw new Error('do not touch');
  };
  return [
    new Proxy({}, { get: boom, has: boom, getPrototypeOf: boom, ownKeys: boom }),
    { get length() { return boom(); } },
    { address: { valueOf: boom }, get length() { return 4; } },
    { valueOf: boom, toString: boom, [Symbol.toPrimitive]: boom },
    Object.create(null),
    Symbol('s'),
    () => 5,
  ];
};

/** Stands for a biting value until the call. */
class Bait {
  readonly which: number;
  constructor(which: number) {
    this.which = which;
  }
}
const bitten = (value: unknown): unknown => (value instanceof Bait ? biting()[value.which] : value);

const number = fc.oneof(fc.integer({ min: -2, max: 0x5000 }), fc.double(), fc.constantFrom(0, 3, 4, 5, -1, 1024, 4096, 2 ** 31, 2 ** 32, 2 ** 47, 2 ** 53, NaN, Infinity, -0));
const wide = fc.oneof(number, fc.bigInt({ min: -2n, max: (1n << 64n) + 2n }), fc.nat(12).map((index) => BigInt(index) << 40n), fc.nat(4).map((pages) => BigInt(pages * PAGE)));
const bytes = fc.uint8Array({ maxLength: 96 });
const anything = fc.oneof(
  fc.anything({ withBigInt: true, withBoxedValues: true, withDate: true, withMap: true, withSet: true, withNullPrototype: true, withObjectString: true, withSparseArray: true, withTypedArray: true }),
  // By number: the generator itself must not touch them.
  fc.nat(biting().length - 1).map((which) => new Bait(which)),
);
const fd = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(3, 4, 5) }, { weight: 1, arbitrary: number }, { weight: 1, arbitrary: anything });
const buffer = fc.oneof(bytes, fc.record({ address: wide, length: number }), fc.nat(64).map((length) => ({ address: 2 ** 47 - 2 * PAGE, length })), anything);
const request = fc.oneof(fc.integer({ min: 0x3b60, max: 0x3b80 }), number, anything);
const offset = fc.oneof({ weight: 3, arbitrary: wide }, { weight: 1, arbitrary: anything });
const flags = fc.oneof(fc.constantFrom(0, 1, 2, 3, 0x20, 0x21, 0x22), number, anything);
const argument = fc.oneof(bytes, bytes.map((data) => (new DataView(data.buffer).byteLength >= 4 && data.set([data.length], 0), data)), wide, anything);

const calls: fc.Arbitrary<[keyof RawCalls, unknown[]]> = fc.oneof(
  fc.tuple(fc.constant('ioctl' as const), fc.tuple(fd, request, argument)),
  fc.tuple(fc.constantFrom('pread' as const, 'pwrite' as const), fc.tuple(fd, buffer, offset)),
  fc.tuple(fc.constantFrom('read' as const, 'write' as const), fc.tuple(fd, buffer)),
  fc.tuple(fc.constantFrom('lseek' as const, 'dup' as const, 'close' as const), fc.tuple(fd)),
  fc.tuple(fc.constant('mmap' as const), fc.tuple(offset, fc.oneof(fc.nat(7), flags), flags, fd, offset)),
  fc.tuple(fc.constant('munmap' as const), fc.tuple(fc.oneof(offset, fc.nat(8).map((pages) => 2 ** 47 - (pages + 1) * PAGE)), offset)),
  fc.tuple(fc.constantFrom('ioctl' as const, 'pread' as const, 'mmap' as const, 'munmap' as const, 'close' as const), fc.array(anything, { maxLength: 6 })),
);

function garbageWorld(): { world: World; process: Process; contents: () => unknown } {
  const world = new World();
  const registers = Uint8Array.from({ length: 0x1000 }, (_, i) => i);
  const ram = world.ram(0x4000);
  const device = world.device(
    {
      0: { region: ram }, 1: { region: world.hook(registers, []) }, 3: { region: world.ram(0x20), ioPorts: true }, 6: { region: world.region({ kind: 'rom', size: 0x1000 }), imageSize: 0x300 },
      7: { region: world.ram(0x100) }, 9: { region: world.ram(0x1800), mmap: true, capabilities: [{ kind: 'TYPE', type: 1, subtype: 2 }] },
    },
    { msix: { bar: 0, offset: 0x2000, count: 3 }, msixMode: 'sparse', atomics: 1 },
  );
  const process = world.process({ maxFds: 12 });
  process.open(device);
  process.open(device, { offsets: 'cookie', proposals: { mmapAttributes: true, regionMmap: true, aliasRegions: 'strict' } });
  process.open(device, { offsets: 'scattered', readOnly: true });
  for (const index of [0, 1, 7, 9]) offsetOf(process, index, 4);
  process.allocate(PAGE);
  process.mmap(PAGE, 3, 1, 3, 0);
  const contents = (): unknown => [Buffer.from(ram.bytes()).toString('hex'), Buffer.from(registers).toString('hex'), Buffer.from(device.region(7)!.region.bytes()).toString('hex')];
  return { world, process, contents };
}

describe('raw calls', () => {
  test('any sequence of any garbage: numbers come back, refused calls change nothing, nothing is left', () => {
    fc.assert(
      fc.property(fc.array(calls, { minLength: 1, maxLength: 30 }), (sequence) => {
        const { world, process, contents } = garbageWorld();
        const raw = process.raw as unknown as Record<string, (...args: unknown[]) => number>;
        const state = (): unknown => ({ maps: process.maps(), fds: process.fds, live: world.engine.live(), contents: contents() });
        for (const [name, args] of sequence) {
          const before = state();
          const result = raw[name]!(...args.map(bitten));
          expect(Number.isSafeInteger(result)).toBe(true);
          expect(result).toBeGreaterThanOrEqual(-133);
          // EFAULT and EIO may come midway; ioctls may make an offset known and then find no memory.
          if (result < 0 && result !== -14 && result !== -5) expect({ name, state: state() }).toEqual({ name, state: before });
        }
        world.end();
      }),
      { numRuns: 300 },
    );
  });

  test('agree with the calls that throw', () => {
    const { world, process } = garbageWorld();
    const info = filled(24);
    expect(process.raw.ioctl(3, 0x3b6b, info)).toBe(-14);
    info[0] = 24;
    info.fill(0, 1, 4);
    expect(process.raw.ioctl(3, 0x3b6b, info)).toBe(0);
    expect(process.raw.ioctl(3, 0x3b6b, filled(4))).toBe(-14);
    expect(process.raw.ioctl(3, 0x3b65, 1)).toBe(-25);
    expect([process.raw.open('/dev/vfio/vfio'), process.raw.open(3 as never)]).toEqual([-2, -22]);
    expect(process.raw.ioctl(3, 'x' as never)).toBe(-22);
    expect(process.raw.pread(3, filled(8), 0x3ffe)).toBe(2);
    expect(process.raw.pread(5, filled(8), 0)).toBe(-6);
    expect(process.raw.pwrite(5, filled(8), 0)).toBe(-9);
    expect(process.raw.pread(3, filled(8), 1.5)).toBe(-22);
    expect([process.raw.read(3, filled(8)), process.raw.write(3, filled(8)), process.raw.lseek(3)]).toEqual([8, 8, -29]);
    const address = process.raw.mmap(PAGE, 3, 1, 3, 0);
    expect(address % PAGE).toBe(0);
    expect(process.raw.mmap(PAGE, 3, 1, 3, 0x2000)).toBe(-22);
    expect(process.raw.mmap(PAGE, 3, 1, 5, 0)).toBe(-13);
    expect(process.raw.munmap(address, PAGE)).toBe(0);
    expect(process.raw.munmap(address + 1, PAGE)).toBe(-22);
    expect([process.raw.dup(3), process.raw.close(6), process.raw.close(6)]).toEqual([6, 0, -9]);
    world.end();
  });
});
