// First open and last close of a PCI device (sections 5.7 and 7.4): what is enabled, reset, saved, restored and given up, and what further files share.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type PciDevice, type PciDeviceDescription, capability, pciDevice } from '../../src/pci/index.ts';
import { type ErrnoName, VFIO_DEVICE_FEATURE, VFIO_DEVICE_GET_INFO, VFIO_DEVICE_IOEVENTFD, VFIO_DEVICE_RESET, VFIO_DEVICE_SET_IRQS } from '../../src/uapi/index.ts';
import { HotResetSet, type Process } from '../../src/vfio/index.ts';
import { World, filled, outcome, slot } from './support.ts';

let world: World;
let cards: PciDevice[];
beforeEach(() => {
  world = new World();
  cards = [];
});
afterEach(() => {
  for (const card of cards) card.destroy();
  world.end();
});

function make(more: Partial<PciDeviceDescription> = {}): PciDevice {
  const card = pciDevice(world.engine, {
    id: [1, 2], class: 0, pin: 'A',
    bars: { 0: { memory: 0x4000 }, 2: { memory: 0x20, kind: 'io' } },
    capabilities: [capability.powerManagement({ keepsState: true }), capability.msi({ vectors: 4 }), capability.express({})],
    ...more,
  });
  cards.push(card);
  return card;
}

const config = (process: Process, at: number, bytes: readonly number[], fd = 3): unknown => outcome(() => process.pwrite(fd, Uint8Array.from(bytes), slot(7) + BigInt(at)));
const command = (process: Process, fd = 3): number => {
  const bytes = new Uint8Array(2);
  process.pread(fd, bytes, slot(7) + 4n);
  return bytes[0]! | (bytes[1]! << 8);
};
const words = (...list: number[]): Uint8Array => new Uint8Array(new Int32Array(list).buffer);
const regions = (process: Process, fd = 3): number => {
  const info = words(24, 0, 0, 0, 0, 0);
  process.ioctl(fd, VFIO_DEVICE_GET_INFO, info);
  return info[8]!;
};

describe('first open', () => {
  test('in D0, what its BARs decode is on, MASTER is off, and it has been reset once', () => {
    const card = make();
    const [{ function: one }] = [card];
    one.config.write16(4, 4);
    const power = one.readConfig().indexOf(1, 0x40);
    one.config.write8(power + 4, 3);
    const process = world.open(card.vfio);
    expect([one.powerState, one.peek(4, 2), command(process), card.resets]).toEqual([0, 3, 3, 1]);
    expect(outcome(() => process.pread(3, filled(4), 0))).toBe(4);
  });

  test('only kinds of BARs that there are', () => {
    const process = world.open(make({ bars: { 2: { memory: 0x20, kind: 'io' } } }).vfio);
    expect(command(process)).toBe(1);
    expect(command(world.open(make({ bars: {} }).vfio))).toBe(0);
  });

  test('the reset leaves registers as they were', () => {
    const card = make();
    card.function.config.write8(0x3c, 7);
    card.function.config.write32(0x10, 0xfe00_0000);
    world.open(card.vfio);
    expect([card.resets, card.function.peek(0x3c, 1), card.function.peek(0x10, 4)]).toEqual([1, 7, 0xfe00_0000]);
  });

  test('further opens count, and nothing else', () => {
    const card = make();
    const process = world.open(card.vfio);
    config(process, 4, [6, 0]);
    const second = process.open(card.vfio);
    expect([card.resets, command(process, second), card.vfio.openFiles]).toEqual([1, 6, 2]);
    process.close(second);
    expect([card.resets, command(process), card.function.peek(4, 2)]).toEqual([1, 6, 6]);
  });

  test('EAGAIN while the host holds the lock: enabled, but not open; a function without a reset does not ask', () => {
    let isBusy = true;
    const card = make({ vfio: { resetBusy: () => isBusy } });
    card.function.config.write16(4, 4);
    const process = world.process();
    expect([outcome(() => process.open(card.vfio)), card.vfio.openFiles, card.resets, card.function.peek(4, 2)]).toEqual(['EAGAIN', 0, 0, 3]);
    expect([process.raw.dup(3), process.fds]).toEqual([-9, []]);
    const lone = make({ capabilities: [], vfio: { resetBusy: () => isBusy } });
    expect(process.open(lone.vfio)).toBe(3);
    isBusy = false;
    expect(process.open(card.vfio)).toBe(4);
  });

  test.each<ErrnoName>(['EIO', 'ENODEV', 'EBUSY'])('what enabling it answers: %s, ahead of EAGAIN, and nothing has happened', (code) => {
    const card = make({ vfio: { resetBusy: () => true, enable: () => code } });
    card.function.config.write16(4, 4);
    const process = world.process();
    expect([outcome(() => process.open(card.vfio)), card.vfio.openFiles, card.function.peek(4, 2), card.resets]).toEqual([code, 0, 4, 0]);
  });

  test('EMFILE comes before all of that', () => {
    const card = make();
    const process = world.process({ maxFds: 4 });
    process.eventfd();
    expect([outcome(() => process.open(card.vfio)), card.resets, card.function.peek(4, 2)]).toEqual(['EMFILE', 0, 0]);
  });

  test('a device that throws while it is reset is not open, and can be opened later', () => {
    let isBroken = true;
    const device = world.device({ 0: { region: world.ram(0x1000) } }, {
      reset: true,
      onReset: () => {
        if (isBroken) throw new Error('broken');
      },
    });
    const process = world.process();
    expect([outcome(() => process.open(device)), device.openFiles]).toEqual(['Error', 0]);
    isBroken = false;
    expect(process.open(device)).toBe(3);
  });

  test('platform devices are neither reset nor enabled', () => {
    const log: string[] = [];
    const device = world.device({ 0: { region: world.ram(0x1000) } }, { kind: 'platform', reset: true, onReset: () => log.push('reset'), enable: () => 'EIO' });
    const process = world.open(device);
    process.close(3);
    expect(log).toEqual([]);
  });
});

