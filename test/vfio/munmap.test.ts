// How long mappings live: munmap in parts, close, dup, exit, destroyed regions, changes from inside a hook, a full address space.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RangeStore, Space } from '../../src/core/index.ts';
import { VfioError } from '../../src/uapi/index.ts';
import { MAP_SHARED, PROT_READ, PROT_WRITE, type Process, type VfioDevice } from '../../src/vfio/index.ts';
import { PAGE, World, filled, message, outcome } from './support.ts';

const RW = PROT_READ | PROT_WRITE;

let world: World;
let device: VfioDevice;
let process: Process;
beforeEach(() => {
  world = new World();
  device = world.device({ 0: { region: world.ram(0x8000) } });
  process = world.open(device);
});
afterEach(() => world.end());

const map = (length = 0x8000, offset = 0): number => process.mmap(length, RW, MAP_SHARED, 3, offset);
const shape = (): [number, number, bigint | undefined][] => process.maps().map(({ address, length, region }) => [address, length, region?.position]);

describe('munmap', () => {
  test('whole', () => {
    const at = map();
    process.munmap(at, 0x8000);
    expect(shape()).toEqual([]);
    expect(process.memory.windowAt(at)).toBeUndefined();
  });

  test('in the middle: both rests stay where they were and show what they showed', () => {
    const at = map();
    process.munmap(at + 0x3000, 0x2000);
    expect(shape()).toEqual([[at, 0x3000, 0n], [at + 0x5000, 0x3000, 0x5000n]]);
    process.memory.write8(at + 0x5001, 0x99);
    const byte = filled(1);
    process.pread(3, byte, 0x5001);
    expect([byte[0], process.memory.read8(at + 0x2fff), process.memory.windowAt(at + 0x3000), process.memory.windowAt(at + 0x4fff)]).toEqual([0x99, 0xff, undefined, undefined]);
  });

  test('the head, the tail, and a length that is rounded up to pages', () => {
    const at = map();
    process.munmap(at, 1);
    process.munmap(at + 0x7000, 0x1000);
    expect(shape()).toEqual([[at + 0x1000, 0x6000, 0x1000n]]);
  });

  test('across two mappings and the gap between them', () => {
    const upper = map(0x4000, 0x4000);
    const gap = map(0x1000);
    const lower = map(0x4000);
    process.munmap(gap, PAGE);
    process.munmap(lower + 0x2000, 0x5000);
    expect(shape()).toEqual([[lower, 0x2000, 0n], [upper + 0x2000, 0x2000, 0x6000n]]);
  });

  test('of nothing, and of the same twice, succeeds', () => {
    const at = map();
    process.munmap(at, 0x8000);
    process.munmap(at, 0x8000);
    process.munmap(0x10000, 2 ** 40);
  });

  test('page by page, and the address space is free again', () => {
    const at = map();
    for (const page of [3, 0, 7, 5, 1, 2, 6, 4]) process.munmap(at + page * PAGE, PAGE);
    expect(shape()).toEqual([]);
    expect(map()).toBe(at);
  });

  test.each<[string, bigint | number, bigint | number]>([
    ['inside a page', 1, PAGE], ['length 0', 0x10000, 0], ['past the end', 2 ** 47 - PAGE, PAGE], ['over the end', 2 ** 47 - 2 * PAGE, 2 * PAGE],
    ['the kernel half', 1n << 63n, PAGE], ['all of it', 0, (1n << 64n) - 1n], ['a wrap', (1n << 64n) - 4096n, 8192],
  ])('%s is EINVAL and unmaps nothing', (_, address, length) => {
    map();
    const before = shape();
    expect(outcome(() => process.munmap(address, length))).toBe('EINVAL');
    expect(shape()).toEqual(before);
  });

  test('anonymous memory goes with its last page', () => {
    const live = world.engine.live();
    const at = process.allocate(3 * PAGE);
    process.memory.write8(at, 1);
    process.memory.write8(at + 2 * PAGE, 2);
    process.munmap(at + PAGE, PAGE);
    expect([process.memory.read8(at), process.memory.read8(at + 2 * PAGE)]).toEqual([1, 2]);
    process.munmap(at, PAGE);
    expect(process.memory.read8(at + 2 * PAGE)).toBe(2);
    process.munmap(at + 2 * PAGE, PAGE);
    expect(world.engine.live()).toMatchObject({ pages: live.pages, objects: live.objects });
  });

  test('memory that is mapped anew reads zero', () => {
    const at = process.allocate(PAGE);
    process.memory.write32(at, 0xffff_ffff);
    process.munmap(at, PAGE);
    expect(process.allocate(PAGE)).toBe(at);
    expect(process.memory.read32(at)).toBe(0);
  });
});

