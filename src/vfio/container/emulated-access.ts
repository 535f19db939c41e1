// How the driver of an emulated function reaches the memory behind a container's mappings: single pages that it holds, and copies. Behaviour text, sections 6.4 and 6.5.
//
//   pin(iova) ---> page of the mapping's process: stays, whatever that unmaps, until unpin or until the mapping goes, which the driver is told of first
//   read, write -> the process's memory by its vaddr; of a page that is held, that page
//
// Source: drivers/vfio/vfio_iommu_type1.c vfio_iommu_type1_pin_pages, vfio_iommu_type1_unpin_pages, vfio_iommu_type1_dma_rw

import type { Region } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import type { ErrnoName } from '../../uapi/index.ts';
import type { EmulatedAccess } from '../groups/group-backend.ts';
import { askModel } from '../model-error.ts';
import { PAGE_SIZE } from '../page.ts';
import type { UserMemory } from '../user-memory.ts';
import { markWritten } from './dirty-tracking.ts';
import type { Mapping } from './mapping.ts';
import type { Type1 } from './type1.ts';

const PAGE = BigInt(PAGE_SIZE);
const END = 1n << 64n;

const hex = (value: bigint): string => `0x${value.toString(16)}`;

interface Part {
  readonly mapping: Mapping;
  /** Bytes from its iova on. */
  readonly offset: bigint;
  /** Which bytes of the transfer. */
  readonly from: number;
  readonly to: number;
}

/** @internal */
export class ContainerAccess implements EmulatedAccess {
  private readonly container: Type1;
  private readonly unmapped: ((iova: bigint, bytes: bigint) => void) | undefined;
  private readonly ended: () => void;

  /** @param unmapped - Is told of mappings that go, of which a driver of the container holds pages. */
  constructor(container: Type1, unmapped: ((iova: bigint, bytes: bigint) => void) | undefined, ended: () => void) {
    this.container = container;
    this.unmapped = unmapped;
    this.ended = ended;
  }

  /** A mapping goes. */
  tell(iova: bigint, bytes: bigint): void {
    askModel(() => this.unmapped?.(iova, bytes));
  }

  private checkVaddrs(call: string): void {
    const { invalidVaddrs } = this.container;
    if (invalidVaddrs > 0) throw new VfioError('EBUSY', call, `${invalidVaddrs} mappings have no vaddr`);
  }

  pin(iova: bigint, bytes: bigint, writes: boolean): void {
    const call = 'vfio_pin_pages';
    const refuse = (code: ErrnoName, what: string): never => {
      throw new VfioError(code, call, what);
    };
    if (!this.container.isV2) refuse('EACCES', 'a container of type1 v1 pins no pages');
    this.checkVaddrs(call);
    let at = iova;
    try {
      for (; at < iova + bytes; at += PAGE) {
        const mapping = at < END ? this.container.mappings.at(at) : undefined;
        if (mapping === undefined) return refuse('EINVAL', `nothing is mapped at ${hex(at)}`);
        if (!(writes ? mapping.writable : mapping.readable)) refuse('EPERM', `${hex(at)} is not mapped to be ${writes ? 'written' : 'read'}`);
        mapping.pinPage(call, (at - mapping.iova) / PAGE, this);
        markWritten(mapping, at - mapping.iova, PAGE);
      }
    } catch (error) {
      this.unpin(iova, at - iova);
      throw error;
    }
  }

  unpin(iova: bigint, bytes: bigint): void {
    for (let at = iova; at < iova + bytes && at < END; at += PAGE) {
      const mapping = this.container.mappings.at(at);
      mapping?.unpinPage((at - mapping.iova) / PAGE, this);
    }
  }

  read(iova: bigint, target: Uint8Array): void {
    const bytes = new Uint8Array(target.length);
    for (const { mapping, offset, from, to } of this.parts('read', iova, target.length)) {
      const page = pinnedAt(mapping, offset);
      if (page === undefined) bytes.set(memoryOf(mapping, offset).copyIn(0, to - from), from);
      else page.region.readBytes(page.position, bytes.subarray(from, to));
    }
    target.set(bytes);
  }

  write(iova: bigint, source: Uint8Array): void {
    const parts = this.parts('write', iova, source.length);
    // Nothing is written where not all can be.
    for (const { mapping, offset, from, to } of parts) {
      if (pinnedAt(mapping, offset) === undefined && !memoryOf(mapping, offset).holds(0, to - from)) checkWritable(mapping, offset, to - from);
    }
    for (const { mapping, offset, from, to } of parts) {
      const page = pinnedAt(mapping, offset);
      if (page === undefined) memoryOf(mapping, offset).copyOut(0, source.subarray(from, to));
      else page.region.writeBytes(page.position, source.subarray(from, to));
      markWritten(mapping, offset, BigInt(to - from));
    }
  }

  /** The transfer by mapping, and where pages are held by page. VfioError EBUSY, EINVAL, EPERM. */
  private parts(access: 'read' | 'write', iova: bigint, bytes: number): readonly Part[] {
    const call = 'vfio_dma_rw';
    this.checkVaddrs(call);
    const parts: Part[] = [];
    for (let from = 0; from < bytes; ) {
      const at = iova + BigInt(from);
      const mapping = at < END ? this.container.mappings.at(at) : undefined;
      if (mapping === undefined) throw new VfioError('EINVAL', call, `nothing is mapped at ${hex(at)}`);
      // The kernel asks for READ whatever is done.
      if (!mapping.readable || (access === 'write' && !mapping.writable)) throw new VfioError('EPERM', call, `${hex(at)} is not mapped for a ${access}`);
      const offset = at - mapping.iova;
      const room = mapping.pins.size > 0 ? PAGE - (offset % PAGE) : mapping.size - offset;
      const to = BigInt(bytes - from) < room ? bytes : from + Number(room);
      parts.push({ mapping, offset, from, to });
      from = to;
    }
    return parts;
  }

  /** The function's last file was closed. */
  close(): void {
    this.ended();
    for (const mapping of this.container.mappings.walk()) for (const page of [...mapping.pins.keys()]) mapping.unpinPage(page, this, Infinity);
  }
}

/** Whether its process could write there. VfioError EFAULT. */
function checkWritable({ process, vaddr }: Mapping, offset: bigint, bytes: number): void {
  const first = (vaddr + offset) & -PAGE;
  const end = (vaddr + offset + BigInt(bytes) + PAGE - 1n) & -PAGE;
  process.pin('vfio_dma_rw', first, end - first, { writes: true, devices: true }).release();
}

function memoryOf({ process, vaddr }: Mapping, offset: bigint): UserMemory {
  return process.memoryAt(vaddr + offset);
}

/** Where a byte of a page is that a driver holds. */
function pinnedAt({ pins }: Mapping, offset: bigint): { readonly region: Region; readonly position: bigint } | undefined {
  const run = pins.get(offset / PAGE)?.memory.runs[0];
  return run && { region: run.region, position: run.position + (offset % PAGE) };
}
