// What a device's access comes to that a domain does not let through.

import { IOMMU_PERMISSION, IOMMU_TARGET, IOMMU_UNMAPPED } from './layout.generated.ts';

/** A device's access that a domain does not let through. Not a byte was moved, unless a hook of a region unmapped what it was about to reach. */
export class IommuFault extends Error {
  readonly access: 'read' | 'write';
  /** The first IOVA of the access that cannot be reached. */
  readonly iova: bigint;
  /** `unmapped`: nothing is mapped there. `permission`: mapped, but not for this direction. `target`: what is behind it is destroyed, busy or refuses. */
  readonly reason: 'unmapped' | 'permission' | 'target';

  constructor(access: 'read' | 'write', iova: bigint, reason: IommuFault['reason'], domain: string) {
    super(`IOMMU fault: ${access} of 0x${iova.toString(16)} in ${domain}: ${reason}`);
    this.name = 'IommuFault';
    this.access = access;
    this.iova = iova;
    this.reason = reason;
  }
}

const REASONS: Readonly<Record<number, IommuFault['reason'] | undefined>> = { [IOMMU_UNMAPPED]: 'unmapped', [IOMMU_PERMISSION]: 'permission', [IOMMU_TARGET]: 'target' };

/** The reason that the core answered. @internal */
export function faultReason(reason: number): IommuFault['reason'] {
  const known = REASONS[reason];
  if (known === undefined) throw new Error(`the core gave ${reason} as the reason of a fault`);
  return known;
}
