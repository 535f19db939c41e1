// Every ioctl of a device file, each word of its argument at each boundary (sections 1, 3.2, 3.3, 5.1, 5.6): 0, 1, 0xffffffff, minsz - 1, minsz, minsz + 1; and pointers that end too early.
import { describe, expect, test } from '@jest/globals';
import * as uapi from '../../src/uapi/index.ts';
import { DmaLog, HotResetSet, type OpenOptions, type Process } from '../../src/vfio/index.ts';
import { TestModel } from './migration-model.ts';
import { World, outcome } from './support.ts';

const GET = 0x1_0000;
const SET = 0x2_0000;
const EVENTFD = 4;
const GROUP = 5;
/** Stands for the address of a range of two pages, or of a bitmap. */
const POINTED = -0x7777;

interface Row {
  readonly name: string;
  readonly request: number;
  readonly minsz: number;
  /** The words of an argument that is right, argsz first where there is one. */
  readonly words: readonly number[];
  /** For each word: what it gives at the six boundaries. `.` is 0; one entry stands for all six. */
  readonly columns: readonly string[];
  readonly options?: OpenOptions;
}

const ARGSZ = 'EINVAL EINVAL . EINVAL . .';
/** argsz of a request whose data the kernel reads only as far as other fields say. */
const ANY = '.';

const feature = (name: string, flags: number, payload: readonly number[], columns: readonly string[]): Row => ({
  name,
  request: uapi.VFIO_DEVICE_FEATURE,
  minsz: 8 + 4 * payload.length,
  words: [8 + 4 * payload.length, flags, ...payload],
  // PCI_VF_TOKEN is no feature of this device, MIGRATION wants an operation, bits are reserved; the others are features 7 to 9, or none.
  columns: [ARGSZ, payload.length === 0 ? 'ENOTTY EINVAL EINVAL EINVAL EINVAL EINVAL' : 'ENOTTY EINVAL EINVAL ENOTTY ENOTTY ENOTTY', ...columns],
});

