// Which capability each byte of configuration space belongs to, and the shadow's first bytes: both lists are walked once, at the first open. Behaviour text, section 4.5.
//
//   00 .. 3f   40 .. [PM 8] .. [MSI 14] .. [?] .. [MSI-X 12] .. 100 [AER 2c] ..
//   header       0xff between them: the registers themselves
//                    next: MSI ------> MSI-X          a hidden capability is left out of the list; its bytes are in none
//
// Extended capabilities are left out likewise; a hidden first one stays as a dword without id and version, because the list begins at 0x100.
//
// Source: drivers/vfio/pci/vfio_pci_config.c vfio_cap_init, vfio_ecap_init

import { extendedLength, standardLength } from './capability-lengths.ts';
import type { HardwareRegisters } from './hardware.ts';
import * as pci from './registers.ts';

/** The header, as an id: no capability has it. */
export const BASIC = 0x00;
/** Bytes of no capability. */
export const UNASSIGNED = 0xff;
/** The dword that anchors the extended list where its first capability is hidden. */
const ANCHOR = 0xfd;

/** Configuration space as it is at the first open. */
export interface ConfigMap {
  /** For each byte the id of its capability; {@link BASIC}, {@link UNASSIGNED}. */
  readonly owners: Uint8Array;
  /** The shadow. */
  readonly shadow: Uint8Array;
  /** Where the first visible capability of an id begins. */
  readonly standard: ReadonlyMap<number, number>;
  readonly extended: ReadonlyMap<number, number>;
}

interface Walk {
  readonly hardware: HardwareRegisters;
  readonly owners: Uint8Array;
  readonly shadow: Uint8Array;
  readonly view: DataView;
}

function fill({ hardware, owners, shadow }: Walk, id: number, at: number, length: number): void {
  const end = Math.min(at + length, hardware.size);
  owners.fill(id, at, end);
  for (let i = at; i < end; i++) shadow[i] = hardware.read(i, 1);
}

function walkStandard(walk: Walk): Map<number, number> {
  const { hardware, shadow, view } = walk;
  const found = new Map<number, number>();
  if ((hardware.read(pci.PCI_STATUS, 2) & pci.PCI_STATUS_CAP_LIST) === 0) return found;
  let previous = pci.PCI_CAPABILITY_LIST;
  let at = hardware.read(pci.PCI_CAPABILITY_LIST, 1);
  // As many as there are dwords: a list that leads back into itself ends.
  for (let left = 48; at !== 0 && left > 0; left--) {
    if (at > 0xfe) break;
    const [id, next] = [hardware.read(at, 1), hardware.read(at + pci.PCI_CAP_LIST_NEXT, 1)];
    const length = standardLength(id, hardware, at);
    if (length === 0) {
      shadow[previous] = next;
    } else {
      fill(walk, id, at, length);
      if (id === pci.PCI_CAP_ID_PM) hidePowerEvents(view, at);
      if (!found.has(id)) found.set(id, at);
      previous = at + pci.PCI_CAP_LIST_NEXT;
    }
    at = next;
  }
  if (found.size === 0) shadow[pci.PCI_STATUS]! &= ~pci.PCI_STATUS_CAP_LIST;
  return found;
}

/** Nobody passes power management events on. */
function hidePowerEvents(view: DataView, at: number): void {
  const clear = (offset: number, bits: number): void => view.setUint16(offset, view.getUint16(offset, true) & ~bits, true);
  clear(at + pci.PCI_PM_PMC, pci.PCI_PM_CAP_PME_MASK);
  clear(at + pci.PCI_PM_CTRL, pci.PCI_PM_CTRL_PME_ENABLE | pci.PCI_PM_CTRL_PME_STATUS);
}

const NEXT = 0xffc0_0000;

/** Only behind an Express or a PCI-X 2.0 capability, and when there is anything. */
function hasExtended({ hardware }: Walk, standard: ReadonlyMap<number, number>): boolean {
  const pcix = standard.get(pci.PCI_CAP_ID_PCIX);
  const isPcix2 = pcix !== undefined && ((hardware.read(pcix + 2, 2) >> 12) & 0x3) !== 0;
  if (hardware.size <= pci.PCI_CFG_SPACE_SIZE || !(standard.has(pci.PCI_CAP_ID_EXP) || isPcix2)) return false;
  return hardware.read(pci.PCI_CFG_SPACE_SIZE, 4) !== 0;
}

function walkExtended(walk: Walk): Map<number, number> {
  const { hardware, view } = walk;
  const found = new Map<number, number>();
  let previous = 0;
  let at = pci.PCI_CFG_SPACE_SIZE;
  for (let left = (hardware.size - pci.PCI_CFG_SPACE_SIZE) / 4; at >= pci.PCI_CFG_SPACE_SIZE && left > 0; left--) {
    const header = hardware.read(at, 4);
    const id = header & 0xffff;
    const next = (header >>> 20) & 0xffc;
    const length = extendedLength(id, hardware, at);
    if (length === 0 && previous !== 0) {
      view.setUint32(previous, (view.getUint32(previous, true) & ~NEXT) | (header & NEXT), true);
    } else {
      fill(walk, length === 0 ? ANCHOR : id, at, length === 0 ? 4 : length);
      if (length === 0) view.setUint32(at, header & NEXT, true);
      else if (!found.has(id)) found.set(id, at);
      previous = at;
    }
    at = next;
  }
  if (found.size === 0) view.setUint32(pci.PCI_CFG_SPACE_SIZE, 0, true);
  return found;
}

/** Reads a function's registers and lists. Whatever the bytes say, it ends. */
export function makeConfigMap(hardware: HardwareRegisters): ConfigMap {
  const owners = new Uint8Array(hardware.size).fill(UNASSIGNED);
  // A capability that starts at the end has its other bytes here.
  const shadow = new Uint8Array(hardware.size + 0x40);
  const walk = { hardware, owners, shadow, view: new DataView(shadow.buffer) };
  fill(walk, BASIC, 0, pci.PCI_STD_HEADER_SIZEOF);
  const standard = walkStandard(walk);
  const extended = hasExtended(walk, standard) ? walkExtended(walk) : new Map<number, number>();
  return { owners, shadow, standard, extended };
}
