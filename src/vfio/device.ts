// A simulated device as VFIO sees it: numbered regions with flags and capabilities, interrupt counts, the memory gate. State that all of its open files share.

import { Region, integer } from '../core/index.ts';
import {
  VFIO_PCI_BAR5_REGION_INDEX,
  VFIO_PCI_CONFIG_REGION_INDEX,
  VFIO_PCI_NUM_REGIONS,
  VFIO_PCI_ROM_REGION_INDEX,
  VFIO_PCI_VGA_REGION_INDEX,
  VfioError,
  buildCapabilityChain,
  encodeRegionInfoCapability,
  vfio_region_info,
} from '../uapi/index.ts';
import type { CapabilityInput, ErrnoName, RegionInfoCapability } from '../uapi/index.ts';
import type { ConfigHardware } from './config/hardware.ts';
import { HardwareRegisters } from './config/hardware.ts';
import { HostRegisters } from './config/host-registers.ts';
import { PCI_COMMAND_IO, PCI_COMMAND_MEMORY } from './config/registers.ts';
import { VirtualConfig } from './config/virtual-config.ts';
import { DeviceMappings } from './device-mappings.ts';
import type { VfioDisplay } from './display/display-model.ts';
import { DeviceDmaLogging } from './dma-logging/device-dma-logging.ts';
import type { DmaLogModel } from './dma-logging/model.ts';
import { DeviceDisplay } from './display/gfx-plane.ts';
import { LowPower } from './features/low-power.ts';
import { VfToken } from './features/vf-token.ts';
import { DeviceInterrupts } from './interrupts/device-interrupts.ts';
import type { InterruptHardware } from './interrupts/hardware.ts';
import type { CdevBinding } from './hot-reset.ts';
import type { HotResetSet } from './hot-reset-set.ts';
import { DeviceIoEventFds } from './ioeventfd.ts';
import { mappableAreas } from './mappable-areas.ts';
import { DeviceMigration } from './migration/device-migration.ts';
import type { MigrationModel } from './migration/model.ts';
import { askModel, atEnd } from './model-error.ts';
import type { MappableAreas } from './mappable-areas.ts';
import { DeviceAliases } from './proposals/alias-regions.ts';
import { CombiningBars } from './proposals/region-flags.ts';

/** Bytes of a page of the modelled machine (x86-64). */
export const PAGE_SIZE = 4096;

/** @internal */
export function roundUpToPage(bytes: bigint): bigint {
  return (bytes + BigInt(PAGE_SIZE - 1)) & ~BigInt(PAGE_SIZE - 1);
}

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

/** What would otherwise come out wrong, or throw, in the middle of a call. */
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

/**
 * A device that processes can open.
 *
 * @example
 * ```ts
 * const bar0 = engine.region({ kind: 'ram', size: 0x4000, name: 'registers' });
 * const device = new VfioDevice({ name: '0000:00:01.0', regions: { 0: { region: bar0 } } });
 * const fd = new Process(engine).open(device);
 * ```
 */
export class VfioDevice {
  readonly name: string;
  readonly kind: VfioDeviceKind;
  readonly description: VfioDeviceDescription;
  /** What its users have set up; shared by all of its open files. */
  readonly interrupts: DeviceInterrupts;
  /** @internal */
  readonly ioeventfds = new DeviceIoEventFds();
  /** @internal */
  readonly aliases = new DeviceAliases();
  /** @internal */
  readonly combiningBars = new CombiningBars();
  /** @internal */
  readonly mappings: DeviceMappings = new DeviceMappings();
  /** @internal */
  readonly display: DeviceDisplay | undefined;
  /** @internal What a reset of its slot or bus hits, if there is one. */
  hotResetSet: HotResetSet | undefined;
  /** @internal The iommufd that an open character device has bound it to. */
  binding: CdevBinding | undefined;
  /** Whether its users let it sleep. */
  readonly lowPower: LowPower;
  /** Of a physical function: what users of its virtual functions must know. */
  readonly vfToken: VfToken | undefined;
  /** Of a device that can be migrated: where that is. */
  readonly migration: DeviceMigration | undefined;
  /** @internal */
  readonly dmaLogging: DeviceDmaLogging | undefined;
  private readonly byIndex: ReadonlyMap<number, VfioRegion>;
  /** @internal Nobody has reset it since its last user. */
  needsReset = false;
  private files = 0;
  private configSpace: VirtualConfig | undefined;
  private hostRegisters: HostRegisters | undefined;

