// How device files are opened in a run, and what an open file therefore knows: its requests, its features, where its offsets lie. Behaviour text, sections 3.3, 7.5 and 8.10.

import * as uapi from '../../../src/uapi/index.ts';
import type { OpenOptions, VfioDevice } from '../../../src/vfio/index.ts';
import type { FileKind } from '../../../src/vfio/files/open-file.ts';

/** One way to open a device, and what comes of it: written down here rather than asked of the code that is tested. */
export interface Opening {
  readonly options: OpenOptions;
  readonly offsets: 'index' | 'cookie' | 'scattered';
  readonly alias?: { readonly feature: number; readonly mode: 'rfc' | 'strict' };
  /** The features of Linux 7.2. */
  readonly later?: boolean;
  readonly regionFlags?: boolean;
  readonly mmapAttributes?: boolean;
  readonly regionMmap?: boolean;
  /** Through the character device. */
  readonly cdev?: boolean;
}

const LATER_ALIAS = 13;

export const OPENINGS: readonly Opening[] = [
  { options: {}, offsets: 'index' },
  { options: { uapi: 'v7.2' }, offsets: 'index', later: true },
  { options: {}, offsets: 'index', cdev: true },
  { options: { uapi: 'v7.2' }, offsets: 'index', later: true, cdev: true },
  { options: { readOnly: true }, offsets: 'index' },
  { options: { profile: 'alias' }, offsets: 'index', alias: { feature: 11, mode: 'rfc' } },
  { options: { profile: 'cookie' }, offsets: 'cookie', regionMmap: true },
  { options: { offsets: 'scattered', seed: 7 }, offsets: 'scattered' },
  { options: { offsets: 'scattered', seed: 1 << 20, uapi: 'v7.2' }, offsets: 'scattered', later: true },
  { options: { offsets: 'cookie', proposals: { mmapAttributes: true, aliasRegions: 'strict' } }, offsets: 'cookie', mmapAttributes: true, alias: { feature: 11, mode: 'strict' } },
  { options: { proposals: { regionFlags: true } }, offsets: 'index', regionFlags: true },
  { options: { uapi: 'v7.2', proposals: { aliasRegions: { feature: LATER_ALIAS } } }, offsets: 'index', later: true, alias: { feature: LATER_ALIAS, mode: 'rfc' } },
  { options: { offsets: 'cookie', offsetLimit: 1n << 15n, proposals: { regionMmap: true } }, offsets: 'cookie', regionMmap: true },
];

/** A region that a file was asked about: what it answered. */
export interface Told {
  readonly index: number;
  readonly offset: bigint;
  readonly size: bigint;
  readonly flags: number;
}

/** What is known of an open file. */
export interface Facts {
  readonly kind: FileKind;
  readonly readOnly: boolean;
  readonly writeOnly: boolean;
  /** Of a device file. */
  readonly device?: VfioDevice;
  readonly opening?: Opening;
  /** Regions that it has told of, by index; those that are mapped otherwise behind them. */
  readonly told: Map<number, Told>;
}

function knowsProposal(request: number, { kind }: VfioDevice, opening: Opening): boolean {
  // SET_REGION_FLAGS and SET_MMAP_ATTRS have one number.
  if (request === uapi.VFIO_DEVICE_SET_MMAP_ATTRS) return opening.mmapAttributes === true || (opening.regionFlags === true && kind === 'pci');
  return (request === uapi.VFIO_DEVICE_GET_REGION_CAPS || request === uapi.VFIO_DEVICE_GET_REGION_MMAP) && opening.regionMmap === true;
}

/** Whether a file has an answer to a request other than ENOTTY. */
export function knowsRequest({ kind, readOnly, device, opening }: Facts, request: number): boolean {
  if (kind === 'migration data') return readOnly && request === uapi.VFIO_MIG_GET_PRECOPY_INFO;
  if (device === undefined || opening === undefined) return false;
  switch (request) {
    case uapi.VFIO_DEVICE_GET_INFO:
    case uapi.VFIO_DEVICE_GET_REGION_INFO:
    case uapi.VFIO_DEVICE_GET_IRQ_INFO:
    case uapi.VFIO_DEVICE_SET_IRQS:
    case uapi.VFIO_DEVICE_RESET:
    case uapi.VFIO_DEVICE_FEATURE:
    case uapi.VFIO_DEVICE_BIND_IOMMUFD:
      return true;
    case uapi.VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
    case uapi.VFIO_DEVICE_PCI_HOT_RESET:
    case uapi.VFIO_DEVICE_IOEVENTFD:
      return device.kind === 'pci';
    case uapi.VFIO_DEVICE_QUERY_GFX_PLANE:
      return device.description.display !== undefined;
    case uapi.VFIO_DEVICE_GET_GFX_DMABUF:
      return device.description.display?.kind === 'dma-buf';
    case uapi.VFIO_DEVICE_ATTACH_IOMMUFD_PT:
    case uapi.VFIO_DEVICE_DETACH_IOMMUFD_PT:
      return opening.cdev === true;
    default:
      return knowsProposal(request, device, opening);
  }
}

/** Whether a device file has a feature, or refuses it with an errno of its own. */
export function hasFeature({ device, opening }: Facts, index: number): boolean {
  if (device === undefined || opening === undefined) return false;
  const { kind, description } = device;
  if (opening.alias?.feature === index) return kind === 'pci';
  switch (index) {
    case uapi.VFIO_DEVICE_FEATURE_PCI_VF_TOKEN:
      return description.physicalFunction === true;
    case uapi.VFIO_DEVICE_FEATURE_MIGRATION:
    case uapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE:
    case uapi.VFIO_DEVICE_FEATURE_MIG_DATA_SIZE:
      return description.migration !== undefined;
    case uapi.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY:
    case uapi.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP:
    case uapi.VFIO_DEVICE_FEATURE_LOW_POWER_EXIT:
      return kind === 'pci';
    case uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_START:
    case uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP:
    case uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT:
      return description.dmaLogging !== undefined;
    case uapi.VFIO_DEVICE_FEATURE_BUS_MASTER:
      return kind === 'cdx' && description.busMaster !== undefined;
    case uapi.VFIO_DEVICE_FEATURE_DMA_BUF:
      return opening.later === true && kind === 'pci';
    case uapi.VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2:
      return opening.later === true;
    default:
      return false;
  }
}

/** Features that the fuzzer has in mind: 0 to 13. */
export const FEATURES = 14;
