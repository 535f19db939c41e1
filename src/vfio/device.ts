// A simulated device as VFIO sees it: numbered regions with flags and capabilities, interrupt counts, the memory gate. State that all of its open files share.

import { VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_NUM_REGIONS, VfioError } from '../uapi/index.ts';
import { HardwareRegisters } from './config/hardware.ts';
import { HostRegisters } from './config/host-registers.ts';
import { PCI_COMMAND_IO, PCI_COMMAND_MEMORY } from './config/registers.ts';
import { VirtualConfig } from './config/virtual-config.ts';
import { describedRegions } from './device-description.ts';
import type { VfioDeviceDescription, VfioDeviceKind, VfioRegion } from './device-description.ts';
import { DeviceMappings } from './device-mappings.ts';
import { DeviceDmaBufs } from './dma-buf/device-dma-bufs.ts';
import { DeviceDmaLogging } from './dma-logging/device-dma-logging.ts';
import { DeviceDisplay } from './display/gfx-plane.ts';
import { LowPower } from './features/low-power.ts';
import { VfToken } from './features/vf-token.ts';
import { DeviceInterrupts } from './interrupts/device-interrupts.ts';
import type { CdevBinding } from './hot-reset.ts';
import type { HotResetSet } from './hot-reset-set.ts';
import { DeviceIoEventFds } from './ioeventfd.ts';
import { mappableAreas } from './mappable-areas.ts';
import { checkDoorbells } from './doorbells.ts';
import type { Doorbell } from './doorbells.ts';
import { DeviceMigration } from './migration/device-migration.ts';
import { askModel, atEnd } from './model-error.ts';
import type { MappableAreas } from './mappable-areas.ts';
import { PAGE_SIZE } from './page.ts';
import { DeviceAliases } from './proposals/alias-regions.ts';
import { CombiningBars } from './proposals/region-flags.ts';

export { PAGE_SIZE, roundUpToPage } from './page.ts';
export type { MsixTable, VfioDeviceDescription, VfioDeviceKind, VfioRegion, VfioRegionDescription, VfioRegionKind } from './device-description.ts';

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
  /** @internal Parts of its BARs that are files of their own. */
  readonly dmaBufs = new DeviceDmaBufs(() => this.showsPages());
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
  /** Number of region indices: 9 and the device-specific ones for PCI. */
  readonly numRegions: number;
  /** Its doorbells, for hosts that hand out eventfds. */
  readonly doorbells: readonly Doorbell[];
  private readonly byIndex: ReadonlyMap<number, VfioRegion>;
  /** @internal It was pulled out of its slot: it reads ones, and takes no write. */
  isPulled = false;
  /** @internal Nobody has reset it since its last user. */
  needsReset = false;
  private files = 0;
  private configSpace: VirtualConfig | undefined;
  private hostRegisters: HostRegisters | undefined;

  /**
   * @throws RangeError when an index is no region index, an MSI-X table lies outside its BAR, a doorbell is none that can be, a ROM image is larger than its region, or another number is
   * out of range; TypeError when indices from the first free one on have holes, or something is of the wrong kind.
   */
  constructor(description: VfioDeviceDescription) {
    this.byIndex = describedRegions(description);
    this.name = description.name;
    this.kind = description.kind ?? 'pci';
    this.numRegions = Math.max(this.kind === 'pci' ? VFIO_PCI_NUM_REGIONS : 0, ...[...this.byIndex.keys()].map((index) => index + 1));
    this.description = description;
    this.doorbells = checkDoorbells(this.name, description.doorbells ?? [], (index) => this.byIndex.get(index));
    this.interrupts = new DeviceInterrupts({ ...description.interrupts, intxDisabled: () => this.intxDisabled() });
    this.display = description.display && new DeviceDisplay(description.display);
    this.lowPower = new LowPower(description.suspends !== false, () => this.dmaBufs.settle());
    this.migration = description.migration && new DeviceMigration(this.name, description.migration);
    this.dmaLogging = description.dmaLogging && new DeviceDmaLogging(this.name, description.dmaLogging);
    this.vfToken = description.physicalFunction === true ? new VfToken() : undefined;
    this.mappings.add(() => this.dmaBufs.revoke());
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
    const { config } = this.description;
    const hardware = this.hardware();
    if (config === undefined || hardware === undefined) return undefined;
    const owner = {
      zap: (why: string) => this.mappings.zap(why),
      intxDisableChanged: () => this.interrupts.intxDisableChanged(),
      msi: () => this.interrupts.msiState,
      // Nobody is told that the lock was held.
      resetFunction: this.resets ? () => this.isLocked || this.configSpace?.resetFunction(() => this.resetModel()) : undefined,
    };
    return new VirtualConfig(hardware, config, owner, (index) => this.byIndex.get(index)?.size);
  }

  /** @internal The shadow of configuration space while the device is open, if it has one. */
  get config(): VirtualConfig | undefined {
    return this.configSpace;
  }

  private intxDisabled(): boolean {
    return this.configSpace?.effects.isIntxDisabled ?? askModel(() => this.description.interrupts?.hardware?.intxDisabled()) ?? false;
  }

  /** @internal The last close gives up all that users have set up, whatever the device says to any of it. */
  closed(): void {
    if (--this.files > 0) return;
    const { hostRegisters } = this;
    atEnd([
      // First: nothing that follows shows their bytes to anybody again.
      () => this.dmaBufs.release(),
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
    atEnd([
      () => this.mappings.zap('the device was reset'),
      // In D0 even when the lock is not to be had.
      () => this.configSpace?.effects.setPowerState(0),
      () => {
        this.checkLock(call);
        this.resetKeepingState();
      },
      () => this.dmaBufs.settle(),
    ]);
    return 0;
  }

  private resetModel(): void {
    atEnd([() => askModel(() => this.description.onReset?.()), () => this.migration?.reset()]);
  }

  /** @internal Resets it, open or not, and leaves its configuration space as it was. */
  resetKeepingState(): void {
    const config = this.configSpace ?? this.makeConfig();
    if (config === undefined) this.resetModel();
    else config.resetFunction(() => this.resetModel());
    this.dmaBufs.settle();
  }

  /** Whether memory cycles reach the device now. */
  memoryEnabled(): boolean {
    return this.configSpace === undefined ? this.isDescribedEnabled() : this.configSpace.effects.memoryEnabled;
  }

  private isDescribedEnabled(): boolean {
    const { memoryEnabled } = this.description;
    return memoryEnabled === undefined || askModel(memoryEnabled);
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
