// What `maplebar inspect` says of devices that the package does not have: capabilities of each kind, regions of a driver's own, features that fail.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { deviceCapabilityText, regionCapabilityText } from '../../src/cli/capability-text.ts';
import { featureTable } from '../../src/cli/feature-view.ts';
import { type DeviceSeen, seeDevice } from '../../src/cli/vfio-view.ts';
import { VfioError } from '../../src/uapi/index.ts';
import { TestModel } from '../vfio/migration-model.ts';
import { PAGE, World } from '../vfio/support.ts';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.end());

test.each([
  [{ kind: 'PCI_ATOMIC_COMP', flags: 3 }, 'PCI_ATOMIC_COMP 32bit+ 64bit+ 128bit-'],
  [{ kind: 'PCI_ATOMIC_COMP', flags: 4 }, 'PCI_ATOMIC_COMP 32bit- 64bit- 128bit+'],
  [{ kind: 'ZPCI_PFIP', pfip: new Uint8Array(4) }, 'ZPCI_PFIP'],
  [{ kind: 'UNKNOWN', id: 6, version: 1, payload: new Uint8Array(8) }, 'id 0x6 version 1, 8 bytes'],
] as const)('of a device: %j', (capability, text) => {
  expect(deviceCapabilityText(capability)).toBe(text);
});

test.each([
  [{ kind: 'MSIX_MAPPABLE' }, 'MSIX_MAPPABLE'],
  [{ kind: 'SPARSE_MMAP', areas: [{ offset: 0n, size: 0x2000n }, { offset: 0x3000n, size: 0x1000n }] }, 'SPARSE_MMAP 0x0+0x2000 0x3000+0x1000'],
  [{ kind: 'TYPE', type: 0x8000_8086, subtype: 1 }, 'TYPE vendor 8086 subtype 1'],
  [{ kind: 'TYPE', type: 1, subtype: 1 }, 'TYPE 1 subtype 1'],
  [{ kind: 'NVLINK2_SSATGT', tgt: 0x10n }, 'NVLINK2_SSATGT 0x10'],
  [{ kind: 'NVLINK2_LNKSPD', link_speed: 9 }, 'NVLINK2_LNKSPD 9'],
  [{ kind: 'UNKNOWN', id: 0x77, version: 2, payload: new Uint8Array(0) }, 'id 0x77 version 2, 0 bytes'],
] as const)('of a region: %j', (capability, text) => {
  expect(regionCapabilityText(capability)).toBe(text);
});

test('capabilities of a device and of its own region, a feature whose answer is an errno; nothing is left behind', () => {
  const model = new TestModel();
  model.dataSize = () => {
    throw new VfioError('EIO', 'test');
  };
  const device = world.device({ 0: { region: world.ram(PAGE) }, 9: { region: world.ram(16), capabilities: [{ kind: 'TYPE', type: 1, subtype: 1 }] } }, { atomics: 5, migration: model });
  const live = world.engine.live();
  const seen = seeDevice(world.engine, { device, lspci: () => '' }, { offsets: 'scattered' });
  expect(seen.flags).toEqual(['PCI', 'CAPS']);
  expect(seen.capabilities).toEqual([{ kind: 'PCI_ATOMIC_COMP', flags: 5 }]);
  expect(seen.regions.filter(({ size }) => size > 0n).map(({ name, capabilities }) => [name, capabilities.map(regionCapabilityText)])).toEqual([['BAR 0', []], ['region 9', ['TYPE 1 subtype 1']]]);
  // Neither VGA nor, without PCI Express, ERR.
  expect([seen.regions.map(({ index }) => index), seen.irqs.map(({ index }) => index)]).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 9], [0, 1, 2, 4]]);
  expect(seen.features.filter(({ says }) => says !== '').map(({ name, says }) => [name, says])).toEqual([['MIGRATION', 'STOP_COPY P2P PRE_COPY'], ['MIG_DEVICE_STATE', 'RUNNING'], ['MIG_DATA_SIZE', 'EIO']]);
  expect([device.openFiles, world.engine.live()]).toEqual([0, live]);
});

test('features of v7.2: probed, refused, and no rows before that; the planes of a display', () => {
  const ram = world.ram(PAGE);
  const device = world.device({ 0: { region: ram } }, { peerToPeer: false, display: { kind: 'dma-buf', plane: () => null } });
  const one = { device, lspci: () => '' };
  const later = (of: DeviceSeen): unknown[] => of.features.filter(({ index }) => index > 10);
  const none = { present: false, get: false, set: false };
  const seen = seeDevice(world.engine, one, { uapi: 'v7.2' });
  expect(later(seen)).toEqual([{ index: 11, name: 'DMA_BUF', ...none, says: 'EOPNOTSUPP' }, { index: 12, name: 'MIG_PRECOPY_INFOv2', ...none, says: 'EINVAL' }]);
  expect(featureTable(seen.features)).toMatch(/^ {2}11 +DMA_BUF +none +EOPNOTSUPP$/m);
  expect([seen.planes, later(seeDevice(world.engine, one, {}))]).toEqual([['dma-buf'], []]);
  const able = seeDevice(world.engine, { ...one, device: world.device({ 0: { region: ram } }, { migration: new TestModel() }) }, { uapi: 'v7.2' });
  expect([later(able), able.planes]).toEqual([
    [{ index: 11, name: 'DMA_BUF', present: true, get: true, set: false, says: '' }, { index: 12, name: 'MIG_PRECOPY_INFOv2', present: true, get: false, set: true, says: '' }], [],
  ]);
});