describe('mappings and fds', () => {
  test('a mapping survives close and dup, and holds its file', () => {
    const live = world.engine.live();
    const again = process.dup(3);
    const at = map(0x1000);
    process.close(3);
    process.close(again);
    expect(process.fds).toEqual([]);
    process.memory.write8(at, 0x31);
    expect(process.memory.read8(at)).toBe(0x31);
    expect(process.maps()).toHaveLength(1);
    process.munmap(at, PAGE);
    expect(world.engine.live().objects).toBeLessThan(live.objects);
  });

  test('the file goes with the last of its fds and pieces of mappings', () => {
    const at = map(0x3000);
    process.close(3);
    const held = world.engine.live();
    process.munmap(at + 0x1000, PAGE);
    process.munmap(at, PAGE);
    process.munmap(at + 0x2000, PAGE);
    const after = world.engine.live();
    // One window; one table with the nine slots of mode `index`.
    expect(held.objects - after.objects).toBe(1 + 1 + 9);
    expect(after.nodes).toBeLessThan(held.nodes);
  });

  test('fds: the lowest free one, EMFILE when there is none, and nothing changes then', () => {
    process = world.process({ maxFds: 5 });
    expect([process.open(device), process.dup(3)]).toEqual([3, 4]);
    const live = world.engine.live();
    expect(outcome(() => process.open(device))).toBe('EMFILE');
    expect(outcome(() => process.dup(4))).toBe('EMFILE');
    expect(outcome(() => process.dup(5))).toBe('EBADF');
    expect([process.raw.dup(3), process.raw.dup(77)]).toEqual([-24, -9]);
    expect(world.engine.live()).toEqual(live);
    process.close(3);
    expect(process.open(device)).toBe(3);
    expect(process.fds).toEqual([3, 4]);
    expect(outcome(() => process.close(5))).toBe('EBADF');
  });

  test('closing one of two fds leaves the other', () => {
    const again = process.dup(3);
    process.close(3);
    expect(process.pread(again, filled(4), 0)).toBe(4);
    expect(outcome(() => process.pread(3, filled(4), 0))).toBe('EBADF');
  });

  test('exit closes and unmaps everything, once', () => {
    process.dup(3);
    map();
    process.allocate(PAGE);
    process.exit();
    process.exit();
    expect(outcome(() => process.maps())).toBe('EBADF');
  });
});

describe('regions that are destroyed under a mapping', () => {
  test('show nothing, and the mapping can still be cut and removed', () => {
    const region = world.ram(0x4000);
    process = world.open(world.device({ 0: { region } }));
    const at = process.mmap(0x4000, RW, MAP_SHARED, 3, 0);
    region.destroy();
    expect(process.memory.read32(at)).toBe(0xffff_ffff);
    expect(outcome(() => process.pread(3, { address: at, length: 4 }, 0))).toMatch(/^E/);
    process.munmap(at + 0x1000, 0x1000);
    expect(shape()).toEqual([[at, 0x1000, 0n], [at + 0x2000, 0x2000, 0x2000n]]);
    process.close(3);
    process.munmap(at, 0x4000);
    expect(shape()).toEqual([]);
    expect(world.engine.live().objects).toBeLessThanOrEqual(6 + 9 + 4);
  });
});

describe('changes from inside a hook wait for the end of the access', () => {
  test('mmap, munmap and exit', () => {
    const steps: (() => void)[] = [];
    const results: unknown[] = [];
    const region = world.region({ kind: 'hook', size: 0x1000, read: () => (results.push(outcome(() => steps.shift()!())), 5) });
    process = world.open(world.device({ 0: { region }, 1: { region: world.ram(0x1000, 1) } }));
    const at = process.mmap(0x1000, RW, MAP_SHARED, 3, 0);
    let added = 0;
    steps.push(() => {
      added = process.mmap(0x1000, RW, MAP_SHARED, 3, 1n << 40n);
    });
    expect(process.memory.read8(at)).toBe(5);
    expect(process.memory.read8(added)).toBe(1);
    steps.push(() => process.munmap(added, 0x1000));
    process.pread(3, filled(1), 0);
    expect(shape()).toEqual([[at, 0x1000, 0n]]);
    steps.push(() => process.exit());
    expect(process.memory.read8(at)).toBe(5);
    expect(results).toEqual([undefined, undefined, undefined]);
    expect(outcome(() => process.maps())).toBe('EBADF');
  });
});

