// One mapping of a type1 container: IOVAs, the memory behind them, and what is held of it.
//
//   iova ........ last          the memory of `process`, from `vaddr` on
//        pinned                 all of it, while a group with an IOMMU is there
//        pins                   single pages, that drivers of emulated functions hold
//        dirty                  frames of 4096 bytes from iova on, while dirty pages are tracked
//
// Source: drivers/vfio/vfio_iommu_type1.c struct vfio_dma, vfio_pin_pages_remote, vfio_lock_acct, vfio_change_dma_owner

import { VfioError } from '../../uapi/index.ts';
import type { DirtyFrames } from '../dma-logging/dirty-frames.ts';
import type { CallingProcess, PinnedMemory, PinnedRun } from '../files/open-file.ts';
import { PAGE_SIZE } from '../page.ts';

const PAGE = BigInt(PAGE_SIZE);

/** A page that drivers hold: how often each of them does. */
export interface PinnedPage {
  readonly memory: PinnedMemory;
  readonly holders: Map<object, number>;
}

/** What is asked for. */
export interface MappingRequest {
  readonly iova: bigint;
  readonly size: bigint;
  readonly vaddr: bigint;
  /** Devices may read it. */
  readonly readable: boolean;
  readonly writable: boolean;
  readonly process: CallingProcess;
  /** A window for messages, which nothing is behind: only the proposal makes one. */
  readonly isMessageWindow: boolean;
}

/** @internal */
export class Mapping {
  readonly iova: bigint;
  readonly size: bigint;
  /** Inclusive. */
  readonly last: bigint;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly isMessageWindow: boolean;
  vaddr: bigint;
  /** UNMAP_DMA has taken the vaddr away: what is pinned stays, nothing more is. */
  isVaddrInvalid = false;
  /** By page, from iova on. */
  readonly pins = new Map<bigint, PinnedPage>();
  dirty: DirtyFrames | undefined;
  private owner: CallingProcess;
  private held: PinnedMemory | undefined;
  private lockedPages = 0;

  constructor({ iova, size, vaddr, readable, writable, process, isMessageWindow }: MappingRequest) {
    this.iova = iova;
    this.size = size;
    this.last = iova + size - 1n;
    this.vaddr = vaddr;
    this.readable = readable;
    this.writable = writable;
    this.owner = process;
    this.isMessageWindow = isMessageWindow;
  }

  /** Whose memory it is. */
  get process(): CallingProcess {
    return this.owner;
  }

  /** Where its bytes are, once it is pinned. */
  get runs(): readonly PinnedRun[] | undefined {
    return this.held?.runs;
  }

  /** Counts pages against the limit of its process. VfioError ENOMEM. */
  private account(call: string, pages: number): void {
    const { locked } = this.owner;
    if (pages > this.lockedPages) locked.lock(call, pages - this.lockedPages);
    else locked.unlock(this.lockedPages - pages);
    this.lockedPages = pages;
  }

  /** Pins all of it. VfioError EFAULT, ENOMEM; then nothing has changed. */
  pinAll(call: string): void {
    const held = this.pin(call, this.vaddr, this.size);
    try {
      this.account(call, pagesOf(held));
    } catch (error) {
      held.release();
      throw error;
    }
    this.held = held;
  }

  private pin(call: string, address: bigint, bytes: bigint): PinnedMemory {
    const { owner, writable } = this;
    try {
      return owner.pin(call, address, bytes, { writes: writable, devices: true });
    } catch (error) {
      if (error instanceof VfioError && error.code === 'EFAULT' && !owner.hasCapability('CAP_IPC_LOCK')) this.checkLimit(call, bytes / PAGE);
      throw error;
    }
  }

  /** Pages are pinned and counted one after the other: a limit that is passed ahead of the first page that is not there is told. */
  private checkLimit(call: string, pages: bigint): void {
    const { owner, writable, vaddr } = this;
    let [there, beyond, count] = [0n, pages, 0];
    while (beyond - there > 1n) {
      const middle = (there + beyond) / 2n;
      try {
        const held = owner.pin(call, vaddr, middle * PAGE, { writes: writable, devices: true });
        count = pagesOf(held);
        held.release();
        there = middle;
      } catch (error) {
        if (!(error instanceof VfioError)) throw error;
        beyond = middle;
      }
    }
    if (count === 0) return;
    owner.locked.lock(call, count);
    owner.locked.unlock(count);
  }

  /** Lets all of it go, but for what drivers hold. Nothing leads there any more. */
  unpinAll(): void {
    const { held } = this;
    this.held = undefined;
    this.account('unpin', this.pins.size);
    held?.release();
  }

  /** The memory of one page for a driver. VfioError EFAULT, ENOMEM, EINVAL for a page of a device. */
  pinPage(call: string, page: bigint, holder: object): void {
    const known = this.pins.get(page);
    if (known !== undefined) {
      known.holders.set(holder, (known.holders.get(holder) ?? 0) + 1);
      return;
    }
    const { owner } = this;
    const address = this.vaddr + page * PAGE;
    const memory = owner.pin(call, address, PAGE, { writes: this.writable, devices: true });
    try {
      if (memory.runs.some(({ isDevice }) => isDevice)) throw new VfioError('EINVAL', call, `the page at 0x${address.toString(16)} is a device's`);
      // With an IOMMU behind the mapping all of its pages are counted already.
      if (this.held === undefined) this.account(call, this.lockedPages + 1);
    } catch (error) {
      memory.release();
      throw error;
    }
    this.pins.set(page, { memory, holders: new Map([[holder, 1]]) });
  }

  /** What is not held is left out. */
  unpinPage(page: bigint, holder: object, times = 1): void {
    const known = this.pins.get(page);
    const count = known?.holders.get(holder);
    if (known === undefined || count === undefined) return;
    if (count > times) known.holders.set(holder, count - times);
    else known.holders.delete(holder);
    if (known.holders.size === 0) this.dropPage(page, known.memory);
  }

  private dropPage(page: bigint, memory: PinnedMemory): void {
    this.pins.delete(page);
    if (this.held === undefined) this.account('unpin', this.lockedPages - 1);
    memory.release();
  }

  /** Takes its pages from drivers that have not let them go. */
  dropPages(): void {
    for (const [page, { memory }] of [...this.pins]) this.dropPage(page, memory);
  }

  /** A new vaddr, of perhaps another process, whose limit counts from now on. VfioError ENOMEM. */
  moveTo(call: string, vaddr: bigint, process: CallingProcess): void {
    const { owner, lockedPages } = this;
    if (process.identity !== owner.identity) {
      process.locked.lock(call, lockedPages);
      owner.locked.unlock(lockedPages);
      this.owner = process;
    }
    this.vaddr = vaddr;
    this.isVaddrInvalid = false;
  }
}

/** How many of its pages count for a limit. */
function pagesOf({ runs }: PinnedMemory): number {
  return runs.reduce((sum, { bytes, isDevice }) => sum + (isDevice ? 0 : Number(bytes / PAGE)), 0);
}
