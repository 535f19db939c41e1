// The type1 driver of a container, v1 and v2: its groups and their domains, its mappings, dirty pages. Behaviour text, sections 6.1 to 6.6.
//
//   groups with an IOMMU --> domains: every mapping is pinned whole, and mapped there
//   emulated groups ------> their drivers reach mappings page by page
//
// Source: drivers/vfio/vfio_iommu_type1.c

import {
  VFIO_DMA_CC_IOMMU,
  VFIO_IOMMU_DIRTY_PAGES,
  VFIO_IOMMU_GET_INFO,
  VFIO_IOMMU_MAP_DMA,
  VFIO_IOMMU_UNMAP_DMA,
  VFIO_TYPE1_IOMMU,
  VFIO_TYPE1v2_IOMMU,
  VFIO_UNMAP_ALL,
  VFIO_UPDATE_VADDR,
  VfioError,
  ioctlName,
} from '../../uapi/index.ts';
import type { CallingProcess } from '../files/open-file.ts';
import type { IommuGroup } from '../groups/iommu-group.ts';
import type { HostFunction } from '../host/host-function.ts';
import type { VfioHost } from '../host/host.ts';
import { afterFailure, atEnd } from '../model-error.ts';
import type { UserMemory } from '../user-memory.ts';
import { DirtyTracking } from './dirty-tracking.ts';
import { dirtyPages } from './dirty-pages.ts';
import { Domains } from './domains.ts';
import { ContainerAccess } from './emulated-access.ts';
import type { IommuDriver, IommuDriverKind } from './iommu-driver.ts';
import { obstacles, pageSizes, smallestPage, usableIovas } from './iova-list.ts';
import type { IovaRange } from './iova-list.ts';
import { mapDma } from './map-dma.ts';
import { MappingStore } from './mapping-store.ts';
import type { Mapping } from './mapping.ts';
import { getIommuInfo } from './type1-info.ts';
import { unmapDma } from './unmap-dma.ts';

const MAX = 0xffff_ffff_ffff_ffffn;

/** @internal */
export class Type1 implements IommuDriver {
  readonly kind: IommuDriverKind = type1;
  readonly host: VfioHost;
  readonly isV2: boolean;
  readonly mappings: MappingStore;
  readonly domains: Domains;
  readonly dirty: DirtyTracking;
  /** Mappings whose vaddr is taken away. */
  invalidVaddrs = 0;
  /** The proposal's window for messages, once it is registered: it stays. */
  private window: Mapping | undefined;
  private readonly physical = new Set<IommuGroup>();
  private readonly emulated = new Set<IommuGroup>();
  private readonly accesses = new Set<ContainerAccess>();
  private usable: readonly IovaRange[] = [];
  private sizes = pageSizes([]);

  constructor(host: VfioHost, isV2: boolean) {
    this.host = host;
    this.isV2 = isV2;
    this.mappings = new MappingStore(host.engine);
    this.domains = new Domains(host.engine, host.settings.peerToPeer);
    this.dirty = new DirtyTracking(this.mappings);
  }

  /** How many more mappings there may be. */
  get available(): number {
    return this.host.settings.dmaEntryLimit - this.mappings.count;
  }

  /** Ascending; none: nothing is refused. */
  get usableIovas(): readonly IovaRange[] {
    return this.usable;
  }

  get iovaPageSizes(): bigint {
    return this.sizes;
  }

  /** What IOVAs and sizes are multiples of. */
  get pageSize(): bigint {
    return smallestPage(this.sizes);
  }

  get hasEmulated(): boolean {
    return this.emulated.size > 0;
  }

  /** Whether functions reach memory through an IOMMU, and so write what nobody sees. */
  get hasPhysical(): boolean {
    return this.physical.size > 0;
  }

  checkExtension(extension: bigint): number {
    if (extension === BigInt(VFIO_DMA_CC_IOMMU)) return this.domains.iommus.every(({ coherent }) => coherent) ? 1 : 0;
    // Its flag is the message window's where that proposal is.
    if (extension === BigInt(VFIO_UPDATE_VADDR)) return this.hasEmulated || this.host.settings.messageWindow !== undefined ? 0 : 1;
    return type1.checkExtension(this.host, extension);
  }

  attach(call: string, group: IommuGroup): void {
    const refuse = (code: 'EBUSY' | 'EINVAL' | 'EPERM', what: string): never => {
      throw new VfioError(code, call, `group ${group.id}: ${what}`);
    };
    if (this.invalidVaddrs > 0) refuse('EBUSY', `${this.invalidVaddrs} mappings have no vaddr`);
    if (this.physical.has(group) || this.emulated.has(group)) refuse('EINVAL', 'it is in the container already');
    if (group.kind === 'emulated') {
      this.emulated.add(group);
      return;
    }
    const { iommu } = group;
    const iommus = [...this.domains.iommus, iommu];
    const usable = usableIovas(iommus);
    const beyond = iommu.lastAddress < MAX ? this.mappings.find(iommu.lastAddress + 1n, MAX) : undefined;
    if (beyond !== undefined) refuse('EINVAL', `its addresses end at 0x${iommu.lastAddress.toString(16)}, below a mapping that ends at 0x${beyond.last.toString(16)}`);
    const hit = obstacles(iommu).find(({ start, end }) => this.mappings.find(start, end) !== undefined);
    if (hit !== undefined) refuse('EINVAL', `its reserved addresses 0x${hit.start.toString(16)} to 0x${hit.end.toString(16)} are mapped`);
    if (usable.length === 0) refuse('EINVAL', 'no addresses are left that all groups can use');
    if (!iommu.isolatesMessages && !this.host.settings.allowUnsafeInterrupts) refuse('EPERM', 'its messages reach interrupts of others, and allow_unsafe_interrupts is off');
    this.addDomain(call, group);
    this.physical.add(group);
    this.usable = usable;
    this.sizes = pageSizes(iommus);
    group.messageWindow = this.messageWindow;
  }

