// Says of BARs that cannot be moved that they cannot: a capability of Enhanced Allocation, shown over the configuration space of a card that has room for it. A system that finds a card
// while it runs would otherwise give the BAR another address, which its register does not take.
//
//         31 .. 24      23 .. 16            15 .. 8       7 .. 0
//   +00   0             entries             next: 0       id 0x14
//   +04   enable, 0xff: no second use,      properties:   BAR in 7..4, dwords behind this one: 2
//   +08   address, bits 31..2                             bit 1: 0, 32 bits
//   +0c   bytes less 1, bits 31..2                        bit 1: 0, 32 bits
//   ...   three dwords for each BAR
//
// The properties say memory that is not prefetchable, whatever the BAR's register says: Linux has no window of the other kind where RAM is.
//
// Source: PCI-SIG ECN Enhanced Allocation, 2014; Linux drivers/pci/pci.c pci_ea_init, drivers/pci/setup-bus.c pdev_assign_fixed_resources

import { PCI_CAPABILITY_LIST, PCI_CAP_ID, PCI_STATUS, PCI_STATUS_CAP_LIST, PCI_STD_HEADER_SIZEOF, walkCapabilities } from '../../pci/index.ts';

const SPACE = 256;
const ENTRY_DWORDS = 3;
const ENABLE = 0x8000_0000;
const NO_SECOND_USE = 0x00ff_0000;
/** The longest that there is: PCI Express. */
const LONGEST_CAPABILITY = 0x3c;

/** A BAR that stays where it is, below 4 GiB. */
export interface FixedBar {
  readonly index: number;
  readonly address: bigint;
  readonly bytes: number;
}

/** Bits that a dword of configuration space shows beyond its own, by its offset. */
export type ShownBits = ReadonlyMap<number, number>;

/**
 * What makes a function say so.
 *
 * @param config its configuration space.
 * @returns bits to show; none for no BARs, or where the standard capabilities leave no room.
 */
export function enhancedAllocation(config: Uint8Array, bars: readonly FixedBar[]): ShownBits {
  const shown = new Map<number, number>();
  if (bars.length === 0) return shown;
  const known = walkCapabilities(config).capabilities.filter(({ list }) => list === 'standard');
  const at = SPACE - 4 * (1 + ENTRY_DWORDS * bars.length);
  const end = Math.max(PCI_STD_HEADER_SIZEOF, ...known.map(({ offset }) => offset + LONGEST_CAPABILITY));
  if (at < end || config.subarray(at, SPACE).some((byte) => byte !== 0)) return shown;
  const last = known.at(-1);
  const show = (byte: number, bits: number): void => void shown.set(byte & ~3, (shown.get(byte & ~3) ?? 0) | (bits << (8 * (byte & 3))));
  show(PCI_STATUS, PCI_STATUS_CAP_LIST);
  show(last === undefined ? PCI_CAPABILITY_LIST : last.offset + 1, at);
  show(at, PCI_CAP_ID.EA | (bars.length << 16));
  for (const [i, { index, address, bytes }] of bars.entries()) {
    const entry = at + 4 * (1 + ENTRY_DWORDS * i);
    show(entry, ENABLE | NO_SECOND_USE | (index << 4) | (ENTRY_DWORDS - 1));
    show(entry + 4, Number(address) | 0);
    show(entry + 8, (bytes - 1) & ~3);
  }
  return shown;
}
