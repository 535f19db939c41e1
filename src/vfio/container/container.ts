// A container: the groups that share one I/O address space, and the driver that keeps it. It lives as long as a file or a group holds it. Behaviour text, sections 1.1 and 7.
//
//   no groups --- SET_CONTAINER of a group ---> groups --- SET_IOMMU ---> driver
//       ^                                                                   |
//       +------------------- the last group leaves: all mappings go --------+
//
// Source: drivers/vfio/container.c

import { VfioError } from '../../uapi/index.ts';
import type { CallingProcess } from '../files/open-file.ts';
import type { GroupBackend } from '../groups/group-backend.ts';
import type { IommuGroup } from '../groups/iommu-group.ts';
import type { HostFunction } from '../host/host-function.ts';
import type { VfioHost } from '../host/host.ts';
import { afterFailure, atEnd } from '../model-error.ts';
import type { UserMemory } from '../user-memory.ts';
import type { IommuDriver, IommuDriverKind } from './iommu-driver.ts';
import { noIommu } from './noiommu.ts';
import { type1 } from './type1.ts';

// The newest first: type1 is a module, the other is built in.
const KINDS: readonly IommuDriverKind[] = [type1, noIommu];

/** @internal */
export class Container implements GroupBackend {
  readonly kind = 'container';
  private readonly host: VfioHost;
  /** In the order in which they came. */
  private readonly groups = new Set<IommuGroup>();
  private driver: IommuDriver | undefined;
  private readonly opens = new Map<HostFunction, { files: number; readonly access: { close(): void } | undefined }>();

  constructor(host: VfioHost) {
    this.host = host;
  }

  /** Kinds of functions do not mix: its first group says which drivers there are for it. */
  private get kinds(): readonly IommuDriverKind[] {
    const [first] = this.groups;
    return first === undefined ? KINDS : KINDS.filter(({ isNoIommu }) => isNoIommu === (first.kind === 'noiommu'));
  }

  /** VFIO_CHECK_EXTENSION. */
  checkExtension(extension: bigint): number {
    if (this.driver !== undefined) return this.driver.checkExtension(extension);
    return this.kinds.map((kind) => kind.checkExtension(this.host, extension)).find((answer) => answer > 0) ?? 0;
  }

  /** VFIO_SET_IOMMU. VfioError EINVAL, ENODEV, EPERM, and what attaching the groups answers. */
  setIommu(model: bigint, process: CallingProcess): number {
    const call = 'VFIO_SET_IOMMU';
    if (this.groups.size === 0) throw new VfioError('EINVAL', call, 'the container has no group');
    if (this.driver !== undefined) throw new VfioError('EINVAL', call, 'an IOMMU is set already');
    let refused = new VfioError('ENODEV', call, `no driver for these groups knows model ${model.toString()}`);
    for (const kind of this.kinds) {
      if (kind.checkExtension(this.host, model) <= 0) continue;
      try {
        this.driver = this.openDriver(call, kind, model, process);
        return 0;
      } catch (error) {
        if (!(error instanceof VfioError)) throw error;
        refused = error;
      }
    }
    throw refused;
  }

  private openDriver(call: string, kind: IommuDriverKind, model: bigint, process: CallingProcess): IommuDriver {
    const driver = kind.open(call, this.host, model, process);
    const attached: IommuGroup[] = [];
    try {
      for (const group of [...this.groups].reverse()) {
        driver.attach(call, group);
        attached.push(group);
      }
    } catch (error) {
      return afterFailure(error, [...attached.map((group) => () => driver.detach(group)), () => driver.release()]);
    }
    return driver;
  }

  /** SET_CONTAINER. VfioError EPERM, EBUSY, and what attaching the group answers. */
  attachGroup(call: string, group: IommuGroup, process: CallingProcess): this {
    const isNoIommu = group.kind === 'noiommu';
    if (isNoIommu && !process.hasCapability('CAP_SYS_RAWIO')) throw new VfioError('EPERM', call, `group ${group.id} has no IOMMU, and ${process.name} lacks CAP_SYS_RAWIO`);
    const [first] = this.groups;
    if (first !== undefined && (first.kind === 'noiommu') !== isNoIommu) throw new VfioError('EPERM', call, 'groups with and without an IOMMU do not mix');
    if (group.kind === 'physical') group.claim(call, this);
    try {
      this.driver?.attach(call, group);
    } catch (error) {
      group.unclaim(this);
      throw error;
    }
    this.groups.add(group);
    return this;
  }

  detachGroup(group: IommuGroup): void {
    const { driver } = this;
    this.groups.delete(group);
    const isLast = this.groups.size === 0;
    if (isLast) this.driver = undefined;
    atEnd([
      () => driver?.detach(group),
      () => {
        if (group.kind === 'physical') group.unclaim(this);
      },
      () => {
        if (isLast) driver?.release();
      },
    ]);
  }

  openDevice(call: string, one: HostFunction, process: CallingProcess): { close(): void } {
    const known = this.opens.get(one);
    if (known === undefined) this.openFirst(call, one, process);
    else known.files++;
    return { close: () => this.closeDevice(one) };
  }

  private openFirst(call: string, one: HostFunction, process: CallingProcess): void {
    if (this.driver === undefined) throw new VfioError('EINVAL', call, 'the container has no IOMMU: SET_IOMMU comes first');
    if (one.group.kind === 'noiommu' && !process.hasCapability('CAP_SYS_RAWIO')) throw new VfioError('EPERM', call, `${one.slot} has no IOMMU, and ${process.name} lacks CAP_SYS_RAWIO`);
    const access = one.group.kind === 'emulated' ? this.driver.openEmulated?.(one) : undefined;
    one.access = access;
    this.opens.set(one, { files: 1, access });
  }

  private closeDevice(one: HostFunction): void {
    const known = this.opens.get(one);
    if (known === undefined || --known.files > 0) return;
    this.opens.delete(one);
    one.access = undefined;
    known.access?.close();
  }

  /** What only a driver knows. VfioError EINVAL while there is none. */
  driverIoctl(call: string, request: number, user: UserMemory, process: CallingProcess): number {
    if (this.driver === undefined) throw new VfioError('EINVAL', call, 'the container has no IOMMU: SET_IOMMU comes first');
    return this.driver.ioctl(request, user, process);
  }
}