  /** With the first IOMMU all mappings are pinned. */
  private addDomain(call: string, group: IommuGroup): void {
    const pinned: Mapping[] = [];
    const step = smallestPage(pageSizes([group.iommu])) - 1n;
    try {
      for (const mapping of this.mappings.walk()) {
        if (mapping.isMessageWindow) continue;
        if (((mapping.iova | mapping.size) & step) !== 0n) throw new VfioError('EINVAL', call, `group ${group.id}: the mapping at 0x${mapping.iova.toString(16)} is not of its pages`);
        if (mapping.runs !== undefined) continue;
        mapping.pinAll(call);
        pinned.push(mapping);
      }
      this.domains.add(group, () => this.mappings.walk());
    } catch (error) {
      afterFailure(error, pinned.map((mapping) => () => mapping.unpinAll()));
    }
  }

  detach(group: IommuGroup): void {
    if (this.emulated.delete(group)) {
      if (!this.hasPhysical && !this.hasEmulated) this.removeAll();
      return;
    }
    if (!this.physical.delete(group)) return;
    group.messageWindow = undefined;
    // Before memory is let go.
    this.domains.delete(group);
    this.usable = usableIovas(this.domains.iommus);
    this.sizes = pageSizes(this.domains.iommus);
    // What it has written nobody knows.
    this.dirty.addAll();
    if (!this.domains.isEmpty) return;
    if (this.hasEmulated) atEnd([...this.mappings.walk()].map((mapping) => () => mapping.unpinAll()));
    else this.removeAll();
  }

  openEmulated(one: HostFunction): ContainerAccess {
    const access = new ContainerAccess(this, one.description.emulated?.unmapped, () => this.accesses.delete(access));
    this.accesses.add(access);
    return access;
  }

  ioctl(request: number, user: UserMemory, process: CallingProcess): number {
    switch (request) {
      case VFIO_IOMMU_GET_INFO:
        return getIommuInfo(this, user);
      case VFIO_IOMMU_MAP_DMA:
        return mapDma(this, user, process);
      case VFIO_IOMMU_UNMAP_DMA:
        return unmapDma(this, user, process);
      case VFIO_IOMMU_DIRTY_PAGES:
        return dirtyPages(this, user, process);
    }
    throw new VfioError('ENOTTY', ioctlName(request, 'container') ?? `ioctl 0x${request.toString(16)}`, 'no request of a type1 container');
  }

  /** The window for messages, if one is registered. */
  get messageWindow(): { readonly first: bigint; readonly last: bigint } | undefined {
    return this.window && { first: this.window.iova, last: this.window.last };
  }

  /** Adds a mapping: all of it, or nothing. VfioError EFAULT, ENOMEM. */
  add(call: string, mapping: Mapping): void {
    this.mappings.add(mapping);
    try {
      if (mapping.isMessageWindow) this.setWindow(mapping);
      else if (this.hasPhysical) this.pinAndMap(call, mapping);
      this.dirty.begin(call, mapping);
    } catch (error) {
      afterFailure(error, [() => this.remove(mapping)]);
    }
  }

  private setWindow(mapping: Mapping): void {
    this.window = mapping;
    for (const group of this.physical) group.messageWindow = this.messageWindow;
  }

  private pinAndMap(call: string, mapping: Mapping): void {
    mapping.pinAll(call);
    this.domains.map(mapping);
  }

  /** Removes a mapping. Nothing reaches its memory any more before that is let go. */
  remove(mapping: Mapping): void {
    atEnd([
      () => this.domains.unmap(mapping),
      () => this.mappings.remove(mapping),
      () => {
        if (mapping.isVaddrInvalid) this.invalidVaddrs--;
      },
      () => mapping.dropPages(),
      () => mapping.unpinAll(),
    ]);
  }

  /** Tells the drivers that hold pages of a mapping to let them go: all drivers are told, as none says which pages are its own. What they keep they lose. */
  reclaim(mapping: Mapping): void {
    for (const access of [...this.accesses]) access.tell(mapping.iova, mapping.size);
    mapping.dropPages();
  }

  private removeAll(): void {
    atEnd([...this.mappings.walk()].map((mapping) => () => this.remove(mapping)));
  }

  release(): void {
    atEnd([() => this.removeAll(), () => this.mappings.destroy()]);
  }
}

const MODELS = [VFIO_TYPE1_IOMMU, VFIO_TYPE1v2_IOMMU].map(BigInt);

/** @internal */
export const type1: IommuDriverKind = {
  isNoIommu: false,
  checkExtension: (_host, extension) => ([...MODELS, BigInt(VFIO_UNMAP_ALL)].includes(extension) ? 1 : 0),
  open(call, host, model) {
    if (!MODELS.includes(model)) throw new VfioError('EINVAL', call, `${model.toString()} is an extension of type1, and no model`);
    return new Type1(host, model === BigInt(VFIO_TYPE1v2_IOMMU));
  },
};
