// Which functions of a PCI topology share an IOMMU group: those between which transfers can pass where no IOMMU sees them.
//
//   root bus 00 --+-- root port (ACS) ------ bus 01 --- functions: a group each
//                 +-- root port ------------ bus 02 --- functions: one group with the port, for it may turn a transfer back before the IOMMU
//                 +-- PCIe to PCI bridge --- bus 03 --- functions: one group with the bridge, whose requester ID theirs become
//                 +-- 04.0, 04.1, no ACS: one group, for they may reach each other inside their chip
//
// Source: drivers/iommu/iommu.c pci_device_group, get_pci_alias_group, get_pci_function_alias_group; drivers/pci/pci.c pci_acs_path_enabled

import { formatPciAddress, parsePciAddress } from '../../uapi/index.ts';
import type { PciAddress } from '../../uapi/index.ts';

/** A bridge of a host. */
export interface PciBridgeDescription {
  /** Where it sits: `00:1c.0`. */
  readonly slot: string;
  /** The bus behind it, 1 to 255, of its own domain. */
  readonly secondaryBus: number;
  /** `express`: a root port, or a port of a switch. `conventional`: to a bus of conventional PCI, where requests go by the bridge's own ID. Default `express`. */
  readonly kind?: 'express' | 'conventional';
  /** Access Control Services keep apart what is behind it. Default false. */
  readonly acs?: boolean;
}

/** What a topology asks of a function. */
export interface PlacedFunction {
  readonly address: PciAddress;
  /** Functions of one device are kept apart: ACS, or a chip known to have no such paths. */
  readonly isolated: boolean;
}

interface Bridge {
  readonly address: PciAddress;
  readonly secondaryBus: number;
  readonly isConventional: boolean;
  readonly acs: boolean;
}

/** @throws RangeError for a slot that is none. @internal */
export function slotAddress(call: string, slot: string): PciAddress {
  const address = parsePciAddress(slot);
  if (address === null) throw new RangeError(`${call}: slot is ${JSON.stringify(slot)}; expected dddd:bb:dd.f or bb:dd.f`);
  return address;
}

function sharesDevice(one: PciAddress, other: PciAddress): boolean {
  return one.domain === other.domain && one.bus === other.bus && one.device === other.device;
}

/** The bridges of a host, and what they say of groups. @internal */
export class PciTopology {
  private readonly bridges: readonly Bridge[];

  /** @throws RangeError for a bridge that cannot be: no such slot, a bus that is behind another already, or its own. */
  constructor(bridges: readonly PciBridgeDescription[]) {
    const made: Bridge[] = [];
    for (const { slot, secondaryBus, kind = 'express', acs = false } of bridges) {
      const address = slotAddress('VfioHost: bridge', slot);
      if (!Number.isInteger(secondaryBus) || secondaryBus < 1 || secondaryBus > 0xff || secondaryBus === address.bus) {
        throw new RangeError(`VfioHost: bridge ${slot}: secondaryBus is ${secondaryBus}; expected 1 to 255, and not its own`);
      }
      if (made.some((other) => other.address.domain === address.domain && other.secondaryBus === secondaryBus)) {
        throw new RangeError(`VfioHost: bridge ${slot}: bus ${secondaryBus.toString(16)} is behind another bridge already`);
      }
      made.push({ address, secondaryBus, isConventional: kind === 'conventional', acs });
    }
    this.bridges = made;
    for (const bridge of made) this.above(bridge.address);
  }

  /** The bridges above a function, the nearest first. */
  private above({ domain, bus }: PciAddress): Bridge[] {
    const path: Bridge[] = [];
    for (let behind = bus; ; ) {
      const bridge = this.bridges.find((one) => one.address.domain === domain && one.secondaryBus === behind);
      if (bridge === undefined) return path;
      if (path.includes(bridge)) throw new RangeError(`VfioHost: bridge ${formatPciAddress(bridge.address)} is behind itself`);
      path.push(bridge);
      behind = bridge.address.bus;
    }
  }

  /** Names the group of a function: functions with one name share a group. Isolation of the whole path must hold, or the first port without it ends up with all that is behind it. */
  groupKey(one: PlacedFunction): string {
    const path = this.above(one.address);
    // The requester ID of all that is behind a conventional bus is the topmost bridge's to one.
    const alias = path.findLastIndex(({ isConventional }) => isConventional);
    const open = path.findLastIndex(({ acs }, i) => i > alias && !acs);
    const port = open === -1 ? alias : open;
    // A port that is not isolated is a function as well: what shares its device shares its group.
    if (port !== -1) return `bridge ${formatPciAddress({ ...path[port]!.address, function: 0 })}`;
    if (one.isolated) return `function ${formatPciAddress(one.address)}`;
    const shared = { ...one.address, function: 0 };
    return `${this.bridges.some(({ address, acs }) => !acs && sharesDevice(address, one.address)) ? 'bridge' : 'device'} ${formatPciAddress(shared)}`;
  }
}
