// Reads and writes of 1, 2 and 4 bytes go a short way where they can: nobody can tell, by result, errno, bytes, cycles or what the model is asked.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { VFIO_DEVICE_FEATURE } from '../../src/uapi/index.ts';
import { type OpenOptions, type Process } from '../../src/vfio/index.ts';
import { ShortAccess } from '../../src/vfio/short-access.ts';
import { type CycleLog, World, offsetOf, outcome } from './support.ts';

const SIZE = 0x44;
const REGIONS = [0, 1, 2, 3, 4, 6, 7, 9, 10] as const;
const LOW_POWER_ENTRY_WITH_WAKEUP = 0x2_0004;

/** How often the short way was gone to its end. */
let shorts = 0;
beforeEach(() => {
  shorts = 0;
  const { move } = ShortAccess.prototype;
  jest.spyOn(ShortAccess.prototype, 'move').mockImplementation(function (this: ShortAccess, ...args) {
    const moved = move.apply(this, args);
    if (moved > 0) shorts++;
    return moved;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** One machine: bytes behind hooks that write down their cycles, a region of RAM, one that throws, and all kinds of region. */
class Machine {
  readonly world = new World();
  readonly cycles: CycleLog = [];
  readonly process: Process;
  readonly offsets: ReadonlyMap<number, bigint>;
  isEnabled = true;
  /** How often the model was asked whether memory is on. */
  asked = 0;
  private readonly buffer: number;
  private readonly wakeup: number;

  constructor(options: OpenOptions) {
    const { world, cycles } = this;
    const hook = (start: number) => world.hook(Uint8Array.from({ length: SIZE }, (_, i) => i + start), cycles);
    const failing = world.region({ kind: 'hook', size: SIZE, read: () => { throw new Error('the model is out of order'); }, write: () => { throw new Error('the model is out of order'); } });
    const device = world.device(
      {
        0: { region: hook(0) },
        1: { region: world.ram(SIZE, 40) },
        2: { region: hook(80), ioPorts: true },
        3: { region: hook(120), writable: false },
        4: { region: failing },
        6: { region: world.region({ kind: 'rom', size: SIZE, contents: new Uint8Array(SIZE).fill(3) }) },
        7: { region: world.ram(0x100) },
        9: { region: hook(160) },
        10: { region: world.ram(SIZE, 200), writable: false },
      },
      { msix: { bar: 0, offset: 0x20, count: 1 }, memoryEnabled: () => (this.asked++, this.isEnabled) },
    );
    this.process = world.open(device, options);
    this.offsets = new Map(REGIONS.map((index) => [index, offsetOf(this.process, index)]));
    this.buffer = this.process.allocate(4096);
    this.wakeup = this.process.eventfd();
  }

  sleep(): void {
    const entry = new Uint8Array(new Int32Array([16, LOW_POWER_ENTRY_WITH_WAKEUP, this.wakeup, 0]).buffer);
    this.process.raw.ioctl(3, VFIO_DEVICE_FEATURE, entry);
  }

  /** How often it was woken since it was asked last. */
  wakeups(): number {
    const bytes = new Uint8Array(8);
    return this.process.raw.read(this.wakeup, bytes) === 8 ? bytes[0]! : 0;
  }

  /** Bytes as bytes, the offset as a number: what may go the short way. */
  short(writes: boolean, offset: bigint, bytes: Uint8Array, asNumber: boolean): unknown {
    const at = asNumber && offset <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(offset) : offset;
    return [outcome(() => (writes ? this.process.pwrite(3, bytes, at) : this.process.pread(3, bytes, at))), [...bytes]];
  }

  /** The same bytes in the process's memory: the long way. */
  long(writes: boolean, offset: bigint, bytes: Uint8Array): unknown {
    const { memory } = this.process;
    memory.writeBytes(this.buffer, bytes);
    const place = { address: this.buffer, length: bytes.length };
    const result = outcome(() => (writes ? this.process.pwrite(3, place, offset) : this.process.pread(3, place, offset)));
    return [result, [...memory.readBytes(this.buffer, bytes.slice())]];
  }
}

const step = fc.record({
  writes: fc.boolean(),
  index: fc.constantFrom(...REGIONS),
  position: fc.oneof(fc.nat(SIZE + 4), { weight: 3, arbitrary: fc.nat(16).map((word) => 4 * word) }, fc.constantFrom(0x1ff, 0x1000)),
  bytes: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(1, 2, 4) }, { weight: 1, arbitrary: fc.constantFrom(0, 3, 8) }).chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
  asNumber: fc.boolean(),
  isEnabled: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.boolean()),
  sleeps: fc.boolean(),
});

describe.each(['index', 'cookie', 'scattered'] as const)('offsets of mode %s', (mode) => {
  test('short and long agree', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), fc.boolean(), (steps, readOnly) => {
        const [one, other] = [new Machine({ offsets: mode, readOnly }), new Machine({ offsets: mode, readOnly })];
        for (const { writes, index, position, bytes, asNumber, isEnabled, sleeps } of steps) {
          one.isEnabled = other.isEnabled = isEnabled;
          if (sleeps) for (const machine of [one, other]) machine.sleep();
          const expected = other.long(writes, other.offsets.get(index)! + BigInt(position), bytes.slice());
          expect(one.short(writes, one.offsets.get(index)! + BigInt(position), bytes.slice(), asNumber)).toEqual(expected);
          expect([one.asked, one.wakeups()]).toEqual([other.asked, other.wakeups()]);
        }
        expect(one.cycles).toEqual(other.cycles);
        one.world.end();
        other.world.end();
      }),
      { numRuns: 150 },
    );
    expect(shorts).toBeGreaterThan(100);
  });

  test.each(REGIONS)('region %i: which way', (index) => {
    const machine = new Machine({ offsets: mode });
    const goes = (at: number, length: number): unknown => {
      shorts = 0;
      machine.short(false, machine.offsets.get(index)! + BigInt(at), new Uint8Array(length), false);
      return shorts;
    };
    const isShort = index !== 4 && index !== 6 && index !== 7;
    expect([goes(4, 4), goes(6, 2), goes(7, 1)]).toEqual(isShort ? [1, 1, 1] : [0, 0, 0]);
    // Unaligned, wide, none, half outside; the MSI-X table of region 0.
    expect([goes(2, 4), goes(0, 8), goes(0, 0), goes(SIZE, 4), goes(0x24, 4)]).toEqual([0, 0, 0, 0, isShort && index !== 0 ? 1 : 0]);
    machine.world.end();
  });
});

