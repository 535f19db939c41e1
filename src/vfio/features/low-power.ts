// Features LOW_POWER_ENTRY, LOW_POWER_ENTRY_WITH_WAKEUP and LOW_POWER_EXIT: the user lets the device sleep. Behaviour text, section 3.3, 3 to 5.
//
//             ENTRY                        the call is over
//   at work --------------------> engaged ------------------> suspended
//      ^                             ^                            |
//      |                             +---- any call wakes it, ----+
//      |                             |     for as long as it lasts
//      +-- EXIT, last close ---------+
//      +-- any call, after ENTRY_WITH_WAKEUP: the eventfd is signalled, and that was it
//
// Source: drivers/vfio/pci/vfio_pci_core.c vfio_pci_runtime_pm_entry, vfio_pci_core_runtime_resume

import { VFIO_DEVICE_FEATURE_SET, VfioError, vfio_device_low_power_entry_with_wakeup } from '../../uapi/index.ts';
import type { VfioDevice } from '../device.ts';
import type { EventFd } from '../files/eventfd.ts';
import { atEnd } from '../model-error.ts';
import type { Feature } from './feature.ts';

/** Whether the users of a device let it sleep; shared by all of its open files. */
export class LowPower {
  private readonly suspends: boolean;
  private isEngaged = false;
  private wakeup: EventFd | null = null;

  private readonly onExit: () => void;

  /**
   * @internal
   * @param suspends - Whether a device that may sleep does: not when the host keeps it awake.
   * @param onExit - Called when its pages may be there again.
   */
  constructor(suspends: boolean, onExit: () => void) {
    this.suspends = suspends;
    this.onExit = onExit;
  }

  /** Whether the device may sleep: no BAR mapping is accessible then, whether it sleeps or not. */
  get engaged(): boolean {
    return this.isEngaged;
  }

  /** Whether it does sleep between calls. */
  get suspended(): boolean {
    return this.isEngaged && this.suspends;
  }

  /** @internal */
  enter(call: string, wakeup: EventFd | null): void {
    if (this.isEngaged) throw new VfioError('EINVAL', call, 'low power was entered before');
    this.isEngaged = true;
    this.wakeup = wakeup?.hold() ?? null;
  }

  /** @internal Nobody is told. Also what the last close does. */
  exit(): void {
    const { wakeup } = this;
    this.isEngaged = false;
    this.wakeup = null;
    atEnd([() => wakeup?.release(), this.onExit]);
  }

  /** A call reaches the device, from a user or from the host: a device that was to tell of it does, and stays awake. */
  wake(): void {
    if (this.wakeup !== null) this.tell(this.wakeup);
  }

  private tell(wakeup: EventFd): void {
    if (!this.suspends) return;
    wakeup.hold();
    atEnd([() => this.exit(), () => wakeup.signal(), () => wakeup.release()]);
  }
}

const isPci: Feature['isThere'] = ({ kind }) => kind === 'pci';

function enter(device: VfioDevice, call: string, wakeup: EventFd | null): void {
  atEnd([() => device.zap('its user lets it sleep'), () => device.lowPower.enter(call, wakeup)]);
}

/** 3, SET without payload. */
export const lowPowerEntry: Feature = {
  ops: VFIO_DEVICE_FEATURE_SET,
  bytes: 0,
  isThere: isPci,
  run(device, { call }) {
    enter(device, call, null);
    return 0;
  },
};

/** 4, SET: an eventfd to signal when the device wakes. */
export const lowPowerEntryWithWakeup: Feature = {
  ops: VFIO_DEVICE_FEATURE_SET,
  bytes: vfio_device_low_power_entry_with_wakeup.size,
  isThere: isPci,
  run(device, { call, data, process }) {
    const { wakeup_eventfd: fd } = vfio_device_low_power_entry_with_wakeup.decode(data.copyIn(0, vfio_device_low_power_entry_with_wakeup.size));
    if (fd < 0) throw new VfioError('EINVAL', call, `wakeup_eventfd is ${fd}`);
    enter(device, call, process.eventfd(call, fd));
    return 0;
  },
};

/** 5, SET without payload; 0 also when low power was not entered. */
export const lowPowerExit: Feature = {
  ops: VFIO_DEVICE_FEATURE_SET,
  bytes: 0,
  isThere: isPci,
  run(device) {
    device.lowPower.exit();
    return 0;
  },
};
