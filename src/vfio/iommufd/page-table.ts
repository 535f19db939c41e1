// A page table (HWPT): one domain of one IOMMU, filled with what an address space maps. Behaviour text, section 6.8.
//
//   made by HWPT_ALLOC   stays until it is destroyed        made by attaching to an IOAS   goes with the last device
//
// Source: drivers/iommu/iommufd/hw_pagetable.c

import { IOMMU_HWPT_ALLOC_DIRTY_TRACKING, IOMMU_HWPT_ALLOC_NEST_PARENT, IOMMU_HWPT_FAULT_ID_VALID, VfioError } from '../../uapi/index.ts';
import type { IommuDomain } from '../../core/index.ts';
import type { Iommu } from '../host/options.ts';
import { atEnd } from '../model-error.ts';
import type { BoundDevice } from './bound-device.ts';
import type { IommufdContext } from './context.ts';
import type { FaultQueue } from './fault-queue.ts';
import type { Ioas } from './ioas.ts';
import type { IommufdObject } from './object.ts';

/** A page table object. */
export class PageTable implements IommufdObject {
  readonly kind = 'page table';
  readonly id: number;
  readonly ioas: Ioas;
  readonly iommu: Iommu;
  readonly domain: IommuDomain;
  /** Made for a device that was attached to the IOAS. */
  readonly isAutomatic: boolean;
  /** Made with DIRTY_TRACKING. */
  readonly tracksDirty: boolean;
  /** How many devices are attached. */
  devices = 0;
  private queue: FaultQueue | undefined;

  constructor(context: IommufdContext, made: { readonly id: number; readonly ioas: Ioas; readonly iommu: Iommu; readonly isAutomatic: boolean; readonly tracksDirty: boolean }) {
    this.id = made.id;
    this.ioas = made.ioas;
    this.iommu = made.iommu;
    this.isAutomatic = made.isAutomatic;
    this.tracksDirty = made.tracksDirty;
    this.domain = context.engine.iommuDomain(`page table ${made.id}`);
  }

  get isUsed(): boolean {
    return this.devices > 0;
  }

  /** Where faults of its devices go that could be waited for. */
  get faults(): FaultQueue | undefined {
    return this.queue;
  }

  useFaults(queue: FaultQueue): void {
    queue.pageTables++;
    this.queue = queue;
  }

  /** Whether it translates for a device behind another IOMMU as it does for its own. */
  serves(iommu: Iommu): boolean {
    const own = this.iommu;
    return own === iommu || (own.pageSizes === iommu.pageSizes && own.lastAddress <= iommu.lastAddress && (iommu.coherent || !own.coherent) && (iommu.tracksDirty || !this.tracksDirty));
  }

  destroy(): void {
    atEnd([() => this.ioas.removeTable(this), () => this.domain.destroy()]);
    if (this.queue !== undefined) this.queue.pageTables--;
  }
}

/** A page table that is full and belongs to nobody yet. VfioError EINVAL, EADDRINUSE, EFAULT, ENOMEM. `attach` runs before it is filled. */
export function makePageTable(
  context: IommufdContext,
  call: string,
  made: { readonly ioas: Ioas; readonly device: BoundDevice; readonly isAutomatic: boolean; readonly tracksDirty: boolean },
  attach?: { readonly run: (table: PageTable) => void; readonly undo: (table: PageTable) => void },
): PageTable {
  const { ioas, device } = made;
  const table = new PageTable(context, { ...made, id: context.objects.freeId, iommu: device.iommu });
  try {
    attach?.run(table);
    try {
      ioas.addTable(call, table);
    } catch (error) {
      attach?.undo(table);
      throw error;
    }
  } catch (error) {
    table.domain.destroy();
    throw error;
  }
  context.objects.add(table);
  return table;
}

/** HWPT_ALLOC on an IOAS: what VT-d without nested translation makes of the flags. VfioError EOPNOTSUPP, and as {@link makePageTable}. */
export function allocatePageTable(context: IommufdContext, call: string, request: { readonly ioas: Ioas; readonly device: BoundDevice; readonly flags: number; readonly hasData: boolean }): PageTable {
  const { ioas, device, flags, hasData } = request;
  const refuse = (what: string): never => {
    throw new VfioError('EOPNOTSUPP', call, what);
  };
  const known = IOMMU_HWPT_ALLOC_NEST_PARENT | IOMMU_HWPT_ALLOC_DIRTY_TRACKING | IOMMU_HWPT_FAULT_ID_VALID;
  if ((flags & ~known) !== 0) refuse(`flags 0x${flags.toString(16)} has bits beyond 0x${known.toString(16)}`);
  const tracksDirty = (flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING) !== 0;
  if (tracksDirty && !device.iommu.tracksDirty) refuse('the IOMMU tracks no dirty pages');
  if ((flags & IOMMU_HWPT_ALLOC_NEST_PARENT) !== 0) refuse('the IOMMU nests no page tables');
  if (hasData) refuse('the IOMMU takes no data for a page table that is not nested');
  return makePageTable(context, call, { ioas, device, isAutomatic: false, tracksDirty });
}
