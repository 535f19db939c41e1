// A device by its character device (sections 1.13 and 7.3): what an unbound file answers, BIND with its checks in their order, and what a bound file is.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as uapi from '../../src/uapi/index.ts';
import { MAP_SHARED, PROT_READ } from '../../src/vfio/index.ts';
import { Machine, type User, word, words } from './iommufd/support.ts';
import { PAGE, outcome, regionInfo } from './support.ts';

let machine: Machine;
let user: User;
beforeEach(() => {
  machine = new Machine();
  user = machine.user();
});
afterEach(() => machine.end());

const ALL = [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22].map((n) => 0x3b64 + n);

describe('an unbound file', () => {
  test('answers EINVAL to everything but BIND', () => {
    const fd = user.cdev(machine.plug());
    for (const request of [...ALL, 0x3b00, 0x3b80]) expect(user.ioctl(request, words(16, 0, 0, 0), fd)).toBe('EINVAL');
    // Also where nothing could be read.
    expect(user.ioctl(uapi.VFIO_DEVICE_GET_INFO, 0, fd)).toBe('EINVAL');
    const { process } = user;
    for (const call of [() => process.pread(fd, new Uint8Array(4), 0), () => process.pwrite(fd, new Uint8Array(4), 0), () => process.pread(fd, new Uint8Array(0), 0), () => process.read(fd, new Uint8Array(1))]) {
      expect(outcome(call)).toBe('EINVAL');
    }
    expect(outcome(() => process.mmap(PAGE, PROT_READ, MAP_SHARED, fd, 0))).toBe('EINVAL');
    expect(outcome(() => process.lseek(fd))).toBe('ESPIPE');
  });

  test('many may be open, and block nobody', () => {
    const one = machine.plug();
    const fds = [user.cdev(one), user.cdev(one), user.cdev(one)];
    const group = user.process.open(`/dev/vfio/${one.group.id}`);
    user.process.close(group);
    expect(user.bind(fds[1]!)).toBe(1);
    expect(one.device!.openFiles).toBe(1);
    expect(user.bind(fds[0]!)).toBe('EINVAL');
    expect(user.ioctl(uapi.VFIO_DEVICE_RESET, words(0), fds[2])).toBe('EINVAL');
  });
});

