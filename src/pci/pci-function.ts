// One PCI function with memory behind it: configuration space and BARs as regions, and the VFIO device made of them.

import type { Engine, Region } from '../core/index.ts';
import { VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_ROM_REGION_INDEX } from '../uapi/index.ts';
import { VfioDevice } from '../vfio/index.ts';
import type { VfioRegionDescription } from '../vfio/index.ts';
import { parsePciAddress } from './address.ts';
import type { PciAddress } from './address.ts';
import { decodeBars } from './bars.ts';
import type { Bar, BarSizes, DecodedBars, RomBar } from './bars.ts';
import { findCapability } from './capabilities.ts';
import { PCI_CAP_ID } from './capability-ids.ts';
import { PCI_COMMAND, PCI_COMMAND_MEMORY, PCI_INTERRUPT_PIN } from './config-space.ts';
import { readU16, readU32 } from './little-endian.ts';
import { formatLspci } from './lspci-text.ts';
import type { LspciNames } from './lspci-text.ts';
import { decodeMsix } from './msix.ts';
import type { MsixCapability } from './msix.ts';

/** A function as data: what `lspci -xxxx` and `-vv` tell of it. */
export interface PciFunctionDescription {
  /** `00:01.0` or `0000:00:01.0`. */
  readonly slot: string;
  /** 64, 256 or 4096 bytes of configuration space. */
  readonly config: Uint8Array;
  /** Bytes per BAR and of the ROM. BARs of unknown size get no region. */
  readonly sizes?: BarSizes;
  readonly names?: LspciNames;
  /** The interrupt that the system routed, for {@link PciFunction.lspci}. */
  readonly irq?: number;
  /** `Kernel driver in use`, for {@link PciFunction.lspci}. */
  readonly driver?: string;
  /** How the MSI-X table and mmap meet. Default `mappable`. */
  readonly msixMode?: 'mappable' | 'sparse';
}

/** A BAR with the bytes behind it. */
export interface BarRegion extends Bar {
  readonly region: Region;
}

// Up to here a BAR is contiguous memory, above it pages that exist once they are written.
const CONTIGUOUS_BYTES = 1n << 20n;
const PCI_EXP_DEVCAP = 4;
const PCI_EXP_DEVCAP_FLR = 1 << 28;
const PCI_PM_CTRL = 4;
const PCI_PM_CTRL_STATE_MASK = 0x3;
const PCI_PM_CTRL_D3HOT = 3;
const PCI_PM_CTRL_NO_SOFT_RESET = 1 << 3;
const PCI_MSI_FLAGS = 2;

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

function padded(slot: string, config: Uint8Array): Uint8Array {
  if (![64, 256, 4096].includes(config.length)) throw new RangeError(`PciFunction ${slot}: config has ${config.length} bytes; expected 64, 256 or 4096`);
  const bytes = new Uint8Array(Math.max(256, config.length));
  bytes.set(config);
  return bytes;
}

