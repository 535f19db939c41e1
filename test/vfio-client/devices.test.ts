// The typed client against real devices: everything goes through the calls of a process, thrown errnos or C's results.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { edu, mtty, nvmeLite } from '../../src/devices/index.ts';
import { createTestbench } from '../../src/hosts/index.ts';
import type { Testbench } from '../../src/hosts/index.ts';
import { VFIO_PCI_CONFIG_REGION_INDEX } from '../../src/uapi/index.ts';
import { VfioClient } from '../../src/vfio-client/index.ts';
import type { VfioCalls, VfioClientOptions } from '../../src/vfio-client/index.ts';
import { HotResetSet, type OpenOptions, Process, type VfioDevice } from '../../src/vfio/index.ts';
import { PAGE, World, message, outcome, slot } from '../vfio/support.ts';

/** The calls of a process with C's results instead of exceptions. */
function raw(process: Process): VfioCalls {
  return { ...process.raw, memory: process.memory };
}

/** Lets a function be the bus's master, which it is not when it is opened. */
function masters(client: VfioClient): void {
  client.region(VFIO_PCI_CONFIG_REGION_INDEX).write16(4, 0x6);
}

describe.each([
  ['errors thrown', (process: Process): VfioCalls => process],
  ['-errno', raw],
] as const)('devices of the package: %s', (_, callsOf) => {
  let bench: Testbench;
  let process: Process;
  beforeEach(() => {
    bench = createTestbench();
    process = new Process(bench.engine);
  });
  afterEach(async () => {
    process.exit();
    await bench.settle();
    bench.destroy();
    expect(bench.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  });
  const open = (device: VfioDevice, options: OpenOptions = {}): VfioClient => new VfioClient(callsOf(process), process.open(device, options));

  test('edu: what it is, registers by pread and through a mapping, its interrupt', () => {
    const client = open(bench.plug(edu).vfio, { offsets: 'scattered' });
    expect(client.info()).toMatchObject({ flagNames: ['PCI'], numRegions: 9, numIrqs: 5, capabilities: [] });
    const bar = client.region(0);
    expect([bar.flagNames, bar.size, bar.areas]).toEqual([['READ', 'WRITE', 'MMAP'], 0x10_0000n, [{ offset: 0n, size: 0x10_0000n }]]);
    expect(bar.read32(0)).toBe(0x0100_00ed);
    bar.write32(4, 0x1234_5678);
    const mapping = bar.map();
    expect(mapping.read32(4)).toBe(0xedcb_a987);
    mapping.write32(4, 0);
    expect(bar.read32(4n)).toBe(0xffff_ffff);
    expect(mapping.size).toBe(bar.size);
    mapping.unmap();
    mapping.unmap();
    expect(process.maps()).toEqual([]);
    expect(outcome(() => mapping.read32(4))).toBe('TypeError');

    masters(client);
    const { msi } = client.interrupts;
    expect(msi.info()).toEqual({ index: 1, flags: 9, flagNames: ['EVENTFD', 'NORESIZE'], count: 1 });
    const eventfd = process.eventfd();
    let signals = 0;
    process.onEvent(eventfd, () => signals++);
    msi.enable([eventfd]);
    msi.trigger();
    bar.write32(0x60, 1);
    expect(signals).toBe(2);
    msi.disable();
    bar.write32(0x60, 2);
    expect(signals).toBe(2);
    expect(outcome(() => msi.disable())).toBe('EINVAL');
    expect(message(() => msi.mask())).toMatch(/^ENOTTY: VFIO_DEVICE_SET_IRQS/);
  });

  test('edu: INTx masked, unmasked, unmasked by an eventfd', () => {
    const client = open(bench.plug(edu).vfio);
    const { intx } = client.interrupts;
    const [signal, unmask] = [process.eventfd(), process.eventfd()];
    let signals = 0;
    process.onEvent(signal, () => signals++);
    intx.enable([signal]);
    const bar = client.region(0);
    bar.write32(0x60, 1);
    expect(signals).toBe(1);
    // Automasked: it comes again when it is let through.
    intx.unmask();
    expect(signals).toBe(2);
    intx.unmask(unmask);
    process.write(unmask, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    expect(signals).toBe(3);
    bar.write32(0x64, 1);
    intx.unmask();
    intx.mask();
    bar.write32(0x60, 1);
    expect(signals).toBe(3);
    intx.unmask();
    expect(signals).toBe(4);
    intx.disable();
  });

  test('nvme-lite: MSI-X vectors, the capability of the BAR with the table, what a probe tells of each feature', () => {
    const client = open(bench.plug((engine, host) => nvmeLite(engine, host)).vfio);
    expect(client.region(0).capabilities).toEqual([{ kind: 'MSIX_MAPPABLE' }]);
    const { msix } = client.interrupts;
    const fds = Array.from({ length: 2 }, () => process.eventfd());
    const signals: number[] = [];
    fds.forEach((fd, i) => process.onEvent(fd, () => signals.push(i)));
    msix.enable(fds);
    msix.trigger(0, 2);
    msix.trigger(1);
    expect(signals).toEqual([0, 1, 1]);
    msix.disable();

    const none = undefined;
    const [get, set, both] = [{ get: true, set: false }, { get: false, set: true }, { get: true, set: true }];
    expect(client.feature.all.map((feature) => [feature.index, feature.name, feature.probe()])).toEqual([
      [0, 'PCI_VF_TOKEN', none],
      [1, 'MIGRATION', get],
      [2, 'MIG_DEVICE_STATE', both],
      [3, 'LOW_POWER_ENTRY', set],
      [4, 'LOW_POWER_ENTRY_WITH_WAKEUP', set],
      [5, 'LOW_POWER_EXIT', set],
      [6, 'DMA_LOGGING_START', set],
      [7, 'DMA_LOGGING_STOP', set],
      [8, 'DMA_LOGGING_REPORT', get],
      [9, 'MIG_DATA_SIZE', get],
      [10, 'BUS_MASTER', none],
    ]);
    expect(client.feature.aliasRegion.probe(0)).toBe(none);
    expect(client.feature.at(2).probe()).toEqual(both);
    expect(message(() => client.feature.busMaster.set(true))).toMatch(/^ENOTTY: VFIO_DEVICE_FEATURE BUS_MASTER/);
  });

  test('nvme-lite: which pages it has written', async () => {
    const card = bench.plug((engine, host) => nvmeLite(engine, host));
    const client = open(card.vfio);
    masters(client);
    const range = { iova: 0n, length: 1n << 24n };
    expect(client.dmaLogging.start([range], 8192n)).toBe(8192n);
    await card.dma.write(0x5000, Uint8Array.of(1));
    expect(client.dmaLogging.report(range, 4096n)).toEqual([4n, 5n]);
    await card.dma.write(0x9_0000, Uint8Array.of(1));
    expect(client.dmaLogging.report(range, 8192n)).toEqual([0x48n]);
    client.dmaLogging.stop();
    expect(outcome(() => client.dmaLogging.report(range))).toBe('EINVAL');
    expect(outcome(() => client.dmaLogging.start([]))).toBe('EINVAL');
    expect(process.maps()).toEqual([]);
  });

  test('low power: entered once, left, and left by itself', () => {
    const client = open(bench.plug(edu).vfio);
    client.feature.lowPowerEntry.set();
    expect(message(() => client.feature.lowPowerEntry.set())).toMatch(/^EINVAL: VFIO_DEVICE_FEATURE LOW_POWER_ENTRY/);
    client.feature.lowPowerExit.set();
    const eventfd = process.eventfd();
    let woken = 0;
    process.onEvent(eventfd, () => woken++);
    client.feature.lowPowerEntryWithWakeup.set(eventfd);
    client.region(0).read32(0);
    expect(woken).toBe(1);
  });

  test('mtty: migrated from one to the other', () => {
    const [source, target] = [open(bench.plug(mtty).vfio), open(bench.plug(mtty).vfio)];
    source.region(0).write8(7, 0x5a);
    expect(source.migration.abilities()).toEqual(['STOP_COPY', 'P2P', 'PRE_COPY']);
    expect([source.migration.state(), source.migration.dataSize()]).toEqual(['RUNNING', 96n]);
    const saved = source.migration.to('PRE_COPY')!;
    expect(saved.precopyInfo()).toEqual({ initialBytes: 24n, dirtyBytes: 0n, reinit: false });
    const early = saved.readAll();
    expect(source.migration.to('STOP_COPY')).toBeUndefined();
    const late = saved.readAll();
    expect([early.length, late.length, source.migration.state()]).toEqual([24, 72, 'STOP_COPY']);
    source.migration.to('STOP');
    expect(outcome(() => saved.read())).toBe('ENODEV');
    saved.close();

    const loaded = target.migration.to('RESUMING')!;
    loaded.write(early);
    loaded.write(late);
    target.migration.to('RUNNING');
    loaded.close();
    expect(target.region(0).read8(7)).toBe(0x5a);
    expect(message(() => target.migration.to('ERROR'))).toMatch(/^EINVAL: VFIO_DEVICE_FEATURE MIG_DEVICE_STATE/);
    expect(outcome(() => target.migration.to('ASLEEP' as never))).toBe('TypeError');
    expect(outcome(() => source.migration.to('PRE_COPY_P2P')?.close())).toBeUndefined();
  });

  test('nvme-lite: the temporary end of a stream is no error of readAll', () => {
    const client = open(bench.plug((engine, host) => nvmeLite(engine, host, { store: new Uint8Array(64 << 10) })).vfio);
    const saved = client.migration.to('PRE_COPY')!;
    const early = saved.readAll();
    expect(early.length).toBeGreaterThan(0);
    expect(outcome(() => saved.read())).toBe('ENOMSG');
    client.migration.to('STOP_COPY');
    expect(saved.readAll().length).toBeGreaterThan(0);
    expect(saved.read()).toEqual(new Uint8Array(0));
    saved.close();
    client.close();
    expect(process.fds).toEqual([]);
  });

  test('a register outside its region is a RangeError before any call is made', () => {
    const client = open(bench.plug(edu).vfio);
    const config = client.region(7);
    expect(config.read16(0)).toBe(0x1234);
    expect(message(() => config.read32(0x1000))).toMatch(/^read32: 4 bytes at 0x1000 are not in region 7, which has 0x\w+ bytes$/);
    for (const at of [-1, 0xff_ffff, 1.5, NaN, '0']) expect(outcome(() => config.read32(at as number))).toMatch(/RangeError|TypeError/);
    expect(outcome(() => client.region(1).read8(0))).toBe('RangeError');
    expect(message(() => client.region(9))).toMatch(/^EINVAL: VFIO_DEVICE_GET_REGION_INFO/);
    expect(message(() => client.region(1).map())).toMatch(/^EINVAL: mmap/);
    client.close();
    expect(message(() => client.info())).toMatch(/^EBADF: VFIO_DEVICE_GET_INFO/);
  });
});

describe('devices of these tests', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());
  const open = (device: VfioDevice, options: OpenOptions = {}, client: VfioClientOptions = {}): VfioClient => new VfioClient(world.open(device, options), 3, client);

  test('capabilities that need more room are asked for again', () => {
    const areas = Array.from({ length: 40 }, (_, i) => ({ offset: BigInt(2 * i) * 0x1000n, size: 0x1000n }));
    const client = open(world.device({ 0: { region: world.ram(80 * PAGE), capabilities: [{ kind: 'SPARSE_MMAP', areas }] } }, { atomics: 3, reset: true }));
    expect(client.info()).toEqual({ flags: 0x83, flagNames: ['RESET', 'PCI', 'CAPS'], numRegions: 9, numIrqs: 5, capabilities: [{ kind: 'PCI_ATOMIC_COMP', flags: 3 }] });
    const region = client.region(0);
    expect([region.capabilities, region.areas]).toEqual([[{ kind: 'SPARSE_MMAP', areas }], areas]);
    expect(message(() => region.map())).toBe('map: region 0 can be mapped in 40 parts; give one of its areas');
    const mapping = region.map(areas[3]!);
    expect([mapping.size, mapping.read8(5)]).toEqual([0x1000n, 5]);
    for (const at of [-1, 0x1000, 0.5]) expect(outcome(() => mapping.read8(at))).toBe('RangeError');
    expect(outcome(() => mapping.read32(0xffd))).toBe('RangeError');
  });

  test('all widths, by pread and through a mapping', () => {
    const region = open(world.device({ 0: { region: world.ram(PAGE) } })).region(0);
    const mapping = region.map();
    for (const one of [region, mapping]) {
      expect([one.read8(1), one.read16(2), one.read32(4), one.read64(8)]).toEqual([1, 0x302, 0x706_0504, 0xf0e_0d0c_0b0a_0908n]);
    }
    region.write8(0x10, 0x1ff);
    region.write16(0x12, 0xbeef);
    region.write32(0x14, 0xdead_beef);
    region.write64(0x18, 0x1122_3344_5566_7788n);
    expect([...region.readBytes(0x10, 16)]).toEqual([0xff, 0x11, 0xef, 0xbe, 0xef, 0xbe, 0xad, 0xde, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]);
    mapping.write8(0x20, 1);
    mapping.write16(0x22, 0x302);
    mapping.write32(0x24, 0x706_0504);
    mapping.write64(0x28, 9n);
    expect([...region.readBytes(0x20, 10)]).toEqual([1, 0x21, 2, 3, 4, 5, 6, 7, 9, 0]);
    region.writeBytes(0xffe, Uint8Array.of(1, 2));
    expect(region.read16(0xffe)).toBe(0x201);
  });

  test('alias regions: probed, made, asked for, mapped', () => {
    const device = world.device({ 0: { region: world.ram(PAGE) }, 7: { region: world.ram(0x100) } });
    const posted = open(device, { proposals: { aliasRegions: 'rfc' } });
    expect(posted.feature.aliasRegion.probe(0)).toEqual({ get: false, set: true, flags: 0x20 });
    expect(message(() => posted.feature.aliasRegion.probe(7))).toMatch(/^EINVAL: VFIO_DEVICE_FEATURE ALIAS_REGION/);
    const alias = posted.region(posted.feature.aliasRegion.set(0));
    expect([alias.index, alias.flagNames, alias.capabilities]).toEqual([9, ['MMAP', 'CAPS', '0x30'], [{ kind: 'TYPE', type: 0, subtype: 0 }]]);
    expect(alias.map().read8(3)).toBe(3);
    const strict = open(device, { proposals: { aliasRegions: { mode: 'strict', feature: 77 } } }, { aliasRegionFeature: 77 });
    expect(strict.feature.aliasRegion.probe(0)).toEqual({ get: false, set: true, flags: 0 });
    expect(strict.region(strict.feature.aliasRegion.set(0)).index).toBe(9);
  });

  test('hot reset: which functions, by group and by id, and the reset', () => {
    const resets: string[] = [];
    const make = (name: string): VfioDevice => world.device({ 0: { region: world.ram(PAGE) } }, { name, onReset: () => resets.push(name) });
    const [a, b] = [make('a'), make('b')];
    new HotResetSet([
      { bus: 1, devfn: 0, group: 7, device: a },
      { segment: 0x1234, bus: 0xab, devfn: 0x1d, group: 9, device: b },
    ]);
    const process = world.open(a);
    const client = new VfioClient(process, 3);
    expect(client.hotReset.info()).toEqual({
      byDevid: false,
      owned: undefined,
      functions: [{ slot: '0000:01:00.0', group: 7, devid: undefined }, { slot: '1234:ab:03.5', group: 9, devid: undefined }],
    });
    expect(outcome(() => client.hotReset.reset([process.openGroup(7)]))).toBe('EINVAL');
    client.hotReset.reset([process.openGroup(7), process.openGroup(9)]);
    expect(resets).toEqual(['a', 'b']);
    process.exit();

    const iommufd = {};
    const bound = open(a, { cdev: { iommufd, devid: 5 } });
    expect(bound.hotReset.info()).toEqual({
      byDevid: true,
      owned: false,
      functions: [{ slot: '0000:01:00.0', group: undefined, devid: 5 }, { slot: '1234:ab:03.5', group: undefined, devid: undefined }],
    });
    expect(message(() => open(make('alone')).hotReset.info())).toMatch(/^ENODEV: VFIO_DEVICE_GET_PCI_HOT_RESET_INFO/);
  });

  test('reset, VF token, bus master', () => {
    const resets: string[] = [];
    const client = open(world.device({ 0: { region: world.ram(PAGE) } }, { reset: true, onReset: () => resets.push('reset'), physicalFunction: true }));
    expect(resets).toEqual(['reset']);
    client.reset();
    expect(resets).toEqual(['reset', 'reset']);
    expect(client.feature.pciVfToken.probe()).toEqual({ get: false, set: true });
    client.feature.pciVfToken.set('00112233-4455-6677-8899-aabbccddeeff');
    client.feature.pciVfToken.set(new Uint8Array(16));
    for (const token of ['00112233', '00112233445566778899aabbccddeeff', new Uint8Array(15)]) expect(outcome(() => client.feature.pciVfToken.set(token))).toBe('RangeError');
    expect(message(() => open(world.device({ 0: { region: world.ram(PAGE) } })).reset())).toMatch(/^EINVAL: VFIO_DEVICE_RESET/);

    const masters: boolean[] = [];
    const cdx = open(world.device({ 0: { region: world.ram(PAGE) } }, { kind: 'cdx', busMaster: (enable) => masters.push(enable) }));
    expect(cdx.feature.busMaster.probe()).toEqual({ get: false, set: true });
    cdx.feature.busMaster.set(true);
    cdx.feature.busMaster.set(false);
    expect(masters).toEqual([true, false]);
    expect([cdx.info().flagNames, cdx.feature.lowPowerExit.probe()]).toEqual([['CDX'], undefined]);
  });

  test('an offset is the one that was told, never computed', () => {
    const client = open(world.device({ 0: { region: world.ram(PAGE) }, 2: { region: world.ram(PAGE, 7) } }), { offsets: 'scattered' });
    const region = client.region(2);
    expect([region.offset === slot(2), region.read8(0)]).toEqual([false, 7]);
  });
});