  /**
   * @throws RangeError when an index is no region index, an MSI-X table lies outside its BAR, a ROM image is larger than its region, or another number is
   * out of range; TypeError when indices from the first free one on have holes, or something is of the wrong kind.
   */
  constructor(description: VfioDeviceDescription) {
    check(description);
    this.name = description.name;
    this.kind = description.kind ?? 'pci';
    this.description = description;
    const entries = Object.entries(description.regions).map(([key, value]) => [regionIndex(this.name, key), value] as const);
    this.byIndex = new Map(entries.map(([index, value]) => [index, this.complete(index, value)]));
    const first = this.kind === 'pci' ? VFIO_PCI_NUM_REGIONS : 0;
    const beyond = [...this.byIndex.keys()].filter((index) => index >= first).sort((a, b) => a - b);
    beyond.forEach((index, i) => {
      if (index !== first + i) throw new TypeError(`${this.name}: region ${first + i} is missing: indices from ${first} on have no holes`);
    });
    const { msix } = description;
    this.interrupts = new DeviceInterrupts({ ...description.interrupts, intxDisabled: () => this.intxDisabled() });
    this.display = description.display && new DeviceDisplay(description.display);
    this.lowPower = new LowPower(description.suspends !== false);
    this.migration = description.migration && new DeviceMigration(this.name, description.migration);
    this.dmaLogging = description.dmaLogging && new DeviceDmaLogging(this.name, description.dmaLogging);
    this.vfToken = description.physicalFunction === true ? new VfToken() : undefined;
    if (msix !== undefined && !this.byIndex.has(msix.bar)) throw new RangeError(`${this.name}: the MSI-X table is in BAR ${msix.bar}, which is absent`);
  }

  private complete(index: number, description: VfioRegionDescription): VfioRegion {
    const kind = kindOf(this.kind, index);
    const { region, imageSize, capabilities = [] } = description;
    expect(`${this.name}: the bytes of region ${index}`, region, (region as unknown) instanceof Region, 'a Region of an engine');
    const size = description.size ?? region.size;
    if (size > region.size) throw new RangeError(`${this.name}: region ${index} has ${size.toString()} bytes, and ${region.name} ${region.size.toString()}`);
    buildCapabilityChain(vfio_region_info.size, capabilities.map((capability) => encodeRegionInfoCapability(capability)));
    if (imageSize !== undefined && BigInt(integer(`${this.name}: imageSize of region ${index}`, imageSize, 0, Number.MAX_SAFE_INTEGER)) > size) {
      throw new RangeError(`${this.name}: the image of region ${index} has ${imageSize} bytes, the region ${size.toString()}`);
    }
    return {
      ...description,
      index,
      kind,
      size,
      mmap: mayMap(kind, description),
      writable: kind !== 'rom' && description.writable !== false,
      msixTable: this.tableIn(index, size),
    };
  }

  private tableIn(index: number, size: bigint): VfioRegion['msixTable'] {
    const { msix } = this.description;
    if (msix?.bar !== index) return undefined;
    integer(`${this.name}: MSI-X vectors`, msix.count, 1, 2048);
    const offset = BigInt(integer(`${this.name}: MSI-X table offset`, msix.offset, 0, Number.MAX_SAFE_INTEGER));
    const bytes = BigInt(msix.count) * 16n;
    if (offset + bytes > size) {
      throw new RangeError(`${this.name}: the MSI-X table's ${bytes.toString()} bytes at 0x${offset.toString(16)} pass the end of BAR ${index}, 0x${size.toString(16)}`);
    }
    return { offset, bytes };
  }

  /** Number of region indices: 9 and the device-specific ones for PCI. */
  get numRegions(): number {
    const highest = Math.max(-1, ...this.byIndex.keys());
    return this.kind === 'pci' ? Math.max(VFIO_PCI_NUM_REGIONS, highest + 1) : highest + 1;
  }

  /** The region at an index; undefined when it is absent. */
  region(index: number): VfioRegion | undefined {
    return this.byIndex.get(index);
  }

  /** How many files of it are open. */
  get openFiles(): number {
    return this.files;
  }

  /** @internal The first open finds the device enabled and reset. VfioError EAGAIN while the host holds its lock, or what enabling it answers. */
  opened(): void {
    if (this.files === 0) this.firstOpen();
    this.files++;
  }

  private firstOpen(): void {
    if (this.kind === 'pci') {
      const refused = askModel(() => this.description.enable?.());
      if (refused !== undefined) throw new VfioError(refused, 'open', `${this.name} cannot be enabled`);
      this.hostRegisters = this.makeHostRegisters();
      this.hostRegisters?.enable();
      if (this.resets) {
        this.checkLock('open');
        this.resetKeepingState();
      }
      this.hostRegisters?.save();
    }
    this.configSpace = this.makeConfig();
  }

  private get resets(): boolean {
    return this.description.reset === true;
  }

  private get isLocked(): boolean {
    return askModel(() => this.description.resetBusy?.()) === true;
  }

  private checkLock(call: string): void {
    if (this.isLocked) throw new VfioError('EAGAIN', call, `the host holds the lock of ${this.name}`);
  }