describe('BIND', () => {
  const bind = (fd: number, argument: Uint8Array | number): number | string => user.ioctl(uapi.VFIO_DEVICE_BIND_IOMMUFD, argument, fd);

  test('checks in their order', () => {
    const one = machine.plug();
    const fd = user.cdev(one);
    expect(bind(fd, 0)).toBe('EFAULT');
    expect(bind(fd, words(15, 1, user.fd, 0).subarray(0, 15))).toBe('EFAULT');
    expect(bind(fd, words(15, 0, user.fd, 0))).toBe('EINVAL');
    expect(bind(fd, words(16, 1, user.fd, 0))).toBe('EINVAL');
    expect(bind(fd, words(16, 0, -1, 0))).toBe('EINVAL');
    const group = user.process.open(`/dev/vfio/${one.group.id}`);
    // Ahead of the fd: the group is open.
    expect(bind(fd, words(16, 0, 99, 0))).toBe('EBUSY');
    expect(bind(fd, words(16, 0, -1, 0))).toBe('EINVAL');
    user.process.close(group);
    expect(bind(fd, words(16, 0, 99, 0))).toBe('EBADF');
    expect(bind(fd, words(16, 0, fd, 0))).toBe('EBADFD');
    expect(bind(fd, words(16, 0, user.process.open('/dev/vfio/vfio'), 0))).toBe('EBADFD');
    expect(bind(fd, words(16, 0, user.process.eventfd(), 0))).toBe('EBADFD');
    const other = user.cdev(one);
    expect(user.bind(other)).toBe(1);
    // The fd is looked at before it is known that the device is open by another file.
    expect(bind(fd, words(16, 0, 99, 0))).toBe('EBADF');
    expect(bind(fd, words(16, 0, user.fd, 0))).toBe('EINVAL');
    // Bound already, ahead of the fd.
    expect(bind(other, words(16, 0, 99, 0))).toBe('EINVAL');
    expect(bind(other, words(16, 0, 99).subarray(0, 12))).toBe('EFAULT');
    user.process.close(other);
    expect(bind(fd, words(20, 0, user.fd, 0))).toBe(0);
  });

  test('writes the number alone', () => {
    const argument = words(20, 0, user.fd, 0xaaaa_aaaa, 0x5555_5555);
    user.ioas();
    expect(bind(user.cdev(machine.plug()), argument)).toBe(0);
    expect(argument).toEqual(words(20, 0, user.fd, 2, 0x5555_5555));
  });

  test('a number that cannot be written: nothing is bound', () => {
    const one = machine.plug();
    const { process } = user;
    const fd = user.cdev(one);
    // The argument is in the last bytes of a page that can only be read.
    const device = machine.plug();
    const bar = user.cdev(device);
    expect(user.bind(bar)).toBe(1);
    const image = device.device!.region(0)!.region.bytes();
    image.set(words(16, 0, user.fd, 0));
    const address = process.mmap(PAGE, PROT_READ, MAP_SHARED, bar, regionInfo(process, 0, bar).offset);
    expect(user.ioctl(uapi.VFIO_DEVICE_BIND_IOMMUFD, address, fd)).toBe('EFAULT');
    expect(one.device!.openFiles).toBe(0);
    expect([one.group.owner, one.group.boundDevices]).toEqual([undefined, 0]);
    process.munmap(address, PAGE);
    expect(user.bind(fd)).toBe(2);
  });

  test.each<[string, ConstructorParameters<typeof Machine>[0], unknown]>([
    ['an IOMMU that is not coherent', { iommu: { coherent: false } }, 'EINVAL'],
    ['that, and messages', { iommu: { coherent: false, isolatesMessages: false } }, 'EINVAL'],
    ['messages that are not isolated', { iommu: { isolatesMessages: false } }, 'EPERM'],
    ['messages that need not be', { iommu: { isolatesMessages: false }, allowUnsafeInterrupts: true }, 1],
  ])('%s', (_, options, want) => {
    const own = new Machine(options);
    const one = own.user();
    expect(one.bind(one.cdev(own.plug()))).toBe(want);
    own.end();
  });

  test('DMA that is owned by another', () => {
    const one = machine.plug({ slot: '0000:09:00.0' });
    const beside = machine.plug({ slot: '0000:09:00.1' });
    expect(beside.group).toBe(one.group);
    const other = machine.user();
    const [mine, theirs] = [user.cdev(one), other.cdev(beside)];
    expect(user.bind(mine)).toBe(1);
    expect(other.bind(theirs)).toBe('EPERM');
    // The next function of the device, for the same owner.
    expect(user.bind(user.cdev(beside))).toBe(2);
    user.process.exit();
    expect(other.bind(theirs)).toBe(1);
  });

  test('a function beside it has a driver that does DMA; a foreign domain', () => {
    const one = machine.plug({ slot: '0000:09:00.0' });
    const native = machine.host.plug({ slot: '0000:09:00.1', driver: 'native' });
    const fd = user.cdev(one);
    expect(user.bind(fd)).toBe('EPERM');
    machine.host.unplug(native);
    one.group.hasForeignDomain = true;
    expect(user.bind(fd)).toBe('EBUSY');
    one.group.hasForeignDomain = false;
    expect(user.bind(fd)).toBe(1);
  });

  test('a device that cannot be opened is not bound', () => {
    let refuses = true;
    const { world } = machine;
    const device = world.device({ 0: { region: world.ram(PAGE) } }, { enable: () => (refuses ? 'EIO' : undefined) });
    const one = machine.host.plug({ slot: '0000:07:00.0', device });
    const fd = user.cdev(one);
    expect(user.bind(fd)).toBe('EIO');
    expect(one.group.owner).toBeUndefined();
    refuses = false;
    expect(user.bind(fd)).toBe(1);
  });
});

describe('a bound file', () => {
  test('is a device file, and its group cannot be opened', () => {
    const one = machine.plug();
    const fd = user.cdev(one);
    expect(user.bind(fd)).toBe(1);
    const { process } = user;
    const info = words(24, 0, 0, 0, 0, 0);
    expect(user.ioctl(uapi.VFIO_DEVICE_GET_INFO, info, fd)).toBe(0);
    expect(word(info, 8)).toBe(9);
    const { offset } = regionInfo(process, 0, fd);
    const bytes = new Uint8Array(4);
    expect(process.pread(fd, bytes, Number(offset) + 4)).toBe(4);
    expect([...bytes]).toEqual([4, 5, 6, 7]);
    expect(process.pwrite(fd, Uint8Array.of(9, 9), offset)).toBe(2);
    const address = process.mmap(PAGE, PROT_READ, MAP_SHARED, fd, offset);
    expect([...process.memory.readBytes(address, new Uint8Array(3))]).toEqual([9, 9, 2]);
    expect(process.maps()[0]?.device).toBe(one.slot);
    expect(outcome(() => process.open(`/dev/vfio/${one.group.id}`))).toBe('EBUSY');
    expect(user.ioctl(uapi.VFIO_DEVICE_RESET, words(0), fd)).toBe('EINVAL');
    expect(user.ioctl(0x3b00, words(0), fd)).toBe('ENOTTY');
    // The mapping keeps the file, and the file what it is bound to.
    process.close(fd);
    expect(outcome(() => process.open(`/dev/vfio/${one.group.id}`))).toBe('EBUSY');
    expect(one.device!.openFiles).toBe(1);
    process.munmap(address, PAGE);
    expect([one.device!.openFiles, one.group.owner]).toEqual([0, undefined]);
    process.close(process.open(`/dev/vfio/${one.group.id}`));
  });

  test('an unbound file keeps the device in its host', () => {
    const one = machine.plug();
    const fd = user.cdev(one);
    expect(machine.host.unplug(one)).toBe(false);
    expect(outcome(() => user.cdev(one))).toBe('ENODEV');
    user.process.close(fd);
    expect(one.isGone).toBe(true);
  });
});
