// A device that is bound to an iommufd: its group's DMA is the iommufd's, and goes where a page table leads. Behaviour text, section 6.8.
//
//   blocked --- attach ---> page table --- replace, all devices of the group at once ---> another page table --- last detach ---> blocked
//
// Source: drivers/iommu/iommufd/device.c iommufd_device_bind, iommufd_hw_pagetable_attach, iommufd_device_do_replace, iommufd_device_auto_get_domain

import { VfioError } from '../../uapi/index.ts';
import type { DeviceBinding } from '../groups/group-backend.ts';
import type { IommuGroup } from '../groups/iommu-group.ts';
import type { HostFunction } from '../host/host-function.ts';
import type { Iommu } from '../host/options.ts';
import type { IommufdContext } from './context.ts';
import type { Ioas } from './ioas.ts';
import type { IommufdObject } from './object.ts';
import { PageTable, makePageTable } from './page-table.ts';

/** A group as an iommufd has it: all attached devices of it share a page table. */
export interface AttachedGroup {
  readonly group: IommuGroup;
  readonly attached: BoundDevice[];
  table: PageTable | undefined;
  /** Bound devices. */
  bound: number;
}

/** How a device comes to a page table; the one that nobody may need any more. */
type Attach = (table: PageTable) => PageTable | undefined;

/** A device object. */
export class BoundDevice implements IommufdObject, DeviceBinding {
  readonly kind = 'device';
  readonly id: number;
  readonly function: HostFunction;
  private readonly context: IommufdContext;
  private readonly shared: AttachedGroup;

  /** VfioError EINVAL, EPERM, EBUSY. */
  constructor(context: IommufdContext, call: string, one: HostFunction) {
    const { group } = one;
    const { iommu } = group;
    if (!iommu.coherent) throw new VfioError('EINVAL', call, `the IOMMU of ${one.slot} does not keep its DMA coherent`);
    if (!iommu.isolatesMessages && !context.host.settings.allowUnsafeInterrupts) {
      throw new VfioError('EPERM', call, `messages of ${one.slot} reach the interrupts of others, and allow_unsafe_interrupts is off`);
    }
    group.claim(call, context);
    this.context = context;
    this.function = one;
    this.id = context.objects.freeId;
    this.shared = context.groups.get(group) ?? { group, attached: [], table: undefined, bound: 0 };
    this.shared.bound++;
    context.groups.set(group, this.shared);
    context.objects.add(this);
    context.hold();
  }

  get devid(): number {
    return this.id;
  }

  get iommufd(): object {
    return this.context;
  }

  /** Who has bound it is its user. */
  readonly isUsed = true;

  get iommu(): Iommu {
    return this.shared.group.iommu;
  }

  get isAttached(): boolean {
    return this.shared.attached.includes(this);
  }

  attach(call: string, ptId: number): number {
    const object = this.context.objects.find(ptId);
    if (object === undefined) throw new VfioError('ENOENT', call, `there is no object ${ptId}`);
    const isReplace = this.isAttached;
    const change: Attach = (table) => (isReplace ? this.replace(call, table) : this.join(call, table));
    if (object.kind === 'page table') {
      this.forget(change(object));
      return object.id;
    }
    if (object.kind !== 'IOAS') throw new VfioError('EINVAL', call, `object ${ptId} is of kind ${object.kind}; expected a page table or an IOAS`);
    return this.attachIoas(call, object, isReplace, change);
  }

  /** Takes the first page table of the IOAS that was made for a device and that serves this one, else makes one. */
  private attachIoas(call: string, ioas: Ioas, isReplace: boolean, change: Attach): number {
    for (const table of [...ioas.filledTables]) {
      if (!(table instanceof PageTable) || !table.isAutomatic) continue;
      try {
        this.forget(change(table));
        return table.id;
      } catch (error) {
        if (!(error instanceof VfioError && error.code === 'EINVAL')) throw error;
      }
    }
    const made = { ioas, device: this, isAutomatic: true, tracksDirty: false };
    if (!isReplace) return makePageTable(this.context, call, made, { run: (table) => this.join(call, table), undo: () => void this.leave() }).id;
    const table = makePageTable(this.context, call, made);
    try {
      this.forget(change(table));
    } catch (error) {
      this.context.objects.remove(table);
      throw error;
    }
    return table.id;
  }

  private reserve(call: string, ioas: Ioas, device: BoundDevice): void {
    try {
      for (const { first, last, kind } of device.iommu.reserved) if (kind !== 'relaxable') ioas.space.reserve(call, first, last, device);
    } catch (error) {
      ioas.space.unreserve(device);
      throw error;
    }
  }

  private check(call: string, table: PageTable): void {
    if (!table.serves(this.iommu)) throw new VfioError('EINVAL', call, `page table ${table.id} is of an IOMMU that is unlike that of ${this.function.slot}`);
    if (table.faults !== undefined) throw new VfioError('ENODEV', call, `${this.function.slot} cannot wait for page faults to be answered`);
  }

  private join(call: string, table: PageTable): undefined {
    const { shared } = this;
    if (shared.table !== undefined && shared.table !== table) {
      throw new VfioError('EINVAL', call, `group ${shared.group.id} is attached to page table ${shared.table.id}; a group has one`);
    }
    this.reserve(call, table.ioas, this);
    try {
      if (shared.table === undefined) this.check(call, table);
    } catch (error) {
      table.ioas.space.unreserve(this);
      throw error;
    }
    shared.table = table;
    shared.group.domain = table.domain;
    shared.attached.push(this);
    table.devices++;
    return undefined;
  }

  private replace(call: string, table: PageTable): PageTable | undefined {
    const { shared } = this;
    const old = shared.table!;
    if (table === old) return undefined;
    const moves = table.ioas === old.ioas ? [] : shared.attached;
    try {
      for (const device of moves) this.reserve(call, table.ioas, device);
      this.check(call, table);
    } catch (error) {
      for (const device of moves) table.ioas.space.unreserve(device);
      throw error;
    }
    for (const device of moves) old.ioas.space.unreserve(device);
    shared.table = table;
    shared.group.domain = table.domain;
    table.devices += shared.attached.length;
    old.devices -= shared.attached.length;
    return old;
  }

  /** The page table that was left. */
  private leave(): PageTable {
    const { shared } = this;
    const table = shared.table!;
    shared.attached.splice(shared.attached.indexOf(this), 1);
    if (shared.attached.length === 0) {
      shared.group.domain = undefined;
      shared.table = undefined;
    }
    table.ioas.space.unreserve(this);
    table.devices--;
    return table;
  }

  /** A page table that was made for devices goes with the last of them. */
  private forget(table: PageTable | undefined): void {
    if (table?.isAutomatic === true && !table.isUsed) this.context.objects.remove(table);
  }

  detach(): void {
    if (this.isAttached) this.forget(this.leave());
  }

  close(): void {
    const { context, shared } = this;
    this.detach();
    context.objects.remove(this);
    if (--shared.bound === 0) context.groups.delete(shared.group);
    shared.group.unclaim(context);
    context.release();
  }

  destroy(): void {
    return undefined;
  }
}
