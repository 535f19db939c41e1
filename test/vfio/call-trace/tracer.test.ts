// A traced process: each of its calls is told once, with the memory before and after it, and nothing else changes.
import fc from 'fast-check';
import { afterEach, describe, expect, test } from '@jest/globals';
import { VFIO_CHECK_EXTENSION, VFIO_DEVICE_BIND_IOMMUFD, VFIO_DEVICE_GET_IRQ_INFO, VFIO_DEVICE_GET_REGION_INFO, VFIO_DEVICE_RESET, VFIO_DEVICE_SET_IRQS, VFIO_GROUP_SET_CONTAINER, VFIO_SET_IOMMU, vfio_device_bind_iommufd, vfio_irq_info, vfio_irq_set, vfio_region_info } from '../../../src/uapi/index.ts';
import { MAP_SHARED, PROT_READ, PROT_WRITE, Process, type SystemCall, type TraceCallsOptions, type VfioDevice, VfioHost, traceCalls } from '../../../src/vfio/index.ts';
import { World, filled, hexOf, message, outcome, slot } from '../support.ts';

let world = new World();
afterEach(() => {
  world.end();
  world = new World();
});

function device(from = world): VfioDevice {
  return from.device({ 0: { region: from.ram(0x4000) } }, { msix: { bar: 0, offset: 0x3000, count: 4 }, reset: true });
}

function traced(process: Process, options?: TraceCallsOptions): { lines: string[]; calls: SystemCall[]; stop: () => void } {
  const lines: string[] = [];
  const calls: SystemCall[] = [];
  const stop = traceCalls(process, (line, call) => void (lines.push(line), calls.push(call)), options);
  return { lines, calls, stop };
}

test('device nodes of a host, and what each kind of file is asked', () => {
  const host = new VfioHost(world.engine);
  const one = host.plug({ slot: '0000:01:00.0', device: device() });
  const process = world.process({ host });
  const { lines } = traced(process);
  const container = process.open('/dev/vfio/vfio');
  const group = process.open(`/dev/vfio/${one.group.id}`);
  process.ioctl(group, VFIO_GROUP_SET_CONTAINER, Uint8Array.of(container, 0, 0, 0));
  process.ioctl(container, VFIO_CHECK_EXTENSION, 3);
  process.raw.ioctl(container, VFIO_SET_IOMMU, 9);
  process.close(group);
  const iommufd = process.open('/dev/iommu');
  const cdev = process.open('/dev/vfio/devices/vfio0');
  process.raw.ioctl(cdev, VFIO_DEVICE_RESET);
  process.ioctl(cdev, VFIO_DEVICE_BIND_IOMMUFD, vfio_device_bind_iommufd.encode({ argsz: 16, flags: 0, iommufd, out_devid: 0 }));
  process.raw.open('/dev/vfio/9');
  expect(lines).toEqual([
    'open("/dev/vfio/vfio", O_RDWR) = 3',
    'open("/dev/vfio/0", O_RDWR) = 4',
    'ioctl(4, VFIO_GROUP_SET_CONTAINER, [3]) = 0',
    'ioctl(3, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) = 1',
    'ioctl(3, VFIO_SET_IOMMU, VFIO_UNMAP_ALL) = -1 EINVAL (Invalid argument)',
    'close(4) = 0',
    'open("/dev/iommu", O_RDWR) = 4',
    'open("/dev/vfio/devices/vfio0", O_RDWR) = 5',
    'ioctl(5, VFIO_DEVICE_RESET) = -1 EINVAL (Invalid argument)',
    'ioctl(5, VFIO_DEVICE_BIND_IOMMUFD, {argsz=16, flags=0, iommufd=4, ...} => {out_devid=1}) = 0',
    'open("/dev/vfio/9", O_RDWR) = -1 ENOENT (No such file or directory)',
  ]);
});

