// The typed client against files of uapi v7.2 (section 9): dma-bufs of BARs, precopy information that tells of a new first pass.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { VfioClient } from '../../src/vfio-client/index.ts';
import type { OpenOptions, Process, VfioDeviceDescription } from '../../src/vfio/index.ts';
import { traceCalls } from '../../src/vfio/index.ts';
import { TestModel } from '../vfio/migration-model.ts';
import { PAGE, World, message, outcome } from '../vfio/support.ts';

const V7 = { uapi: 'v7.2' } as const;
const FIRST = { offset: 0n, size: 0x1000n };
const LAST = { offset: 0x3000n, size: 0x1000n };

let world: World;
let process: Process;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

function open(more: Partial<VfioDeviceDescription> = {}, options: OpenOptions = V7): VfioClient {
  process = world.process({ maxFds: 6 });
  const fd = process.open(world.device({ 0: { region: world.ram(4 * PAGE) }, 2: { region: world.ram(PAGE), ioPorts: true }, 7: { region: world.ram(0x100) } }, more), options);
  return new VfioClient(process, fd);
}

test('the two are beside those of v6.14, and not there in it', () => {
  const seen = (client: VfioClient): unknown[] => client.feature.later.map((feature) => [feature.index, feature.name, feature.probe()]);
  const migration = new TestModel();
  expect(seen(open({ migration }))).toEqual([[11, 'DMA_BUF', { get: true, set: false }], [12, 'MIG_PRECOPY_INFOv2', { get: false, set: true }]]);
  const old = open({ migration }, {});
  expect(seen(old)).toEqual([[11, 'DMA_BUF', undefined], [12, 'MIG_PRECOPY_INFOv2', undefined]]);
  expect(message(() => old.feature.dmaBuf.get(0, [FIRST]))).toMatch(/^ENOTTY: VFIO_DEVICE_FEATURE DMA_BUF/);
  expect(message(() => old.feature.precopyInfoV2.set())).toMatch(/^ENOTTY: VFIO_DEVICE_FEATURE MIG_PRECOPY_INFOv2/);
});

describe('dma-bufs', () => {
  test('ranges in their order, an fd of its own, revoked with the memory gate', () => {
    let isOpen = true;
    const client = open({ memoryEnabled: () => isOpen });
    const fd = client.feature.dmaBuf.get(0, [LAST, FIRST]);
    expect([fd, process.lseek(fd)]).toEqual([4, 2 * PAGE]);
    const buffer = process.dmaBuf(fd);
    expect(buffer.ranges().map(({ position, length }) => ({ offset: position, size: length }))).toEqual([LAST, FIRST]);
    isOpen = false;
    expect(process.dmaBuf(client.feature.dmaBuf.get(0, [FIRST])).isRevoked).toBe(true);
  });

  test('all that can be mapped of a BAR, and the flags that open(2) has', () => {
    const client = open();
    const lines: string[] = [];
    traceCalls(process, (line) => lines.push(line));
    const fd = client.feature.dmaBuf.get(0, client.region(0).areas);
    client.feature.dmaBuf.get(0, [FIRST, LAST], 1);
    expect(process.dmaBuf(fd).size).toBe(0x4000n);
    const features = lines.filter((line) => line.includes('FEATURE'));
    expect(features[0]).toContain('argsz=40, flags=GET|DMA_BUF, data={region_index=VFIO_PCI_BAR0_REGION_INDEX, open_flags=O_RDWR|O_CLOEXEC, flags=0, nr_ranges=1, dma_ranges=[{offset=0, length=0x4000}]}');
    expect(features[1]).toContain('argsz=56, flags=GET|DMA_BUF, data={region_index=VFIO_PCI_BAR0_REGION_INDEX, open_flags=O_WRONLY, flags=0, nr_ranges=2, dma_ranges=[{offset=0, length=0x1000}, {offset=0x3000, length=0x1000}]}');
  });

  test.each<[string, (client: VfioClient) => unknown, string]>([
    ['no ranges', (client) => client.feature.dmaBuf.get(0, []), 'EINVAL'],
    ['half a page', (client) => client.feature.dmaBuf.get(0, [{ offset: 0n, size: 0x800n }]), 'EINVAL'],
    ['past the end', (client) => client.feature.dmaBuf.get(0, [{ offset: 0x3000n, size: 0x2000n }]), 'EINVAL'],
    ['an absent BAR', (client) => client.feature.dmaBuf.get(1, [FIRST]), 'EINVAL'],
    ['the ROM', (client) => client.feature.dmaBuf.get(6, [FIRST]), 'ENODEV'],
    ['a BAR of ports', (client) => client.feature.dmaBuf.get(2, [FIRST]), 'ENODEV'],
    ['more ranges than the kernel takes', (client) => client.feature.dmaBuf.get(0, new Array(0x4_0001).fill(FIRST)), 'ENOMEM'],
    ['no fd left', (client) => [process.eventfd(), process.eventfd(), client.feature.dmaBuf.get(0, [FIRST])], 'EMFILE'],
    ['a closed device', (client) => (client.close(), client.feature.dmaBuf.get(0, [FIRST])), 'EBADF'],
    ['an index that is none', (client) => client.feature.dmaBuf.get(-1, [FIRST]), 'RangeError'],
    ['an offset that is none', (client) => client.feature.dmaBuf.get(0, [{ offset: -1n, size: 0x1000n }]), 'RangeError'],
    ['a size that is no number', (client) => client.feature.dmaBuf.get(0, [{ offset: 0n, size: '4096' as never }]), 'TypeError'],
  ])('%s', (_, call, expected) => {
    const client = open();
    expect(outcome(() => call(client))).toBe(expected);
    expect(process.fds.filter((fd) => outcome(() => process.dmaBuf(fd)) !== 'EINVAL')).toEqual([]);
  });

  test('a device that others cannot reach says so, also to a probe', () => {
    const { dmaBuf } = open({ peerToPeer: false }).feature;
    expect(message(() => dmaBuf.probe())).toMatch(/^EOPNOTSUPP: VFIO_DEVICE_FEATURE DMA_BUF/);
    expect(message(() => dmaBuf.get(0, [FIRST]))).toMatch(/^EOPNOTSUPP: VFIO_DEVICE_FEATURE DMA_BUF/);
  });

  test('the number of the proposal, where it is on: no dma-buf, and no harm', () => {
    const client = open({}, { proposals: { aliasRegions: true } });
    expect(outcome(() => client.feature.dmaBuf.get(0, [FIRST]))).toBe('EINVAL');
    expect(process.fds).toEqual([3]);
  });
});

