// An IOMMU group: functions that only together can be kept from other memory, who owns their DMA, and where it goes.
//
//   nobody owns it   the functions' own drivers do as they like: to VFIO, blocked
//   claimed          by a container, or by iommufds that are one owner; blocked until a domain is attached
//   domain attached  what is mapped there is reached
//
// Source: drivers/iommu/iommu.c iommu_group_claim_dma_owner, __iommu_take_dma_ownership, iommu_attach_group; drivers/vfio/group.c

import type { IommuDomain } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import type { Iommu } from '../host/options.ts';
import type { HostFunction } from '../host/host-function.ts';
import type { GroupBackend } from './group-backend.ts';

/** `physical`: behind an IOMMU. `noiommu`: a function without one. `emulated`: a mediated device, whose driver reaches memory for it. */
export type GroupKind = 'physical' | 'noiommu' | 'emulated';

/** Anything that may own a group's DMA. @internal */
export type DmaOwner = object;

/** The open file of a group, as the group knows it. @internal */
export interface OpenGroup {
  /** The last function that VFIO drives is gone: the file answers ENODEV from now on. */
  lose(): void;
}

/** One group of a host. Made by {@link VfioHost.plug}. */
export class IommuGroup {
  /** 0 and up. */
  readonly id: number;
  readonly kind: GroupKind;
  /** @internal What names it in the topology. */
  readonly key: string;
  readonly iommu: Iommu;
  private readonly members = new Set<HostFunction>();
  private dmaOwner: DmaOwner | undefined;
  private claims = 0;
  private attached: IommuDomain | undefined;
  /** @internal Its one open file, if there is one. */
  openFile: OpenGroup | undefined;
  /** @internal What SET_CONTAINER has set. */
  backend: GroupBackend | undefined;
  /** @internal Where its functions' messages go in their user's own addresses; only the proposal of a message window has one. */
  messageWindow: { readonly first: bigint; readonly last: bigint } | undefined;
  /** @internal Device files of the group path that are open. */
  openDevices = 0;
  /** @internal Character devices of it that are bound. */
  boundDevices = 0;
  /** @internal Another part of the kernel has put a domain of its own on it: claims are EBUSY. */
  hasForeignDomain = false;

  /** @internal */
  constructor(id: number, kind: GroupKind, key: string, iommu: Iommu) {
    this.id = id;
    this.kind = kind;
    this.key = key;
    this.iommu = iommu;
  }

  /** Its functions, in the order in which they came. */
  get functions(): readonly HostFunction[] {
    return [...this.members];
  }

  /** @internal */
  add(one: HostFunction): void {
    this.members.add(one);
  }

  /** @internal A file of a group that has no function left that VFIO drives has lost it. */
  delete(one: HostFunction): void {
    this.members.delete(one);
    if (one.device === undefined || this.isDriven) return;
    const { openFile } = this;
    this.openFile = undefined;
    openFile?.lose();
  }

  /** @internal Whether VFIO drives a function of it. */
  get isDriven(): boolean {
    return this.functions.some(({ device }) => device !== undefined);
  }

  /** Whether a program could own it: no function has a driver that does DMA of its own. */
  get isViable(): boolean {
    return this.kind !== 'physical' || !this.functions.some(({ driver }) => driver === 'native');
  }

  /** @internal Whose its DMA is. */
  get owner(): DmaOwner | undefined {
    return this.dmaOwner;
  }

  /** @internal Takes its DMA for `owner`, who may hold it more than once. VfioError EPERM when it is another's, EBUSY for a foreign domain. Emulated groups have none to take. */
  claim(call: string, owner: DmaOwner): void {
    if (this.kind === 'emulated') return;
    if (this.dmaOwner !== undefined && this.dmaOwner !== owner) throw new VfioError('EPERM', call, `the DMA of group ${this.id} is owned already`);
    const native = this.kind === 'physical' ? this.functions.find(({ driver }) => driver === 'native') : undefined;
    if (native !== undefined) throw new VfioError('EPERM', call, `group ${this.id} is not viable: ${native.slot} has a driver that does DMA`);
    if (this.hasForeignDomain) throw new VfioError('EBUSY', call, `group ${this.id} has a domain that is not VFIO's`);
    this.dmaOwner = owner;
    this.claims++;
  }

  /** @internal Gives one claim back; with the last the functions are blocked. */
  unclaim(owner: DmaOwner): void {
    if (this.kind === 'emulated' || this.dmaOwner !== owner || --this.claims > 0) return;
    this.dmaOwner = undefined;
    this.attached = undefined;
  }

  /** @internal Where the functions' addresses lead. Undefined: nowhere. */
  get domain(): IommuDomain | undefined {
    return this.attached;
  }

  /** @internal */
  set domain(domain: IommuDomain | undefined) {
    this.attached = domain;
  }
}
