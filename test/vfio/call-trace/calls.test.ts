// Calls other than ioctls as lines; results and errnos; calls as JSON; and garbage, which is a line too.
import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { ERRNO, constants } from '../../../src/uapi/index.ts';
import { type SystemCall, callLine, decodeCall, readRecordedCall, recordCall, shownJson, shownText } from '../../../src/vfio/index.ts';
import { errnoText } from '../../../src/vfio/call-trace/errno-text.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const LINES: readonly [SystemCall, string][] = [
  [{ call: 'open', path: '0000:00:01.0', flags: 2, result: 3 }, 'open("0000:00:01.0", O_RDWR) = 3'],
  [{ call: 'open', path: '/dev/vfio/7', flags: 0x8_0000, result: -16 }, 'open("/dev/vfio/7", O_RDONLY|O_CLOEXEC) = -1 EBUSY (Device or resource busy)'],
  [{ call: 'open', path: 'a"b\\c\n\u{1f600}', flags: 0x8002, result: 3 }, 'open("a\\"b\\\\c\\n\\x1f600", O_RDWR|0x8000) = 3'],
  [{ call: 'close', fd: 3, result: 0 }, 'close(3) = 0'],
  [{ call: 'close', fd: -1, result: -9 }, 'close(-1) = -1 EBADF (Bad file descriptor)'],
  [{ call: 'dup', fd: 3, result: 4 }, 'dup(3) = 4'],
  [{ call: 'lseek', fd: 3, result: -29 }, 'lseek(3, 0, SEEK_CUR) = -1 ESPIPE (Illegal seek)'],
  [{ call: 'pread', fd: 3, buffer: { length: 4, after: bytes(0xed, 0, 0, 1) }, offset: 0x70000000000n, result: 4 }, 'pread64(3, "\\xed\\x00\\x00\\x01", 4, 0x70000000000) = 4'],
  [{ call: 'pread', fd: 3, buffer: { length: 8, after: bytes(1, 2, 3, 4, 9, 9, 9, 9) }, offset: 0, result: 4 }, 'pread64(3, "\\x01\\x02\\x03\\x04", 8, 0) = 4'],
  [{ call: 'pread', fd: 3, buffer: { length: 4, address: 0x1234, after: bytes() }, offset: 0, result: -14 }, 'pread64(3, 0x1234, 4, 0) = -1 EFAULT (Bad address)'],
  [{ call: 'pread', fd: 3, buffer: { length: 4, address: 0x1000, after: bytes() }, offset: 0, result: 4 }, 'pread64(3, 0x1000, 4, 0) = 4'],
  [{ call: 'pwrite', fd: 3, buffer: { length: 5, before: text('hello') }, offset: 16, result: 5 }, 'pwrite64(3, "hello", 5, 0x10) = 5'],
  [{ call: 'pwrite', fd: 3, buffer: { length: 100, before: text('x'.repeat(32)) }, offset: 16, result: -22 }, `pwrite64(3, "${'x'.repeat(32)}"..., 100, 0x10) = -1 EINVAL (Invalid argument)`],
  [{ call: 'read', fd: 4, buffer: { length: 8, after: bytes(1, 0, 0, 0, 0, 0, 0, 0) }, result: 8 }, 'read(4, "\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00", 8) = 8'],
  [{ call: 'read', fd: 4, buffer: { length: 8, after: bytes(0) }, result: -11 }, 'read(4, "", 8) = -1 EAGAIN (Resource temporarily unavailable)'],
  [{ call: 'write', fd: 4, buffer: { length: 0, before: bytes() }, result: 0 }, 'write(4, "", 0) = 0'],
  [{ call: 'mmap', length: 4096, protection: 3, flags: 1, fd: 3, offset: 0x1000n, result: 0x7fffffffe000 }, 'mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3, 0x1000) = 0x7fffffffe000'],
  [{ call: 'mmap', length: 4096n, protection: 0, flags: 0x4022, fd: -1, offset: 0, result: -12 }, 'mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|0x4000, -1, 0) = -1 ENOMEM (Cannot allocate memory)'],
  [{ call: 'munmap', address: 0x7fffffffe000, length: 4096, result: 0 }, 'munmap(0x7fffffffe000, 4096) = 0'],
  [{ call: 'eventfd', initial: 0, flags: 0x80801, result: 5 }, 'eventfd2(0, EFD_SEMAPHORE|EFD_NONBLOCK|EFD_CLOEXEC) = 5'],
  [{ call: 'poll', fds: [{ fd: 5, events: 1, revents: 1 }], timeout: 0, result: 1 }, 'poll([{fd=5, events=POLLIN}], 1, 0) = 1 ([{fd=5, revents=POLLIN}])'],
  [{ call: 'poll', fds: [{ fd: 5, events: 5, revents: 0 }, { fd: 6, events: 0 }], timeout: -1, result: 0 }, 'poll([{fd=5, events=POLLIN|POLLOUT}, {fd=6, events=0}], 2, -1) = 0 (Timeout)'],
  [{ call: 'poll', fds: [{ fd: 9, events: 1, revents: 0x20 }, { fd: 5, events: 1, revents: 0 }], timeout: 0, result: 1 }, 'poll([{fd=9, events=POLLIN}, {fd=5, events=POLLIN}], 2, 0) = 1 ([{fd=9, revents=POLLNVAL}])'],
  [{ call: 'exit', status: 0 }, 'exit_group(0) = ?'],
];

