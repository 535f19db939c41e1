// An open device file: its own offsets and position over the device's shared state. Behaviour text, sections 1.3, 4.1, 4.2, 4.7, 8.4.

import { integer } from '../core/index.ts';
import type { Engine, MemoryType, OffsetMode, OffsetTable } from '../core/index.ts';
import {
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
  VFIO_DEVICE_SET_MMAP_ATTRS,
  VFIO_MMAP_ATTR_WRITE_COMBINE,
  VfioError,
  ioctlName,
  vfio_mmap_attrs,
} from '../uapi/index.ts';
import type { ErrnoName } from '../uapi/index.ts';
import { getInfo, getIrqInfo, getRegionInfo } from './device-info.ts';
import { PAGE_SIZE } from './device.ts';
import type { VfioDevice, VfioRegion } from './device.ts';
import { deviceFeature } from './features/device-feature.ts';
import type { MappedRange } from './files/mapped-range.ts';
import { OpenFile } from './files/open-file.ts';
import type { CallingProcess } from './files/open-file.ts';
import { getHotResetInfo, hotReset } from './hot-reset.ts';
import type { CdevBinding } from './hot-reset.ts';
import { setIrqs } from './interrupts/irq-set.ts';
import { setIoEventFd } from './ioeventfd.ts';
import { clip, transfer } from './region-access.ts';
import type { UserMemory } from './user-memory.ts';

/** How a device is opened. */
export interface OpenOptions {
  /** How offsets are handed out. Default `index`, as mainline Linux does. */
  readonly offsets?: OffsetMode;
  /** Seed of the mode `scattered`, 1 to 2^32-1. Default 1. */
  readonly seed?: number;
  /** Opened for reading only: writes are EBADF, writable shared mappings EACCES. Default false. */
  readonly readOnly?: boolean;
  /**
   * The errno for an offset that no region owns, and in the modes `cookie` and `scattered` for a mapping across the end of one.
   * Default EINVAL in mode `index`, as in Linux, else ENXIO, as in the proposal's outline.
   */
  readonly unknownOffset?: 'EINVAL' | 'ENXIO';
  /** Through its character device, bound to an iommufd already. Default: through its group. */
  readonly cdev?: CdevBinding;
  /** Mailing-list proposals, each off by default. */
  readonly proposals?: {
    /** "mmap maple tree" of August 2025: GET_REGION_INFO makes an offset known, mmap needs it, VFIO_DEVICE_SET_MMAP_ATTRS sets its attributes. */
    readonly mmapAttributes?: boolean;
  };
}

const PAGE = BigInt(PAGE_SIZE);

function roundUpToPage(bytes: bigint): bigint {
  return (bytes + PAGE - 1n) & ~(PAGE - 1n);
}

function checkBinding(device: VfioDevice, { iommufd, devid }: CdevBinding): void {
  if (typeof iommufd !== 'object' || (iommufd as unknown) === null) throw new TypeError(`open: iommufd is of type ${typeof iommufd}; expected an object`);
  integer('open: devid', devid, 1, 0x7fff_ffff);
  if (device.openFiles > 0) throw new VfioError('EINVAL', 'VFIO_DEVICE_BIND_IOMMUFD', `${device.name} is open through another file`);
}

/** One open file of a device. @internal */
export class DeviceFile extends OpenFile {
  readonly kind = 'device';
  readonly device: VfioDevice;
  override readonly readOnly: boolean;
  private readonly table: OffsetTable;
  private readonly unknownOffset: ErrnoName;
  private readonly mmapAttributes: boolean;
  private readonly cdev: CdevBinding | undefined;
  private readonly announced = new Map<number, MemoryType>();

  constructor(engine: Engine, device: VfioDevice, options: OpenOptions) {
    super();
    const mode = options.offsets ?? 'index';
    this.device = device;
    if (options.cdev !== undefined) checkBinding(device, options.cdev);
    this.readOnly = options.readOnly === true;
    this.unknownOffset = options.unknownOffset ?? (mode === 'index' ? 'EINVAL' : 'ENXIO');
    if (!['EINVAL', 'ENXIO'].includes(this.unknownOffset)) throw new TypeError(`open: unknownOffset is ${JSON.stringify(this.unknownOffset)}; expected 'EINVAL' or 'ENXIO'`);
    this.mmapAttributes = options.proposals?.mmapAttributes === true;
    for (let index = 0; index < device.numRegions; index++) {
      const region = device.region(index)?.region;
      if (region !== undefined && !engine.owns(region)) throw new TypeError(`open: region ${index} of ${device.name} belongs to another engine`);
    }
    this.table = engine.offsetTable(mode, options.seed ?? 1);
    try {
      // C-index: every slot is known from the start, as if offsets were computed.
      if (mode === 'index') for (let index = 0; index < device.numRegions; index++) this.table.request(index, device.region(index)?.size ?? 0n);
    } catch (error) {
      this.table.destroy();
      throw error;
    }
    this.cdev = options.cdev;
    if (options.cdev !== undefined) device.binding = options.cdev;
    device.opened();
  }

  protected override closed(): void {
    this.table.destroy();
    if (this.cdev !== undefined) this.device.binding = undefined;
    this.device.closed();
  }

