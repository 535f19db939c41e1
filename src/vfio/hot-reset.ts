// VFIO_DEVICE_GET_PCI_HOT_RESET_INFO and VFIO_DEVICE_PCI_HOT_RESET: which functions a reset hits, whether the caller owns them all, and the reset. Behaviour text, sections 1.9 and 1.10.
//
//   GET_INFO   argsz flags count | devices: group or devid, segment, bus, devfn
//   RESET      argsz flags count | group fds, for a device that came from a group; none for one that came from its character device
//              0     4     8      12
//
//   owned, by group:    its group is among the fds          by cdev:   bound to the caller's iommufd (devid > 0), or in a group that has a device so bound (0)
//
// Source: drivers/vfio/pci/vfio_pci_core.c vfio_pci_ioctl_get_pci_hot_reset_info, vfio_pci_ioctl_pci_hot_reset, vfio_pci_dev_set_hot_reset

import {
  VFIO_PCI_DEVID_NOT_OWNED,
  VFIO_PCI_DEVID_OWNED,
  VFIO_PCI_HOT_RESET_FLAG_DEV_ID,
  VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED,
  VfioError,
  vfio_pci_dependent_device,
} from '../uapi/index.ts';
import type { VfioDevice } from './device.ts';
import type { DeviceBinding } from './groups/group-backend.ts';
import type { HotResetFunction, HotResetSet } from './hot-reset-set.ts';
import type { UserMemory } from './user-memory.ts';

const HEADER = 12;
const ENTRY = vfio_pci_dependent_device.size;

/** How a device came to its user through its character device. */
export interface CdevBinding {
  /** The iommufd that it is bound to: devices of one have the same. */
  readonly iommufd: object;
  /** The device's id there, 1 and up. */
  readonly devid: number;
  /** @internal Its way to page tables there. */
  readonly binding?: DeviceBinding;
}

function readHeader(call: string, user: UserMemory): { argsz: number; flags: number; count: number } {
  const view = new DataView(user.copyIn(0, HEADER).buffer);
  const [argsz, flags, count] = [0, 4, 8].map((at) => view.getUint32(at, true)) as [number, number, number];
  if (argsz < HEADER) throw new VfioError('EINVAL', call, `argsz ${argsz} is below ${HEADER}`);
  return { argsz, flags, count };
}

function setOf(call: string, device: VfioDevice): HotResetSet {
  if (device.hotResetSet === undefined) throw new VfioError('ENODEV', call, `neither the slot nor the bus of ${device.name} can be reset`);
  return device.hotResetSet;
}

/** How a function stands to an iommufd. */
function devid({ functions }: HotResetSet, { device, group }: HotResetFunction, iommufd: object): number {
  if (device === undefined) return VFIO_PCI_DEVID_NOT_OWNED;
  if (device.binding?.iommufd === iommufd) return device.binding.devid;
  const isBeside = group !== undefined && functions.some((other) => other.group === group && other.device?.binding?.iommufd === iommufd);
  return isBeside ? VFIO_PCI_DEVID_OWNED : VFIO_PCI_DEVID_NOT_OWNED;
}

/** VFIO_DEVICE_GET_PCI_HOT_RESET_INFO. `binding`: undefined for a device that came from its group. Writes the devices, then 12 bytes; where they do not fit, only those, with how many there are. */
export function getHotResetInfo(device: VfioDevice, binding: CdevBinding | undefined, user: UserMemory): number {
  const call = 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO';
  const { argsz } = readHeader(call, user);
  const set = setOf(call, device);
  const { functions } = set;
  const count = functions.length;
  const header = (flags: number): void => user.copyOut(0, new Uint8Array(new Uint32Array([argsz, flags, count]).buffer));
  if (count > Math.floor((argsz - HEADER) / ENTRY)) {
    header(0);
    throw new VfioError('ENOSPC', call, `argsz ${argsz} has no room for ${count} devices of ${ENTRY} bytes`);
  }
  const entries = new Uint8Array(ENTRY * count);
  let flags = binding === undefined ? 0 : VFIO_PCI_HOT_RESET_FLAG_DEV_ID | VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
  functions.forEach((one, i) => {
    const { segment = 0, bus, devfn, group } = one;
    if (binding === undefined && group === undefined) throw new VfioError('EPERM', call, `function ${bus.toString(16)}:${devfn.toString(16)} is in no IOMMU group`);
    const id = binding === undefined ? group! : devid(set, one, binding.iommufd);
    if (binding !== undefined && id === VFIO_PCI_DEVID_NOT_OWNED) flags &= ~VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
    vfio_pci_dependent_device.encode({ devid: id, segment, bus, devfn }, entries.subarray(ENTRY * i, ENTRY * (i + 1)));
  });
  user.copyOut(HEADER, entries);
  header(flags);
  return 0;
}

/** VFIO_DEVICE_PCI_HOT_RESET. `group` finds the IOMMU group of a group fd: VfioError EBADF, EINVAL. Nothing is written back. */
export function hotReset(device: VfioDevice, binding: CdevBinding | undefined, user: UserMemory, group: (call: string, fd: number) => number): number {
  const call = 'VFIO_DEVICE_PCI_HOT_RESET';
  const refuse = (what: string): never => {
    throw new VfioError('EINVAL', call, what);
  };
  const { flags, count } = readHeader(call, user);
  if (flags !== 0) refuse(`flags 0x${flags.toString(16)}; expected 0`);
  if ((count === 0) !== (binding !== undefined)) refuse(`count is ${count}; a device of a group wants its groups, one of a character device none`);
  const set = setOf(call, device);
  const { functions } = set;
  const groups = new Set<number>();
  if (binding === undefined) {
    if (count > functions.length) refuse(`${count} groups for ${functions.length} devices`);
    const view = new DataView(user.copyIn(HEADER, 4 * count).buffer);
    for (let i = 0; i < count; i++) groups.add(group(call, view.getInt32(4 * i, true)));
  }
  if (functions.some((one) => one.device === undefined)) refuse('the reset hits a function that VFIO does not drive');
  const isOwned = (one: HotResetFunction): boolean =>
    binding === undefined ? one.group !== undefined && groups.has(one.group) : devid(set, one, binding.iommufd) !== VFIO_PCI_DEVID_NOT_OWNED;
  const foreign = functions.find((one) => !isOwned(one));
  if (foreign !== undefined) refuse(`${foreign.device!.name} is not the caller's`);
  set.reset();
  return 0;
}