describe('VFIO_DEVICE_RESET', () => {
  test('EAGAIN while the host holds the lock, and the pages of BARs are gone all the same', () => {
    let isBusy = false;
    const card = make({ vfio: { resetBusy: () => isBusy } });
    const process = world.open(card.vfio);
    const bar = process.mmap(0x1000, 3, 1, 3, 0);
    isBusy = true;
    expect(outcome(() => process.ioctl(3, VFIO_DEVICE_RESET))).toBe('EAGAIN');
    expect([card.resets, process.memory.windowAt(bar)?.region.name]).toEqual([1, '00:00.0 BAR 0, guarded']);
    isBusy = false;
    expect([outcome(() => process.ioctl(3, VFIO_DEVICE_RESET)), card.resets]).toEqual([0, 2]);
  });

  test('a reset through configuration space does not tell that the lock is held', () => {
    let isBusy = false;
    const card = make({ vfio: { resetBusy: () => isBusy } });
    const process = world.open(card.vfio);
    const express = card.function.readConfig().indexOf(0x10, 0x40);
    isBusy = true;
    expect([config(process, express + 8, [0x10, 0xa8]), card.resets]).toEqual([2, 1]);
    isBusy = false;
    expect([config(process, express + 8, [0x10, 0xa8]), card.resets]).toEqual([2, 2]);
  });
});

