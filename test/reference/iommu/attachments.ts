// Devices of an iommufd as the judge of DMA keeps them: which page table each is attached to. Behaviour text, sections 1.13 and 6.8.

import { ReferenceIoas, ReferencePageTable } from './ioas.ts';
import type { ReferenceIommufd } from './iommufd.ts';
import { obstacles } from './iova-list.ts';
import type { ReferenceIommu } from './iova-list.ts';
import type { Answer } from './memory.ts';
import { transfer } from './transfer.ts';
import type { ReferenceFault, Transfer } from './transfer.ts';

/** A device that is bound. */
export interface ReferenceDevice {
  readonly iommu: ReferenceIommu;
  table: ReferencePageTable | undefined;
}

export class ReferenceAttachments {
  private readonly iommufd: ReferenceIommufd;
  private readonly devices: ReferenceDevice[] = [];

  constructor(iommufd: ReferenceIommufd) {
    this.iommufd = iommufd;
  }

  /** Binds a device; what its id is tells the iommufd. */
  bind(iommu: ReferenceIommu): ReferenceDevice {
    const device: ReferenceDevice = { iommu, table: undefined };
    this.devices.push(device);
    this.iommufd.add(device);
    return device;
  }

  device(id: number): ReferenceDevice | undefined {
    const object = this.iommufd.objects.get(id);
    return this.devices.find((one) => one === object);
  }

  isUsed(table: ReferencePageTable): boolean {
    return this.devices.some((one) => one.table === table);
  }

  /** ATTACH_IOMMUFD_PT: the id of the page table, or what is wrong. */
  attach(device: ReferenceDevice, id: number): number | Answer {
    const object = this.iommufd.objects.get(id);
    if (object === undefined) return 'ENOENT';
    if (object instanceof ReferencePageTable) return this.use(device, object);
    if (!(object instanceof ReferenceIoas)) return 'EINVAL';
    for (const table of object.tables.filter(({ isAutomatic }) => isAutomatic)) {
      const answer = this.use(device, table);
      if (answer !== 'EINVAL') return answer;
    }
    return this.useNew(device, new ReferencePageTable(object, device.iommu, true, false));
  }

  private useNew(device: ReferenceDevice, table: ReferencePageTable): number | Answer {
    const { ioas } = table;
    const isReplaced = device.table !== undefined;
    // What replaces another is filled first.
    if (!isReplaced && !this.reserve(device, ioas)) return 'EADDRINUSE';
    const answer = ioas.addTable(table);
    if (answer !== 'ok') {
      if (!isReplaced) ioas.unreserve(device);
      return answer;
    }
    if (isReplaced && device.table?.ioas !== ioas && !this.reserve(device, ioas)) {
      ioas.removeTable(table);
      return 'EADDRINUSE';
    }
    // Its id is taken while the one that it replaces still has its own.
    const id = this.iommufd.add(table);
    this.move(device, table);
    return id;
  }

  /** Its own reserved addresses come first, then whether the page table is of its IOMMU. */
  private use(device: ReferenceDevice, table: ReferencePageTable): number | Answer {
    const moves = device.table?.ioas !== table.ioas;
    if (moves && !this.reserve(device, table.ioas)) return 'EADDRINUSE';
    if (table.iommu !== device.iommu) {
      if (moves) table.ioas.unreserve(device);
      return 'EINVAL';
    }
    const id = this.iommufd.idOf(table);
    this.move(device, table);
    return id;
  }

  private reserve(device: ReferenceDevice, ioas: ReferenceIoas): boolean {
    const isDone = obstacles(device.iommu).every((range) => ioas.reserve(range, device));
    if (!isDone) ioas.unreserve(device);
    return isDone;
  }

  private move(device: ReferenceDevice, table: ReferencePageTable | undefined): void {
    const old = device.table;
    device.table = table;
    if (old === undefined || old === table) return;
    if (old.ioas !== table?.ioas) old.ioas.unreserve(device);
    if (!old.isAutomatic || this.isUsed(old)) return;
    this.iommufd.objects.delete(this.iommufd.idOf(old));
    old.ioas.removeTable(old);
  }

  /** DETACH_IOMMUFD_PT. */
  detach(device: ReferenceDevice): void {
    this.move(device, undefined);
  }

  transfer(device: ReferenceDevice, asked: Transfer): ReferenceFault | undefined {
    const { table } = device;
    if (table === undefined) return { iova: asked.iova, reason: 'blocked' };
    return transfer(table.ioas.reachable, asked, (_, first, last) => table.wrote(first, last));
  }
}
