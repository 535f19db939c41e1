// A simulated host: functions in their groups, and the device nodes by which programs reach them.
//
//   /dev/vfio/vfio            a new container          /dev/vfio/N, /dev/vfio/noiommu-N    a group, one file at a time
//   /dev/iommu                a new iommufd            /dev/vfio/devices/vfioN             a device, by itself
//
// Source: drivers/vfio/container.c, group.c, device_cdev.c; drivers/iommu/iommufd/main.c; Behaviour text, sections 1.1, 1.2, 7

import { Engine } from '../../core/index.ts';
import { VfioError, formatPciAddress } from '../../uapi/index.ts';
import { CdevFile } from '../cdev-file.ts';
import { ContainerFile } from '../container/container-file.ts';
import type { CallingProcess, OpenFile } from '../files/open-file.ts';
import { HostGroupFile } from '../groups/group-file.ts';
import { IommuGroup } from '../groups/iommu-group.ts';
import type { GroupKind } from '../groups/iommu-group.ts';
import { IommufdFile } from '../iommufd/iommufd-file.ts';
import { HostFunction } from './host-function.ts';
import type { DmaFault, HostFunctionDescription } from './host-function.ts';
import { atEnd } from '../model-error.ts';
import { settleHost, settleIommu } from './options.ts';
import type { HostSettings, Iommu, VfioHostOptions } from './options.ts';
import { PciTopology, slotAddress } from './topology.ts';
import type { PciBridgeDescription } from './topology.ts';

const GROUP_PATH = /^\/dev\/vfio\/(noiommu-)?(0|[1-9]\d*)$/;
const CDEV_PATH = /^\/dev\/vfio\/devices\/vfio(0|[1-9]\d*)$/;

