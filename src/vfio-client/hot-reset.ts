// Hot reset: which functions a reset of the slot or bus hits, and the reset. Behaviour text, sections 1.9 and 1.10.
//
//   argsz 12 --> ENOSPC, count n --> argsz 12 + 8 n --> 0, n functions

import {
  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
  VFIO_DEVICE_PCI_HOT_RESET,
  VFIO_PCI_DEVID_NOT_OWNED,
  VFIO_PCI_HOT_RESET_FLAG_DEV_ID,
  VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED,
  VfioError,
  vfio_pci_dependent_device,
  vfio_pci_hot_reset,
  vfio_pci_hot_reset_info,
} from '../uapi/index.ts';
import { VfioAnswerError, ask } from './calls.ts';
import type { VfioCalls } from './calls.ts';

const GET = 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO';
const RESET = 'VFIO_DEVICE_PCI_HOT_RESET';
const HEADER = vfio_pci_hot_reset_info.size;
const ENTRY = vfio_pci_dependent_device.size;
/** A bus has 256 functions, and a slot behind a bridge can have a few buses. */
const MOST_FUNCTIONS = 0x1_0000;
const MOST_TRIES = 8;

/** A function that the reset hits. */
export interface HotResetTarget {
  /** `0000:01:00.1` */
  readonly slot: string;
  /** Its IOMMU group, where the device came from a group. */
  readonly group: number | undefined;
  /** Its id in the caller's iommufd, where the device came from its character device; 0: not bound, but the caller's all the same; undefined: not the caller's, or it has a group. */
  readonly devid: number | undefined;
}

/** What a hot reset would hit. */
export interface HotResetInfo {
  /** Functions are told by their ids in an iommufd, not by groups. */
  readonly byDevid: boolean;
  /** By ids: whether all are the caller's. By groups only the caller knows: undefined. */
  readonly owned: boolean | undefined;
  readonly functions: readonly HotResetTarget[];
}

function slotOf({ segment, bus, devfn }: { segment: number; bus: number; devfn: number }): string {
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  return `${hex(segment, 4)}:${hex(bus, 2)}:${hex(devfn >> 3, 2)}.${devfn & 7}`;
}

/**
 * Hot reset of a PCI function's slot or bus.
 *
 * @example
 * ```ts
 * const { functions } = client.hotReset.info();
 * const groups = [...new Set(functions.map(({ group }) => group!))].map((group) => process.openGroup(group));
 * client.hotReset.reset(groups);
 * for (const fd of groups) process.close(fd);
 * ```
 */
export class HotResetClient {
  private readonly calls: VfioCalls;
  private readonly fd: number;

  /** @internal */
  constructor(calls: VfioCalls, fd: number) {
    this.calls = calls;
    this.fd = fd;
  }

  /** The answer, or how many functions there are when `room` was too small for them. */
  private tell(room: number): Uint8Array | number {
    const bytes = new Uint8Array(HEADER + room * ENTRY);
    new DataView(bytes.buffer).setUint32(0, bytes.length, true);
    try {
      ask(GET, () => this.calls.ioctl(this.fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, bytes));
    } catch (error) {
      if (!(error instanceof VfioError) || error.code !== 'ENOSPC') throw error;
      const { count } = vfio_pci_hot_reset_info.decodeHead(bytes);
      if (count <= room || count > MOST_FUNCTIONS) throw new VfioAnswerError(GET, `no room for ${count} functions where there was room for ${room}; expected more, and at most ${MOST_FUNCTIONS}`);
      return count;
    }
    const { count } = vfio_pci_hot_reset_info.decodeHead(bytes);
    if (count > room) throw new VfioAnswerError(GET, `count is ${count}, and argsz had room for ${room}`);
    return bytes;
  }

  /**
   * Which functions a reset hits: at least this one. Nothing is changed.
   *
   * @throws VfioError ENOTTY for other devices than PCI functions; ENODEV when neither slot nor bus can be reset; EPERM when a function is in no IOMMU group; EAGAIN when one came while
   *   they were counted: ask again; EBADF. ENOSPC is asked again with more room.
   * @throws VfioAnswerError for a count that there is no room for, or room that is never enough.
   * @example
   * ```ts
   * client.hotReset.info().functions[0].slot; // '0000:01:00.0'
   * ```
   */
  info(): HotResetInfo {
    let room = 0;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const answer = this.tell(room);
      if (typeof answer === 'number') {
        room = answer;
        continue;
      }
      const { flags, devices } = vfio_pci_hot_reset_info.decode(answer);
      const byDevid = (flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID) !== 0;
      const functions = devices.map((device) => ({
        slot: slotOf(device),
        group: byDevid ? undefined : device.group_id,
        devid: byDevid && device.devid !== VFIO_PCI_DEVID_NOT_OWNED ? device.devid : undefined,
      }));
      return { byDevid, owned: byDevid ? (flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED) !== 0 : undefined, functions };
    }
    throw new VfioAnswerError(GET, `after ${MOST_TRIES} answers there is still no room for all functions`);
  }

  /**
   * Resets the slot or bus, with every function of it; pages of their BARs leave all mappings until they are touched again.
   *
   * @param groupFds - An open group for each that is hit; none for a device that came from its character device.
   * @throws VfioError ENOTTY for other devices than PCI functions; EINVAL for groups with a character device or none without, more groups than functions, an fd that is no group's, a
   *   function that is not the caller's or that VFIO does not drive; ENODEV when neither slot nor bus can be reset; EBADF for an fd that is not open; EBUSY while a call uses the
   *   memory of one of them; EAGAIN while the host holds a lock of theirs.
   * @example
   * ```ts
   * const group = process.openGroup(7);
   * client.hotReset.reset([group]);
   * process.close(group);
   * ```
   */
  reset(groupFds: readonly number[] = []): void {
    const bytes = vfio_pci_hot_reset.encode({ argsz: vfio_pci_hot_reset.size + 4 * groupFds.length, count: groupFds.length, group_fds: groupFds });
    ask(RESET, () => this.calls.ioctl(this.fd, VFIO_DEVICE_PCI_HOT_RESET, bytes));
  }
}