function barsOf(slot: string, bytes: Uint8Array, sizes: BarSizes | undefined): DecodedBars {
  try {
    return decodeBars(bytes, sizes);
  } catch (error) {
    throw new RangeError(`PciFunction ${slot}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * A PCI function whose registers are plain memory. Its configuration space starts with the bytes given and keeps what is written to it.
 *
 * @example
 * ```ts
 * const nvme = new PciFunction(engine, { slot: '00:01.0', config, sizes: { bars: [0x4000, 0, 0, 0, 0, 0] } });
 * bus.map(nvme.bars[0].address, nvme.bars[0].region);
 * const fd = process.open(nvme.device);
 * ```
 */
export class PciFunction {
  readonly slot: string;
  readonly address: PciAddress;
  readonly description: PciFunctionDescription;
  /** Configuration space: 256 or 4096 bytes. */
  readonly config: Region;
  /** The BARs of known size, by rising index. */
  readonly bars: readonly BarRegion[];
  readonly rom: (RomBar & { readonly region: Region }) | undefined;
  readonly msix: MsixCapability | null;
  /** The function as VFIO sees it. */
  readonly device: VfioDevice;

  /** @throws RangeError for a slot, a number of configuration bytes, BARs or an MSI-X table that cannot be; VfioError ENOMEM when the core is full. */
  constructor(engine: Engine, description: PciFunctionDescription) {
    const address = parsePciAddress(description.slot);
    if (address === null) throw new RangeError(`PciFunction: slot ${JSON.stringify(description.slot)} is no PCI address such as 00:01.0`);
    const { slot } = description;
    const bytes = padded(slot, description.config);
    const decoded = barsOf(slot, bytes, description.sizes);
    this.slot = slot;
    this.address = address;
    this.description = description;
    this.msix = decodeMsix(bytes);
    const made: Region[] = [];
    const make = (size: bigint, name: string, kind?: 'rom'): Region => {
      const region = engine.region({ kind: kind ?? (size <= CONTIGUOUS_BYTES ? 'ram' : 'demand'), size, name });
      made.push(region);
      return region;
    };
    try {
      this.config = make(BigInt(bytes.length), `${slot} config`);
      this.config.writeBytes(0, bytes);
      this.bars = decoded.bars.filter((bar) => bar.size !== null).map((bar) => ({ ...bar, region: make(bar.size!, `${slot} BAR ${bar.index}`) }));
      const { rom } = decoded;
      this.rom = rom?.size == null ? undefined : { ...rom, region: make(rom.size, `${slot} ROM`, 'rom') };
      this.device = this.makeDevice(bytes);
    } catch (error) {
      for (const region of made) region.destroy();
      throw error;
    }
  }

  private makeDevice(bytes: Uint8Array): VfioDevice {
    const { slot, msix } = this;
    const regions: Record<number, VfioRegionDescription> = { [VFIO_PCI_CONFIG_REGION_INDEX]: { region: this.config } };
    for (const { index, kind, region } of this.bars) regions[index] = { region, ioPorts: kind === 'io' };
    if (this.rom !== undefined) regions[VFIO_PCI_ROM_REGION_INDEX] = { region: this.rom.region };
    const powerOffset = findCapability(bytes, PCI_CAP_ID.PM)?.offset;
    const hasTable = msix !== null && this.bars.some(({ index }) => index === msix.tableBar);
    return new VfioDevice({
      name: slot.length > 7 ? slot : `0000:${slot}`,
      regions,
      reset: resets(bytes),
      ...(hasTable && { msix: { bar: msix.tableBar, offset: msix.tableOffset, count: msix.count } }),
      msixMode: this.description.msixMode ?? 'mappable',
      interrupts: { intx: bytes[PCI_INTERRUPT_PIN] !== 0, msi: msiMessages(bytes), express: findCapability(bytes, PCI_CAP_ID.EXP) !== null },
      memoryEnabled: () => (this.config.read16(PCI_COMMAND) & PCI_COMMAND_MEMORY) !== 0 && !this.isInD3(powerOffset),
    });
  }

  private isInD3(powerOffset: number | undefined): boolean {
    const control = powerOffset === undefined ? undefined : powerOffset + PCI_PM_CTRL;
    return control !== undefined && control + 2 <= Number(this.config.size) && (this.config.read16(control) & PCI_PM_CTRL_STATE_MASK) === PCI_PM_CTRL_D3HOT;
  }

  /** Address of the function's 4096 bytes in a memory-mapped configuration window, in bytes from the start of bus 0. */
  get ecamOffset(): number {
    const { bus, device, function: number } = this.address;
    return (bus << 20) | (device << 15) | (number << 12);
  }

  /**
   * The function as `lspci -vv` prints it, from the bytes that configuration space has now.
   *
   * @throws RangeError while a BAR holds what no BAR of its size can, as between the two writes that size it.
   */
  lspci(): string {
    const { slot, description } = this;
    const { sizes, names, irq, driver } = description;
    const config = this.config.readBytes(0, new Uint8Array(Number(this.config.size))).subarray(0, description.config.length);
    return formatLspci({
      slot,
      config,
      ...(sizes !== undefined && { sizes }),
      ...(names !== undefined && { names }),
      ...(irq !== undefined && { irq }),
      ...(driver !== undefined && { driver }),
    });
  }

  /** Ends the function's regions, and with them their windows. */
  destroy(): void {
    for (const { region } of this.bars) region.destroy();
    this.rom?.region.destroy();
    this.config.destroy();
  }
}
