// A device as data: what its owner says of its regions, interrupts and models, and the checks of it. What is checked here cannot come out wrong in the middle of a call.

import { Region, integer } from '../core/index.ts';
import { VFIO_PCI_BAR5_REGION_INDEX, VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_NUM_REGIONS, VFIO_PCI_ROM_REGION_INDEX, VFIO_PCI_VGA_REGION_INDEX, buildCapabilityChain, encodeRegionInfoCapability, vfio_region_info } from '../uapi/index.ts';
import type { CapabilityInput, ErrnoName, RegionInfoCapability } from '../uapi/index.ts';
import type { ConfigHardware } from './config/hardware.ts';
import type { VfioDisplay } from './display/display-model.ts';
import type { DmaLogModel } from './dma-logging/model.ts';
import type { InterruptHardware } from './interrupts/hardware.ts';
import type { MigrationModel } from './migration/model.ts';
import type { DoorbellDescription } from './doorbells.ts';
import { PAGE_SIZE } from './page.ts';

/** A region of a device, as its owner describes it. */
export interface VfioRegionDescription {
  /** The bytes. */
  readonly region: Region;
  /** Bytes that the device has of it. Default: all of the region's. */
  readonly size?: bigint;
  /** A BAR of the I/O port kind: never mapped, never closed by the memory gate. Default false. */
  readonly ioPorts?: boolean;
  /** A memory BAR that may be read ahead and whose writes may be merged. Only the proposal `regionFlags` asks. Default false. */
  readonly prefetchable?: boolean;
  /** Whether it may be mapped. Default: memory BARs of at least a page, and platform regions of whole pages; nothing else. */
  readonly mmap?: boolean;
  /** A ROM's image in bytes; what lies behind it reads 0xff. Default: the whole region. */
  readonly imageSize?: number;
  /** Whether `pwrite` may change it. Default true; a ROM never. */
  readonly writable?: boolean;
  /** Capabilities of GET_REGION_INFO beyond those that follow from the MSI-X table, in the order in which a driver adds them. */
  readonly capabilities?: readonly CapabilityInput<RegionInfoCapability>[];
}

/** Where the MSI-X table lies. */
export interface MsixTable {
  /** Region index of the BAR, 0 to 5. */
  readonly bar: number;
  /** Bytes from the start of the BAR. */
  readonly offset: number;
  /** Vectors, 1 to 2048; 16 bytes each. */
  readonly count: number;
}

/** Which driver the device has: vfio-pci, vfio-platform, vfio-cdx. */
export type VfioDeviceKind = 'pci' | 'platform' | 'cdx';

