// pread and pwrite of the VGA windows, region 8 (section 4.4): one window per call, no memory gate, the widths of section 4.3.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Process } from '../../src/vfio/index.ts';
import { type CycleLog, World, filled, outcome, slot } from './support.ts';

let world: World;
let log: CycleLog;
let process: Process;

beforeEach(() => {
  world = new World();
  log = [];
  process = world.open(world.device({ 8: { region: world.hook(new Uint8Array(0xc_0000), log) } }, { memoryEnabled: () => false }));
});
afterEach(() => world.end());

describe('4.4: count or errno', () => {
  test.each<[string, number, number, number | string]>([
    ['below the monochrome ports', 0x3af, 1, 'EINVAL'],
    ['the first of them', 0x3b0, 1, 1],
    ['the last of them, clipped', 0x3bb, 4, 1],
    ['between the ports', 0x3bc, 1, 'EINVAL'],
    ['its last byte', 0x3bf, 4, 'EINVAL'],
    ['the first of the colour ports', 0x3c0, 2, 2],
    ['all of them, clipped', 0x3c0, 0x40, 0x20],
    ['behind them', 0x3e0, 1, 'EINVAL'],
    ['below the memory', 0x9_ffff, 2, 'EINVAL'],
    ['its first bytes', 0xa_0000, 4, 4],
    ['its last bytes, clipped', 0xb_fffc, 8, 4],
    ['behind it', 0xc_0000, 1, 'EINVAL'],
    ['far behind it', 0xff_ffff_ffff, 1, 'EINVAL'],
    ['nothing between the ports', 0x3bc, 0, 0],
  ])('%s', (_, at, length, want) => {
    const offset = slot(8) + BigInt(at);
    expect([outcome(() => process.pread(3, filled(length), offset)), outcome(() => process.pwrite(3, filled(length), offset))]).toEqual([want, want]);
  });

  test('a device without VGA', () => {
    const other = world.open(world.device({}));
    expect(outcome(() => other.pread(3, filled(1), slot(8) + 0x3c0n))).toBe('EINVAL');
  });
});

test('ports in cycles of 4 at most, memory of 8', () => {
  process.pread(3, filled(12), slot(8) + 0x3c0n);
  process.pread(3, filled(11), slot(8) + 0xa_0006n);
  expect(log).toEqual([
    'read 4 at 0x3c0', 'read 4 at 0x3c4', 'read 4 at 0x3c8',
    'read 2 at 0xa0006', 'read 8 at 0xa0008', 'read 1 at 0xa0010',
  ]);
});
