// What a process has pinned for devices, against RLIMIT_MEMLOCK. Behaviour text, sections 6.3 and 6.8.
//
// Source: mm/util.c account_locked_vm; drivers/vfio/vfio_iommu_type1.c vfio_lock_acct

import { VfioError } from '../uapi/index.ts';
import { PAGE_SIZE } from './page.ts';

/** Pages that a process has pinned. */
export class LockedMemory {
  /** RLIMIT_MEMLOCK, in pages. */
  readonly limit: number;
  private readonly mayExceed: () => boolean;
  private pages = 0;

  /** @param limit - bytes. @param mayExceed - CAP_IPC_LOCK. */
  constructor(limit: number, mayExceed: () => boolean) {
    this.limit = Math.floor(limit / PAGE_SIZE);
    this.mayExceed = mayExceed;
  }

  /** How many bytes are pinned. */
  get bytes(): number {
    return this.pages * PAGE_SIZE;
  }

  /** VfioError ENOMEM beyond the limit; then nothing is counted. */
  lock(call: string, pages: number): void {
    if (this.pages + pages > this.limit && !this.mayExceed()) {
      throw new VfioError('ENOMEM', call, `${pages} pages more than the ${this.pages} that are pinned pass RLIMIT_MEMLOCK, ${this.limit} pages`);
    }
    this.pages += pages;
  }

  unlock(pages: number): void {
    this.pages -= pages;
  }
}
