// What a load or store through a mapping does where it may not simply reach the device (sections 4.6 and 4.7): SIGBUS while the memory gate is closed, SIGSEGV for what the mapping's
// protection does not allow, EFAULT for a call that reaches the program's memory for it.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type PciDevice, capability, pciDevice } from '../../src/pci/index.ts';
import { VFIO_DEVICE_FEATURE, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, VFIO_DEVICE_FEATURE_SET, VFIO_DEVICE_GET_INFO, VFIO_DEVICE_RESET, vfio_device_feature } from '../../src/uapi/index.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE, type Process, VfioFault } from '../../src/vfio/index.ts';
import { type CycleLog, PAGE, World, filled, outcome, slot } from './support.ts';

const RW = PROT_READ | PROT_WRITE;

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

/** What an access does: `done`, or its signal and what it did. */
function ends(access: () => unknown): string {
  try {
    access();
  } catch (error) {
    if (error instanceof VfioFault) return `${error.signal} ${error.access} ${error.address.toString(16)}`;
    return (error as Error).message;
  }
  return 'done';
}

describe('4.6: what zaps', () => {
  let card: PciDevice;
  let process: Process;
  let bar: number;
  const PM = 0x40;
  const EXP = 0x48;
  const AF = 0x84;
  const config = (at: number, ...bytes: number[]): number => process.pwrite(3, Uint8Array.from(bytes), slot(7) + BigInt(at));

  beforeEach(() => {
    card = pciDevice(world.engine, {
      id: [1, 2], class: 0, bars: { 0: { memory: 0x4000 }, 2: { memory: 0x1000 } },
      capabilities: [capability.powerManagement({ keepsState: true }), capability.express({ at: EXP }), capability.advancedFeatures({ at: AF })],
    });
    card.function.config.write16(4, 6);
    process = world.open(card.vfio);
    bar = process.mmap(0x4000, RW, MAP_SHARED, 3, 0);
  });
  afterEach(() => {
    process.exit();
    card.destroy();
  });

  test('COMMAND.MEM 0, for as long as it is; in all mappings of all files and processes', () => {
    const other = world.open(card.vfio);
    const elsewhere = other.mmap(0x1000, RW, MAP_SHARED, 3, slot(2));
    const second = process.open(card.vfio);
    const again = process.mmap(0x2000, RW, MAP_SHARED, second, 0x2000);
    process.memory.write32(bar + 0x2008, 5);
    const seen = (): string[] => [
      ends(() => process.memory.read32(bar + 0x2008)), ends(() => process.memory.write8(again + 1, 1)), ends(() => other.memory.read64(elsewhere + 0x18)),
    ];
    config(4, 0);
    expect(seen()).toEqual([`SIGBUS read ${(bar + 0x2008).toString(16)}`, `SIGBUS write ${(again + 1).toString(16)}`, `SIGBUS read ${(elsewhere + 0x18).toString(16)}`]);
    expect(message()).toBe(`SIGBUS: read at 0x${bar.toString(16)}: 0000:00:00.0 does not answer memory accesses: COMMAND.MEM was cleared`);
    config(4, 2);
    expect([...seen(), process.memory.read32(again + 8), process.memory.windowAt(bar)?.region.name]).toEqual(['done', 'done', 'done', 5, '00:00.0 BAR 0']);
    expect(process.memory.windowAt(bar)).toMatchObject({ position: 0n, size: 0x4000n });
  });

  const message = (): string => {
    try {
      process.memory.read8(bar);
    } catch (error) {
      return (error as Error).message;
    }
    return 'done';
  };

  test.each<[string, () => unknown, string]>([
    ['COMMAND.MEM 0, written with STATUS', () => config(4, 0, 0, 0, 0), 'SIGBUS'],
    ['the second byte of COMMAND', () => config(5, 0), 'done'],
    ['D3hot', () => config(PM + 4, 3), 'SIGBUS'],
    ['an FLR, by Express', () => config(EXP + 8, 0, 0x80), 'done'],
    ['an FLR, by AF', () => config(AF + 4, 1), 'done'],
    ['VFIO_DEVICE_RESET', () => process.ioctl(3, VFIO_DEVICE_RESET), 'done'],
    ['the device, of its own', () => card.vfio.zap(), 'done'],
  ])('%s', (_, act, want) => {
    process.memory.write32(bar, 1);
    act();
    // A reset leaves COMMAND as it was: the page comes back when it is touched.
    const isThere = want === 'done' && _ !== 'the second byte of COMMAND';
    expect(process.memory.windowAt(bar)?.region.name).toBe(isThere || want === 'SIGBUS' ? '00:00.0 BAR 0, guarded' : '00:00.0 BAR 0');
    expect(ends(() => process.memory.read32(bar)).split(' ')[0]).toBe(want);
    expect(process.memory.windowAt(bar)?.region.name).toBe(want === 'done' ? '00:00.0 BAR 0' : '00:00.0 BAR 0, guarded');
  });

  test('LOW_POWER_ENTRY, until LOW_POWER_EXIT; reads through the fd go on', () => {
    const feature = (which: number): number => process.ioctl(3, VFIO_DEVICE_FEATURE, vfio_device_feature.encode({ argsz: 8, flags: VFIO_DEVICE_FEATURE_SET | which }));
    process.memory.write32(bar + 4, 5);
    expect(feature(VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY)).toBe(0);
    const bytes = new Uint8Array(4);
    expect([ends(() => process.memory.read32(bar)), process.pread(3, bytes, 4), bytes[0], ends(() => process.memory.read32(bar))]).toEqual([`SIGBUS read ${bar.toString(16)}`, 4, 5, `SIGBUS read ${bar.toString(16)}`]);
    expect(message()).toContain('its user lets it sleep');
    expect([feature(VFIO_DEVICE_FEATURE_LOW_POWER_EXIT), process.memory.read32(bar + 4)]).toEqual([0, 5]);
  });

  test('mapped while the gate is closed: the first access after it opens finds the page', () => {
    config(4, 0);
    const late = process.mmap(0x1000, RW, MAP_SHARED, 3, slot(2));
    expect(ends(() => process.memory.read8(late))).toBe(`SIGBUS read ${late.toString(16)}`);
    config(4, 2);
    process.memory.write32(late + 4, 7);
    expect(process.memory.read32(late + 4)).toBe(7);
  });

  test('a mapping cut in two faults in both, and each comes back', () => {
    process.munmap(bar + 0x1000, 0x1000);
    config(4, 0);
    expect([bar, bar + 0x2000].map((at) => ends(() => process.memory.read8(at)))).toEqual([`SIGBUS read ${bar.toString(16)}`, `SIGBUS read ${(bar + 0x2000).toString(16)}`]);
    process.munmap(bar + 0x3000, 0x1000);
    config(4, 2);
    process.memory.write8(bar + 0x2fff, 9);
    expect(card.bar(0 as never)).toBeDefined();
    expect([process.memory.read8(bar + 0x2fff), process.maps().map(({ length }) => length)]).toEqual([9, [0x1000, 0x1000]]);
  });

  test('a call that reaches the program\'s memory there is EFAULT, and the cycles before it have happened', () => {
    config(4, 0);
    expect([outcome(() => process.pread(3, { address: bar, length: 4 }, slot(7))), outcome(() => process.ioctl(3, VFIO_DEVICE_GET_INFO, bar))]).toEqual(['EFAULT', 'EFAULT']);
    const plain = process.allocate(PAGE);
    expect(outcome(() => process.pread(3, { address: plain, length: 4 }, slot(7)))).toBe(4);
  });

  test('the mapping outlives its fd, and its pages are still taken away', () => {
    const second = process.open(card.vfio);
    process.close(3);
    process.pwrite(second, Uint8Array.of(0), slot(7) + 4n);
    expect(ends(() => process.memory.read8(bar))).toBe(`SIGBUS read ${bar.toString(16)}`);
    process.pwrite(second, Uint8Array.of(2), slot(7) + 4n);
    expect(ends(() => process.memory.read8(bar))).toBe('done');
  });
});

