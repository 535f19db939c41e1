// An open device file: its own offsets and position over the device's shared state. Behaviour text, sections 1.3, 4.1, 4.2, 4.7, 8.

import { integer } from '../core/index.ts';
import type { Engine } from '../core/index.ts';
import {
  VFIO_DEVICE_ATTACH_IOMMUFD_PT,
  VFIO_DEVICE_BIND_IOMMUFD,
  VFIO_DEVICE_DETACH_IOMMUFD_PT,
  VFIO_DEVICE_FEATURE,
  VFIO_DEVICE_GET_GFX_DMABUF,
  VFIO_DEVICE_GET_INFO,
  VFIO_DEVICE_GET_IRQ_INFO,
  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
  VFIO_DEVICE_GET_REGION_INFO,
  VFIO_DEVICE_IOEVENTFD,
  VFIO_DEVICE_PCI_HOT_RESET,
  VFIO_DEVICE_QUERY_GFX_PLANE,
  VFIO_DEVICE_RESET,
  VFIO_DEVICE_SET_IRQS,
  VfioError,
  ioctlName,
} from '../uapi/index.ts';
import { attachPageTable, detachPageTable } from './attach-iommufd.ts';
import { refuseBinding } from './bind-iommufd.ts';
import { getInfo, getIrqInfo, getRegionInfo } from './device-info.ts';
import { roundUpToPage } from './device.ts';
import type { VfioDevice, VfioRegion } from './device.ts';
import { deviceFeature } from './features/device-feature.ts';
import type { AddedFeature } from './features/device-feature.ts';
import { LATER_FEATURES } from './features/later.ts';
import type { MappedRange } from './files/mapped-range.ts';
import { OpenFile } from './files/open-file.ts';
import type { CallingProcess } from './files/open-file.ts';
import { getHotResetInfo, hotReset } from './hot-reset.ts';
import type { CdevBinding } from './hot-reset.ts';
import { setIrqs } from './interrupts/irq-set.ts';
import { setIoEventFd } from './ioeventfd.ts';
import { aliasRegion } from './proposals/alias-regions.ts';
import { FileOffsets } from './proposals/file-offsets.ts';
import { FileRegions } from './proposals/file-regions.ts';
import { settle } from './proposals/options.ts';
import type { DeviceFileOptions, DeviceFileSettings, UapiRelease } from './proposals/options.ts';
import { setRegionFlags } from './proposals/region-flags.ts';
import { getRegionCaps, getRegionMmap } from './proposals/region-mmap.ts';
import { clip, transfer } from './region-access.ts';
import { ShortAccess } from './short-access.ts';
import type { UserMemory } from './user-memory.ts';

/** How a device is opened. */
export interface OpenOptions extends DeviceFileOptions {
  /** Opened for reading only: writes are EBADF, writable shared mappings EACCES. Default false. */
  readonly readOnly?: boolean;
  /** Through its character device, bound to an iommufd already. Default: through its group. A device is open in one of these ways at a time. */
  readonly cdev?: CdevBinding;
}

function checkBinding(device: VfioDevice, { iommufd, devid }: CdevBinding): void {
  if (typeof iommufd !== 'object' || (iommufd as unknown) === null) throw new TypeError(`open: iommufd is of type ${typeof iommufd}; expected an object`);
  integer('open: devid', devid, 1, 0x7fff_ffff);
  if (device.openFiles > 0) throw new VfioError(device.binding === undefined ? 'EBUSY' : 'EINVAL', 'VFIO_DEVICE_BIND_IOMMUFD', `${device.name} is open through ${device.binding === undefined ? 'its group' : 'another file'}`);
}

/** One open file of a device. @internal */
export class DeviceFile extends OpenFile {
  readonly kind = 'device';
  readonly device: VfioDevice;
  override readonly readOnly: boolean;
  private readonly settings: DeviceFileSettings;
  private readonly regions: FileRegions;
  private readonly offsets: FileOffsets;
  override readonly quick: ShortAccess;
  private readonly addedFeatures: readonly AddedFeature[];
  private readonly cdev: CdevBinding | undefined;

