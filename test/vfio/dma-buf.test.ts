// uapi v7.2 (section 9): feature DMA_BUF, the file that it makes, when it is revoked; feature MIG_PRECOPY_INFOv2.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type PciDevice, capability, pciDevice } from '../../src/pci/index.ts';
import { VFIO_DEVICE_FEATURE, VFIO_DEVICE_RESET, VFIO_MIG_GET_PRECOPY_INFO } from '../../src/uapi/index.ts';
import { type Process, type VfioDevice, type VfioDeviceDescription, traceCalls } from '../../src/vfio/index.ts';
import { GET, SET, S, TestModel, setState } from './migration-model.ts';
import { World, outcome, slot } from './support.ts';

const PROBE = 0x4_0000;
const DMA_BUF = 11;
const PRECOPY = 12;
const V7 = { uapi: 'v7.2' } as const;

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

function make(more: Partial<VfioDeviceDescription> = {}): VfioDevice {
  return world.device({ 0: { region: world.ram(0x4000) }, 2: { region: world.ram(0x1000), ioPorts: true }, 7: { region: world.ram(0x100) } }, more);
}

interface Request {
  readonly argsz?: number;
  readonly flags?: number;
  readonly index?: number;
  readonly reserved?: number;
  readonly count?: number;
  readonly ranges?: readonly (readonly [offset: bigint, length: bigint])[];
}

function bytesOf({ argsz = 24, flags = GET | DMA_BUF, index = 0, reserved = 0, ranges = [[0n, 0x1000n]], count = ranges.length }: Request): Uint8Array {
  const head = new Uint8Array(new Uint32Array([argsz, flags, index, 2, reserved, count]).buffer);
  return new Uint8Array(Buffer.concat([head, new Uint8Array(new BigUint64Array(ranges.flat()).buffer)]));
}

const ask = (process: Process, request: Request = {}, length?: number): unknown => {
  const bytes = bytesOf(request).slice(0, length);
  const before = bytes.slice();
  const result = outcome(() => process.ioctl(3, VFIO_DEVICE_FEATURE, bytes));
  expect(bytes).toEqual(before);
  return result;
};

