// Reads and writes of 1, 2 and 4 bytes go a short way where they can: nobody can tell, by result, errno, bytes, cycles or what the model is asked.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type OpenOptions, type Process } from '../../src/vfio/index.ts';
import { type CycleLog, World, offsetOf, outcome } from './support.ts';

const SIZE = 0x44;
const REGIONS = [0, 1, 2, 3, 4, 6, 7, 9, 10] as const;

/** One machine: bytes behind hooks that write down their cycles, a region of RAM, one that throws, and all kinds of region. */
class Machine {
  readonly world = new World();
  readonly cycles: CycleLog = [];
  readonly process: Process;
  readonly offsets: ReadonlyMap<number, bigint>;
  isEnabled = true;
  private readonly buffer: number;

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
      { msix: { bar: 0, offset: 0x20, count: 1 }, memoryEnabled: () => this.isEnabled },
    );
    this.process = world.open(device, options);
    this.offsets = new Map(REGIONS.map((index) => [index, offsetOf(this.process, index)]));
    this.buffer = this.process.allocate(4096);
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
  position: fc.oneof(fc.nat(SIZE + 4), fc.constantFrom(0x1ff, 0x1000)),
  bytes: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(1, 2, 4) }, { weight: 1, arbitrary: fc.constantFrom(0, 3, 8) }).chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
  asNumber: fc.boolean(),
  isEnabled: fc.boolean(),
});

describe.each(['index', 'cookie', 'scattered'] as const)('offsets of mode %s', (mode) => {
  test('short and long agree', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), fc.boolean(), (steps, readOnly) => {
        const [one, other] = [new Machine({ offsets: mode, readOnly }), new Machine({ offsets: mode, readOnly })];
        for (const { writes, index, position, bytes, asNumber, isEnabled } of steps) {
          one.isEnabled = other.isEnabled = isEnabled;
          const expected = other.long(writes, other.offsets.get(index)! + BigInt(position), bytes.slice());
          expect(one.short(writes, one.offsets.get(index)! + BigInt(position), bytes.slice(), asNumber)).toEqual(expected);
        }
        expect(one.cycles).toEqual(other.cycles);
        one.world.end();
        other.world.end();
      }),
      { numRuns: 150 },
    );
  });
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
