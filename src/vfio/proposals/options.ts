// Which kernel an open file is of: v6.14, or one with proposals of the mailing lists and the numbers that they have there. Behaviour text, section 8.10.
//
//   profile     offsets   proposals       mapping attributes come from
//   'v6.14'     index     none            nowhere: every mapping is uncached
//   'cookie'    cookie    regionMmap      another offset of the same region
//   'alias'     index     aliasRegions    another region
//
// What is given beside a profile goes before it.

import { integer } from '../../core/index.ts';
import type { OffsetMode } from '../../core/index.ts';
import {
  VFIO_DEVICE_FEATURE_ALIAS_REGION,
  VFIO_DEVICE_FEATURE_MASK,
  VFIO_DEVICE_GET_REGION_CAPS,
  VFIO_DEVICE_GET_REGION_MMAP,
  VFIO_DEVICE_SET_MMAP_ATTRS,
  VFIO_DEVICE_SET_REGION_FLAGS,
  VFIO_REGION_INFO_CAP_ALIAS,
  ioctlName,
} from '../../uapi/index.ts';

/** Feature ALIAS_REGION with numbers of one's own. */
export interface AliasRegionOptions {
  /** As posted, or as its reviewers asked: a capability instead of two flags, ENOSPC, and flags that must ask for something. Default `rfc`. */
  readonly mode?: 'rfc' | 'strict';
  /** Number of the feature, 11 to 65535. Default 11. */
  readonly feature?: number;
  /** Id of the capability ALIAS of mode `strict`, 6 to 65535. Default 6. */
  readonly capability?: number;
  /** Regions that a device has at most, its own ones included, in mode `strict`: ENOSPC beyond. Default 64. */
  readonly maxRegions?: number;
}

/** Proposals by name: each is off unless it is here. */
export interface ProposalOptions {
  /** "mmap maple tree" of August 2025: GET_REGION_INFO makes an offset known, mmap needs it, VFIO_DEVICE_SET_MMAP_ATTRS (0x3b79) sets its attributes. */
  readonly mmapAttributes?: boolean | { readonly request?: number };
  /** The review's answer to it: one offset for each region and its mapping flags, by VFIO_DEVICE_GET_REGION_MMAP (0x3b7b) and GET_REGION_CAPS (0x3b7a). */
  readonly regionMmap?: boolean | { readonly request?: number; readonly capsRequest?: number };
  /** VFIO_DEVICE_SET_REGION_FLAGS (0x3b79) of 2024: how a BAR is mapped from now on, by whichever file. */
  readonly regionFlags?: boolean | { readonly request?: number };
  /** "Alias region" of September 2025: VFIO_DEVICE_FEATURE ALIAS_REGION (11) makes a region that shows the bytes of another write-combining. */
  readonly aliasRegions?: boolean | 'rfc' | 'strict' | AliasRegionOptions;
}

/** Mainline as it is, and the two ways that were proposed to map a BAR with other attributes. */
export type Profile = 'v6.14' | 'cookie' | 'alias';

/** How offsets are handed out, and which proposals there are. */
export interface DeviceFileOptions {
  /** What the other options are by default. Default `v6.14`. */
  readonly profile?: Profile;
  /** How offsets are handed out. Default `index`, as mainline Linux does; `cookie` in the profile of that name. */
  readonly offsets?: OffsetMode;
  /** Seed of the mode `scattered`, 1 to 2^32-1. Default 1. */
  readonly seed?: number;
  /**
   * The errno for an offset that no region owns, and in the modes `cookie` and `scattered` for a mapping across the end of one.
   * Default EINVAL in mode `index`, as in Linux, else ENXIO, as in the proposal's outline.
   */
  readonly unknownOffset?: 'EINVAL' | 'ENXIO';
  /** Offsets of mode `cookie` end here: what finds no place below is ENOSPC. Default 2^63; 2^44 is what a page offset of 32 bits can say. */
  readonly offsetLimit?: bigint;
  /** Proposals of the mailing lists. */
  readonly proposals?: ProposalOptions;
}

/** Feature ALIAS_REGION as one file knows it. @internal */
export type AliasSettings = Required<AliasRegionOptions>;

/** All of it settled: a proposal that is off is undefined, one that is on the number of its request. @internal */
export interface DeviceFileSettings {
  readonly mode: OffsetMode;
  readonly seed: number;
  readonly unknownOffset: 'EINVAL' | 'ENXIO';
  readonly offsetLimit: bigint;
  readonly mmapAttributes: number | undefined;
  readonly regionMmap: number | undefined;
  readonly regionCaps: number | undefined;
  readonly regionFlags: number | undefined;
  readonly alias: AliasSettings | undefined;
}

const PROFILES: Readonly<Record<Profile, DeviceFileOptions>> = {
  'v6.14': {},
  cookie: { offsets: 'cookie', proposals: { regionMmap: true } },
  alias: { proposals: { aliasRegions: true } },
};

const LIMIT = 1n << 63n;

