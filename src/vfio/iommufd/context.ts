// What one iommufd has: its objects, the groups whose DMA it holds, and which address space the ioctls of a container work on.

import type { Engine } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import type { OpenFile } from '../files/open-file.ts';
import type { IommuGroup } from '../groups/iommu-group.ts';
import type { VfioHost } from '../host/host.ts';
import type { AccessObject } from './access.ts';
import type { AttachedGroup, BoundDevice } from './bound-device.ts';
import type { FaultQueue } from './fault-queue.ts';
import { Ioas } from './ioas.ts';
import type { AccountMode } from './locked-pages.ts';
import { ObjectTable } from './object.ts';
import type { PageTable } from './page-table.ts';

/** Any object of an iommufd. */
export type AnyObject = Ioas | PageTable | BoundDevice | AccessObject | FaultQueue;

/** The state behind an iommufd. */
export class IommufdContext {
  readonly host: VfioHost;
  readonly engine: Engine;
  readonly objects = new ObjectTable<AnyObject>();
  /** Groups of which a device is bound. */
  readonly groups = new Map<IommuGroup, AttachedGroup>();
  /** VFIO_IOAS: what a container's ioctls work on. */
  compatible: Ioas | undefined;
  /** A group without an IOMMU was set to it: it will have no compatible IOAS any more. */
  isNoIommu = false;
  /** OPTION RLIMIT_MODE. */
  accountMode: AccountMode = 'user';
  private readonly file: OpenFile;

  constructor(host: VfioHost, file: OpenFile) {
    this.host = host;
    this.engine = host.engine;
    this.file = file;
  }

  /** The file stays open for as long as something is bound to it. */
  hold(): void {
    this.file.hold();
  }

  release(): void {
    this.file.release();
  }

  newIoas(): Ioas {
    const ioas = new Ioas(this.engine, this.objects.freeId);
    this.objects.add(ioas);
    return ioas;
  }

  /** VfioError ENODEV when there is none. */
  compatibleIoas(call: string): Ioas {
    if (this.compatible === undefined) throw new VfioError('ENODEV', call, 'no IOAS stands for the container: no group was set to the iommufd, nor IOMMU_VFIO_IOAS_SET called');
    return this.compatible;
  }

  /** DESTROY. VfioError ENOENT, EBUSY. */
  destroyObject(call: string, id: number): void {
    const object = this.objects.destroy(call, id);
    if (object === this.compatible) this.compatible = undefined;
  }
}
