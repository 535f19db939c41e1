// Which bus cycles a read or write of a device file makes, and what has happened when it fails midway.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Process } from '../../src/vfio/index.ts';
import { type CycleLog, World, filled, message, outcome, slot } from './support.ts';

let world: World;
let log: CycleLog;
beforeEach(() => {
  world = new World();
  log = [];
});
afterEach(() => world.end());

const counting = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => i);
const readAt = (process: Process, offset: bigint, length: number): number => process.pread(3, filled(length), offset);

describe('widths seen by a hook: 8, 4, 2 or 1 by the alignment of the region offset', () => {
  const cycles: [number, number, string[]][] = [
    [0, 8, ['8 at 0x0']],
    [0, 1, ['1 at 0x0']],
    [4, 8, ['4 at 0x4', '4 at 0x8']],
    [2, 8, ['2 at 0x2', '4 at 0x4', '2 at 0x8']],
    [1, 8, ['1 at 0x1', '2 at 0x2', '4 at 0x4', '1 at 0x8']],
    [7, 18, ['1 at 0x7', '8 at 0x8', '8 at 0x10', '1 at 0x18']],
    [3, 3, ['1 at 0x3', '2 at 0x4']],
    [0, 7, ['4 at 0x0', '2 at 0x4', '1 at 0x6']],
    [0x3c, 16, ['4 at 0x3c']],
  ];

  test.each(cycles)('at %i, %i bytes', (at, length, want) => {
    const process = world.open(world.device({ 0: { region: world.hook(counting(0x40), log) } }));
    readAt(process, BigInt(at), length);
    expect(log).toEqual(want.map((cycle) => `read ${cycle}`));
    log.length = 0;
    process.pwrite(3, new Uint8Array(length), BigInt(at));
    expect(log).toEqual(want.map((cycle) => `write ${cycle}: 0x0`));
  });

  test('values are little-endian', () => {
    const process = world.open(world.device({ 0: { region: world.hook(counting(0x40), log) } }));
    process.pwrite(3, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 0n);
    expect(log).toEqual(['write 8 at 0x0: 0x807060504030201', 'write 2 at 0x8: 0xa09']);
    const bytes = filled(12);
    expect(process.pread(3, bytes, 0n)).toBe(12);
    expect([...bytes]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 11]);
  });

  test.each([
    ['config space', 7, 'pci', ['4 at 0x0', '4 at 0x4', '4 at 0x8', '2 at 0xc']],
    ['a platform region', 7, 'platform', ['4 at 0x0', '4 at 0x4', '4 at 0x8', '2 at 0xc']],
    ['the ROM', 6, 'pci', ['8 at 0x0', '4 at 0x8', '2 at 0xc']],
    ['a device-specific region', 9, 'pci', ['8 at 0x0', '4 at 0x8', '2 at 0xc']],
  ] as const)('%s', (_, index, kind, want) => {
    const hook = { region: world.hook(counting(0x40), log) };
    const regions = kind === 'pci' ? { [index]: hook } : Object.fromEntries(Array.from({ length: index + 1 }, (_, i) => [i, hook]));
    readAt(world.open(world.device(regions, { kind })), slot(index), 14);
    expect(log).toEqual(want.map((cycle) => `read ${cycle}`));
  });

  test('ports have no cycle of 8 bytes: the lower half goes first', () => {
    const process = world.open(world.device({ 3: { region: world.hook(counting(0x20), log), ioPorts: true } }));
    const bytes = filled(10);
    expect(process.pread(3, bytes, slot(3) + 8n)).toBe(10);
    process.pwrite(3, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), slot(3));
    expect(log).toEqual(['read 4 at 0x8', 'read 4 at 0xc', 'read 2 at 0x10', 'write 4 at 0x0: 0x4030201', 'write 4 at 0x4: 0x8070605']);
    expect([...bytes]).toEqual([8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
  });

  test('a config chunk never crosses a dword', () => {
    const process = world.open(world.device({ 7: { region: world.hook(counting(0x100), log) } }));
    readAt(process, slot(7) + 2n, 9);
    expect(log).toEqual(['read 2 at 0x2', 'read 4 at 0x4', 'read 2 at 0x8', 'read 1 at 0xa']);
  });

  test('the hook of the region behind the MSI-X table never sees the table', () => {
    const device = world.device({ 0: { region: world.hook(counting(0x60), log) } }, { msix: { bar: 0, offset: 0x10, count: 2 } });
    const process = world.open(device);
    expect(readAt(process, 0xan, 0x60)).toBe(0x56);
    expect(log).toEqual(['read 2 at 0xa', 'read 4 at 0xc', ...[0x30, 0x38, 0x40, 0x48, 0x50, 0x58].map((at) => `read 8 at 0x${at.toString(16)}`)]);
  });

  test("the region's own width rule splits further", () => {
    const region = world.region({ kind: 'hook', size: 16, maxWidth: 2, read: (at, width) => (log.push(`read ${width} at ${at}`), 0) });
    readAt(world.open(world.device({ 0: { region } })), 4n, 4);
    expect(log).toEqual(['read 2 at 4', 'read 2 at 6']);
  });

  test('a register bank that refuses narrow cycles sees the same cycles whatever its backing', () => {
    const region = world.region({ kind: 'ram', size: 32, minWidth: 4 });
    region.bytes().fill(0x11);
    const process = world.open(world.device({ 0: { region } }));
    const bytes = filled(8);
    process.pread(3, bytes, 2n);
    // Two bytes at 2, four at 4, two at 8.
    expect([...bytes]).toEqual([0xff, 0xff, 0x11, 0x11, 0x11, 0x11, 0xff, 0xff]);
    expect(region.refused).toBe(2);
  });
});