describe('last close', () => {
  test('MASTER is off before users\' state goes; registers are those of the first open; it was reset', () => {
    const card = make();
    card.function.config.write8(0x3c, 7);
    const process = world.open(card.vfio);
    config(process, 4, [7, 4]);
    card.function.config.write8(0x3c, 9);
    const power = card.function.readConfig().indexOf(1, 0x40);
    config(process, power + 4, [3]);
    process.close(3);
    expect([card.function.powerState, card.function.peek(4, 2), card.function.peek(0x3c, 1), card.resets]).toEqual([0, 3, 7, 2]);
    expect(command(world.open(card.vfio))).toBe(3);
  });

  test('a mapping keeps it open; its last page closes it', () => {
    const card = make();
    const process = world.open(card.vfio);
    const bar = process.mmap(0x1000, 3, 1, 3, 0);
    config(process, 4, [6, 0]);
    process.close(3);
    expect([card.vfio.openFiles, card.resets, card.function.peek(4, 2)]).toEqual([1, 1, 6]);
    process.munmap(bar, 0x1000);
    expect([card.vfio.openFiles, card.resets, card.function.peek(4, 2)]).toEqual([0, 2, 3]);
  });

  test('SET_IRQS, ioeventfds, ERR and REQ are dropped, and not by a reset', () => {
    const card = make();
    const process = world.open(card.vfio);
    const event = process.eventfd();
    const use = (): unknown[] => [
      outcome(() => process.ioctl(3, VFIO_DEVICE_SET_IRQS, words(24, 0x24, 1, 0, 1, event))),
      outcome(() => process.ioctl(3, VFIO_DEVICE_SET_IRQS, words(24, 0x24, 3, 0, 1, event))),
      outcome(() => process.ioctl(3, VFIO_DEVICE_SET_IRQS, words(24, 0x24, 4, 0, 1, event))),
      outcome(() => process.ioctl(3, VFIO_DEVICE_IOEVENTFD, words(32, 4, 0, 0, 0, 0, event, 0))),
    ];
    // "Signal" of ERR and REQ: EINVAL without an eventfd.
    const still = (): unknown[] => [card.vfio.interrupts.active, ...[3, 4].map((index) => outcome(() => process.ioctl(3, VFIO_DEVICE_SET_IRQS, words(20, 0x21, index, 0, 1)))), card.vfio.ioeventfds.count];
    expect(use()).toEqual([0, 0, 0, 0]);
    expect(process.ioctl(3, VFIO_DEVICE_RESET)).toBe(0);
    expect(still()).toEqual(['msi', 0, 0, 1]);
    process.close(3);
    expect(process.open(card.vfio)).toBe(3);
    expect(still()).toEqual(['none', 'EINVAL', 'EINVAL', 0]);
    expect(use()).toEqual([0, 0, 0, 0]);
  });

  test('num_regions is 9 again after alias regions', () => {
    const card = make();
    const process = world.open(card.vfio, { profile: 'alias' });
    const request = words(32, 0x2_000b, 0x20, 0, 0, 0, 0, 0);
    expect([process.ioctl(3, VFIO_DEVICE_FEATURE, request), request[16], regions(process)]).toEqual([0, 9, 10]);
    const second = process.open(card.vfio, { profile: 'alias' });
    process.close(3);
    expect(regions(process, second)).toBe(10);
    process.close(second);
    process.open(card.vfio, { profile: 'alias' });
    expect(regions(process)).toBe(9);
  });

  test('while the host holds the lock there is no reset, and the registers are restored all the same', () => {
    let isBusy = false;
    const card = make({ vfio: { resetBusy: () => isBusy } });
    const process = world.open(card.vfio);
    config(process, 4, [6, 0]);
    isBusy = true;
    expect([outcome(() => process.close(3)), card.resets, card.function.peek(4, 2), card.vfio.openFiles]).toEqual([undefined, 1, 3, 0]);
  });

  test('functions that cannot be reset alone are reset with their bus, when nobody has one of them', () => {
    const resets: string[] = [];
    const [a, b] = ['a', 'b'].map((name) => world.device({ 0: { region: world.ram(0x1000) } }, { name, reset: name === 'b', onReset: () => resets.push(name) })) as [never, never];
    new HotResetSet([{ bus: 1, devfn: 0, device: a }, { bus: 1, devfn: 1, device: b }]);
    const process = world.process();
    const fds = [process.open(a), process.open(b)];
    expect(resets.splice(0)).toEqual(['b']);
    process.close(fds[0]!);
    expect(resets.splice(0)).toEqual([]);
    process.close(fds[1]!);
    expect(resets.splice(0)).toEqual(['b', 'a', 'b']);
    process.close(process.open(b));
    expect(resets.splice(0)).toEqual(['b', 'b']);
  });

  test('a device that throws while it is given back: all of it is over, and the fd is closed', () => {
    let isBroken = false;
    const device = world.device({ 0: { region: world.ram(0x1000) } }, {
      reset: true,
      onReset: () => {
        if (isBroken) throw new Error('broken');
      },
    });
    const process = world.open(device);
    const other = world.open(device);
    isBroken = true;
    expect(outcome(() => process.close(3))).toBeUndefined();
    expect([outcome(() => other.close(3)), other.fds, device.openFiles]).toEqual(['Error', [], 0]);
    isBroken = false;
    expect(process.open(device)).toBe(3);
    process.mmap(0x1000, 3, 1, 3, 0);
    process.eventfd();
    isBroken = true;
    expect([outcome(() => process.exit()), process.fds, device.openFiles]).toEqual(['Error', [], 0]);
  });

  test('a function that was taken away under its user reads ones where it has no shadow, and is not reset', () => {
    const card = make();
    const process = world.open(card.vfio);
    cards.pop();
    card.destroy();
    expect([command(process), config(process, 4, [0, 0])]).toEqual([0xfbff, 2]);
    expect(outcome(() => process.close(3))).toBeUndefined();
    expect(card.resets).toBe(1);
  });
});

test('files share all but position and offsets', () => {
  const card = make();
  const process = world.open(card.vfio);
  const second = process.open(card.vfio, { offsets: 'cookie' });
  config(process, 0x3c, [9]);
  const info = words(32, 0, 7, 0, 0, 0, 0, 0);
  process.ioctl(second, 0x3b6c, info);
  const line = filled(1);
  expect(process.pread(second, line, new DataView(info.buffer).getBigUint64(24, true) + 0x3cn)).toBe(1);
  const third = process.open(card.vfio);
  process.read(3, filled(4));
  expect([line[0], process.fileOf(3)?.position, process.fileOf(third)?.position]).toEqual([9, 4n, 0n]);
});