/** A device as data. */
export interface VfioDeviceDescription {
  /** What a group knows it by: `0000:00:01.0`. */
  readonly name: string;
  /** `pci`: fixed indices, BARs 0-5, ROM 6, config 7, VGA 8, device-specific from 9 on. `platform`, `cdx`: regions 0, 1, 2, ... Default `pci`. */
  readonly kind?: VfioDeviceKind;
  /** Regions by index. Missing ones are absent: size 0, no flags. */
  readonly regions: Readonly<Record<number, VfioRegionDescription>>;
  /** Whether function reset worked at open. Default false. */
  readonly reset?: boolean;
  /** Resets the function: for VFIO_DEVICE_RESET, and where `reset` is true before the first file of a PCI device is opened and after the last one was closed. Default: nothing happens. */
  readonly onReset?: () => void;
  /** Whether the host holds the device's lock now: a reset, or the first open of a device that can be reset, is EAGAIN then. Default: it never does. */
  readonly resetBusy?: () => boolean;
  /** Is asked before the first file of a PCI device is opened. Returns the errno with which the host cannot enable the device, or nothing. */
  readonly enable?: () => ErrnoName | undefined;
  readonly msix?: MsixTable;
  /** Places of its BARs whose writes may come as signals of eventfds, where its host hands them out. Default: none. */
  readonly doorbells?: readonly DoorbellDescription[];
  /** How the MSI-X table and mmap meet: `mappable` as since v4.16, `sparse` as before. Default `mappable`. */
  readonly msixMode?: 'mappable' | 'sparse';
  /** Interrupt lines and messages. Defaults: no INTx, no MSI; MSI-X as the table says. */
  readonly interrupts?: {
    readonly intx?: boolean;
    readonly msi?: number;
    readonly dynamicMsix?: boolean;
    readonly express?: boolean;
    /** Vectors that the system has left for the device. Default: all that it asks for. */
    readonly availableVectors?: number;
    /** How they reach VFIO. Default: they do not, and only a user's own trigger fires them. */
    readonly hardware?: InterruptHardware;
  };
  /** What there is to know of configuration space. With it, region 7 is what vfio-pci shows while the device is open: a shadow. Default: region 7 is its bytes. */
  readonly config?: ConfigHardware | undefined;
  /** What a display shows, for VFIO_DEVICE_QUERY_GFX_PLANE. Default: it is none. */
  readonly display?: VfioDisplay;
  /** Widths of atomic operations that the path to the device completes: VFIO_PCI_ATOMIC_COMP flags. Default 0: no capability. */
  readonly atomics?: number;
  /** An SR-IOV physical function: it has a VF token. Default false. */
  readonly physicalFunction?: boolean;
  /** Whether the device goes to sleep when its user lets it: feature LOW_POWER_ENTRY. Default true; false when the host keeps it awake. */
  readonly suspends?: boolean;
  /** How the device is migrated: features MIGRATION, MIG_DEVICE_STATE and MIG_DATA_SIZE. Default: not at all. */
  readonly migration?: MigrationModel;
  /** How its writes to memory are logged: features DMA_LOGGING_START, STOP and REPORT. Default: not at all. */
  readonly dmaLogging?: DmaLogModel;
  /** Whether other devices can reach its BARs: without it feature DMA_BUF, of a PCI device, is EOPNOTSUPP. Default true. */
  readonly peerToPeer?: boolean;
  /** A CDX device only: whether it may start transfers, feature BUS_MASTER. Default: the bus cannot tell it. */
  readonly busMaster?: (enable: boolean) => void;
  /** Whether the function answers memory cycles now: the COMMAND register's MEM bit and D0 to D2. Default: always. */
  readonly memoryEnabled?: () => boolean;
}

/** What kind of thing a region of a device is: it decides which rules of access hold. */
export type VfioRegionKind = 'bar' | 'rom' | 'config' | 'vga' | 'device-specific' | 'platform';

/** A region of a device, checked and completed. */
export interface VfioRegion extends VfioRegionDescription {
  readonly index: number;
  readonly kind: VfioRegionKind;
  readonly size: bigint;
  readonly mmap: boolean;
  readonly writable: boolean;
  /** The bytes of the MSI-X table in this region, or undefined. */
  readonly msixTable: { readonly offset: bigint; readonly bytes: bigint } | undefined;
  /** Of an alias, which only the proposal `aliasRegions` makes: the region whose bytes it shows. */
  readonly aliasOf?: VfioRegion;
}

function kindOf(device: VfioDeviceKind, index: number): VfioRegionKind {
  if (device !== 'pci') return 'platform';
  if (index <= VFIO_PCI_BAR5_REGION_INDEX) return 'bar';
  if (index === VFIO_PCI_ROM_REGION_INDEX) return 'rom';
  if (index === VFIO_PCI_CONFIG_REGION_INDEX) return 'config';
  return index === VFIO_PCI_VGA_REGION_INDEX ? 'vga' : 'device-specific';
}

function mayMap(kind: VfioRegionKind, description: VfioRegionDescription): boolean {
  const { region, size = region.size, ioPorts = false, mmap } = description;
  if (kind === 'rom' || kind === 'config' || kind === 'vga' || ioPorts) return false;
  if (mmap !== undefined) return mmap;
  if (kind === 'bar') return size >= BigInt(PAGE_SIZE);
  return kind === 'platform' && size % BigInt(PAGE_SIZE) === 0n;
}

function expect(what: string, value: unknown, isRight: boolean, expected: string): void {
  if (!isRight) throw new TypeError(`${what} is ${typeof value === 'string' ? JSON.stringify(value) : String(value)}; expected ${expected}`);
}