describe('failing midway: earlier cycles have happened, the count is lost, the position stays', () => {
  test('the gate closes under a write', () => {
    let isEnabled = true;
    const bytes = counting(0x40);
    const region = world.hook(bytes, log, (at) => {
      if (at === 8) isEnabled = false;
    });
    const process = world.open(world.device({ 0: { region } }, { memoryEnabled: () => isEnabled }));
    expect(process.write(3, Uint8Array.of(9, 9, 9, 9))).toBe(4);
    expect(outcome(() => process.write(3, new Uint8Array(28).fill(7)))).toBe('EIO');
    expect(log).toEqual(['write 4 at 0x0: 0x9090909', 'write 4 at 0x4: 0x7070707', `write 8 at 0x8: 0x${'07'.repeat(8).slice(1)}`]);
    isEnabled = true;
    log.length = 0;
    expect(process.read(3, filled(4))).toBe(4);
    expect(log).toEqual(['read 4 at 0x4']);
  });

  test('the gate closes under a read', () => {
    let isEnabled = true;
    const region = world.hook(counting(0x40), log, (at) => {
      isEnabled = at < 0x10;
    });
    const process = world.open(world.device({ 0: { region } }, { memoryEnabled: () => isEnabled }));
    expect(outcome(() => readAt(process, 8n, 0x20))).toBe('EIO');
    expect(log).toEqual(['read 8 at 0x8', 'read 8 at 0x10']);
    expect(outcome(() => process.read(3, filled(1)))).toBe('EIO');
    isEnabled = true;
    expect(process.read(3, filled(1))).toBe(1);
    expect(log.at(-1)).toBe('read 1 at 0x0');
  });

  test('the gate closes under a platform region, a config region: it is not asked', () => {
    const region = world.hook(counting(0x40), log);
    let asked = 0;
    const memoryEnabled = (): boolean => (asked++, false);
    for (const [kind, index] of [['pci', 7], ['platform', 0]] as const) expect(readAt(world.open(world.device({ [index]: { region } }, { kind, memoryEnabled })), slot(index), 8)).toBe(8);
    expect(asked).toBe(0);
  });

  test('what a hook throws comes out of the call; raw calls say EIO', () => {
    const region = world.hook(counting(0x40), log, (at) => {
      if (at === 8) throw new Error('the model broke');
    });
    const process = world.open(world.device({ 0: { region } }));
    expect(message(() => process.read(3, filled(16)))).toBe('the model broke');
    expect(process.raw.read(3, filled(16))).toBe(-5);
    expect(log).toEqual(['read 8 at 0x0', 'read 8 at 0x0']);
    expect(process.read(3, filled(8))).toBe(8);
    expect(process.raw.write(3, filled(8))).toBe(-5);
  });

  test('a TypeError of a device model is EIO in a raw call, not the EINVAL of a bad argument', () => {
    const region = world.hook(counting(0x10), log, () => {
      throw new TypeError('the model broke');
    });
    const process = world.open(world.device({ 0: { region } }));
    expect(process.raw.read(3, filled(4))).toBe(-5);
    expect(process.raw.read(3, 'no buffer' as never)).toBe(-22);
  });

  test('a hook that reads its own region through the file gets EDEADLK and the outer read goes on', () => {
    const inner: unknown[] = [];
    const region = world.hook(counting(0x10), log, () => {
      inner.push(outcome(() => process.pread(3, filled(1), 0n)));
    });
    const process = world.open(world.device({ 0: { region } }));
    expect(readAt(process, 0n, 4)).toBe(4);
    expect(inner).toEqual(['EDEADLK']);
  });
});

