// A queue of page faults that a program answers (FAULT_QUEUE_ALLOC): an object, and a file with an fd of its own. No IOMMU here lets a device wait, so that nothing ever comes.
//
// Source: drivers/iommu/iommufd/fault.c

import { VfioError, iommu_hwpt_page_response, iommu_hwpt_pgfault } from '../../uapi/index.ts';
import { OpenFile } from '../files/open-file.ts';
import { POLLOUT } from '../files/poll.ts';
import type { UserMemory } from '../user-memory.ts';
import type { IommufdContext } from './context.ts';
import type { IommufdObject } from './object.ts';

/** A fault queue object. */
export class FaultQueue implements IommufdObject {
  readonly kind = 'fault queue';
  readonly id: number;
  /** Page tables whose faults come here. */
  pageTables = 0;
  isOpen = true;

  constructor(id: number) {
    this.id = id;
  }

  get isUsed(): boolean {
    return this.isOpen || this.pageTables > 0;
  }

  destroy(): void {
    this.isOpen = false;
  }
}

/** The file behind its fd. */
export class FaultQueueFile extends OpenFile {
  readonly kind = 'page faults';
  override readonly isStream = true;
  private readonly queue: FaultQueue;
  private readonly context: IommufdContext;

  constructor(context: IommufdContext, queue: FaultQueue) {
    super();
    this.context = context;
    this.queue = queue;
    context.hold();
  }

  access(call: string, _offset: bigint, length: number, user: UserMemory, writes: boolean): number {
    const { size } = writes ? iommu_hwpt_page_response : iommu_hwpt_pgfault;
    if (length % size !== 0) throw new VfioError('ESPIPE', call, `${length} bytes; expected a multiple of ${size}`);
    if (!writes || length === 0) return 0;
    const { cookie } = iommu_hwpt_page_response.decode(user.copyIn(0, size));
    throw new VfioError('EINVAL', call, `no fault waits with cookie ${cookie}`);
  }

  override poll(): number {
    return POLLOUT;
  }

  protected override closed(): void {
    this.queue.isOpen = false;
    this.context.release();
  }
}