const ROWS: readonly Row[] = [
  { name: 'VFIO_DEVICE_GET_INFO', request: uapi.VFIO_DEVICE_GET_INFO, minsz: 16, words: [16, 0, 0, 0, 0, 0], columns: [ARGSZ, ANY, ANY, ANY, ANY, ANY] },
  { name: 'VFIO_DEVICE_GET_REGION_INFO', request: uapi.VFIO_DEVICE_GET_REGION_INFO, minsz: 32, words: [32, 0, 0, 0, 0, 0, 0, 0], columns: [ARGSZ, ANY, '. . EINVAL EINVAL EINVAL EINVAL', ANY, ANY, ANY, ANY, ANY] },
  { name: 'VFIO_DEVICE_GET_IRQ_INFO', request: uapi.VFIO_DEVICE_GET_IRQ_INFO, minsz: 16, words: [16, 0, 0, 0], columns: [ARGSZ, ANY, '. . EINVAL EINVAL EINVAL EINVAL', ANY] },
  {
    name: 'VFIO_DEVICE_SET_IRQS', request: uapi.VFIO_DEVICE_SET_IRQS, minsz: 20, words: [24, 0x24, 1, 0, 1, EVENTFD],
    columns: [
      'EINVAL EINVAL . EINVAL EINVAL EINVAL',
      // 19: BOOL and NONE. 20: EVENTFD, UNMASK. 21: NONE and EVENTFD.
      'EINVAL ENOTTY EINVAL EINVAL ENOTTY EINVAL',
      '. . EINVAL EINVAL EINVAL EINVAL',
      '. . EINVAL EINVAL EINVAL EINVAL',
      // No vector asked for; as many as would not fit into argsz or the device.
      'ERANGE . EINVAL EINVAL EINVAL EINVAL',
      'EBADF EBADF . EBADF EBADF EBADF',
    ],
  },
  { name: 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO', request: uapi.VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, minsz: 12, words: [20, 0, 0, 0, 0], columns: ['EINVAL EINVAL . EINVAL ENOSPC ENOSPC', ANY, ANY, ANY, ANY] },
  { name: 'VFIO_DEVICE_PCI_HOT_RESET', request: uapi.VFIO_DEVICE_PCI_HOT_RESET, minsz: 12, words: [16, 0, 1, GROUP], columns: [ARGSZ, '. EINVAL EINVAL EINVAL EINVAL EINVAL', 'EINVAL . EINVAL EINVAL EINVAL EINVAL', 'EBADF EBADF EBADF EBADF EBADF EBADF'] },
  {
    name: 'VFIO_DEVICE_IOEVENTFD', request: uapi.VFIO_DEVICE_IOEVENTFD, minsz: 28, words: [32, 4, 0x10, 0, 7, 0, EVENTFD, 0],
    columns: [
      ARGSZ,
      'EINVAL . EINVAL EINVAL EINVAL EINVAL',
      '. . EINVAL . . .',
      // The region's index stands in bits 40 and up: below, the position is beyond the BAR.
      '. EINVAL EINVAL EINVAL EINVAL EINVAL',
      ANY,
      ANY,
      'EBADF EBADF ENODEV EBADF EBADF EBADF',
      ANY,
    ],
  },
  feature('MIGRATION GET', GET | 1, [0, 0], [ANY, ANY]),
  feature('MIG_DEVICE_STATE GET', GET | 2, [0, 0], [ANY, ANY]),
  // ERROR cannot be asked for; 15 to 17 and 0xffffffff are no states.
  feature('MIG_DEVICE_STATE SET', SET | 2, [1, 0], ['EINVAL . EINVAL EINVAL EINVAL EINVAL', ANY]),
  feature('LOW_POWER_ENTRY SET', SET | 3, [], []),
  feature('LOW_POWER_ENTRY_WITH_WAKEUP SET', SET | 4, [EVENTFD, 0], ['EBADF EBADF EINVAL EBADF EBADF EBADF', ANY]),
  feature('LOW_POWER_EXIT SET', SET | 5, [], []),
  feature('DMA_LOGGING_START SET', SET | 6, [4096, 0, 1, 0, POINTED, 0], [
    // What is no power of two tests the bits that it has less one: the range is of two pages at 0. Behind it stand empty ones.
    'EINVAL . EINVAL . . .', ANY, 'EINVAL . E2BIG EINVAL EINVAL EINVAL', ANY, 'EFAULT EFAULT EFAULT EFAULT EFAULT EFAULT', '. EFAULT EFAULT EFAULT EFAULT EFAULT',
  ]),
  feature('DMA_LOGGING_STOP SET', SET | 7, [], []),
  feature('DMA_LOGGING_REPORT GET', GET | 8, [0, 0, 0x2000, 0, 4096, 0, POINTED, 0], [
    ANY, ANY, ANY, ANY, 'EINVAL', '. EINVAL EINVAL EINVAL EINVAL EINVAL', ANY, ANY,
  ]),
  feature('MIG_DATA_SIZE GET', GET | 9, [0, 0], [ANY, ANY]),
  { ...feature('ALIAS_REGION SET', SET | 11, [0x20, 0, 0, 0, 0, 0], ['. EINVAL EINVAL EINVAL . EINVAL', '. . EINVAL EINVAL EINVAL EINVAL', ANY, ANY, ANY, ANY]), options: { profile: 'alias' } },
  {
    name: 'VFIO_DEVICE_GET_REGION_MMAP', request: uapi.VFIO_DEVICE_GET_REGION_MMAP, minsz: 32, words: [32, 0, 0, 0, 0, 0, 0, 0], options: { profile: 'cookie' },
    columns: [ARGSZ, '. . EINVAL EINVAL EINVAL EINVAL', '. . EINVAL EINVAL EINVAL EINVAL', ANY, ANY, ANY, ANY, ANY],
  },
  { name: 'VFIO_DEVICE_GET_REGION_CAPS', request: uapi.VFIO_DEVICE_GET_REGION_CAPS, minsz: 32, words: [32, 0, 0, 0, 0, 0, 0, 0], options: { profile: 'cookie' }, columns: [ARGSZ, '. . EINVAL EINVAL EINVAL EINVAL', ANY, ANY, ANY, ANY, ANY, ANY] },
  { name: 'VFIO_DEVICE_SET_REGION_FLAGS', request: uapi.VFIO_DEVICE_SET_REGION_FLAGS, minsz: 8, words: [0, 1], options: { proposals: { regionFlags: true } }, columns: ['. . EINVAL EINVAL EINVAL EINVAL', '. . . . . .'] },
];

/** Makes the call in a world of its own: 0 or an errno, and whether a byte has changed that is not the argument's. */
function answer(row: Row, words: readonly number[], length = 4 * words.length): unknown {
  const world = new World();
  try {
    const device = world.device(
      { 0: { region: world.ram(0x4000), prefetchable: true }, 1: { region: world.ram(0x4000), prefetchable: true } },
      { reset: true, interrupts: { intx: true, msi: 4, express: true }, migration: new TestModel(), dmaLogging: new DmaLog() },
    );
    new HotResetSet([{ bus: 1, devfn: 0, group: 7, device }]);
    const process = world.open(device, row.options);
    expect([process.eventfd(), process.openGroup(7)]).toEqual([EVENTFD, GROUP]);
    if (row.name === 'DMA_LOGGING_REPORT GET') called(process, row, [32, SET | 6, 4096, 0, 1, 0, POINTED, 0], 32);
    return called(process, row, words, length);
  } finally {
    world.end();
  }
}

function called(process: Process, { request }: Row, words: readonly number[], length: number): unknown {
  const pointed = process.allocate(4096);
  // Behind it nothing is mapped.
  const block = process.allocate(8192);
  process.munmap(block + 4096, 4096);
  process.memory.writeBytes(pointed, new Uint8Array(new BigUint64Array([0n, 0x2000n]).buffer));
  const values = words.map((word, i) => (word === POINTED ? Number(BigInt(pointed) & 0xffff_ffffn) : words[i - 1] === POINTED && word === 0 ? Math.floor(pointed / 2 ** 32) : word));
  const bytes = new Uint8Array(Uint32Array.from(values).buffer).subarray(0, length);
  const before = new Uint8Array(4096 - bytes.length).fill(0xaa);
  process.memory.writeBytes(block, before);
  process.memory.writeBytes(block + before.length, bytes);
  const result = outcome(() => process.ioctl(3, request, block + before.length));
  expect(Buffer.compare(process.memory.readBytes(block, new Uint8Array(before.length)), before)).toBe(0);
  return result;
}

describe.each(ROWS)('$name', (row) => {
  const { minsz, words, columns } = row;
  const boundaries = [0, 1, 0xffff_ffff, minsz - 1, minsz, minsz + 1];

  test('is right as it is', () => {
    expect(answer(row, words)).toBe(0);
  });

  test.each(columns.map((column, at) => [at, column] as const))('word %i: %s', (at, column) => {
    const expected = column.split(' ').length === 1 ? boundaries.map(() => column) : column.split(' ');
    const seen = boundaries.map((value) => answer(row, words.map((word, i) => (i === at ? value : word))));
    expect(seen.map((one) => (one === 0 ? '.' : one))).toEqual(expected);
  });

  test('a pointer that ends a byte before what is read first, whatever is wrong besides, is EFAULT; at NULL too', () => {
    const first = row.request === uapi.VFIO_DEVICE_FEATURE ? 8 : minsz;
    expect([answer(row, words, first - 1), answer(row, words.map(() => 0xffff_ffff), first - 1), answer(row, words, 0)]).toEqual(['EFAULT', 'EFAULT', 'EFAULT']);
  });
});
