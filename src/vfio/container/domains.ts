// The domains of a container: one for each IOMMU of its groups, all with the same mappings.
//
//   mapping --- pinned runs ---> domain of IOMMU A --- groups 0, 3
//                           +--> domain of IOMMU B --- group 7
//
// Source: drivers/vfio/vfio_iommu_type1.c struct vfio_domain, vfio_iommu_map, vfio_iommu_replay

import type { Engine, IommuDomain } from '../../core/index.ts';
import type { IommuGroup } from '../groups/iommu-group.ts';
import type { Iommu } from '../host/options.ts';
import { afterFailure } from '../model-error.ts';
import type { Mapping } from './mapping.ts';

interface OwnDomain {
  readonly domain: IommuDomain;
  readonly groups: Set<IommuGroup>;
}

/** @internal */
export class Domains {
  private readonly engine: Engine;
  private readonly reachesDevices: boolean;
  private readonly byIommu = new Map<Iommu, OwnDomain>();

  /** @param reachesDevices - Whether BARs of other devices are mapped where memory of a mapping is one. */
  constructor(engine: Engine, reachesDevices: boolean) {
    this.engine = engine;
    this.reachesDevices = reachesDevices;
  }

  get iommus(): readonly Iommu[] {
    return [...this.byIommu.keys()];
  }

  get isEmpty(): boolean {
    return this.byIommu.size === 0;
  }

  /** Adds a group; a first one of its IOMMU gets a domain in which `mappings`, which are pinned, are mapped. VfioError ENOMEM; then nothing has changed. */
  add(group: IommuGroup, mappings: () => Iterable<Mapping>): void {
    const known = this.byIommu.get(group.iommu);
    const own = known ?? { domain: this.filled(group, mappings()), groups: new Set() };
    this.byIommu.set(group.iommu, own);
    own.groups.add(group);
    group.domain = own.domain;
  }

  private filled(group: IommuGroup, mappings: Iterable<Mapping>): IommuDomain {
    const domain = this.engine.iommuDomain(`container domain of group ${group.id}`);
    try {
      for (const mapping of mappings) this.mapIn(domain, mapping);
    } catch (error) {
      return afterFailure(error, [() => domain.destroy()]);
    }
    return domain;
  }

  /** A group reaches nothing any more. */
  delete(group: IommuGroup): void {
    const own = this.byIommu.get(group.iommu);
    group.domain = undefined;
    own?.groups.delete(group);
    if (own?.groups.size !== 0) return;
    this.byIommu.delete(group.iommu);
    own.domain.destroy();
  }

  /** Maps a pinned mapping in all domains, or in none. VfioError ENOMEM. */
  map(mapping: Mapping): void {
    const done: IommuDomain[] = [];
    try {
      for (const { domain } of this.byIommu.values()) {
        this.mapIn(domain, mapping);
        done.push(domain);
      }
    } catch (error) {
      afterFailure(error, done.map((domain) => () => domain.unmap(mapping.iova, mapping.last)));
    }
  }

  private mapIn(domain: IommuDomain, { iova, runs = [], readable, writable }: Mapping): void {
    let at = iova;
    try {
      for (const { region, position, bytes, isDevice } of runs) {
        if (!isDevice || this.reachesDevices) domain.map(at, bytes, { region, position, readable, writable });
        at += bytes;
      }
    } catch (error) {
      afterFailure(error, at === iova ? [] : [() => domain.unmap(iova, at - 1n)]);
    }
  }

  /** From now on no function reaches it. */
  unmap({ iova, last }: Mapping): void {
    for (const { domain } of this.byIommu.values()) domain.unmap(iova, last);
  }
}