  constructor(engine: Engine, device: VfioDevice, options: OpenOptions) {
    super();
    this.device = device;
    if (options.cdev !== undefined) checkBinding(device, options.cdev);
    else if (device.binding !== undefined) throw new VfioError('EBUSY', 'open', `${device.name} is bound to an iommufd: its group cannot be opened`);
    this.readOnly = options.readOnly === true;
    this.settings = settle(options);
    for (let index = 0; index < device.numRegions; index++) {
      const region = device.region(index)?.region;
      if (region !== undefined && !engine.owns(region)) throw new TypeError(`open: region ${index} of ${device.name} belongs to another engine`);
    }
    this.regions = new FileRegions(device, this.settings);
    this.offsets = new FileOffsets(engine, this.regions, this.settings);
    this.quick = new ShortAccess(this.regions, this.offsets, this.readOnly);
    this.addedFeatures = [...this.aliasFeature(), ...(this.settings.uapi === 'v7.2' ? LATER_FEATURES : [])];
    this.cdev = options.cdev;
    try {
      device.opened();
    } catch (error) {
      this.offsets.destroy();
      throw error;
    }
    if (options.cdev !== undefined) device.binding = options.cdev;
  }

  /** The release whose features it knows. */
  get uapi(): UapiRelease {
    return this.settings.uapi;
  }

  private aliasFeature(): readonly AddedFeature[] {
    const { regions, offsets, settings } = this;
    if (settings.alias === undefined) return [];
    const feature = aliasRegion({ regions, settings: settings.alias, reserve: (index, size) => void offsets.place(index, size) });
    return [{ index: settings.alias.feature, name: 'ALIAS_REGION', feature }];
  }

  protected override closed(): void {
    this.offsets.destroy();
    if (this.cdev !== undefined) this.device.binding = undefined;
    this.device.closed();
  }

  override ioctl(request: number, user: UserMemory, process: CallingProcess): number {
    // Looked at before the device is woken.
    if (request === VFIO_DEVICE_BIND_IOMMUFD) refuseBinding(user);
    this.device.lowPower.wake();
    switch (request) {
      case VFIO_DEVICE_GET_INFO:
        return getInfo(this.regions, user);
      case VFIO_DEVICE_GET_REGION_INFO:
        return getRegionInfo(this.regions, user, (index, size) => this.offsets.announce(index, size));
      case VFIO_DEVICE_GET_IRQ_INFO:
        return getIrqInfo(this.device, user);
      case VFIO_DEVICE_SET_IRQS:
        return setIrqs(this.device, user, (fd) => process.eventfd('VFIO_DEVICE_SET_IRQS', fd));
      case VFIO_DEVICE_RESET:
        return this.device.reset();
      case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
        if (this.device.kind !== 'pci') break;
        return getHotResetInfo(this.device, this.cdev, user);
      case VFIO_DEVICE_PCI_HOT_RESET:
        if (this.device.kind !== 'pci') break;
        return hotReset(this.device, this.cdev, user, (call, fd) => process.group(call, fd));
      case VFIO_DEVICE_IOEVENTFD:
        if (this.device.kind !== 'pci') break;
        return setIoEventFd({ device: this.device, resolve: (call, offset) => this.offsets.resolve(call, offset) }, user, (call, fd) => process.eventfd(call, fd));
      case VFIO_DEVICE_QUERY_GFX_PLANE:
        if (this.device.display === undefined) break;
        return this.device.display.query(user);
      case VFIO_DEVICE_GET_GFX_DMABUF: {
        const fd = this.device.display?.getBuffer(user, process);
        if (fd === undefined) break;
        return fd;
      }
      case VFIO_DEVICE_FEATURE:
        return deviceFeature(this.device, user, process, this.addedFeatures);
      // A file that came from a group does not know them.
      case VFIO_DEVICE_ATTACH_IOMMUFD_PT:
        if (this.cdev === undefined) break;
        return attachPageTable(user, this.cdev);
      case VFIO_DEVICE_DETACH_IOMMUFD_PT:
        if (this.cdev === undefined) break;
        return detachPageTable(user, this.cdev);
      case this.settings.mmapAttributes:
        return this.offsets.setAttributes(user);
      case this.settings.regionMmap:
        return getRegionMmap(this.regions, this.offsets, user);
      case this.settings.regionCaps:
        return getRegionCaps(this.regions, user);
      case this.settings.regionFlags:
        if (this.device.kind !== 'pci') break;
        return setRegionFlags(this.device, user);
    }
    throw new VfioError('ENOTTY', ioctlName(request, 'device') ?? `ioctl 0x${request.toString(16)}`, 'no request of this device file');
  }

