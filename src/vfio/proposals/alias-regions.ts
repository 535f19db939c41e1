// Feature ALIAS_REGION: regions that show the bytes of others write-combining. Behaviour text, sections 8.6, 8.7 and 8.9.
//
//   flags index alias_index _resv1 _resv2                 behind the 8 bytes of vfio_device_feature
//   0     4     8           12     16     24
//
//   region   0 BAR <------------------+        GET_INFO tells of one more region for each
//            ...                      |
//            8 VGA                    |        mmap(offset of 0)   uncached           \  the same
//            9 alias of 0, WC --------+        mmap(offset of 9)   write-combining    /  bytes
//
//   (index, flags) known: its alias again.  Aliases are the device's, for all of its files that know the proposal; the last close ends them.
//
//   GET_REGION_INFO of an alias    flags               capabilities
//   rfc                            MMAP | ALIAS | WC   TYPE 0, 0
//   strict                         MMAP                TYPE 0, 0; ALIAS of which region, combining
//
// Source: alias region proposal, patches 4, 6 and 7

import {
  VFIO_DEVICE_FEATURE_SET,
  VFIO_PCI_NUM_REGIONS,
  VFIO_REGION_ALIAS_WRITE_COMBINE,
  VFIO_REGION_INFO_FLAG_WC,
  VfioError,
  vfio_device_feature_alias_region,
  vfio_region_info_cap_alias,
} from '../../uapi/index.ts';
import type { VfioRegion } from '../device.ts';
import type { Feature, FeatureRequest } from '../features/feature.ts';
import type { FileRegions } from './file-regions.ts';
import type { AliasSettings } from './options.ts';

/** What an alias is known by, and how long it was when it was made. @internal */
export interface Alias {
  readonly target: VfioRegion;
  /** As they were asked for. */
  readonly flags: number;
  /** What the posted patches take for its size. */
  readonly rfcSize: bigint;
}

/** The aliases of one device, by their indices from the device's own number of regions on. @internal */
export class DeviceAliases {
  readonly list: Alias[] = [];

  /** The last file has been closed. */
  release(): void {
    this.list.length = 0;
  }
}

const PAYLOAD = vfio_device_feature_alias_region.size;
const SUPPORTED = VFIO_REGION_INFO_FLAG_WC;
const CAP_HEADER = vfio_region_info_cap_alias.fields.header.size;

/** An alias as a region of a file. @internal */
export function aliasAsRegion({ target, rfcSize }: Alias, index: number, { mode, capability }: AliasSettings): VfioRegion {
  const body = vfio_region_info_cap_alias.encode({ region_index: target.index, flags: VFIO_REGION_ALIAS_WRITE_COMBINE });
  const type = { kind: 'TYPE', type: 0, subtype: 0 } as const;
  const alias = { kind: 'UNKNOWN', id: capability, version: 1, payload: body.slice(CAP_HEADER) } as const;
  return {
    index,
    kind: 'device-specific',
    region: target.region,
    size: mode === 'rfc' ? rfcSize : target.size,
    mmap: true,
    writable: false,
    msixTable: undefined,
    capabilities: mode === 'rfc' ? [type] : [type, alias],
    aliasOf: target,
  };
}

/** The posted patches look a device-specific region up in the table of those as if that began with BAR 0. Behind the table's end the model finds zeros. */
function rfcSizeOf(target: VfioRegion, regions: FileRegions): bigint {
  return target.kind === 'device-specific' ? (regions.region(VFIO_PCI_NUM_REGIONS + target.index)?.size ?? 0n) : target.size;
}

function targetOf(call: string, index: number, regions: FileRegions): VfioRegion {
  if (index >= regions.numRegions) throw new VfioError('EINVAL', call, `index ${index} is not below num_regions ${regions.numRegions}`);
  const target = regions.region(index);
  if (target?.aliasOf !== undefined) throw new VfioError('EINVAL', call, `region ${index} is itself an alias, of region ${target.aliasOf.index}`);
  if (target?.mmap !== true) throw new VfioError('EINVAL', call, `region ${index} cannot be mapped`);
  return target;
}

function checkFlags(call: string, flags: number, mode: AliasSettings['mode']): void {
  if ((flags & ~SUPPORTED) !== 0) throw new VfioError('EINVAL', call, `flags 0x${flags.toString(16)} has bits beyond 0x${SUPPORTED.toString(16)} (WC)`);
  // As posted, no flags at all make a combining alias all the same.
  if (flags === 0 && mode === 'strict') throw new VfioError('EINVAL', call, 'flags is 0: the alias would be what the region is');
}

function makeAlias(call: string, target: VfioRegion, flags: number, { regions, settings, reserve }: AliasFile): number {
  const { device } = regions;
  const { list } = device.aliases;
  const known = list.findIndex((alias) => alias.target.index === target.index && alias.flags === flags);
  if (known >= 0) return device.numRegions + known;
  const index = regions.numRegions;
  if (settings.mode === 'strict') {
    if (index >= settings.maxRegions) throw new VfioError('ENOSPC', call, `${device.name} has ${index} regions, and ${settings.maxRegions} is the most`);
    reserve(index, target.size);
  }
  list.push({ target, flags, rfcSize: rfcSizeOf(target, regions) });
  return index;
}

/** What the feature needs of the file that it came through. @internal */
export interface AliasFile {
  readonly regions: FileRegions;
  readonly settings: AliasSettings;
  /** Finds a place for an offset of `size` bytes: VfioError ENOSPC when there is none. */
  readonly reserve: (index: number, size: bigint) => void;
}

/** 11, SET; as posted also PROBE, which then answers what flags there are for a region. @internal */
export function aliasRegion(file: AliasFile): Feature {
  const { regions, settings } = file;
  const run = (call: string, { data, isProbe }: FeatureRequest): number => {
    const payload = data.copyIn(0, PAYLOAD);
    const { index, flags } = vfio_device_feature_alias_region.decode(payload);
    const target = targetOf(call, index, regions);
    if (isProbe) {
      data.copyOut(0, vfio_device_feature_alias_region.encode({ flags: SUPPORTED }, payload));
      return 0;
    }
    checkFlags(call, flags, settings.mode);
    // The alias stays when it cannot be told of.
    data.copyOut(0, vfio_device_feature_alias_region.encode({ alias_index: makeAlias(call, target, flags, file) }, payload));
    return 0;
  };
  return {
    ops: VFIO_DEVICE_FEATURE_SET,
    bytes: PAYLOAD,
    runsWhenProbed: settings.mode === 'rfc',
    isThere: ({ kind }) => kind === 'pci',
    run: (_, request) => run(request.call, request),
  };
}