test('a program, from open to exit', () => {
  const process = world.process();
  const { lines } = traced(process);
  const fd = process.open(device());
  process.ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, vfio_region_info.encode({ argsz: 32, index: 1 }));
  process.raw.pread(fd, filled(4), 0);
  process.pwrite(fd, Uint8Array.of(0xaa), 3);
  const eventfd = process.eventfd(2);
  process.read(eventfd, filled(8));
  process.write(eventfd, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
  process.raw.lseek(fd);
  const address = process.mmap(0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  process.munmap(address, 0x1000);
  process.allocate(1);
  process.close(process.dup(fd));
  process.ioctl(fd, VFIO_DEVICE_RESET);
  process.exit();
  expect(lines).toEqual([
    'open("0000:00:01.0", O_RDWR) = 3',
    'ioctl(3, VFIO_DEVICE_GET_REGION_INFO, {argsz=32, index=VFIO_PCI_BAR1_REGION_INDEX, ...} => {argsz=32, flags=0, cap_offset=0, size=0, offset=0x10000000000}) = 0',
    'pread64(3, "\\x00\\x01\\x02\\x03", 4, 0) = 4',
    'pwrite64(3, "\\xaa", 1, 0x3) = 1',
    'eventfd2(2, 0) = 4',
    'read(4, "\\x02\\x00\\x00\\x00\\x00\\x00\\x00\\x00", 8) = 8',
    'write(4, "\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00", 8) = 8',
    'lseek(3, 0, SEEK_CUR) = -1 ESPIPE (Illegal seek)',
    'mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3, 0) = 0x7fffffffe000',
    'munmap(0x7fffffffe000, 4096) = 0',
    'mmap(NULL, 1, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7fffffffe000',
    'dup(3) = 5',
    'close(5) = 0',
    'ioctl(3, VFIO_DEVICE_RESET) = 0',
    'exit_group(0) = ?',
  ]);
});

describe('what failed', () => {
  test('is thrown as without a trace, and told with the errno and why', () => {
    const process = world.open(device());
    const { lines, calls } = traced(process, { why: true });
    expect(outcome(() => process.close(9))).toBe('EBADF');
    expect(process.raw.close(9)).toBe(-9);
    expect(lines).toEqual(Array(2).fill('close(9) = -1 EBADF (Bad file descriptor) /* EBADF: close: fd 9 is not open */'));
    expect(calls[0]).toEqual({ call: 'close', fd: 9, result: -9, why: 'EBADF: close: fd 9 is not open' });
  });

  test('a wrong argument of JavaScript is what a raw call answers', () => {
    const process = world.open(device());
    const { lines } = traced(process);
    expect(outcome(() => process.open({} as VfioDevice))).toBe('TypeError');
    expect(outcome(() => process.pread(3, 'x' as never, 0))).toBe('TypeError');
    expect(process.raw.ioctl(3, 'x' as never)).toBe(-22);
    expect(lines).toEqual(['open("", O_RDWR) = -1 EINVAL (Invalid argument)', 'pread64(3, "", 0, 0) = -1 EINVAL (Invalid argument)', 'ioctl(3, "x", NULL) = -1 EINVAL (Invalid argument)']);
  });

  test('an error of a device model is EIO', () => {
    const bar = world.region({ kind: 'hook', size: 0x1000, read: () => { throw new Error('broken'); } });
    const process = world.open(world.device({ 0: { region: bar } }));
    const { lines } = traced(process);
    const raw = process.raw.pread(3, filled(4), 0);
    expect(raw).toBe(-5);
    expect(lines).toEqual(['pread64(3, "", 4, 0) = -1 EIO (Input/output error)']);
  });
});

describe('memory behind an address', () => {
  test('is told as it was before and after', () => {
    const process = world.open(device());
    const { lines, calls } = traced(process);
    const address = process.allocate(0x1000);
    process.memory.writeBytes(address, vfio_irq_info.encode({ argsz: 16, index: 2 }));
    process.ioctl(3, VFIO_DEVICE_GET_IRQ_INFO, address);
    process.pread(3, { address: address + 8, length: 4 }, slot(0) + 4n);
    process.pwrite(3, { address, length: 2 }, slot(0));
    expect(lines.slice(1)).toEqual([
      'ioctl(3, VFIO_DEVICE_GET_IRQ_INFO, {argsz=16, index=VFIO_PCI_MSIX_IRQ_INDEX, ...} => {flags=EVENTFD|NORESIZE, count=4}) = 0',
      'pread64(3, "\\x04\\x05\\x06\\x07", 4, 0x4) = 4',
      'pwrite64(3, "\\x10\\x00", 2, 0) = 2',
    ]);
    expect(calls[1]).toMatchObject({ argument: { address, before: vfio_irq_info.encode({ argsz: 16, index: 2 }), after: vfio_irq_info.encode({ argsz: 16, index: 2, flags: 9, count: 4 }) } });
  });

  test('across two mappings it is one, and ends where nothing is mapped', () => {
    const process = world.open(device());
    process.allocate(0x1000);
    const address = process.allocate(0x1000);
    const { lines } = traced(process);
    process.memory.writeBytes(address + 0xff8, vfio_irq_info.encode({ argsz: 16, index: 1 }));
    process.ioctl(3, VFIO_DEVICE_GET_IRQ_INFO, address + 0xff8);
    process.raw.ioctl(3, VFIO_DEVICE_GET_IRQ_INFO, address + 0x1ffc);
    process.raw.ioctl(3, VFIO_DEVICE_GET_IRQ_INFO, 0xffff_ffff_ffff_fff8n);
    expect(lines[0]).toContain('{argsz=16, index=VFIO_PCI_MSI_IRQ_INDEX, ...} => {');
    expect(lines[1]).toBe('ioctl(3, VFIO_DEVICE_GET_IRQ_INFO, {argsz=0, ...}) = -1 EFAULT (Bad address)');
    expect(lines[2]).toBe('ioctl(3, VFIO_DEVICE_GET_IRQ_INFO, 0xfffffffffffffff8) = -1 EFAULT (Bad address)');
  });

  test('where a device is mapped nobody looks: it is an address', () => {
    const reads: number[] = [];
    const bar = world.region({ kind: 'hook', size: 0x1000, read: (offset: bigint | number) => (reads.push(Number(offset)), 0), write: () => undefined });
    const process = world.open(world.device({ 0: { region: bar } }));
    const address = process.mmap(0x1000, PROT_READ, MAP_SHARED, 3, 0);
    const { lines } = traced(process);
    process.raw.ioctl(99, VFIO_DEVICE_GET_IRQ_INFO, address);
    process.raw.pwrite(99, { address, length: 4 }, 0);
    expect(reads).toEqual([]);
    expect(lines).toEqual([`ioctl(99, VFIO_DEVICE_GET_IRQ_INFO, 0x${address.toString(16)}) = -1 EBADF (Bad file descriptor)`, `pwrite64(99, 0x${address.toString(16)}, 4, 0) = -1 EBADF (Bad file descriptor)`]);
  });

  test('looking does not make pages', () => {
    const process = world.open(device());
    const address = process.allocate(0x100000);
    const { pages } = world.engine.live();
    traced(process);
    process.raw.ioctl(3, VFIO_DEVICE_GET_IRQ_INFO, address + 0x5000);
    expect(world.engine.live().pages).toBe(pages);
  });
});

test('what a listener of an interrupt does is told before the call that caused it', () => {
  const process = world.open(device());
  const eventfd = process.eventfd();
  const data = new Uint8Array(Int32Array.of(eventfd).buffer);
  process.ioctl(3, VFIO_DEVICE_SET_IRQS, vfio_irq_set.encode({ argsz: 24, flags: 0x24, index: 2, count: 1, data }));
  process.onEvent(eventfd, () => void process.read(eventfd, new Uint8Array(8)));
  const { lines } = traced(process);
  process.ioctl(3, VFIO_DEVICE_SET_IRQS, vfio_irq_set.encode({ argsz: 20, flags: 0x21, index: 2, count: 1 }));
  expect(lines).toEqual(['read(4, "\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00", 8) = 8', 'ioctl(3, VFIO_DEVICE_SET_IRQS, {argsz=20, flags=DATA_NONE|ACTION_TRIGGER, index=VFIO_PCI_MSIX_IRQ_INDEX, start=0, count=1}) = 0']);
});

describe('who listens', () => {
  test('all of them, each until it stops, in any order; then the process is as it was', () => {
    const process = world.open(device());
    const own = Object.keys(process).sort();
    const [first, second] = [traced(process), traced(process)];
    process.dup(3);
    first.stop();
    first.stop();
    process.dup(3);
    second.stop();
    process.dup(3);
    expect([first.lines, second.lines]).toEqual([['dup(3) = 4'], ['dup(3) = 4', 'dup(3) = 5']]);
    expect(Object.keys(process).sort()).toEqual(own);
    const third = traced(process);
    first.stop();
    process.dup(3);
    expect(third.lines).toEqual(['dup(3) = 7']);
  });

  test('as many bytes are kept as asked for', () => {
    const process = world.open(device());
    const { calls, lines } = traced(process, { bytes: 64 });
    process.pread(3, new Uint8Array(100), 0);
    expect(calls[0]).toMatchObject({ buffer: { length: 100, after: Uint8Array.from({ length: 64 }, (_, i) => i) } });
    expect(lines[0]).toMatch(/^pread64\(3, "(?:\\x[0-9a-f]{2}){32}"\.\.\., 100, 0\) = 100$/);
  });

  test('a listener is a function, and bytes are a number', () => {
    const process = world.process();
    expect(message(() => traceCalls(process, 1 as never))).toBe('traceCalls: listener is of type number; expected a function');
    expect(message(() => traceCalls(process, () => undefined, { bytes: -1 }))).toBe('traceCalls: bytes is -1; expected 0 or more');
  });
});

test('random programs do the same, traced or not', () => {
  const fd = fc.integer({ min: 2, max: 6 });
  const word = fc.constantFrom(0, 1, 2, 4, 16, 20, 24, 32, 33, 0x21, 0x24, 0xffffffff);
  const argument = fc.oneof(fc.array(word, { maxLength: 10 }).map((words) => new Uint8Array(Uint32Array.from(words).buffer)), fc.constantFrom(undefined, 0, 0x7fffffffe000, 0x7fffffffeff8, 12345));
  const offset = fc.constantFrom(0n, 8n, slot(0) + 0x3ffcn, slot(7), slot(9), -1n);
  const step = fc.oneof(
    fc.record({ method: fc.constant('ioctl'), given: fc.tuple(fd, fc.constantFrom(0x3b6b, 0x3b6c, 0x3b6d, 0x3b6e, 0x3b6f, 0x3b75, 0x3b64, 7), argument) }),
    fc.record({ method: fc.constantFrom('pread', 'pwrite'), given: fc.tuple(fd, argument, offset) }),
    fc.record({ method: fc.constantFrom('read', 'write'), given: fc.tuple(fd, argument) }),
    fc.record({ method: fc.constantFrom('dup', 'close', 'lseek'), given: fc.tuple(fd) }),
    fc.record({ method: fc.constant('mmap'), given: fc.tuple(fc.constantFrom(0, 1, 0x1000), fc.constant(3), fc.constantFrom(1, 2, 0x22), fd, offset) }),
    fc.record({ method: fc.constant('munmap'), given: fc.tuple(fc.constantFrom(0x7fffffffe000, 0x7fffffffd000, 1), fc.constantFrom(0x1000, 0)) }),
  );
  const run = (steps: readonly { method: string; given: readonly unknown[] }[], watches: boolean): unknown[] => {
    const here = new World();
    const process = here.open(device(here));
    process.eventfd(1);
    let told = 0;
    if (watches) traceCalls(process, (line) => void (told++, expect(line).toMatch(/^[\x20-\x7e]+$/)));
    const seen = steps.map(({ method, given }) => {
      const own = given.map((one) => (one instanceof Uint8Array ? one.slice() : one));
      const result = (process.raw as unknown as Record<string, (...args: unknown[]) => number>)[method]!(...own);
      return [result, ...own.filter((one) => one instanceof Uint8Array).map(hexOf), process.fds, process.maps().length, here.engine.live()];
    });
    if (watches) expect(told).toBe(steps.length);
    here.end();
    return seen;
  };
  fc.assert(fc.property(fc.array(step, { maxLength: 20 }), (steps) => expect(run(steps, true)).toEqual(run(steps, false))), { numRuns: 100 });
});