describe('position of the open file', () => {
  test('moves by the count, also where it was cut, and not at all on failure', () => {
    const process = world.open(world.device({ 0: { region: world.ram(10) } }));
    const bytes = filled(4);
    expect([process.read(3, bytes), [...bytes]]).toEqual([4, [0, 1, 2, 3]]);
    expect(process.write(3, Uint8Array.of(0xe, 0xf))).toBe(2);
    expect(process.pread(3, bytes, 0)).toBe(4);
    expect(process.read(3, filled(0))).toBe(0);
    const rest = filled(8);
    expect([process.read(3, rest), [...rest]]).toEqual([4, [6, 7, 8, 9, 0xaa, 0xaa, 0xaa, 0xaa]]);
    expect(outcome(() => process.read(3, bytes))).toBe('EINVAL');
    expect(outcome(() => process.write(3, bytes))).toBe('EINVAL');
    expect(process.read(3, filled(0))).toBe(0);
  });

  test('is shared by dup, not by a second open', () => {
    const device = world.device({ 0: { region: world.ram(16) } });
    const process = world.open(device);
    const [again, other] = [process.dup(3), process.open(device)];
    const at = (fd: number): number => {
      const byte = new Uint8Array(1);
      process.read(fd, byte);
      return byte[0]!;
    };
    expect([at(3), at(again), at(other), at(3)]).toEqual([0, 1, 0, 2]);
  });

  test('lseek is ESPIPE; of a closed fd EBADF', () => {
    const process = world.open(world.device({}));
    expect([outcome(() => process.lseek(3)), outcome(() => process.lseek(4)), process.raw.lseek(3), process.raw.lseek(4)]).toEqual(['ESPIPE', 'EBADF', -29, -9]);
  });

  test('read-only files: writes are EBADF, at any length; a negative offset is EINVAL before that', () => {
    const process = world.process();
    const fd = process.open(world.device({ 0: { region: world.ram(16) } }), { readOnly: true });
    for (const offset of [0n, slot(99)]) for (const length of [0, 4]) expect(outcome(() => process.pwrite(fd, filled(length), offset))).toBe('EBADF');
    expect(outcome(() => process.write(fd, filled(4)))).toBe('EBADF');
    expect(outcome(() => process.pwrite(fd, filled(4), 1n << 63n))).toBe('EINVAL');
    expect(outcome(() => process.pwrite(99, filled(4), 1n << 63n))).toBe('EINVAL');
    expect(outcome(() => process.pread(99, filled(4), 1n << 63n))).toBe('EINVAL');
    const bytes = filled(2);
    expect([process.read(fd, bytes), [...bytes]]).toEqual([2, [0, 1]]);
  });
});
