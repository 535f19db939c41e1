// The features of a device as `maplebar inspect` shows them: what a probe tells of each, and what those say that can be read without changing anything.

import { VfioError } from '../uapi/index.ts';
import type { VfioClient } from '../vfio-client/index.ts';
import { table } from './terminal.ts';

/** One feature of VFIO_DEVICE_FEATURE. */
export interface FeatureSeen {
  readonly index: number;
  readonly name: string;
  /** Whether the device has it. */
  readonly present: boolean;
  readonly get: boolean;
  readonly set: boolean;
  /** What GET answers, or the errno that it fails with; empty where there is nothing to ask. */
  readonly says: string;
}

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

/** All features of v6.14. */
export function seeFeatures(client: VfioClient): FeatureSeen[] {
  return client.feature.all.map((feature) => {
    const { index, name } = feature;
    const support = feature.probe();
    if (support === undefined) return { index, name, present: false, get: false, set: false, says: '' };
    try {
      return { index, name, present: true, ...support, says: saysOf(client, name) };
    } catch (error) {
      if (!(error instanceof VfioError)) throw error;
      return { index, name, present: true, ...support, says: error.code };
    }
  });
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