describe('a full address space', () => {
  test('regions of 2^46 bytes: one fits beside what is there, the next is ENOMEM and changes nothing', () => {
    const huge = world.region({ kind: 'demand', size: 1n << 46n });
    process = world.process();
    process.open(world.device({ 0: { region: huge } }), { offsets: 'cookie' });
    const offset = 1n << 30n;
    const bytes = filled(32);
    new DataView(bytes.buffer).setUint32(0, 32, true);
    new DataView(bytes.buffer).setUint32(8, 0, true);
    process.ioctl(3, 0x3b6c, bytes);
    expect(new DataView(bytes.buffer).getBigUint64(24, true)).toBe(offset);
    const at = process.mmap(1n << 46n, RW, MAP_SHARED, 3, offset);
    expect(at % 2 ** 30).toBe(0);
    const before = [shape(), world.engine.live()];
    for (let i = 0; i < 3; i++) expect(outcome(() => process.mmap(1n << 46n, RW, MAP_SHARED, 3, offset))).toBe('ENOMEM');
    expect(process.raw.mmap(1n << 46n, RW, MAP_SHARED, 3, offset)).toBe(-12);
    expect([shape(), world.engine.live()]).toEqual(before);
    process.memory.write8(at + 2 ** 46 - 1, 0x42);
    expect(huge.read8(2n ** 46n - 1n)).toBe(0x42);
    expect(process.mmap(1n << 45n, RW, MAP_SHARED, 3, offset)).toBeLessThan(at);
    process.munmap(at, 1n << 46n);
    expect(process.mmap(1n << 46n, RW, MAP_SHARED, 3, offset)).toBe(at);
  });

  test('anonymous memory too', () => {
    expect(process.allocate(2 ** 46)).toBeGreaterThan(0);
    const live = world.engine.live();
    expect(message(() => process.allocate(2 ** 46))).toMatch(/^ENOMEM: mmap/);
    expect(message(() => process.allocate(1n << 60n))).toMatch(/^ENOMEM: mmap/);
    expect(world.engine.live()).toEqual(live);
  });

  test('the last gap is given out even where no huge page could serve it', () => {
    const whole = 2 ** 47 - 0x1000 - 0x1_0000;
    expect(process.allocate(whole)).toBe(0x1_0000);
    expect(message(() => process.allocate(1))).toMatch(/^ENOMEM/);
  });

  test('a full core: ENOMEM, and what was there stays', () => {
    const small = new World({ memoryLimit: 2 ** 20 });
    const full = small.process();
    const addresses: number[] = [];
    let failed: unknown;
    while (failed === undefined && addresses.length < 100_000) {
      const result = outcome(() => full.allocate(PAGE));
      if (typeof result === 'number') addresses.push(result);
      else failed = result;
    }
    expect(failed).toBe('ENOMEM');
    expect(full.maps().map(({ address }) => address)).toEqual([...addresses].reverse());
    expect(addresses.filter((address) => full.memory.windowAt(address) === undefined)).toEqual([]);
    expect(full.memory.windowAt(addresses.at(-1)! - PAGE)).toBeUndefined();
    full.munmap(addresses[0]!, PAGE);
    expect(full.maps()).toHaveLength(addresses.length - 1);
    small.end();
  });
});

describe('when the core has no memory for a change, nothing has changed', () => {
  // What fails is the n-th insert into the process's list of areas, or the n-th window.
  const failing = (what: 'insert' | 'map', n: number): (() => void) => {
    let left = n;
    const target: { insert?: unknown; map?: unknown } = what === 'insert' ? RangeStore.prototype : Space.prototype;
    const original = target[what] as (...args: unknown[]) => unknown;
    target[what] = function (this: unknown, ...args: unknown[]) {
      if (--left === 0) throw new VfioError('ENOMEM', 'test', 'the core is full');
      return original.apply(this, args);
    };
    return () => {
      target[what] = original;
    };
  };
  const refused = (call: () => unknown, what: 'insert' | 'map', n: number): unknown => {
    const restore = failing(what, n);
    try {
      return outcome(call);
    } finally {
      restore();
    }
  };

  test.each<['insert' | 'map', number]>([['insert', 1], ['map', 1]])('mmap, %s %i', (what, n) => {
    const before = [shape(), world.engine.live()];
    expect(refused(() => map(), what, n)).toBe('ENOMEM');
    expect(refused(() => process.allocate(PAGE), what, n)).toBe('ENOMEM');
    expect([shape(), world.engine.live()]).toEqual(before);
  });

  test.each<['insert' | 'map', number]>([['insert', 1], ['insert', 2], ['map', 1], ['map', 2]])('munmap in the middle, %s %i', (what, n) => {
    const at = map();
    process.close(3);
    const before = [shape(), world.engine.live()];
    expect(refused(() => process.munmap(at + 0x1000, 0x1000), what, n)).toBe('ENOMEM');
    expect([shape(), world.engine.live()]).toEqual(before);
    expect(process.memory.read8(at + 0x1001)).toBe(1);
    process.munmap(at, 0x8000);
    expect(shape()).toEqual([]);
  });
});
