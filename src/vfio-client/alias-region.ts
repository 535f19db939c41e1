// Feature ALIAS_REGION, a proposal: a second region that shows the bytes of a BAR write-combining. Behaviour text, section 8.6.

import { VFIO_DEVICE_FEATURE_ALIAS_REGION, VFIO_DEVICE_FEATURE_PROBE, VFIO_DEVICE_FEATURE_SET, VFIO_REGION_INFO_FLAG_WC, VfioError, vfio_device_feature_alias_region } from '../uapi/index.ts';
import type { VfioCalls } from './calls.ts';
import { FeatureClient } from './feature.ts';
import type { FeatureSupport } from './feature.ts';

const PAYLOAD = vfio_device_feature_alias_region;

/** What a probe tells of a region's aliases. */
export interface AliasSupport extends FeatureSupport {
  /** Flags that an alias of the region may have: VFIO_REGION_INFO_FLAG_WC. 0 where the other side answers probes without a look at the region. */
  readonly flags: number;
}

/** Feature 11, or the number that the client was given. */
export class AliasRegionFeature extends FeatureClient {
  /** @internal */
  constructor(calls: VfioCalls, fd: number, index: number = VFIO_DEVICE_FEATURE_ALIAS_REGION) {
    super(calls, fd, index, 'ALIAS_REGION');
  }

  /**
   * Whether a region can have aliases. As it was posted, a probe looks at the region: VfioError EINVAL when that cannot be mapped.
   *
   * @param region - Index of the region. Default 0.
   * @returns undefined when there is no such feature: ENOTTY.
   * @example
   * ```ts
   * const { flags } = client.feature.aliasRegion.probe(0) ?? { flags: 0 };
   * ```
   */
  override probe(region = 0): AliasSupport | undefined {
    const payload = PAYLOAD.encode({ index: region });
    try {
      this.request(VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET, payload);
    } catch (error) {
      if (error instanceof VfioError && error.code === 'ENOTTY') return undefined;
      throw error;
    }
    return { get: false, set: true, flags: PAYLOAD.decode(payload).flags };
  }

  /**
   * Makes an alias, or finds the one that is there.
   *
   * @param region - Index of the region.
   * @param flags - Default VFIO_REGION_INFO_FLAG_WC.
   * @returns The index of the alias: a region to be asked for and mapped.
   */
  set(region: number, flags: number = VFIO_REGION_INFO_FLAG_WC): number {
    return PAYLOAD.decode(this.setBytes(PAYLOAD.encode({ index: region, flags }))).alias_index;
  }
}