function isSame(one: Iommu, other: Iommu): boolean {
  const text = (iommu: Iommu): string => JSON.stringify(iommu, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  return text(one) === text(other);
}

/**
 * A host with an IOMMU, on which processes open devices by path.
 *
 * @example
 * ```ts
 * const host = new VfioHost(engine);
 * const nic = host.plug({ slot: '0000:01:00.0', device });
 * const process = new Process(engine, { host });
 * const container = process.open('/dev/vfio/vfio');
 * const group = process.open(`/dev/vfio/${nic.group.id}`);
 * ```
 */
export class VfioHost {
  readonly engine: Engine;
  /** @internal */
  readonly settings: HostSettings;
  private readonly topology: PciTopology;
  private readonly plugged = new Set<HostFunction>();
  private readonly byKey = new Map<string, IommuGroup>();
  private readonly waiting = new Map<HostFunction, readonly (() => void)[]>();
  private readonly listeners = new Set<(fault: DmaFault) => void>();

  /** @throws RangeError, TypeError for options that cannot be. */
  constructor(engine: Engine, options: VfioHostOptions & { readonly bridges?: readonly PciBridgeDescription[] } = {}) {
    if (!((engine as unknown) instanceof Engine)) throw new TypeError(`VfioHost: the engine is a ${typeof engine}; expected what createEngine() answers`);
    this.engine = engine;
    this.settings = settleHost(options);
    this.topology = new PciTopology(options.bridges ?? []);
  }

  /** The functions that are plugged in, in the order in which they came. */
  get functions(): readonly HostFunction[] {
    return [...this.plugged];
  }

  /** The groups that have functions, by ascending id. */
  get groups(): readonly IommuGroup[] {
    return [...this.byKey.values()].sort((a, b) => a.id - b.id);
  }

  /** Calls `listener` for each access of a function that leads nowhere. Returns what ends that. */
  onDmaFault(listener: (fault: DmaFault) => void): () => void {
    const own = (fault: DmaFault): void => listener(fault);
    this.listeners.add(own);
    return () => void this.listeners.delete(own);
  }

  /**
   * Plugs a function in. It joins the group that the topology gives it, or is the first of one.
   *
   * @throws RangeError for a slot that is none or is taken; TypeError for a device that is plugged in already, for a driver that does not go with it, or for an IOMMU that is not its group's.
   */
  plug(description: HostFunctionDescription): HostFunction {
    const { slot, device, driver, emulated, iommu } = description;
    const call = 'VfioHost.plug';
    const address = emulated === undefined ? slotAddress(call, slot) : undefined;
    if (this.functions.some((one) => (address === undefined ? one.slot === slot : one.address !== undefined && formatPciAddress(one.address) === formatPciAddress(address)))) throw new RangeError(`${call}: ${slot} is taken`);
    if (device !== undefined && this.functions.some((one) => one.device === device)) throw new TypeError(`${call}: ${device.name} is plugged in already`);
    if ((driver ?? 'vfio') === 'vfio' && driver !== undefined && device === undefined) throw new TypeError(`${call}: ${slot}: driver 'vfio' needs a device`);
    if (driver !== undefined && driver !== 'vfio' && device !== undefined) throw new TypeError(`${call}: ${slot}: a device is for driver 'vfio'; the driver is '${driver}'`);
    const kind: GroupKind = emulated !== undefined ? 'emulated' : iommu === 'none' ? 'noiommu' : 'physical';
    const group = this.groupFor(description, kind, address);
    const one: HostFunction = new HostFunction({
      description,
      address,
      group,
      cdev: device === undefined || kind === 'noiommu' ? undefined : this.freeCdev(),
      settings: this.settings,
      report: (fault) => {
        for (const listener of [...this.listeners]) listener(fault);
      },
    });
    if (device !== undefined) device.isPulled = false;
    this.plugged.add(one);
    group.add(one);
    return one;
  }

  private groupFor({ slot, iommu, isolated }: HostFunctionDescription, kind: GroupKind, address: HostFunction['address']): IommuGroup {
    const key = address === undefined || kind !== 'physical' ? `${kind} ${slot}` : this.topology.groupKey({ address, isolated: isolated === true });
    const own = typeof iommu === 'object' ? settleIommu(`VfioHost.plug: ${slot}: iommu`, iommu) : this.settings.iommu;
    const known = this.byKey.get(key);
    if (known === undefined) {
      const group = new IommuGroup(this.freeGroup(), kind, key, own);
      this.byKey.set(key, group);
      return group;
    }
    if (typeof iommu === 'object' && !isSame(own, known.iommu)) throw new TypeError(`VfioHost.plug: ${slot}: its IOMMU is another than that of group ${known.id}, which it shares`);
    return known;
  }

  private freeGroup(): number {
    let id = 0;
    while (this.groups.some((group) => group.id === id)) id++;
    return id;
  }

  private freeCdev(): number {
    let n = 0;
    while (this.functions.some((one) => one.cdev === n)) n++;
    return n;
  }

  /**
   * Takes a function out. While files of its device are open it stays: their user is asked by interrupt REQ to close them, nobody opens it again, and it goes with the
   * last of them; its DMA goes on meanwhile, unless it was pulled out. A further call asks again.
   *
   * @param options - `surprise`: it is pulled out of its slot: its DMA ends at once. `onGone`: called when it is gone, also at once.
   * @returns whether it is gone.
   * @example
   * ```ts
   * const isGone = host.unplug(nic, { onGone: () => console.log('nobody has it any more') });
   * ```
   *
   * Source: drivers/vfio/vfio_main.c vfio_unregister_group_dev; drivers/vfio/pci/vfio_pci_core.c vfio_pci_core_request
   */
  unplug(one: HostFunction, options: { readonly surprise?: boolean; readonly onGone?: () => void } = {}): boolean {
    const { surprise = false, onGone } = options;
    if (surprise) one.pull();
    if (this.plugged.has(one) && (one.isHeld || one.boundBy !== undefined)) {
      if (onGone !== undefined) this.waiting.set(one, [...(this.waiting.get(one) ?? []), onGone]);
      one.leave(() => this.remove(one));
      one.device?.interrupts.req.signal();
      return one.isGone;
    }
    this.remove(one);
    onGone?.();
    return true;
  }

  private remove(one: HostFunction): void {
    if (!this.plugged.delete(one)) return;
    one.markGone();
    one.group.delete(one);
    if (one.group.functions.length === 0) this.byKey.delete(one.group.key);
    const waiting = this.waiting.get(one) ?? [];
    this.waiting.delete(one);
    atEnd(waiting);
  }

  /**
   * A new file of a device node. VfioError ENOENT for a path that is none; else as the node answers: ENODEV, EPERM, EBUSY.
   *
   * @internal
   */
  open(path: string, process: CallingProcess): OpenFile {
    if (path === '/dev/vfio/vfio') return new ContainerFile(this);
    if (path === '/dev/iommu') return new IommufdFile(this);
    const file = this.openGroup(path, process) ?? this.openCdev(path);
    if (file === undefined) throw new VfioError('ENOENT', 'open', `there is no ${path}`);
    return file;
  }

  private openGroup(path: string, process: CallingProcess): OpenFile | undefined {
    const named = GROUP_PATH.exec(path);
    const isNoIommu = named?.[1] !== undefined;
    // Without the module's option functions that have no IOMMU are in no group.
    if (named === null || (isNoIommu && !this.settings.unsafeNoIommu)) return undefined;
    const group = this.groups.find(({ id, kind }) => id === Number(named[2]) && (kind === 'noiommu') === isNoIommu);
    return group && new HostGroupFile(this, group, process);
  }

  private openCdev(path: string): OpenFile | undefined {
    const named = CDEV_PATH.exec(path);
    const one = named === null ? undefined : this.functions.find(({ cdev }) => cdev === Number(named[1]));
    if (one?.isLeaving === true) throw new VfioError('ENODEV', 'open', `${one.slot} is wanted back by its host`);
    return one && new CdevFile(this, one);
  }
}
