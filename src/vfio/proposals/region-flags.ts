// VFIO_DEVICE_SET_REGION_FLAGS: how the BARs of a device are mapped from now on, through whichever file. Behaviour text, section 8.1.
//
//   index flags     flags: bit 0 WRITE_COMBINE; other bits are not looked at. No argsz.
//   0     4     8

import { VFIO_PCI_ROM_REGION_INDEX, VFIO_REGION_FLAG_WRITE_COMBINE, VfioError, vfio_region_flags } from '../../uapi/index.ts';
import type { VfioDevice } from '../device.ts';
import type { UserMemory } from '../user-memory.ts';

/** Which BARs of a device are mapped write-combining; shared by all of its open files. @internal */
export class CombiningBars {
  private readonly indices = new Set<number>();

  has(index: number): boolean {
    return this.indices.has(index);
  }

  set(index: number, combines: boolean): void {
    if (combines) this.indices.add(index);
    else this.indices.delete(index);
  }

  /** The last file has been closed. */
  release(): void {
    this.indices.clear();
  }
}

/** VFIO_DEVICE_SET_REGION_FLAGS. Nothing is written back. @internal */
export function setRegionFlags(device: VfioDevice, user: UserMemory): number {
  const call = 'VFIO_DEVICE_SET_REGION_FLAGS';
  const { index, flags } = vfio_region_flags.decode(user.copyIn(0, vfio_region_flags.size));
  if (index >= VFIO_PCI_ROM_REGION_INDEX) throw new VfioError('EINVAL', call, `index ${index} is no BAR`);
  const combines = (flags & VFIO_REGION_FLAG_WRITE_COMBINE) !== 0;
  const region = device.region(index);
  if (combines && (region === undefined || region.ioPorts === true || region.prefetchable !== true)) {
    throw new VfioError('EINVAL', call, `BAR ${index} is not prefetchable memory`);
  }
  device.combiningBars.set(index, combines);
  return 0;
}