test('a platform device goes the same way, and one of the CDX bus is EINVAL as before', () => {
  const world = new World();
  const open = (kind: 'platform' | 'cdx') => world.open(world.device({ 0: { region: world.ram(SIZE, 1) } }, { kind }));
  const bytes = new Uint8Array(2);
  expect([open('platform').pread(3, bytes, 4), [...bytes], shorts, outcome(() => open('cdx').pread(3, bytes, 4))]).toEqual([2, [5, 6], 1, 'EINVAL']);
  world.end();
});

test('what a model throws is EIO of the raw call on the short way too', () => {
  const machine = new Machine({});
  expect(machine.process.raw.pread(3, new Uint8Array(4), machine.offsets.get(4)!)).toBe(-5);
  expect(() => machine.process.pread(3, new Uint8Array(4), machine.offsets.get(4)!)).toThrow('the model is out of order');
  machine.world.end();
});

test('numbers that are no offsets are refused as before', () => {
  const machine = new Machine({});
  for (const offset of [-1, 0.5, NaN, 2 ** 53, -1n, 1n << 64n]) expect(outcome(() => machine.process.pread(3, new Uint8Array(4), offset))).toMatch(/^(Type|Range)Error$/);
  expect(outcome(() => machine.process.pread(3, new Uint8Array(4), 1n << 63n))).toBe('EINVAL');
  machine.world.end();
});

test('a file that was closed is EBADF, and so is a process that has ended', () => {
  const machine = new Machine({});
  machine.process.close(3);
  expect(outcome(() => machine.process.pread(3, new Uint8Array(4), 0))).toBe('EBADF');
  machine.process.exit();
  expect(outcome(() => machine.process.pread(3, new Uint8Array(4), 0))).toBe('EBADF');
  machine.world.end();
});
