// What happens when the code of a device, of an importer or of a listener throws: the rest of what was begun is done or undone, and raw calls say EIO.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VFIO_DEVICE_FEATURE, VFIO_DEVICE_RESET, VFIO_DEVICE_SET_IRQS } from '../../src/uapi/index.ts';
import { HotResetSet, type InterruptHardware, MAP_SHARED, PROT_READ, PROT_WRITE, type Process, type VfioDevice, type VfioDeviceDescription } from '../../src/vfio/index.ts';
import { ConfigBench } from './config-support.ts';
import { GET, S, SET, TestModel, setState, stateOf } from './migration-model.ts';
import { PAGE, World, message, outcome } from './support.ts';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

const broken = (): never => {
  throw new TypeError('out of order');
};
const words = (...list: number[]): Uint8Array => new Uint8Array(new Int32Array(list).buffer);
const make = (more: Partial<VfioDeviceDescription> = {}): VfioDevice => world.device({ 0: { region: world.ram(0x4000) } }, more);

describe('importers of a dma-buf that throw', () => {
  const bytesOf = (offset: number): Uint8Array => new Uint8Array([...words(40, GET | 11, 0, 2, 0, 1), ...new Uint8Array(new BigUint64Array([BigInt(offset), BigInt(PAGE)]).buffer)]);
  const image = { 0x00: [1, 0, 2, 0, 2, 0] };
  let bench: ConfigBench;
  let process: Process;
  let fds: number[];
  beforeEach(() => {
    bench = new ConfigBench(world, image);
    process = bench.process;
    process.close(3);
    expect(process.open(bench.device, { uapi: 'v7.2' })).toBe(3);
    fds = [0, 0x1000].map((offset) => process.ioctl(3, VFIO_DEVICE_FEATURE, bytesOf(offset)));
  });

  test('4.6: the gate closes, pages go and all others are told all the same', () => {
    const moves: boolean[] = [];
    const address = process.mmap(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
    const detach = process.dmaBuf(fds[0]!).attach({ peerToPeer: true, onMove: broken });
    for (const fd of fds) process.dmaBuf(fd).attach({ peerToPeer: true, onMove: (isRevoked) => moves.push(isRevoked) });
    expect(message(() => process.pwrite(3, Uint8Array.of(0, 0), (7n << 40n) + 4n))).toBe('out of order');
    expect([moves, fds.map((fd) => process.dmaBuf(fd).isRevoked)]).toEqual([[true, true], [true, true]]);
    expect(outcome(() => process.memory.read32(address))).not.toEqual(expect.any(Number));
    detach();
  });

  test('7.4: after the last close a buffer never comes back', () => {
    const [one, other] = fds.map((fd) => process.dmaBuf(fd));
    one!.attach({ peerToPeer: true, onMove: broken });
    expect(message(() => process.close(3))).toBe('out of order');
    expect(process.open(bench.device, { uapi: 'v7.2' })).toBe(3);
    process.pwrite(3, Uint8Array.of(2, 0), (7n << 40n) + 4n);
    expect([one!.isRevoked, other!.isRevoked]).toEqual([true, true]);
  });

  test('one that closes the gate again when it is told: the others stay revoked', () => {
    const [one, other] = fds.map((fd) => process.dmaBuf(fd));
    one!.attach({ peerToPeer: true, onMove: (isRevoked) => isRevoked || process.pwrite(3, Uint8Array.of(0, 0), (7n << 40n) + 4n) });
    process.pwrite(3, Uint8Array.of(0, 0), (7n << 40n) + 4n);
    process.pwrite(3, Uint8Array.of(2, 0), (7n << 40n) + 4n);
    expect([one!.isRevoked, other!.isRevoked]).toEqual([true, true]);
  });

  test('9: LOW_POWER_ENTRY_WITH_WAKEUP: the pread that wakes the device gives it back', () => {
    const eventfd = process.eventfd();
    process.ioctl(3, VFIO_DEVICE_FEATURE, words(16, SET | 4, eventfd, 0));
    expect(process.dmaBuf(fds[0]!).isRevoked).toBe(true);
    process.pread(3, new Uint8Array(4), 0);
    expect(process.dmaBuf(fds[0]!).isRevoked).toBe(false);
  });

  test('9: open_flags are those of the file: EBADF, EACCES', () => {
    const open = (flags: number): number => {
      const bytes = bytesOf(0);
      bytes[12] = flags;
      return process.ioctl(3, VFIO_DEVICE_FEATURE, bytes);
    };
    const calls = (fd: number): unknown[] => [
      outcome(() => process.read(fd, new Uint8Array(1))), outcome(() => process.write(fd, new Uint8Array(1))), outcome(() => process.mmap(PAGE, PROT_READ, MAP_SHARED, fd)), outcome(() => process.mmap(PAGE, PROT_WRITE, MAP_SHARED, fd)),
    ];
    expect([0, 1, 2].map((flags) => calls(open(flags)))).toEqual([['EINVAL', 'EBADF', 'EINVAL', 'EACCES'], ['EBADF', 'EINVAL', 'EACCES', 'EACCES'], ['EINVAL', 'EINVAL', 'EINVAL', 'EINVAL']]);
  });
});

describe('resets', () => {
  // Power management at 0x40: D0 to D3hot; PCI Express at 0x48 with function level reset.
  const image = { 0x00: [1, 0, 2, 0, 2, 0], 0x06: [0x10], 0x34: [0x40], 0x40: [1, 0x48, 3, 0], 0x48: [0x10, 0, 2, 0, 0, 0, 0, 0x10] };

  test('1.8: with the lock held the function is in D0 all the same', () => {
    let resetBusy = false;
    const bench = new ConfigBench(world, image, { more: { reset: true, resetBusy: () => resetBusy } });
    bench.write(0x44, '03');
    resetBusy = true;
    expect([bench.read(0x44, 1), outcome(() => bench.process.ioctl(3, VFIO_DEVICE_RESET)), bench.read(0x44, 1), bench.hardware(0x44, 1)]).toEqual(['03', 'EAGAIN', '00', '00']);
    resetBusy = false;
  });

  test('1.8: configuration space is as it was also after a reset that throws', () => {
    let breaks = false;
    const bench: ConfigBench = new ConfigBench(world, image, {
      more: {
        reset: true,
        onReset: () => {
          if (!breaks) return;
          bench.registers.write32(0x10, 0);
          broken();
        },
      },
    });
    bench.registers.write32(0x10, 0xfe00_0000);
    breaks = true;
    expect([bench.process.raw.ioctl(3, VFIO_DEVICE_RESET), bench.hardware(0x10, 4)]).toEqual([-5, '000000fe']);
    breaks = false;
  });

  test('3.4: a function level reset through configuration space ends the session, and ERROR', () => {
    const migration = new TestModel();
    const { process, write } = ((bench) => ({ process: bench.process, write: () => bench.write(0x50, '0080') }))(new ConfigBench(world, image, { more: { reset: true, migration } }));
    const { fd } = setState(process, S.STOP_COPY);
    expect([write(), stateOf(process), outcome(() => process.read(fd, new Uint8Array(1)))]).toEqual(['written', 'RUNNING', 'ENODEV']);
    migration.fault = { step: 'save', how: 'break' };
    expect([setState(process, S.STOP_COPY).result, stateOf(process)]).toEqual(['Error', 'ERROR']);
    migration.fault = undefined;
    expect([write(), stateOf(process)]).toEqual(['written', 'RUNNING']);
  });

  test('1.10: a function whose reset throws does not keep the others from theirs', () => {
    const resets: string[] = [];
    const [one, other] = [make({ onReset: broken }), make({ name: '0000:00:01.1', onReset: () => resets.push('other') })];
    const set = new HotResetSet([{ bus: 0, devfn: 8, group: 1, device: one }, { bus: 0, devfn: 9, group: 1, device: other }]);
    expect([message(() => set.reset()), resets]).toEqual(['out of order', ['other']]);
  });
});

describe('interrupts', () => {
  const hardware = (more: Partial<InterruptHardware>): InterruptHardware => ({ intxAsserted: () => false, intxDisabled: () => false, connectIntx: () => () => undefined, connectMessages: () => () => undefined, ...more });
  const irqs = (process: Process, index: number, start: number, ...fds: number[]): unknown => process.raw.ioctl(3, VFIO_DEVICE_SET_IRQS, words(20 + 4 * fds.length, 0x24, index, start, fds.length, ...fds));

  test.each([[0, { connectIntx: broken }], [0, { intxAsserted: broken }], [1, { connectMessages: broken }]] as const)('index %i whose hardware throws is not active afterwards', (index, more) => {
    const device = make({ interrupts: { intx: true, msi: 4, hardware: hardware(more) } });
    const process = world.open(device);
    const eventfd = process.eventfd();
    expect([irqs(process, index, 0, eventfd), device.interrupts.active]).toEqual([-5, 'none']);
  });

  test('5.4: vectors that could not be added leave those that there were', () => {
    const counts: number[] = [];
    const connectMessages = (_: string, count: number): (() => void) => {
      counts.push(count);
      return count === 2 ? broken() : () => undefined;
    };
    const device = make({ msix: { bar: 0, offset: 0, count: 4 }, interrupts: { dynamicMsix: true, hardware: hardware({ connectMessages }) } });
    const process = world.open(device);
    const eventfd = process.eventfd();
    expect([irqs(process, 2, 0, eventfd), irqs(process, 2, 1, eventfd), device.interrupts.vectors, counts]).toEqual([0, -5, 1, [1, 2, 1]]);
  });

  test('an eventfd tells all who listen', () => {
    const process = world.process();
    const eventfd = process.eventfd();
    let told = 0;
    process.onEvent(eventfd, broken);
    process.onEvent(eventfd, () => told++);
    expect([message(() => process.write(eventfd, words(1, 0))), told]).toEqual(['out of order', 1]);
  });
});

describe('ends', () => {
  test('3.4: a source that was begun and refused is ended', () => {
    const migration = new TestModel(1);
    const process = world.open(make({ migration }));
    migration.fault = { step: 'finish save', how: 'throw' };
    for (let i = 0; i < 2; i++) expect(setState(process, S.STOP_COPY).result).toBe('EBUSY');
    expect(migration.log.filter((step) => step === 'save' || step === 'end')).toEqual(['save', 'end', 'save', 'end']);
  });

  test('a process that is ending has no fds for what a device does about its last close', () => {
    const found: unknown[] = [];
    const process = world.process();
    process.open(make({ reset: true, onReset: () => found.push(typeof outcome(() => process.close(process.eventfd())) === 'string' ? 'EBADF' : 'an fd') }));
    process.exit();
    expect([found, process.fds]).toEqual([['an fd', 'EBADF'], []]);
  });

  test('what a model says that is no number is EIO', () => {
    const migration = { ...new TestModel(), dataSize: () => NaN } as unknown as TestModel;
    const process = world.open(make({ migration: Object.assign(new TestModel(), { dataSize: migration.dataSize }) }));
    expect(process.raw.ioctl(3, VFIO_DEVICE_FEATURE, words(16, GET | 9, 0, 0))).toBe(-5);
  });
});

describe('two ways to open a device, one at a time', () => {
  const cdev = { iommufd: {}, devid: 1 };

  test('1.13: BIND of one that is open through its group is EBUSY, of one that is bound EINVAL', () => {
    const device = make();
    const process = world.open(device);
    expect(outcome(() => process.open(device, { cdev }))).toBe('EBUSY');
    process.close(3);
    expect([process.open(device, { cdev }), outcome(() => process.open(device, { cdev }))]).toEqual([3, 'EINVAL']);
  });

  test('7.3: the group of one that is bound cannot be opened', () => {
    const device = make();
    const process = world.process();
    expect([process.open(device, { cdev }), outcome(() => process.open(device)), device.openFiles]).toEqual([3, 'EBUSY', 1]);
    process.close(3);
    expect(process.open(device)).toBe(3);
  });
});