  override ioctl(request: number, user: UserMemory, process: CallingProcess): number {
    this.device.lowPower.wake();
    switch (request) {
      case VFIO_DEVICE_GET_INFO:
        return getInfo(this.device, user);
      case VFIO_DEVICE_GET_REGION_INFO:
        return getRegionInfo(this.device, user, (index, size) => this.announce(index, size));
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
        return setIoEventFd({ device: this.device, resolve: (call, offset) => this.resolve(call, offset) }, user, (call, fd) => process.eventfd(call, fd));
      case VFIO_DEVICE_QUERY_GFX_PLANE:
        if (this.device.display === undefined) break;
        return this.device.display.query(user);
      case VFIO_DEVICE_GET_GFX_DMABUF: {
        const fd = this.device.display?.getBuffer(user, process);
        if (fd === undefined) break;
        return fd;
      }
      case VFIO_DEVICE_FEATURE:
        return deviceFeature(this.device, user, process);
      case VFIO_DEVICE_SET_MMAP_ATTRS:
        if (this.mmapAttributes) return this.setMmapAttributes(user);
    }
    throw new VfioError('ENOTTY', ioctlName(request, 'device') ?? `ioctl 0x${request.toString(16)}`, 'no request of this device file');
  }

  private announce(index: number, size: bigint): bigint {
    const offset = this.table.request(index, size);
    if (size > 0n && !this.announced.has(index)) this.announced.set(index, 'uncached');
    return offset;
  }

  private setMmapAttributes(user: UserMemory): number {
    const call = 'VFIO_DEVICE_SET_MMAP_ATTRS';
    const { offset, attrs } = vfio_mmap_attrs.decode(user.copyIn(0, vfio_mmap_attrs.size));
    if ((attrs & ~VFIO_MMAP_ATTR_WRITE_COMBINE) !== 0) throw new VfioError('EINVAL', call, `attrs 0x${attrs.toString(16)} has bits beyond WRITE_COMBINE`);
    const { index, position } = this.table.resolve(offset) ?? { index: -1, position: 0n };
    // An entry is as long as the region's pages, also where the whole slot is the region's.
    if (!this.announced.has(index) || position >= roundUpToPage(this.device.region(index)?.size ?? 0n)) {
      throw new VfioError('EINVAL', call, `offset 0x${offset.toString(16)} was not given out by GET_REGION_INFO of this file`);
    }
    if (this.device.region(index)?.mmap !== true) throw new VfioError('EINVAL', call, `region ${index} cannot be mapped`);
    this.announced.set(index, attrs === 0 ? 'uncached' : 'write-combining');
    return 0;
  }

  /** The region that owns an offset, and the position in it. */
  private resolve(call: string, offset: bigint): { index: number; region: VfioRegion | undefined; position: bigint } {
    const found = this.table.resolve(offset);
    if (found === undefined) throw new VfioError(this.unknownOffset, call, this.unknown(offset));
    return { ...found, region: this.device.region(found.index) };
  }

  private unknown(offset: bigint): string {
    const text = `no region of this file owns offset 0x${offset.toString(16)}`;
    const looksComputed = offset >> 40n < BigInt(this.device.numRegions) && this.table.mode !== 'index';
    return looksComputed ? `${text}: it looks computed as index << 40; offsets are what VFIO_DEVICE_GET_REGION_INFO of this file answers` : text;
  }

  /** Moves bytes at an offset; how many. A zero length is 0 at any offset. */
  override access(call: string, offset: bigint, length: number, user: UserMemory, writes: boolean): number {
    if (this.device.kind === 'cdx') throw new VfioError('EINVAL', call, 'a CDX device is mapped: its driver has no read and write');
    if (length === 0) return 0;
    const { index, region, position } = this.resolve(call, offset);
    this.device.lowPower.wake();
    if (region === undefined) throw new VfioError('EINVAL', call, `region ${index} is absent`);
    if (writes && !region.writable) throw new VfioError('EINVAL', call, `region ${index} is read-only`);
    const count = clip(call, region, position, length);
    transfer({ call, device: this.device, region, position, count, user, writes });
    return count;
  }

  /** Checks a shared mapping of `length` bytes at `offset`. */
  override map(offset: bigint, length: bigint, isShared: boolean): MappedRange {
    const call = 'mmap';
    const { index, region, position } = this.resolve(call, offset);
    const bytes = roundUpToPage(length);
    const isInside = region !== undefined && position + bytes <= roundUpToPage(region.size);
    if (!isInside && this.table.mode !== 'index') {
      throw new VfioError(this.unknownOffset, call, `0x${bytes.toString(16)} bytes at offset 0x${offset.toString(16)} pass the end of what region ${index} owns`);
    }
    if (this.mmapAttributes && !this.announced.has(index)) throw new VfioError('EINVAL', call, `GET_REGION_INFO of region ${index} was not asked of this file`);
    if (!isShared) throw new VfioError('EINVAL', call, 'a device is mapped MAP_SHARED');
    if (region?.mmap !== true) throw new VfioError('EINVAL', call, region === undefined ? `region ${index} is absent` : `region ${index} (${region.kind}) cannot be mapped`);
    if (!isInside) {
      throw new VfioError('EINVAL', call, `0x${bytes.toString(16)} bytes at 0x${position.toString(16)} pass the end of region ${index}, 0x${region.size.toString(16)} bytes`);
    }
    const table = region.msixTable;
    if (this.device.description.msixMode === 'sparse' && table !== undefined && position < table.offset + table.bytes && position + bytes > table.offset) {
      throw new VfioError('EINVAL', call, `the range covers the MSI-X table of region ${index}: map the areas of its SPARSE_MMAP capability`);
    }
    return { bytes: region.region, region, position, memoryType: this.announced.get(index) ?? 'uncached' };
  }
}
