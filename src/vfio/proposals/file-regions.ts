// The regions of a device as one of its open files shows them: the device's own, and behind them the aliases if the file knows of such.
//
//   0 ...... 8  9 ............ numRegions of the device ............ numRegions of the file
//   fixed       device-specific                          aliases

import {
  VFIO_REGION_INFO_FLAG_ALIAS,
  VFIO_REGION_INFO_FLAG_MMAP,
  VFIO_REGION_INFO_FLAG_PREFETCH,
  VFIO_REGION_INFO_FLAG_WC,
} from '../../uapi/index.ts';
import { regionFlags } from '../device-info.ts';
import type { VfioDevice, VfioRegion } from '../device.ts';
import { aliasAsRegion } from './alias-regions.ts';
import type { DeviceFileSettings } from './options.ts';

/** @internal */
export class FileRegions {
  readonly device: VfioDevice;
  private readonly settings: DeviceFileSettings;
  private readonly aliases = new Map<number, VfioRegion>();

  constructor(device: VfioDevice, settings: DeviceFileSettings) {
    this.device = device;
    this.settings = settings;
  }

  get numRegions(): number {
    const { device, settings } = this;
    return device.numRegions + (settings.alias === undefined ? 0 : device.aliases.list.length);
  }

  /** The region at an index; undefined when it is absent. */
  region(index: number): VfioRegion | undefined {
    const { device, settings } = this;
    const alias = settings.alias === undefined ? undefined : device.aliases.list[index - device.numRegions];
    if (alias === undefined) return device.region(index);
    // Aliases last as long as any file does.
    const known = this.aliases.get(index) ?? aliasAsRegion(alias, index, settings.alias!);
    this.aliases.set(index, known);
    return known;
  }

  /** The flags of GET_REGION_INFO, without CAPS. */
  flags(region: VfioRegion): number {
    if (region.aliasOf !== undefined) {
      return VFIO_REGION_INFO_FLAG_MMAP | (this.settings.alias?.mode === 'rfc' ? VFIO_REGION_INFO_FLAG_ALIAS | VFIO_REGION_INFO_FLAG_WC : 0);
    }
    const isPrefetchable = this.settings.regionFlags !== undefined && region.kind === 'bar' && region.mmap && region.prefetchable === true;
    return regionFlags(region) | (isPrefetchable ? VFIO_REGION_INFO_FLAG_PREFETCH : 0);
  }
}