describe('feature 11, DMA_BUF', () => {
  test('is a number of v7.2 alone', () => {
    expect(ask(world.open(make()))).toBe('ENOTTY');
    expect(ask(world.open(make(), V7))).toBe(4);
    const process = world.process({ opens: V7 });
    process.open(make());
    expect(ask(process)).toBe(4);
    expect(ask(world.open(world.device({ 0: { region: world.ram(0x1000) } }, { kind: 'platform' }), V7))).toBe('ENOTTY');
  });

  const faults: readonly (readonly [string, Request, number | undefined, unknown])[] = [
    ['SET', { flags: SET | DMA_BUF }, undefined, 'EINVAL'],
    ['PROBE', { flags: PROBE | DMA_BUF, argsz: 8 }, 8, 0],
    ['PROBE and GET', { flags: PROBE | GET | DMA_BUF, argsz: 8 }, 8, 0],
    ['PROBE and SET', { flags: PROBE | SET | DMA_BUF }, undefined, 'EINVAL'],
    ['no operation', { flags: DMA_BUF }, undefined, 'EINVAL'],
    ['argsz 23, and no memory', { argsz: 23 }, 8, 'EINVAL'],
    ['a base that ends early', {}, 23, 'EFAULT'],
    ['no ranges, and no BAR', { ranges: [], index: 9 }, undefined, 'EINVAL'],
    ['flags, and no BAR', { reserved: 1, index: 9 }, undefined, 'EINVAL'],
    ['the ROM, and ranges that are not there', { index: 6, count: 9 }, undefined, 'ENODEV'],
    ['the largest index', { index: 0xffff_ffff }, undefined, 'ENODEV'],
    ['ranges that end early', { count: 2 }, undefined, 'EFAULT'],
    ['a range that ends a byte early', {}, 39, 'EFAULT'],
    ['more ranges than the kernel allocates for, and not there', { count: 0x4_0001 }, undefined, 'ENOMEM'],
    ['as many as it does, and not there', { count: 0x4_0000 }, undefined, 'EFAULT'],
    ['the most', { count: 0xffff_ffff }, undefined, 'ENOMEM'],
    ['an empty range', { ranges: [[0n, 0n]] }, undefined, 'EINVAL'],
    ['half a page', { ranges: [[0n, 0x800n]] }, undefined, 'EINVAL'],
    ['inside a page', { ranges: [[0x800n, 0x1000n]] }, undefined, 'EINVAL'],
    ['past the end', { ranges: [[0n, 0x1000n], [0x3000n, 0x2000n]] }, undefined, 'EINVAL'],
    ['past 2^64', { ranges: [[0xffff_ffff_ffff_f000n, 0x2000n]] }, undefined, 'EINVAL'],
    ['a BAR that is absent', { index: 1 }, undefined, 'EINVAL'],
    ['a BAR of ports', { index: 2 }, undefined, 'ENODEV'],
    ['a BAR of ports, past its end', { index: 2, ranges: [[0x1000n, 0x1000n]] }, undefined, 'EINVAL'],
    ['the last page', { ranges: [[0x3000n, 0x1000n]] }, undefined, 4],
    ['ranges behind argsz', { ranges: [[0n, 0x4000n], [0n, 0x4000n]] }, undefined, 4],
  ];
  test.each(faults)('%s', (_, request, length, expected) => {
    const process = world.open(make(), V7);
    expect(ask(process, request, length)).toBe(expected);
    expect(process.fds).toEqual(expected === 4 ? [3, 4] : [3]);
  });

  test('a device that others cannot reach is EOPNOTSUPP, before its operations are looked at', () => {
    const process = world.open(make({ peerToPeer: false }), V7);
    expect([ask(process), ask(process, { flags: SET | DMA_BUF }), ask(process, { flags: PROBE | DMA_BUF }), ask(process, { argsz: 7 })]).toEqual(['EOPNOTSUPP', 'EOPNOTSUPP', 'EOPNOTSUPP', 'EINVAL']);
  });

  test('EMFILE comes last, and leaves nothing', () => {
    const process = world.process({ maxFds: 4 });
    const device = make();
    process.open(device, V7);
    expect([ask(process), ask(process, { ranges: [[0n, 1n]] }), device.dmaBufs.count]).toEqual(['EMFILE', 'EINVAL', 0]);
  });

  test('the file: its size, and nothing else', () => {
    const process = world.open(make(), V7);
    const fd = ask(process, { ranges: [[0x1000n, 0x1000n], [0n, 0x2000n]] }) as number;
    const seen = [
      process.lseek(fd), outcome(() => process.mmap(0x1000, 3, 1, fd, 0)), outcome(() => process.read(fd, new Uint8Array(1))), outcome(() => process.ioctl(fd, VFIO_DEVICE_RESET)),
    ];
    expect(seen).toEqual([0x3000, 'EINVAL', 'EINVAL', 'ENOTTY']);
    expect([outcome(() => process.dmaBuf(3)), outcome(() => process.dmaBuf(9))]).toEqual(['EINVAL', 'EBADF']);
    const buffer = process.dmaBuf(fd);
    expect(buffer.ranges().map(({ position, length }) => [position, length])).toEqual([[0x1000n, 0x1000n], [0n, 0x2000n]]);
    expect(buffer.ranges()[0]!.region.read8(buffer.ranges()[0]!.position + 5n)).toBe(5);
  });

  test('importers: one that cannot reach devices is EOPNOTSUPP, a revoked dma-buf ENODEV', () => {
    const process = world.open(make(), V7);
    const buffer = process.dmaBuf(ask(process) as number);
    const attach = (peerToPeer: boolean): unknown => outcome(() => typeof buffer.attach({ peerToPeer }));
    expect([attach(false), attach(true), outcome(() => buffer.attach({} as never))]).toEqual(['EOPNOTSUPP', 'function', 'TypeError']);
    process.ioctl(3, VFIO_DEVICE_FEATURE, new Uint8Array(new Uint32Array([8, SET | 3]).buffer));
    expect([attach(false), attach(true), outcome(() => buffer.ranges())]).toEqual(['EOPNOTSUPP', 'ENODEV', 'ENODEV']);
  });
});