/** Without what is left out by saying undefined. */
function given<T extends object>(options: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Options, and what they are by default where they do not say. @internal */
export function openOptions<T extends DeviceFileOptions>(defaults: DeviceFileOptions, own: T): T {
  return { ...given(defaults), ...given(own), proposals: { ...given(defaults.proposals), ...given(own.proposals) } } as T;
}

// Their names are known, and they are no request of v6.14 all the same.
const PROPOSED: readonly number[] = [VFIO_DEVICE_SET_MMAP_ATTRS, VFIO_DEVICE_GET_REGION_CAPS, VFIO_DEVICE_GET_REGION_MMAP];

function requestNumber(what: string, given: number | undefined, standard: number): number {
  const request = integer(`open: ${what}`, given ?? standard, 0, 0xffff_ffff);
  const name = ioctlName(request, 'device');
  if (name !== undefined && !PROPOSED.includes(request)) throw new RangeError(`open: ${what} is 0x${request.toString(16)}, which is ${name}`);
  return request;
}

function request<K extends string>(what: string, option: boolean | { readonly [key in K]?: number } | undefined, key: K, standard: number): number | undefined {
  if (option === undefined || option === false) return undefined;
  return requestNumber(`proposals.${what}.${key}`, option === true ? undefined : option[key], standard);
}

function aliasSettings(option: ProposalOptions['aliasRegions']): AliasSettings | undefined {
  if (option === undefined || option === false) return undefined;
  const { mode = 'rfc', feature = VFIO_DEVICE_FEATURE_ALIAS_REGION, capability = VFIO_REGION_INFO_CAP_ALIAS, maxRegions = 64 }: AliasRegionOptions =
    option === true ? {} : typeof option === 'string' ? { mode: option } : option;
  if (!['rfc', 'strict'].includes(mode)) throw new TypeError(`open: aliasRegions is ${JSON.stringify(mode)}; expected 'rfc' or 'strict'`);
  return {
    mode,
    // What is below means something in v6.14.
    feature: integer('open: aliasRegions.feature', feature, VFIO_DEVICE_FEATURE_ALIAS_REGION, VFIO_DEVICE_FEATURE_MASK),
    capability: integer('open: aliasRegions.capability', capability, VFIO_REGION_INFO_CAP_ALIAS, 0xffff),
    maxRegions: integer('open: aliasRegions.maxRegions', maxRegions, 0, 0x1_0000),
  };
}

/**
 * Fills in what is left out.
 *
 * @throws TypeError when a name is none, or two proposals have one request number; RangeError when a number is out of range or another request's.
 * @internal
 */
export function settle(options: DeviceFileOptions): DeviceFileSettings {
  const profile = options.profile ?? 'v6.14';
  if (!Object.hasOwn(PROFILES, profile)) throw new TypeError(`open: profile is ${JSON.stringify(profile)}; expected 'v6.14', 'cookie' or 'alias'`);
  const { offsets: mode = 'index', seed = 1, unknownOffset = mode === 'index' ? 'EINVAL' : 'ENXIO', offsetLimit = LIMIT, proposals = {} } = openOptions(PROFILES[profile], options);
  if (!['EINVAL', 'ENXIO'].includes(unknownOffset)) throw new TypeError(`open: unknownOffset is ${JSON.stringify(unknownOffset)}; expected 'EINVAL' or 'ENXIO'`);
  if (typeof (offsetLimit as unknown) !== 'bigint') throw new TypeError(`open: offsetLimit is of type ${typeof offsetLimit}; expected a bigint`);
  if (offsetLimit < 0n || offsetLimit > LIMIT) throw new RangeError(`open: offsetLimit is ${offsetLimit.toString()}; expected 0 to 2^63`);
  if (offsetLimit !== LIMIT && mode !== 'cookie') throw new TypeError(`open: offsetLimit is for offsets 'cookie', and these are '${mode}'`);
  const settings: DeviceFileSettings = {
    mode,
    seed,
    unknownOffset,
    offsetLimit,
    mmapAttributes: request('mmapAttributes', proposals.mmapAttributes, 'request', VFIO_DEVICE_SET_MMAP_ATTRS),
    regionMmap: request('regionMmap', proposals.regionMmap, 'request', VFIO_DEVICE_GET_REGION_MMAP),
    regionCaps: request('regionMmap', proposals.regionMmap, 'capsRequest', VFIO_DEVICE_GET_REGION_CAPS),
    regionFlags: request('regionFlags', proposals.regionFlags, 'request', VFIO_DEVICE_SET_REGION_FLAGS),
    alias: aliasSettings(proposals.aliasRegions),
  };
  const requests = [settings.mmapAttributes, settings.regionMmap, settings.regionCaps, settings.regionFlags].filter((one) => one !== undefined);
  const twice = requests.find((one, i) => requests.indexOf(one) !== i);
  if (twice !== undefined) throw new TypeError(`open: two proposals have the request 0x${twice.toString(16)}: give one of them another`);
  return settings;
}
