// The devices of maplebar/devices by the names that the command knows them by.

import type { Engine } from '../core/index.ts';
import { bochsDisplay, edu, endpointTest, idio16, mtty, nvmeLite, serial } from '../devices/index.ts';
import type { DeviceHost, PciDevice } from '../pci/index.ts';

type MakeDevice = (engine: Engine, host: DeviceHost) => PciDevice;

const DEVICES: Readonly<Record<string, MakeDevice>> = {
  idio16: (engine, host) => idio16(engine, host),
  edu: (engine, host) => edu(engine, host),
  serial: (engine, host) => serial(engine, host),
  'bochs-display': (engine, host) => bochsDisplay(engine, host),
  'endpoint-test': (engine, host) => endpointTest(engine, host),
  mtty: (engine, host) => mtty(engine, host),
  'nvme-lite': (engine, host) => nvmeLite(engine, host),
};

/** Their names. */
export const DEVICE_NAMES: readonly string[] = Object.keys(DEVICES);

/** What makes the device of a name. Error with all names when there is none. */
export function referenceDevice(name: string): MakeDevice {
  const make = Object.hasOwn(DEVICES, name) ? DEVICES[name] : undefined;
  if (make === undefined) throw new Error(`there is no device ${name}; there are ${DEVICE_NAMES.join(', ')}`);
  return make;
}
