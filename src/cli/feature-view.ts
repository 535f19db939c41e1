// The features of a device as `maplebar inspect` shows them: what a probe tells of each, and what those say that can be read without changing anything.

import { VfioError } from '../uapi/index.ts';
import type { FeatureClient, FeatureSupport, VfioClient } from '../vfio-client/index.ts';
import type { UapiRelease } from '../vfio/index.ts';
import { table } from './terminal.ts';

/** One feature of VFIO_DEVICE_FEATURE. */
export interface FeatureSeen {
  readonly index: number;
  readonly name: string;
  /** Whether the device has it: the kernel knows it, and the device does not refuse it. */
  readonly present: boolean;
  readonly get: boolean;
  readonly set: boolean;
  /** What GET answers, or the errno that it or the probe fails with; empty where there is nothing to ask. */
  readonly says: string;
}

const NO_METHODS: FeatureSupport = { get: false, set: false };

/** What a feature's GET says. Reports are not asked for: they forget what they tell. */
function saysOf({ feature }: VfioClient, name: string): string {
  switch (name) {
    case 'MIGRATION':
      return feature.migration.get().flagNames.join(' ');
    case 'MIG_DEVICE_STATE':
      return feature.migDeviceState.get();
    case 'MIG_DATA_SIZE':
      return `${feature.migDataSize.get().toString()} bytes`;
    default:
      return '';
  }
}

function seeFeature(client: VfioClient, feature: FeatureClient): FeatureSeen {
  const { index, name } = feature;
  let support: FeatureSupport | undefined;
  try {
    support = feature.probe();
    return { index, name, present: support !== undefined, ...(support ?? NO_METHODS), says: support === undefined ? '' : saysOf(client, name) };
  } catch (error) {
    if (!(error instanceof VfioError)) throw error;
    return { index, name, present: support !== undefined, ...(support ?? NO_METHODS), says: error.code };
  }
}

/** All features of v6.14, and those that `uapi` has beyond them. */
export function seeFeatures(client: VfioClient, uapi: UapiRelease = 'v6.14'): FeatureSeen[] {
  const { all, later } = client.feature;
  return [...all, ...(uapi === 'v6.14' ? [] : later)].map((feature) => seeFeature(client, feature));
}

const sign = (isThere: boolean): string => (isThere ? '+' : '-');

/** A row for each, with lspci's signs. */
export function featureTable(features: readonly FeatureSeen[]): string {
  return table(
    ['  index', 'feature', 'methods', 'says'],
    features.map(({ index, name, present, get, set, says }) => [`  ${index}`, name, present ? `GET${sign(get)} SET${sign(set)}` : 'none', says]),
    [],
  );
}