describe('precopy information', () => {
  test('tells of a new first pass once it was asked to', () => {
    const model = new TestModel();
    let [initial, reinit] = [5, true];
    model.save = () => ({ pending: () => ({ initial, dirty: 7, reinit }), next: () => new Uint8Array(), finish: () => undefined });
    const client = open({ migration: model });
    const saved = client.migration.to('PRE_COPY')!;
    // What has changed is told when the first pass is over.
    expect(saved.precopyInfo()).toEqual({ initialBytes: 5n, dirtyBytes: 0n, reinit: false });
    client.feature.precopyInfoV2.set();
    client.feature.precopyInfoV2.set();
    expect(saved.precopyInfo()).toEqual({ initialBytes: 5n, dirtyBytes: 0n, reinit: true });
    [initial, reinit] = [0, false];
    expect(saved.precopyInfo()).toEqual({ initialBytes: 0n, dirtyBytes: 7n, reinit: false });
    client.migration.to('STOP_COPY');
    expect(message(() => saved.precopyInfo())).toMatch(/^EINVAL: VFIO_MIG_GET_PRECOPY_INFO/);
  });

  test('a session that is over, a file of a target', () => {
    const client = open({ migration: new TestModel() });
    const saved = client.migration.to('PRE_COPY')!;
    client.migration.to('RUNNING');
    expect(outcome(() => saved.precopyInfo())).toBe('EINVAL');
    const again = client.migration.to('PRE_COPY')!;
    expect(message(() => saved.precopyInfo())).toMatch(/^ENODEV: VFIO_MIG_GET_PRECOPY_INFO/);
    saved.close();
    again.close();
    client.migration.to('STOP');
    expect(message(() => client.migration.to('RESUMING')!.precopyInfo())).toMatch(/^ENOTTY: VFIO_MIG_GET_PRECOPY_INFO/);
  });

  test.each([['cannot copy while it runs', new TestModel(3)], ['cannot be migrated', undefined]])('a device that %s', (_, migration) => {
    const { precopyInfoV2 } = open(migration && { migration }).feature;
    expect(message(() => precopyInfoV2.probe())).toMatch(/^EINVAL: VFIO_DEVICE_FEATURE MIG_PRECOPY_INFOv2/);
    expect(message(() => precopyInfoV2.set())).toMatch(/^EINVAL: VFIO_DEVICE_FEATURE MIG_PRECOPY_INFOv2/);
  });
});
