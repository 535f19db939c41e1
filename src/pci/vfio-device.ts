// A PCI function as VFIO sees it: its BARs, ROM and configuration space as regions, its interrupts as counts.
//
// Source: drivers/vfio/pci/vfio_pci_core.c vfio_pci_core_enable, vfio_pci_get_irq_count

import { VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_NUM_REGIONS, VFIO_PCI_ROM_REGION_INDEX } from '../uapi/index.ts';
import { VfioDevice } from '../vfio/index.ts';
import type { InterruptHardware, VfioRegionDescription } from '../vfio/index.ts';
import { findCapability } from './capabilities.ts';
import { PCI_CAP_ID } from './capability-ids.ts';
import { PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR, PCI_MSI_FLAGS, PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET } from './capability-rules.ts';
import { PCI_INTERRUPT_PIN } from './config-space.ts';
import { readU16, readU32 } from './little-endian.ts';
import { PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, PCI_MSIX_FLAGS_MASKALL } from './msix.ts';
import type { PciFunction } from './pci-function.ts';

function resets(config: Uint8Array): boolean {
  const express = findCapability(config, PCI_CAP_ID.EXP);
  if (express !== null && (readU32(config, express.offset + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR) !== 0) return true;
  const power = findCapability(config, PCI_CAP_ID.PM);
  return power !== null && (readU16(config, power.offset + PCI_PM_CTRL) & PCI_PM_CTRL_NO_SOFT_RESET) === 0;
}

/** MSI messages that the function can ask for: 2 to the power of the multiple message capable field. */
function msiMessages(config: Uint8Array): number {
  const msi = findCapability(config, PCI_CAP_ID.MSI);
  return msi === null ? 0 : 1 << ((readU16(config, msi.offset + PCI_MSI_FLAGS) >> 1) & 0x7);
}

/** Who drives MSI-X has turned it on in the register, which its user reads, and has masked nothing. */
function showMsix(one: PciFunction, isOn: boolean): void {
  if (one.msix === null) return;
  const at = one.msix.offset + PCI_MSIX_FLAGS;
  const flags = one.peek(at, 2) & ~(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
  one.poke(at, 2, isOn ? flags | PCI_MSIX_FLAGS_ENABLE : flags);
}

/** The interrupts of a function as VFIO drives them: looked for when they are used, because they are made after the device. */
function interruptsOf(one: PciFunction): InterruptHardware {
  return {
    intxAsserted: () => one.intx?.isAsserted ?? false,
    intxDisabled: () => one.intx?.isDisabled ?? false,
    connectIntx: (changed) => one.intx?.connect(changed) ?? (() => undefined),
    connectMessages(kind, count, deliver) {
      if (kind === 'msi') {
        one.msi?.own({ count, deliver });
        return () => one.msi?.own(undefined);
      }
      one.msixVectors?.giveTo({ count, deliver });
      showMsix(one, true);
      return () => {
        showMsix(one, false);
        one.msixVectors?.giveTo(undefined);
      };
    },
  };
}

/**
 * The VFIO device of a function.
 *
 * @param bytes its configuration space.
 * @param memoryEnabled whether it answers memory cycles now.
 */
export function vfioDeviceOf(one: PciFunction, bytes: Uint8Array, memoryEnabled: () => boolean): VfioDevice {
  const { slot, msix, description } = one;
  const regions: Record<number, VfioRegionDescription> = { [VFIO_PCI_CONFIG_REGION_INDEX]: { region: one.config } };
  for (const { index, kind, size, prefetchable, region } of one.bars) regions[index] = { region, size: size!, ioPorts: kind === 'io', prefetchable };
  if (one.rom !== undefined) regions[VFIO_PCI_ROM_REGION_INDEX] = { region: one.rom.region };
  description.vfio?.regions?.forEach((region, i) => (regions[VFIO_PCI_NUM_REGIONS + i] = region));
  const { display, doorbells, resetBusy, enable, peerToPeer } = description.vfio ?? {};
  const hasTable = msix !== null && one.bars.some(({ index }) => index === msix.tableBar);
  return new VfioDevice({
    name: slot.length > 7 ? slot : `0000:${slot}`,
    regions,
    reset: resets(bytes),
    ...(description.migration !== undefined && { migration: description.migration }),
    ...(description.dmaLogging !== undefined && { dmaLogging: description.dmaLogging }),
    ...(hasTable && { msix: { bar: msix.tableBar, offset: msix.tableOffset, count: msix.count } }),
    msixMode: description.msixMode ?? 'mappable',
    onReset: () => one.resetFunction(),
    interrupts: { intx: bytes[PCI_INTERRUPT_PIN] !== 0, msi: msiMessages(bytes), express: findCapability(bytes, PCI_CAP_ID.EXP) !== null, hardware: interruptsOf(one) },
    memoryEnabled,
    ...(display !== undefined && { display }),
    ...(doorbells !== undefined && { doorbells }),
    ...(resetBusy !== undefined && { resetBusy }),
    ...(enable !== undefined && { enable }),
    ...(peerToPeer !== undefined && { peerToPeer }),
    config: { powerState: () => one.powerState },
  });
}
