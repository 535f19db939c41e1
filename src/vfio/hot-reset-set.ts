// The functions that one reset of a slot or a bus hits, and whose they are. Behaviour text, sections 1.9 and 1.10.

import type { VfioDevice } from './device.ts';
import { atEnd } from './model-error.ts';

/** A function that a reset of the slot or bus hits. */
export interface HotResetFunction {
  /** PCI domain, 0 to 0xffff. Default 0. */
  readonly segment?: number;
  /** 0 to 255. */
  readonly bus: number;
  /** Device and function: `device << 3 | function`. */
  readonly devfn: number;
  /** Its IOMMU group. Default: it is in none. */
  readonly group?: number;
  /** The device, when VFIO drives it. Default: another driver does, or none. */
  readonly device?: VfioDevice;
}

function inRange(what: string, value: number, last: number): void {
  if (!Number.isInteger(value) || value < 0 || value > last) throw new RangeError(`HotResetSet: ${what} is ${value}; expected 0 to ${last}`);
}

/**
 * What a hot reset hits: devices in it can be reset by VFIO_DEVICE_PCI_HOT_RESET, others are ENODEV.
 *
 * @example
 * ```ts
 * new HotResetSet([{ bus: 1, devfn: 0, group: 7, device: nic }, { bus: 1, devfn: 1, group: 7, device: otherPort }]);
 * const group = process.openGroup(7);
 * process.ioctl(fd, VFIO_DEVICE_PCI_HOT_RESET, vfio_pci_hot_reset.encode({ argsz: 16, flags: 0, count: 1, group_fds: [group] }));
 * ```
 */
export class HotResetSet {
  readonly functions: readonly HotResetFunction[];

  /** @throws RangeError for no function at all or an address that cannot be; TypeError for a device that is in a set already, or twice in this one. */
  constructor(functions: readonly HotResetFunction[]) {
    if (functions.length === 0) throw new RangeError('HotResetSet: no functions; expected at least 1');
    const devices = functions.flatMap(({ device }) => device ?? []);
    for (const { segment = 0, bus, devfn, group = 0 } of functions) {
      inRange('segment', segment, 0xffff);
      inRange('bus', bus, 0xff);
      inRange('devfn', devfn, 0xff);
      inRange('group', group, 0x7fff_ffff);
    }
    for (const device of devices) {
      if (device.hotResetSet !== undefined || devices.filter((other) => other === device).length > 1) throw new TypeError(`HotResetSet: ${device.name} is in a set already`);
    }
    this.functions = [...functions];
    for (const device of devices) device.hotResetSet = this;
  }

  /** @internal Resets every function that VFIO drives: none of their users finds a page of a BAR afterwards that it did not ask for anew. */
  reset(): void {
    const devices = this.functions.flatMap(({ device }) => device ?? []);
    atEnd([...devices.map((device) => () => device.mappings.zap('the bus was reset')), ...devices.map((device) => () => device.resetKeepingState())]);
  }

  /** @internal The last user of one of them has gone: a function that could not be reset alone is reset with the others, when nobody has one of them. */
  resetWhenUnused(): void {
    const devices = this.functions.map(({ device }) => device);
    if (devices.some((device) => device === undefined || device.openFiles > 0) || !devices.some((device) => device!.needsReset)) return;
    for (const device of devices) device!.needsReset = false;
    this.reset();
  }
}