describe('revoked, and usable again', () => {
  let card: PciDevice;
  let process: Process;
  let moves: boolean[];
  const EXP = 0x48;
  const PM = 0x40;
  const config = (at: number, ...bytes: number[]): number => process.pwrite(3, Uint8Array.from(bytes), slot(7) + BigInt(at));
  const low = (feature: number): unknown => outcome(() => process.ioctl(3, VFIO_DEVICE_FEATURE, new Uint8Array(new Uint32Array([8, SET | feature]).buffer)));

  beforeEach(() => {
    card = pciDevice(world.engine, { id: [1, 2], class: 0, bars: { 0: { memory: 0x4000 } }, capabilities: [capability.powerManagement({ keepsState: true }), capability.express({ at: EXP })] });
    process = world.open(card.vfio, V7);
    moves = [];
  });
  afterEach(() => {
    process.exit();
    card.destroy();
  });

  const opened = (): { readonly fd: number; readonly revoked: () => boolean } => {
    const fd = ask(process) as number;
    const buffer = process.dmaBuf(fd);
    if (!buffer.isRevoked) buffer.attach({ peerToPeer: true, onMove: (isRevoked) => moves.push(isRevoked) });
    return { fd, revoked: () => buffer.isRevoked };
  };

  // Low power takes away what there is, and is no closed gate: a dma-buf that is made then can be used.
  test.each<[string, isGate: boolean, () => void, () => void]>([
    ['COMMAND.MEM', true, () => config(4, 0), () => config(4, 2)],
    ['D3hot', true, () => config(PM + 4, 3), () => config(PM + 4, 0)],
    ['LOW_POWER_ENTRY', false, () => low(3), () => low(5)],
  ])('%s, for as long as it lasts', (_, isGate, close, open) => {
    const { revoked } = opened();
    close();
    expect([revoked(), moves]).toEqual([true, [true]]);
    const late = opened();
    expect([late.revoked(), process.dmaBuf(late.fd).size]).toEqual([isGate, 0x1000n]);
    open();
    expect([revoked(), late.revoked(), moves]).toEqual([false, false, [true, false]]);
  });

  test('a reset takes it away and gives it back; not while the gate is closed', () => {
    const { revoked } = opened();
    expect([outcome(() => process.ioctl(3, VFIO_DEVICE_RESET)), revoked(), moves]).toEqual([0, false, [true, false]]);
    config(EXP + 8, 0x10, 0xa8);
    expect([revoked(), moves]).toEqual([false, [true, false, true, false]]);
    config(4, 0);
    moves.length = 0;
    process.ioctl(3, VFIO_DEVICE_RESET);
    expect([revoked(), moves]).toEqual([true, []]);
  });

  test('the last close ends it, and so does its own; an importer that has gone is not told', () => {
    const { fd, revoked } = opened();
    const buffer = process.dmaBuf(fd);
    const gone: boolean[] = [];
    buffer.attach({ peerToPeer: true, onMove: (isRevoked) => gone.push(isRevoked) })();
    process.close(3);
    expect([revoked(), moves, gone, outcome(() => buffer.attach({ peerToPeer: true }))]).toEqual([true, [true], [], 'ENODEV']);
    expect(process.open(card.vfio, V7)).toBe(3);
    process.ioctl(3, VFIO_DEVICE_RESET);
    expect([revoked(), process.lseek(fd)]).toEqual([true, 0x1000]);
    const other = opened();
    process.close(other.fd);
    expect([other.revoked(), card.vfio.dmaBufs.count]).toEqual([true, 0]);
  });
});

test('alias regions want another number in v7.2, and get it', () => {
  const process = world.process();
  const device = make();
  const opens = (feature: number): unknown => outcome(() => process.open(device, { ...V7, proposals: { aliasRegions: { feature } } }));
  expect([opens(11), opens(12), outcome(() => process.open(device, { ...V7, profile: 'alias' })), outcome(() => process.open(device, { uapi: 'v6.15' as never }))]).toEqual(['TypeError', 'TypeError', 'TypeError', 'TypeError']);
  expect([opens(13), ask(process)]).toEqual([3, 4]);
  const alias = new Uint8Array(new Uint32Array([32, SET | 13, 0x20, 0, 0, 0, 0, 0]).buffer);
  expect([process.ioctl(3, VFIO_DEVICE_FEATURE, alias), alias[16]]).toEqual([0, 9]);
});