test.each(LINES.map(([call, line]) => [line, call] as const))('%s', (line, call) => {
  expect(callLine(call)).toBe(line);
  expect(callLine(readRecordedCall(JSON.parse(JSON.stringify(recordCall(call)))))).toBe(line);
});

describe('results', () => {
  test('every errno of Linux has words', () => {
    for (const [name, number] of Object.entries(ERRNO)) expect(errnoText(number)).toMatch(new RegExp(`^E[A-Z0-9]+ \\([A-Z.][^()]*(?:\\(.*\\))?[^()]*\\)$|^${name} `));
    expect([errnoText(11), errnoText(95), errnoText(41), errnoText(515)]).toEqual(['EAGAIN (Resource temporarily unavailable)', 'EOPNOTSUPP (Operation not supported)', 'ERRNO_41 (Unknown error 41)', 'ENOIOCTLCMD (No ioctl command)']);
  });

  test('below -4095 a result is no errno', () => {
    expect(callLine({ call: 'close', fd: 3, result: -4095 })).toBe('close(3) = -1 ERRNO_4095 (Unknown error 4095)');
    expect(callLine({ call: 'close', fd: 3, result: -4096 })).toBe('close(3) = -4096');
  });

  test('why is a comment, when it is asked for', () => {
    const call: SystemCall = { call: 'close', fd: 3, result: -9, why: 'EBADF: close: fd 3\n is */ not open' };
    expect(callLine(call)).toBe('close(3) = -1 EBADF (Bad file descriptor)');
    expect(callLine(call, { why: true })).toBe('close(3) = -1 EBADF (Bad file descriptor) /* EBADF: close: fd 3 is * / not open */');
  });
});

test('a tree is its text, and JSON', () => {
  const before = Uint8Array.of(16, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0);
  const decoded = decodeCall({ call: 'ioctl', fd: 3, kind: 'device', request: 0x3b6d, argument: { before, after: before }, result: 0 });
  expect([decoded.name, decoded.result]).toEqual(['ioctl', '0']);
  expect(decoded.arguments.map(shownJson)).toEqual(['3', 'VFIO_DEVICE_GET_IRQ_INFO', { before: { argsz: '16', index: 'VFIO_PCI_MSI_IRQ_INDEX' }, after: { flags: '0', count: '0' } }]);
  expect(shownJson({ name: 'TYPE', fields: [['type', ['1']]] })).toEqual({ capability: 'TYPE', type: ['1'] });
  expect(shownText(decoded.arguments[2]!)).toBe('{argsz=16, index=VFIO_PCI_MSI_IRQ_INDEX, ...} => {flags=0, count=0}');
});

describe('garbage', () => {
  const oneLine = (line: string): void => expect(line).toMatch(/^[\x20-\x7e]+$/);
  const requests = Object.values(constants).filter((value) => value >= 0x3b64 && value <= 0x3bff);
  const kinds = ['device', 'container', 'spapr-container', 'group', 'migration', 'iommufd', 'eventfd', undefined];
  // Small numbers make structs that hang together; others make them lie.
  const memory = fc.oneof(fc.uint8Array({ maxLength: 96 }), fc.array(fc.constantFrom(0, 1, 8, 16, 24, 32, 48, 80, 255), { maxLength: 96 }).map((list) => Uint8Array.from(list)), fc.array(fc.constantFrom(0, 1, 2, 8, 24, 32, 40, 48, 64, 0x10001, 0xffffffff), { maxLength: 24 }).map((list) => new Uint8Array(Uint32Array.from(list).buffer)));

  test('any bytes behind any request', () => {
    fc.assert(
      fc.property(fc.constantFrom(...requests), fc.constantFrom(...kinds), memory, memory, fc.constantFrom(0, 1, -22, -28), (request, kind, before, after, result) => {
        const call = { call: 'ioctl', fd: 3, request, argument: { before, after }, result, ...(kind !== undefined && { kind }) } as const;
        const line = callLine(call);
        oneLine(line);
        expect(callLine(readRecordedCall(JSON.parse(JSON.stringify(recordCall(call)))))).toBe(line);
        JSON.stringify(decodeCall(call).arguments.map(shownJson));
      }),
      { numRuns: 3000 },
    );
  });

  test('anything at all instead of any part', () => {
    const part = fc.oneof(fc.anything({ withBigInt: true, withTypedArray: true, withNullPrototype: true }), fc.integer(), fc.bigInt(), fc.uint8Array(), fc.record({ before: fc.anything(), after: fc.anything(), address: fc.anything(), length: fc.anything() }));
    const call = fc.record(
      {
        call: fc.oneof(fc.constantFrom('ioctl', 'open', 'close', 'dup', 'lseek', 'read', 'write', 'pread', 'pwrite', 'mmap', 'munmap', 'eventfd', 'poll', 'exit'), fc.anything()),
        fd: part, request: fc.oneof(part, fc.constantFrom(...requests)), argument: part, kind: part, bus: part, buffer: part, offset: part, length: part, protection: part, flags: part, path: part,
        initial: part, fds: fc.oneof(part, fc.array(part)), timeout: part, status: part, address: part, result: part, why: part,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(call, fc.anything()), (anything) => {
        oneLine(callLine(anything as SystemCall, { why: true }));
        oneLine(callLine(readRecordedCall(recordCall(anything as SystemCall))));
      }),
      { numRuns: 3000 },
    );
  });
});
