// What the runs are made on: hosts with two processes, and functions behind IOMMUs of several kinds.

import type { Capability, IommuDescription } from '../../../src/vfio/index.ts';
import type { FileName } from './operation.ts';

/** A function of a stage: its slot tells its group. */
export interface StageDevice {
  /** The process that has its group or its character device open. */
  readonly by: number;
  readonly kind: 'physical' | 'emulated';
  /** The host's, where it is not said. */
  readonly iommu?: IommuDescription;
  /** Set to the container, or attached to the first address space, from the beginning. */
  readonly joins: boolean;
}

export interface StageProcess {
  readonly file: FileName;
  /** What SET_IOMMU asks for. */
  readonly version?: 1 | 3;
  readonly capabilities: readonly Capability[];
  readonly maxLockedBytes: number;
  /** Its IOMMUs' smallest page is twice the usual one. */
  readonly isCoarse?: boolean;
}

export interface Stage {
  readonly name: string;
  readonly processes: readonly StageProcess[];
  readonly devices: readonly StageDevice[];
  /** Mappings that a container takes. */
  readonly dmaEntryLimit: number;
}

const PAGE = 4096;
const MAY_ALL: readonly Capability[] = ['CAP_IPC_LOCK', 'CAP_SYS_RAWIO', 'CAP_SYS_RESOURCE'];
const root = { capabilities: MAY_ALL, maxLockedBytes: 0 };
const limited = { capabilities: ['CAP_SYS_RAWIO'] as readonly Capability[], maxLockedBytes: 24 * PAGE + 100 };

// 30 bits, with a hole of its own, and page sizes that the other does not have.
const NARROW: IommuDescription = { lastAddress: 0x3fff_ffff, pageSizes: 0x20_1000, reserved: [{ first: 0x8000, last: 0x9fff, kind: 'direct' }, { first: 0xb000, last: 0xbfff, kind: 'relaxable' }, { first: 0x800_0000, last: 0x80f_ffff, kind: 'software-msi' }] };
const WHOLE: IommuDescription = { lastAddress: 0xffff_ffff_ffff_ffffn, reserved: [] };

/** The IOMMU where nothing else is said: VT-d, 39 bits. */
export const DEFAULT_IOMMU = { pageSizes: 0x4020_1000n, lastAddress: 0x7f_ffff_ffffn, reserved: [{ first: 0xfee0_0000n, last: 0xfeef_ffffn, kind: 'msi' }] } as const;

export const STAGES: readonly Stage[] = [
  {
    name: 'containers',
    processes: [{ file: 'container', version: 3, ...limited }, { file: 'container', version: 1, ...root }],
    devices: [{ by: 0, kind: 'physical', joins: true }, { by: 0, kind: 'physical', iommu: NARROW, joins: false }, { by: 1, kind: 'physical', joins: true }],
    dmaEntryLimit: 8,
  },
  {
    name: 'iommufds',
    processes: [{ file: 'iommufd', ...root }, { file: 'iommufd', ...root }],
    devices: [{ by: 0, kind: 'physical', joins: true }, { by: 0, kind: 'physical', joins: true }, { by: 0, kind: 'physical', iommu: NARROW, joins: true }, { by: 1, kind: 'physical', iommu: WHOLE, joins: true }],
    dmaEntryLimit: 12,
  },
  {
    name: 'emulated functions',
    processes: [{ file: 'container', version: 3, ...root }, { file: 'container', version: 3, ...limited }],
    devices: [{ by: 0, kind: 'emulated', joins: true }, { by: 1, kind: 'emulated', joins: true }, { by: 1, kind: 'physical', iommu: { ...WHOLE, lastAddress: 0xffff_ffff, pageSizes: 0x4020_1200 }, joins: false }],
    dmaEntryLimit: 12,
  },
  {
    name: 'a container and an iommufd, other page sizes',
    processes: [{ file: 'container', version: 3, isCoarse: true, ...root }, { file: 'iommufd', ...root }],
    devices: [{ by: 0, kind: 'physical', iommu: { ...WHOLE, pageSizes: 0x20_2000 }, joins: true }, { by: 0, kind: 'physical', iommu: { ...WHOLE, pageSizes: 0x20_6000 }, joins: false }, { by: 1, kind: 'physical', joins: true }],
    dmaEntryLimit: 12,
  },
];