describe('4.7: protection', () => {
  const mapped = (process: Process, protection: number): string[] => {
    const address = process.mmap(PAGE, protection, MAP_SHARED, 3, 0);
    const at = address.toString(16);
    return [ends(() => process.memory.read32(address)), ends(() => process.memory.write32(address, 1))].map((end) => end.replace(` ${at}`, ''));
  };

  test.each<[string, number, string[]]>([
    ['nothing', 0, ['SIGSEGV read', 'SIGSEGV write']],
    ['reading', PROT_READ, ['done', 'SIGSEGV write']],
    ['writing is reading, too', PROT_WRITE, ['done', 'done']],
    ['both', RW, ['done', 'done']],
    ['executing is reading, too', PROT_EXEC, ['done', 'SIGSEGV write']],
  ])('%s', (_, protection, want) => {
    expect(mapped(world.open(world.device({ 0: { region: world.ram(PAGE) } })), protection)).toEqual(want);
  });

  test('anonymous memory has it, too, and calls see EFAULT', () => {
    const process = world.open(world.device({ 0: { region: world.ram(PAGE) } }));
    const address = process.mmap(PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
    expect([process.memory.read32(address), ends(() => process.memory.write8(address, 1))]).toEqual([0, `SIGSEGV write ${address.toString(16)}`]);
    expect([outcome(() => process.pread(3, { address, length: 4 }, 0)), outcome(() => process.pwrite(3, { address, length: 4 }, 0))]).toEqual(['EFAULT', 4]);
  });

  test('what is not allowed comes before what is not there', () => {
    let isOpen = true;
    const process = world.open(world.device({ 0: { region: world.ram(PAGE) } }, { memoryEnabled: () => isOpen }));
    const address = process.mmap(PAGE, PROT_READ, MAP_SHARED, 3, 0);
    isOpen = false;
    expect([ends(() => process.memory.write8(address, 1)), ends(() => process.memory.read8(address))]).toEqual([`SIGSEGV write ${address.toString(16)}`, `SIGBUS read ${address.toString(16)}`]);
  });

  test('a read-only mapping sees the same cycles as another', () => {
    const log: CycleLog = [];
    const process = world.open(world.device({ 0: { region: world.hook(new Uint8Array(PAGE), log) } }));
    const addresses = [PROT_READ, RW].map((protection) => process.mmap(PAGE, protection, MAP_SHARED, 3, 0));
    const logs = addresses.map((address) => {
      log.length = 0;
      process.memory.read16(address + 2);
      process.memory.readBytes(address + 5, new Uint8Array(9));
      return [...log];
    });
    expect(logs[0]).toEqual(logs[1]);
  });
});

test('a device that closes its gate in the middle of an access through a mapping: that access ends well, the next one faults', () => {
  let isOpen = true;
  const log: CycleLog = [];
  const region = world.hook(new Uint8Array(PAGE), log, () => {
    isOpen = false;
    device.zap();
  });
  const device = world.device({ 0: { region } }, { memoryEnabled: () => isOpen });
  const process = world.open(device);
  const address = process.mmap(PAGE, RW, MAP_SHARED, 3, 0);
  expect([ends(() => process.memory.write32(address, 1)), ends(() => process.memory.write32(address, 2)), log.length]).toEqual(['done', `SIGBUS write ${address.toString(16)}`, 1]);
  isOpen = true;
  expect([ends(() => process.memory.write32(address, 3)), log.length]).toEqual(['done', 2]);
  expect(ends(() => process.memory.write32(address, 4))).toBe(`SIGBUS write ${address.toString(16)}`);
});

test('platform and device-specific regions are never taken away', () => {
  const process = world.open(world.device({ 9: { region: world.ram(PAGE), mmap: true } }, { memoryEnabled: () => false }));
  const address = process.mmap(PAGE, RW, MAP_SHARED, 3, slot(9));
  expect(process.memory.read8(address + 1)).toBe(1);
  expect(outcome(() => process.pread(3, filled(1), slot(9)))).toBe(1);
});
