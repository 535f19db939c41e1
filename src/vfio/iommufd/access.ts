// A mediated device at an iommufd: its driver reaches the memory of an address space itself, page by page, and is told what goes. Behaviour text, section 6.8.
//
//   attach to an IOAS ---> pin, unpin: pages stay      read, write: bytes as they are
//   unmap of an area with pins ---> the driver is told, and has unpinned when it returns ---> the area goes
//
// Source: drivers/iommu/iommufd/device.c iommufd_access_create, iommufd_access_pin_pages, iommufd_access_rw; drivers/vfio/iommufd.c

import { hex } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import type { DeviceBinding, EmulatedAccess } from '../groups/group-backend.ts';
import type { HostFunction } from '../host/host-function.ts';
import { askModel } from '../model-error.ts';
import { PAGE_SIZE } from '../page.ts';
import type { IommufdContext } from './context.ts';
import { LAST_IOVA } from './iova-space.ts';
import type { Area, Ioas } from './ioas.ts';
import type { IommufdObject } from './object.ts';
import type { HeldPages } from './pages.ts';

const PAGE = BigInt(PAGE_SIZE);

interface Pin {
  readonly area: Area;
  readonly held: HeldPages;
}

/** An access object. */
export class AccessObject implements IommufdObject, DeviceBinding, EmulatedAccess {
  readonly kind = 'access';
  readonly id: number;
  /** Who has bound it is its user. */
  readonly isUsed = true;
  readonly function: HostFunction;
  private readonly context: IommufdContext;
  private ioas: Ioas | undefined;
  /** By IOVA of the page, the newest last. */
  private readonly pins = new Map<bigint, Pin[]>();

  constructor(context: IommufdContext, one: HostFunction) {
    this.context = context;
    this.function = one;
    this.id = context.objects.freeId;
    context.objects.add(this);
    context.hold();
  }

  get devid(): number {
    return this.id;
  }

  get iommufd(): object {
    return this.context;
  }

  attach(call: string, ptId: number): number {
    const ioas = this.context.objects.get(call, ptId, 'IOAS');
    if (ioas !== this.ioas) {
      ioas.addListener(call, this);
      this.leave();
      this.ioas = ioas;
      this.function.access = this;
    }
    return ptId;
  }

  detach(): void {
    this.leave();
  }

  private leave(): void {
    const { ioas } = this;
    if (ioas === undefined) return;
    this.function.access = undefined;
    this.unmapped(0n, LAST_IOVA);
    this.ioas = undefined;
    // What its driver did not give up goes all the same.
    for (const page of [...this.pins.keys()]) while (this.pins.has(page)) this.unpinPage(page);
    ioas.removeListener(this);
  }

  close(): void {
    const { context } = this;
    this.leave();
    context.objects.remove(this);
    context.release();
  }

  destroy(): void {
    return undefined;
  }

  /** What the address space is about to take away. */
  unmapped(iova: bigint, bytes: bigint): void {
    askModel(() => this.function.description.emulated?.unmapped?.(iova, bytes));
  }

  /** The areas that hold bytes of iova..last, each with its part of them. VfioError EINVAL, EPERM, ENOENT. */
  private *parts(call: string, iova: bigint, bytes: bigint, writes: boolean): Generator<{ readonly area: Area; readonly at: bigint; readonly bytes: bigint }, void, undefined> {
    if (bytes === 0n) throw new VfioError('EINVAL', call, '0 bytes');
    const last = iova + bytes - 1n;
    if (last > LAST_IOVA) throw new VfioError('EOVERFLOW', call, `${hex(bytes)} bytes at iova ${hex(iova)} pass 2^64-1`);
    for (let at = iova; at <= last; ) {
      const area = this.ioas?.areaIn(at, at);
      if (area === undefined) throw new VfioError('ENOENT', call, `nothing is mapped at iova ${hex(at)}`);
      if (area.isLeaving) throw new VfioError('EINVAL', call, `${hex(area.first)} to ${hex(area.last)} is about to go`);
      if (!(writes ? area.writable : area.readable)) throw new VfioError('EPERM', call, `iova ${hex(at)} is not mapped to be ${writes ? 'written' : 'read'}`);
      const end = area.last < last ? area.last : last;
      yield { area, at, bytes: end - at + 1n };
      at = end + 1n;
    }
  }

  pin(iova: bigint, bytes: bigint, writes: boolean): void {
    const done: bigint[] = [];
    try {
      for (const { area, at, bytes: count } of this.parts('vfio_pin_pages', iova, bytes, writes)) {
        const start = area.start + (at - area.first);
        if (start % PAGE !== 0n || at % PAGE !== 0n || count % PAGE !== 0n) throw new VfioError('EINVAL', 'vfio_pin_pages', `iova ${hex(at)}, ${hex(count)} bytes: not whole pages of the memory`);
        for (let page = 0n; page < count; page += PAGE) {
          const pin = { area, held: area.pages.hold('vfio_pin_pages', start + page, start + page + PAGE - 1n) };
          area.pins++;
          this.pins.set(at + page, [...(this.pins.get(at + page) ?? []), pin]);
          done.push(at + page);
        }
      }
    } catch (error) {
      for (const page of done) this.unpinPage(page);
      throw error;
    }
  }

  unpin(iova: bigint, bytes: bigint): void {
    if (bytes <= 0n) return;
    const last = iova + bytes - 1n;
    // A driver that gives up everything names more pages than there are pins.
    if (bytes / PAGE > BigInt(this.pins.size)) for (const page of [...this.pins.keys()].filter((each) => each >= iova && each <= last)) this.unpinPage(page);
    else for (let page = iova; page <= last; page += PAGE) this.unpinPage(page);
  }

  private unpinPage(page: bigint): void {
    const list = this.pins.get(page);
    const pin = list?.pop();
    if (list === undefined || pin === undefined) return;
    if (list.length === 0) this.pins.delete(page);
    pin.area.pins--;
    pin.area.pages.release(pin.held);
  }

  read(iova: bigint, target: Uint8Array): void {
    this.move('vfio_dma_rw', iova, target, false);
  }

  write(iova: bigint, source: Uint8Array): void {
    this.move('vfio_dma_rw', iova, source, true);
  }

  private move(call: string, iova: bigint, bytes: Uint8Array, writes: boolean): void {
    // All of it is looked at before a byte moves.
    const parts = [...this.parts(call, iova, BigInt(bytes.length), writes)];
    let done = 0;
    for (const { area, at, bytes: count } of parts) {
      area.pages.move(call, area.start + (at - area.first), bytes.subarray(done, done + Number(count)), writes);
      done += Number(count);
    }
  }
}