describe('feature 12, MIG_PRECOPY_INFOv2', () => {
  const use = (process: Process, flags: number, argsz = 8): unknown => outcome(() => process.ioctl(3, VFIO_DEVICE_FEATURE, new Uint8Array(new Uint32Array([argsz, flags | PRECOPY]).buffer)));

  test.each<[string, number | undefined, number, number, unknown]>([
    ['SET', 7, SET, 8, 0], ['PROBE', 7, PROBE, 8, 0], ['PROBE and SET', 5, PROBE | SET, 8, 0], ['GET', 7, GET, 8, 'EINVAL'], ['no operation', 7, 0, 8, 'EINVAL'],
    ['argsz 7', 7, SET, 7, 'EINVAL'], ['without PRE_COPY', 3, SET, 8, 'EINVAL'], ['PROBE without PRE_COPY', 3, PROBE, 8, 'EINVAL'], ['without migration', undefined, PROBE, 8, 'EINVAL'],
  ])('%s with flags %p', (_, flags, op, argsz, expected) => {
    expect(use(world.open(make(flags === undefined ? {} : { migration: new TestModel(flags) }), V7), op, argsz)).toBe(expected);
  });

  test('is a number of v7.2 alone', () => {
    expect(use(world.open(make({ migration: new TestModel() })), SET)).toBe('ENOTTY');
  });

  test('flags of VFIO_MIG_GET_PRECOPY_INFO: the caller\'s, then the kernel\'s, until the last close', () => {
    const model = new TestModel();
    let reinit = false;
    const save = model.save.bind(model);
    model.save = () => {
      const source = save();
      return { ...source, pending: () => ({ ...source.pending(), reinit }) };
    };
    model.first = [new Uint8Array(5)];
    const device = make({ migration: model });
    const process = world.open(device, V7);
    const info = (fd: number): number => {
      const bytes = new Uint8Array(24).fill(0x5a);
      bytes.set([24, 0, 0, 0]);
      process.ioctl(fd, VFIO_MIG_GET_PRECOPY_INFO, bytes);
      expect(bytes[8]).toBe(5);
      return new DataView(bytes.buffer).getUint32(4, true);
    };
    const first = setState(process, S.PRE_COPY).fd;
    reinit = true;
    const seen = [info(first)];
    expect(use(process, SET)).toBe(0);
    seen.push(info(first));
    reinit = false;
    seen.push(info(first));
    process.close(3);
    expect(process.open(device, V7)).toBe(3);
    seen.push(info(setState(process, S.PRE_COPY).fd));
    expect(seen).toEqual([0x5a5a_5a5a, 1, 0, 0x5a5a_5a5a]);
  });
});

test('lines of both, and of the same number in v6.14', () => {
  const lines: string[] = [];
  const process = world.open(make({ migration: new TestModel() }), V7);
  const old = process.open(make());
  traceCalls(process, (line) => lines.push(line));
  const long = bytesOf({ argsz: 40 });
  process.raw.ioctl(3, VFIO_DEVICE_FEATURE, long);
  process.raw.ioctl(old, VFIO_DEVICE_FEATURE, long);
  process.raw.ioctl(3, VFIO_DEVICE_FEATURE, new Uint8Array(new Uint32Array([8, SET | PRECOPY]).buffer));
  expect(lines).toEqual([
    'ioctl(3, VFIO_DEVICE_FEATURE, {argsz=40, flags=GET|DMA_BUF, data={region_index=VFIO_PCI_BAR0_REGION_INDEX, open_flags=O_RDWR, flags=0, nr_ranges=1, dma_ranges=[{offset=0, length=0x1000}]}}) = 5',
    'ioctl(4, VFIO_DEVICE_FEATURE, {argsz=40, flags=GET|ALIAS_REGION}) = -1 ENOTTY (Inappropriate ioctl for device)',
    'ioctl(3, VFIO_DEVICE_FEATURE, {argsz=8, flags=SET|MIG_PRECOPY_INFOv2}) = 0',
  ]);
});
