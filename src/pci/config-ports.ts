// Configuration mechanism #1: the ports 0xcf8 and 0xcfc through which PCs reach configuration space.
//
//   0xcf8  31 30      24 23   16 15    11 10     8 7        2 1 0
//         | E | reserved |  bus  | device | function | dword  | 0 0 |       E: the data port reaches configuration space
//   0xcfc  the dword's four bytes, in accesses of 1, 2 or 4
//
// Source: PCI Local Bus 3.0, 3.2.2.3.2

import type { HookHandlers, RegionDescription } from '../core/index.ts';
import type { PciFunction } from './pci-function.ts';

/** The port of CONFIG_ADDRESS; eight ports from here on belong to the mechanism. */
export const PCI_CONFIG_PORTS = 0xcf8;

const ENABLE = 0x8000_0000;
const DATA = 4;

const ALL_ONES = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff, 8: 0xffff_ffff } as const;

/**
 * The eight ports as a hook region. A function that is not there reads all ones and drops writes. Accesses narrower than four bytes to the address half
 * do not touch CONFIG_ADDRESS: those ports are other devices' (0xcf9 resets a PC); they read all ones here.
 *
 * @param functions - Asked at each access, so that functions can come and go.
 */
export function configPorts(functions: () => Iterable<PciFunction>): RegionDescription & HookHandlers {
  let address = 0;
  const selected = (): PciFunction | undefined => {
    if ((address & ENABLE) === 0) return undefined;
    const ecam = (address & 0x00ff_ff00) << 4;
    // The mechanism has no bits for a domain: it reaches the first one.
    for (const one of functions()) if (one.ecamOffset === ecam && one.address.domain === 0) return one;
    return undefined;
  };
  return {
    kind: 'hook',
    name: 'pci-conf',
    size: 8,
    maxWidth: 4,
    // An access across the two halves, or across a dword, is as many cycles as it has aligned pieces.
    unaligned: false,
    read(position, width) {
      const at = Number(position);
      if (at < DATA) return at === 0 && width === 4 ? address : ALL_ONES[width];
      const from = (address & 0xfc) + (at - DATA);
      const found = selected();
      if (found === undefined || from + width > Number(found.config.size)) return ALL_ONES[width];
      return width === 4 ? found.config.read32(from) : width === 2 ? found.config.read16(from) : found.config.read8(from);
    },
    write(position, width, value) {
      const at = Number(position);
      const data = Number(value);
      if (at < DATA) {
        if (at === 0 && width === 4) address = (data & 0x80ff_fffc) >>> 0;
        return;
      }
      const from = (address & 0xfc) + (at - DATA);
      const found = selected();
      if (found === undefined || from + width > Number(found.config.size)) return;
      if (width === 4) found.config.write32(from, data);
      else if (width === 2) found.config.write16(from, data);
      else found.config.write8(from, data);
    },
  };
}