function check(description: VfioDeviceDescription): void {
  const { name, kind = 'pci', msixMode = 'mappable', msix, memoryEnabled, atomics = 0, interrupts: { msi = 0 } = {} } = description;
  expect('VfioDevice: name', name, typeof (name as unknown) === 'string', 'a string');
  expect(`${name}: kind`, kind, ['pci', 'platform', 'cdx'].includes(kind), "'pci', 'platform' or 'cdx'");
  expect(`${name}: msixMode`, msixMode, ['mappable', 'sparse'].includes(msixMode), "'mappable' or 'sparse'");
  expect(`${name}: memoryEnabled`, memoryEnabled, memoryEnabled === undefined || typeof (memoryEnabled as unknown) === 'function', 'a function');
  integer(`${name}: atomics`, atomics, 0, 7);
  if ((integer(`${name}: interrupts.msi`, msi, 0, 32) & (msi - 1)) !== 0) throw new RangeError(`${name}: interrupts.msi is ${msi}; expected 0 or a power of two up to 32`);
  if (msix === undefined) return;
  expect(`${name}: msix`, msix, kind === 'pci', 'none: only a PCI device has an MSI-X table');
  integer(`${name}: msix.bar`, msix.bar, 0, VFIO_PCI_BAR5_REGION_INDEX);
}

function regionIndex(name: string, key: string): number {
  // Only as JavaScript itself writes a number: '01' would be a second name of 1.
  return integer(`${name}: region index`, String(Number(key)) === key ? Number(key) : NaN, 0, 0xffff);
}

function tableIn({ name, msix }: VfioDeviceDescription, index: number, size: bigint): VfioRegion['msixTable'] {
  if (msix?.bar !== index) return undefined;
  integer(`${name}: MSI-X vectors`, msix.count, 1, 2048);
  const offset = BigInt(integer(`${name}: MSI-X table offset`, msix.offset, 0, Number.MAX_SAFE_INTEGER));
  const bytes = BigInt(msix.count) * 16n;
  if (offset + bytes > size) {
    throw new RangeError(`${name}: the MSI-X table's ${bytes.toString()} bytes at 0x${offset.toString(16)} pass the end of BAR ${index}, 0x${size.toString(16)}`);
  }
  return { offset, bytes };
}

function complete(device: VfioDeviceDescription, index: number, description: VfioRegionDescription): VfioRegion {
  const { name } = device;
  const kind = kindOf(device.kind ?? 'pci', index);
  const { region, imageSize, capabilities = [] } = description;
  expect(`${name}: the bytes of region ${index}`, region, (region as unknown) instanceof Region, 'a Region of an engine');
  const size = description.size ?? region.size;
  if (size > region.size) throw new RangeError(`${name}: region ${index} has ${size.toString()} bytes, and ${region.name} ${region.size.toString()}`);
  buildCapabilityChain(vfio_region_info.size, capabilities.map((capability) => encodeRegionInfoCapability(capability)));
  if (imageSize !== undefined && BigInt(integer(`${name}: imageSize of region ${index}`, imageSize, 0, Number.MAX_SAFE_INTEGER)) > size) {
    throw new RangeError(`${name}: the image of region ${index} has ${imageSize} bytes, the region ${size.toString()}`);
  }
  return {
    ...description,
    index,
    kind,
    size,
    mmap: mayMap(kind, description),
    writable: kind !== 'rom' && description.writable !== false,
    msixTable: tableIn(device, index, size),
  };
}

/**
 * Checks a device's description and completes its regions.
 *
 * @throws RangeError, TypeError as the constructor of VfioDevice says.
 * @internal
 */
export function describedRegions(device: VfioDeviceDescription): ReadonlyMap<number, VfioRegion> {
  check(device);
  const { name, kind = 'pci', msix } = device;
  const entries = Object.entries(device.regions).map(([key, value]) => [regionIndex(name, key), value] as const);
  const byIndex = new Map(entries.map(([index, value]) => [index, complete(device, index, value)]));
  const first = kind === 'pci' ? VFIO_PCI_NUM_REGIONS : 0;
  const beyond = [...byIndex.keys()].filter((index) => index >= first).sort((a, b) => a - b);
  beyond.forEach((index, i) => {
    if (index !== first + i) throw new TypeError(`${name}: region ${first + i} is missing: indices from ${first} on have no holes`);
  });
  if (msix !== undefined && !byIndex.has(msix.bar)) throw new RangeError(`${name}: the MSI-X table is in BAR ${msix.bar}, which is absent`);
  return byIndex;
}