  /** Moves bytes at an offset; how many. A zero length is 0 at any offset. */
  override access(call: string, offset: bigint, length: number, user: UserMemory, writes: boolean): number {
    if (this.device.kind === 'cdx') throw new VfioError('EINVAL', call, 'a CDX device is mapped: its driver has no read and write');
    if (length === 0) return 0;
    const { index, region, position } = this.offsets.resolve(call, offset);
    this.device.lowPower.wake();
    if (region === undefined) throw new VfioError('EINVAL', call, `region ${index} is absent`);
    if (region.aliasOf !== undefined) throw new VfioError('EINVAL', call, `region ${index} is an alias of region ${region.aliasOf.index}: it can only be mapped`);
    if (writes && !region.writable) throw new VfioError('EINVAL', call, `region ${index} is read-only`);
    const count = clip(call, region, position, length);
    try {
      transfer({ call, device: this.device, region, position, count, user, writes });
    } finally {
      if (writes && region.kind === 'config') this.device.dmaBufs.settle();
    }
    return count;
  }

  /** Checks a shared mapping of `length` bytes at `offset`. */
  override map(offset: bigint, length: bigint, isShared: boolean): MappedRange {
    const call = 'mmap';
    const { index, region: named, position, memoryType } = this.offsets.resolve(call, offset);
    const bytes = roundUpToPage(length);
    const isInside = (region: VfioRegion | undefined): boolean => region !== undefined && position + bytes <= roundUpToPage(region.size);
    if (this.settings.mode !== 'index' && !isInside(named)) {
      throw new VfioError(this.settings.unknownOffset, call, `0x${bytes.toString(16)} bytes at offset 0x${offset.toString(16)} pass the end of what region ${index} owns`);
    }
    if (this.settings.mmapAttributes !== undefined && memoryType === undefined) throw new VfioError('EINVAL', call, `GET_REGION_INFO of region ${index} was not asked of this file`);
    if (!isShared) throw new VfioError('EINVAL', call, 'a device is mapped MAP_SHARED');
    // From here on an alias is the region that it is an alias of.
    const region = named?.aliasOf ?? named;
    if (region?.mmap !== true) throw new VfioError('EINVAL', call, region === undefined ? `region ${index} is absent` : `region ${index} (${region.kind}) cannot be mapped`);
    if (!isInside(region)) {
      throw new VfioError('EINVAL', call, `0x${bytes.toString(16)} bytes at 0x${position.toString(16)} pass the end of region ${index}, 0x${region.size.toString(16)} bytes`);
    }
    const table = region.msixTable;
    if (this.device.description.msixMode === 'sparse' && table !== undefined && position < table.offset + table.bytes && position + bytes > table.offset) {
      throw new VfioError('EINVAL', call, `the range covers the MSI-X table of region ${region.index}: map the areas of its SPARSE_MMAP capability`);
    }
    const combines = named?.aliasOf !== undefined || (this.settings.regionFlags !== undefined && this.device.combiningBars.has(index));
    return { bytes: region.region, region, position, memoryType: combines ? 'write-combining' : (memoryType ?? 'uncached') };
  }
}