  /** The registers behind region 7, of a device whose configuration space is known. */
  private hardware(): HardwareRegisters | undefined {
    const region = this.byIndex.get(VFIO_PCI_CONFIG_REGION_INDEX);
    return this.description.config === undefined || region === undefined || this.kind !== 'pci' ? undefined : new HardwareRegisters(region.region, region.size);
  }

  private makeHostRegisters(): HostRegisters | undefined {
    const hardware = this.hardware();
    const bars = [...this.byIndex.values()].filter(({ kind }) => kind === 'bar');
    const decodes = (bars.some(({ ioPorts }) => ioPorts !== true) ? PCI_COMMAND_MEMORY : 0) | (bars.some(({ ioPorts }) => ioPorts === true) ? PCI_COMMAND_IO : 0);
    return hardware && new HostRegisters(hardware, decodes);
  }

  private makeConfig(): VirtualConfig | undefined {
    const { config, onReset } = this.description;
    const hardware = this.hardware();
    if (config === undefined || hardware === undefined) return undefined;
    const owner = {
      zap: (why: string) => this.mappings.zap(why),
      intxDisableChanged: () => this.interrupts.intxDisableChanged(),
      msi: () => this.interrupts.msiState,
      // Nobody is told that the lock was held.
      resetFunction: this.resets ? () => this.isLocked || this.configSpace?.resetFunction(() => askModel(() => onReset?.())) : undefined,
    };
    return new VirtualConfig(hardware, config, owner, (index) => this.byIndex.get(index)?.size);
  }

  /** @internal The shadow of configuration space while the device is open, if it has one. */
  get config(): VirtualConfig | undefined {
    return this.configSpace;
  }

  private intxDisabled(): boolean {
    return this.configSpace?.effects.isIntxDisabled ?? this.description.interrupts?.hardware?.intxDisabled() ?? false;
  }

  /** @internal The last close gives up all that users have set up, whatever the device says to any of it. */
  closed(): void {
    if (--this.files > 0) return;
    const { hostRegisters } = this;
    atEnd([
      () => this.lowPower.exit(),
      () => this.migration?.close(),
      () => this.dmaLogging?.close(),
      () => this.configSpace?.effects.setPowerState(0),
      () => hostRegisters?.stop(),
      () => this.interrupts.release(),
      () => this.ioeventfds.release(),
      () => this.aliases.release(),
      () => this.combiningBars.release(),
      () => this.display?.release(),
      () => (this.configSpace = this.hostRegisters = undefined),
      () => (hostRegisters === undefined ? this.resetAtEnd() : hostRegisters.giveBack(() => this.resetAtEnd())),
      () => this.hotResetSet?.resetWhenUnused(),
    ]);
  }

  /** A function that cannot be reset alone, or not now, waits for a reset of its bus. */
  private resetAtEnd(): void {
    this.needsReset = this.kind === 'pci';
    if (!this.needsReset || !this.resets || this.isLocked) return;
    this.resetModel();
    this.needsReset = false;
  }

  /** @internal VFIO_DEVICE_RESET: what users have set up stays. */
  reset(): number {
    const call = 'VFIO_DEVICE_RESET';
    if (!this.resets) throw new VfioError('EINVAL', call, `${this.name} cannot be reset as a function`);
    this.mappings.zap('the device was reset');
    this.checkLock(call);
    this.resetKeepingState();
    return 0;
  }

  private resetModel(): void {
    askModel(() => {
      this.description.onReset?.();
      this.migration?.reset();
    });
  }

  /** @internal Resets it, open or not, and leaves its configuration space as it was. */
  resetKeepingState(): void {
    const config = this.configSpace ?? this.makeConfig();
    if (config === undefined) this.resetModel();
    else config.resetFunction(() => this.resetModel());
  }

  /** Whether memory cycles reach the device now. */
  memoryEnabled(): boolean {
    return this.configSpace?.effects.memoryEnabled ?? this.description.memoryEnabled?.() ?? true;
  }

  /** @internal Whether its pages can be mapped now: not while it may sleep either. */
  showsPages(): boolean {
    return !this.lowPower.engaged && this.memoryEnabled();
  }

  /** Takes the pages of all BARs out of all mappings, as a driver does before it closes the memory gate. An access brings them back while that is open. */
  zap(why = 'the device took its pages away'): void {
    this.mappings.zap(why);
  }

  /** Which bytes of a region may be mapped, and why the others may not. */
  mappable(region: VfioRegion): MappableAreas {
    const listed = region.capabilities?.find((capability) => capability.kind === 'SPARSE_MMAP');
    return mappableAreas({
      size: region.size,
      pageSize: PAGE_SIZE,
      flagsMmap: region.mmap,
      sparse: listed?.areas ?? null,
      msix: region.msixTable ?? null,
      mode: this.description.msixMode ?? 'mappable',
    });
  }
}
