// A container file as the judge of DMA keeps it: groups, and the IOMMU that SET_IOMMU gave it. Behaviour text, sections 1.1 and 1.2.

import type { Answer, ReferenceProcess } from './memory.ts';
import { ReferenceType1 } from './type1.ts';
import type { ReferenceGroup, Released } from './type1.ts';

/** How an ioctl ends: what it answers, or a positive number. */
export type Ended = Answer | number;

const KNOWN = new Map<bigint, number>([[1n, 1], [3n, 1], [9n, 1]]);
const [DMA_CC, UPDATE_VADDR] = [4n, 10n];

export class ReferenceContainer {
  readonly groups: ReferenceGroup[] = [];
  iommu: ReferenceType1 | undefined;
  private readonly limit: number;
  private readonly released: Released;

  constructor(limit: number, released: Released) {
    this.limit = limit;
    this.released = released;
  }

  /** GROUP_SET_CONTAINER of a group that is set to none. */
  add(group: ReferenceGroup): Answer {
    const answer = this.iommu?.attach(group) ?? 'ok';
    if (answer === 'ok') this.groups.push(group);
    return answer;
  }

  /** GROUP_UNSET_CONTAINER of a group of it. */
  remove(group: ReferenceGroup): void {
    this.groups.splice(this.groups.indexOf(group), 1);
    this.iommu?.detach(group);
    if (this.groups.length === 0) this.iommu = undefined;
  }

  /** @param value - the argument of those that take an integer. */
  ioctl(process: ReferenceProcess, number: number, bytes: Uint8Array, value: bigint): Ended {
    if (number === 0) return 'ok';
    if (number === 1) return this.extension(value);
    if (number === 2) return this.setIommu(value);
    return this.iommu?.ioctl(process, number, bytes) ?? 'EINVAL';
  }

  private extension(value: bigint): number {
    if (this.iommu !== undefined && value === DMA_CC) return 1;
    if (this.iommu !== undefined && value === UPDATE_VADDR) return this.groups.some(({ kind }) => kind === 'emulated') ? 0 : 1;
    return KNOWN.get(value) ?? 0;
  }

  private setIommu(value: bigint): Answer {
    if (this.groups.length === 0 || this.iommu !== undefined) return 'EINVAL';
    if (!KNOWN.has(value)) return 'ENODEV';
    if (value === 9n) return 'EINVAL';
    const iommu = new ReferenceType1(value === 1n ? 1 : 2, this.limit, this.released);
    for (const group of this.groups) {
      const answer = iommu.attach(group);
      if (answer !== 'ok') return answer;
    }
    this.iommu = iommu;
    return 'ok';
  }
}
