// Everything by name: all struct layouts and all constants, for tools that print, check or generate.

import * as ccw from './vfio-ccw.ts';
import * as container from './vfio-container.ts';
import * as device from './vfio-device.ts';
import * as feature from './vfio-feature.ts';
import * as graphics from './vfio-graphics.ts';
import * as interrupt from './vfio-interrupt.ts';
import * as iommu from './vfio-iommu.ts';
import * as files from './iommufd-files.ts';
import * as iommufd from './iommufd.ts';
import * as later from './vfio-later.ts';
import * as migration from './vfio-migration.ts';
import * as pagetable from './iommufd-pagetable.ts';
import * as pci from './vfio-pci.ts';
import * as proposals from './vfio-proposals.ts';
import * as region from './vfio-region.ts';
import * as spapr from './vfio-spapr.ts';
import * as zdev from './vfio-zdev.ts';
import type { AnyStructLayout } from './struct.ts';

const exported: readonly [string, number | string | AnyStructLayout][] = [
  container, device, region, graphics, interrupt, pci, feature, migration, iommu, spapr, iommufd, pagetable, files, zdev, ccw, proposals, later,
].flatMap((file) => Object.entries<number | string | AnyStructLayout>(file));

/**
 * Every struct layout by its C name, those of the proposals included.
 *
 * @example
 * ```ts
 * structs.vfio_region_info?.size; // 32
 * ```
 */
export const structs: Readonly<Record<string, AnyStructLayout>> = Object.freeze(
  Object.fromEntries(exported.filter((entry): entry is [string, AnyStructLayout] => typeof entry[1] === 'object')),
);

/**
 * Every numeric constant by its C name, those of the proposals included.
 *
 * @example
 * ```ts
 * constants.VFIO_DEVICE_GET_REGION_INFO; // 0x3b6c
 * ```
 */
export const constants: Readonly<Record<string, number>> = Object.freeze(
  Object.fromEntries(exported.filter((entry): entry is [string, number] => typeof entry[1] === 'number')),
);

/** Every string constant by its C name. */
export const strings: Readonly<Record<string, string>> = Object.freeze(
  Object.fromEntries(exported.filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
);
