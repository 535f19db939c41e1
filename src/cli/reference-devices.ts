// The devices of maplebar/devices by the names that the command knows them by.

import type { Engine } from '../core/index.ts';
import { bochsDisplay, edu, endpointTest, idio16, mtty, nvmeLite, serial } from '../devices/index.ts';
import type { BlockStore, BochsDisplayOptions } from '../devices/index.ts';
import type { DeviceHost, PciDevice } from '../pci/index.ts';

/** What a device can be asked to be beyond what it is by itself. */
export interface ReferenceDeviceOptions {
  /** How the display hands out its picture. Default: not at all. */
  readonly planes?: NonNullable<BochsDisplayOptions['planes']>;
  /** The blocks of the disk. Default: 1 MiB of zeroes. */
  readonly store?: BlockStore;
}

type MakeDevice = (engine: Engine, host: DeviceHost, options?: ReferenceDeviceOptions) => PciDevice;

const DEVICES: Readonly<Record<string, MakeDevice>> = {
  idio16: (engine, host) => idio16(engine, host),
  edu: (engine, host) => edu(engine, host),
  serial: (engine, host) => serial(engine, host),
  'bochs-display': (engine, host, options) => bochsDisplay(engine, host, options),
  'endpoint-test': (engine, host) => endpointTest(engine, host),
  mtty: (engine, host) => mtty(engine, host),
  'nvme-lite': (engine, host, options) => nvmeLite(engine, host, options),
};

/** Those that show a picture. */
export const DISPLAY_NAMES: readonly string[] = ['bochs-display'];

/** Their names. */
export const DEVICE_NAMES: readonly string[] = Object.keys(DEVICES);

/** What makes the device of a name. Error with all names when there is none. */
export function referenceDevice(name: string): MakeDevice {
  const make = Object.hasOwn(DEVICES, name) ? DEVICES[name] : undefined;
  if (make === undefined) throw new Error(`there is no device ${name}; there are ${DEVICE_NAMES.join(', ')}`);
  return make;
}
