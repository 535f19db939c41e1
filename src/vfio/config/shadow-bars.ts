// Base addresses in the shadow: what a user writes is kept, and made a possible address, or a size, at the next read. Behaviour text, section 4.5, BAR sizing.
//
//   written    ffffffff  ffffffff        any bytes
//   read       ffffc004  ffffffff        16 KiB, 64 bits: the address bits above the size, and the type
//
// Source: drivers/vfio/pci/vfio_pci_config.c vfio_bar_fixup, vfio_generate_bar_flags, vfio_bar_restore

import { VFIO_PCI_ROM_REGION_INDEX } from '../../uapi/index.ts';
import type { HardwareRegisters } from './hardware.ts';
import * as pci from './registers.ts';

const COUNT = 6;
const IO = 0x1;
const MEM_64 = 0x4;
const PREFETCH = 0x8;

interface HostBar {
  /** Address bits above the size, 64 of them. */
  readonly mask: bigint;
  readonly flags: number;
}

/** Whether an offset is in a base address register or the ROM's. */
export function isBar(offset: number): boolean {
  return (offset >= pci.PCI_BASE_ADDRESS_0 && offset < pci.PCI_BASE_ADDRESS_5 + 4) || (offset >= pci.PCI_ROM_ADDRESS && offset < pci.PCI_ROM_ADDRESS + 4);
}

function typeBits(register: number): number {
  if ((register & IO) !== 0) return IO;
  return register & (PREFETCH | MEM_64);
}

const low = (mask: bigint): number => Number(BigInt.asUintN(32, mask));

/** The base addresses of one function. */
export class ShadowBars {
  private readonly hardware: HardwareRegisters;
  private readonly view: DataView;
  private readonly host: readonly (HostBar | undefined)[];
  private readonly rom: bigint | undefined;
  /** What the registers held at the first open: BARs and the ROM. */
  private readonly saved: readonly number[];
  private isDirty = true;

  /** @param sizeOf Bytes of a region of the device; undefined for an absent one. */
  constructor(hardware: HardwareRegisters, shadow: Uint8Array, sizeOf: (index: number) => bigint | undefined) {
    this.hardware = hardware;
    this.view = new DataView(shadow.buffer, shadow.byteOffset, shadow.byteLength);
    const register = (index: number): number => hardware.read(pci.PCI_BASE_ADDRESS_0 + 4 * index, 4);
    this.host = Array.from({ length: COUNT }, (_, index) => {
      const size = sizeOf(index);
      return size === undefined ? undefined : { mask: BigInt.asUintN(64, -size), flags: typeBits(register(index)) };
    });
    const rom = sizeOf(VFIO_PCI_ROM_REGION_INDEX);
    this.rom = rom === undefined ? undefined : BigInt.asUintN(64, -rom);
    this.saved = [...Array.from({ length: COUNT }, (_, index) => register(index)), hardware.read(pci.PCI_ROM_ADDRESS, 4)];
  }

  /** A byte of them was written. */
  written(): void {
    this.isDirty = true;
  }

  /** Makes what was written something that a BAR can hold. */
  settle(): void {
    if (!this.isDirty) return;
    const { view } = this;
    for (let index = 0; index < COUNT; index++) {
      const at = pci.PCI_BASE_ADDRESS_0 + 4 * index;
      const bar = this.host[index];
      if (bar === undefined) {
        view.setUint32(at, 0, true);
        continue;
      }
      const value = ((view.getUint32(at, true) & low(bar.mask)) | bar.flags) >>> 0;
      view.setUint32(at, value, true);
      // The bit is looked for in what is there now: an address bit of four ports is taken for the type, too.
      if ((value & MEM_64) === 0 || index === COUNT - 1) continue;
      index++;
      view.setUint32(at + 4, view.getUint32(at + 4, true) & low(bar.mask >> 32n), true);
    }
    const mask = this.rom === undefined ? 0 : low(this.rom) | pci.PCI_ROM_ADDRESS_ENABLE;
    view.setUint32(pci.PCI_ROM_ADDRESS, view.getUint32(pci.PCI_ROM_ADDRESS, true) & mask, true);
    this.isDirty = false;
  }

  /** Whether a register no longer holds what it held at the first open: the function was reset behind VFIO's back. */
  needRestore(): boolean {
    return this.saved.slice(0, COUNT).some((value, index) => value !== 0 && this.hardware.read(pci.PCI_BASE_ADDRESS_0 + 4 * index, 4) !== value);
  }

  /** Writes what the registers held at the first open. */
  restore(): void {
    this.saved.forEach((value, index) => this.hardware.write(index === COUNT ? pci.PCI_ROM_ADDRESS : pci.PCI_BASE_ADDRESS_0 + 4 * index, 4, value));
  }
}
