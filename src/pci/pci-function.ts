// One live PCI function of type 0: configuration space that follows the rules, BARs that a guest moves, and the VFIO device made of them.

import { integer } from '../core/index.ts';
import type { Engine, Region } from '../core/index.ts';
import type { VfioDevice } from '../vfio/index.ts';
import { deviceNumber, parsePciAddress } from './address.ts';
import type { PciAddress } from './address.ts';
import { ROM_INDEX } from './bar-registers.ts';
import type { Decodes } from './bar-registers.ts';
import { decodeBars } from './bars.ts';
import type { RomBar } from './bars.ts';
import { findCapability } from './capabilities.ts';
import { PCI_CAP_ID } from './capability-ids.ts';
import type { ConfigField, ResetKind } from './config-rules.ts';
import { PCI_INTERRUPT_PIN } from './config-space.ts';
import type { DecodeListener } from './decode.ts';
import type { BarRegion, PciFunctionDescription } from './function-description.ts';
import { FunctionRegisters } from './function-registers.ts';
import { IntxLine } from './intx.ts';
import { formatLspci } from './lspci-text.ts';
import type { LspciInput } from './lspci-text.ts';
import { formatLspciHex } from './lspci-hex-text.ts';
import { checkMsixPlacement, decodeMsix } from './msix.ts';
import type { MsixCapability } from './msix.ts';
import { MsiVectors, maySend } from './msi.ts';
import { MsixVectors } from './msix-table.ts';
import { ResizableBars } from './resizable-bars.ts';
import { SpaceDecoder } from './space-decoder.ts';
import type { DecodeSpaces } from './space-decoder.ts';
import { vfioDeviceOf } from './vfio-device.ts';

// Up to here a BAR is contiguous memory, above it pages that exist once they are written.
const CONTIGUOUS_BYTES = 1n << 20n;

function padded(slot: string, config: Uint8Array): Uint8Array {
  if (![64, 256, 4096].includes(config.length)) throw new RangeError(`PciFunction ${slot}: config has ${config.length} bytes; expected 64, 256 or 4096`);
  const bytes = new Uint8Array(Math.max(256, config.length));
  bytes.set(config);
  return bytes;
}

/** Says of which function it is what `make` refuses. */
function checked<Made>(slot: string, make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`PciFunction ${slot}: ${error.message}`, { cause: error });
  }
}

/**
 * A PCI function. Its configuration space starts with the bytes given; from then on every write, through whatever it comes, follows the rules of the registers:
 * read-only bits stay, ones clear status bits, BARs show their size, COMMAND opens and closes what they decode, resets reset.
 *
 * @example
 * ```ts
 * const nvme = new PciFunction(engine, { slot: '00:01.0', config, sizes: { bars: [0x4000, 0, 0, 0, 0, 0] } });
 * nvme.resetToPowerOn();
 * const shown = nvme.mapInto({ memory: bus });
 * nvme.config.write32(0x10, 0xffff_ffff);
 * nvme.config.read32(0x10); // 0xffffc004: 16 KiB, 64-bit
 * nvme.config.write32(0x10, 0xfebf_8000);
 * nvme.config.write32(0x14, 0);
 * nvme.config.write16(PCI_COMMAND, PCI_COMMAND_MEMORY);
 * bus.read32(0xfebf_8000); // the first register of BAR 0
 * const fd = process.open(nvme.device);
 * ```
 */
export class PciFunction {
  readonly slot: string;
  readonly address: PciAddress;
  readonly description: PciFunctionDescription;
  /** Configuration space, 256 or 4096 bytes, as a guest reaches it. */
  readonly config: Region;
  /** The BARs of known size, by rising index. */
  readonly bars: readonly BarRegion[];
  readonly rom: (RomBar & { readonly region: Region }) | undefined;
  readonly msix: MsixCapability | null;
  /** The function as VFIO sees it. */
  readonly device: VfioDevice;
  /** The interrupt pin; null without one, or without a sink for interrupts. */
  readonly intx: IntxLine | null = null;
  /** MSI; null without the capability, or without a sink. */
  readonly msi: MsiVectors | null = null;
  /** MSI-X; null without the capability, with a table in a BAR of unknown size, or without a sink. */
  readonly msixVectors: MsixVectors | null = null;
  private readonly registers: FunctionRegisters;

  /**
   * @throws RangeError for a slot, a number of configuration bytes, BARs, capability lists or an MSI-X table that cannot be; VfioError ENOMEM when the core is full.
   */
  constructor(engine: Engine, description: PciFunctionDescription) {
    const address = parsePciAddress(description.slot);
    if (address === null) throw new RangeError(`PciFunction: slot ${JSON.stringify(description.slot)} is no PCI address such as 00:01.0`);
    const { slot } = description;
    const bytes = padded(slot, description.config);
    const decoded = checked(slot, () => decodeBars(bytes, description.sizes));
    this.slot = slot;
    this.address = address;
    this.description = description;
    this.msix = decodeMsix(bytes);
    const { msix } = this;
    if (msix !== null) checked(slot, () => checkMsixPlacement(msix, decoded.bars));
    const made: Pick<Region, 'destroy'>[] = [];
    const make = (size: bigint, name: string, kind?: 'rom'): Region => {
      const region = engine.region({ kind: kind ?? (size <= CONTIGUOUS_BYTES ? 'ram' : 'demand'), size, name, device: deviceNumber(address) });
      made.push(region);
      return region;
    };
    try {
      const { backing } = description;
      const resizable = description.resizableBars === true ? new ResizableBars(bytes) : undefined;
      const behind = (index: number, now: bigint, name: string): Region => {
        const largest = resizable?.largest(index) ?? now;
        const size = largest > now ? largest : now;
        if (backing === undefined) return make(size, name);
        const region = backing({ index, size, name, device: deviceNumber(address) });
        made.push(region);
        if (region.size !== size) throw new RangeError(`PciFunction ${slot}: the region behind BAR ${index} has ${region.size} bytes, the BAR ${size}`);
        return region;
      };
      this.bars = decoded.bars.filter((bar) => bar.size !== null).map((bar) => ({ ...bar, region: behind(bar.index, bar.size!, `${slot} BAR ${bar.index}`) }));
      const { rom } = decoded;
      this.rom = rom?.size == null ? undefined : { ...rom, region: make(rom.size, `${slot} ROM`, 'rom') };
      this.registers = checked(slot, () => new FunctionRegisters(bytes, decoded, (index) => this.regionOf(index), description.registers, resizable));
      this.config = this.makeConfig(engine, bytes.length);
      made.push(this.config);
      this.device = vfioDeviceOf(this, bytes, () => this.registers.memoryEnabled);
      this.registers.observe({ wasReset: () => this.device.migration?.reset() });
      const { interrupts } = description;
      if (interrupts !== undefined) {
        // Messages look at a write before the pin does: turning MSI on lowers the line.
        const at = findCapability(bytes, PCI_CAP_ID.MSI)?.offset;
        if (at !== undefined) this.msi = new MsiVectors(this.registers, at, interrupts);
        const [table, pba] = msix === null ? [] : [this.regionOf(msix.tableBar), this.regionOf(msix.pbaBar)];
        if (msix !== null && table !== undefined && pba !== undefined) {
          this.msixVectors = new MsixVectors(engine, this.registers, msix, { table, pba }, interrupts);
          made.push({ destroy: () => this.msixVectors?.destroy() });
        }
        const usesMessages = (): boolean => this.msi?.enabled === true || this.msixVectors?.enabled === true;
        if (bytes[PCI_INTERRUPT_PIN] !== 0) this.intx = new IntxLine(this.registers, interrupts, usesMessages);
      }
    } catch (error) {
      for (const region of made) region.destroy();
      throw error;
    }
  }

  private regionOf(index: number): Region | undefined {
    return index === ROM_INDEX ? this.rom?.region : this.bars.find((bar) => bar.index === index)?.region;
  }

  private makeConfig(engine: Engine, size: number): Region {
    const { registers } = this;
    return engine.region({
      kind: 'hook',
      name: `${this.slot} config`,
      size,
      maxWidth: 4,
      // A cycle lies in one dword: an access across two is as many cycles as it has aligned pieces.
      unaligned: false,
      read: (position, width) => registers.read(Number(position), width),
      write: (position, width, value) => registers.write(Number(position), width, Number(value)),
    });
  }

  /** Address of the function's 4096 bytes in a memory-mapped configuration window, in bytes from the start of bus 0. */
  get ecamOffset(): number {
    const { bus, device, function: number } = this.address;
    return (bus << 20) | (device << 15) | (number << 12);
  }

  /** What the function decodes now, by index: BARs 0..5, the ROM at 6; `null` for what it does not. */
  get decoded(): Decodes {
    return this.registers.decoder.current;
  }

  /** Whether the function may access memory and send messages: COMMAND.MASTER is set, and it is in D0. */
  get mastersBus(): boolean {
    return maySend(this.registers);
  }

  /** The power state, 0 (D0) to 3 (D3hot). */
  get powerState(): number {
    return this.registers.powerState;
  }

  /** Changes of what is decoded that a listener refused, and what the last one threw. */
  get refusals(): { readonly count: number; readonly last: unknown } {
    return { count: this.registers.decoder.refusals, last: this.registers.decoder.lastRefusal };
  }

  /**
   * Follows what the function decodes, as transactions: all listeners move, or none does and the register that asked for it holds what it held before. The listener
   * is told at once what is decoded already.
   *
   * @returns a function that ends it, without a last call.
   * @throws what the listener throws about what is decoded already.
   * @example
   * ```ts
   * nvme.onDecode({
   *   prepare: (changes) => { for (const { to } of changes) if (to !== null && to.start < 0xc000_0000n) throw new Error('below the aperture'); },
   *   commit: (changes) => { for (const { index, from, to } of changes) iommu.move(index, from, to); },
   * });
   * ```
   */
  onDecode(listener: DecodeListener): () => void {
    // One that cannot answer would refuse every later write.
    const given: unknown = listener;
    if (typeof given !== 'object' || given === null) throw new TypeError(`${this.slot} onDecode: the listener is ${String(given)}; expected an object`);
    const members = given as Readonly<Record<string, unknown>>;
    for (const name of ['prepare', 'commit', 'abort']) {
      const member = members[name];
      if (typeof member !== 'function' && (member !== undefined || name === 'commit')) throw new TypeError(`${this.slot} onDecode: ${name} is ${String(member)}; expected a function`);
    }
    return this.registers.decoder.add(listener);
  }

  /**
   * Shows the BARs and the ROM in spaces, and keeps them where the registers say. `close` of what it returns ends that.
   *
   * @throws VfioError ENOMEM when the core is full.
   */
  mapInto(spaces: DecodeSpaces, options: { readonly priority?: number } = {}): SpaceDecoder {
    const decoder = new SpaceDecoder(spaces, { ...options, overlays: this.msixVectors?.overlays ?? [] });
    decoder.stopFollowing = this.onDecode(decoder);
    return decoder;
  }

  /**
   * The value of 1, 2 or 4 bytes of configuration space, without effects. The same as a guest reads, as no register changes by being read.
   *
   * @throws RangeError when they do not lie in configuration space.
   */
  peek(offset: number, width: 1 | 2 | 4 = 4): number {
    this.inside('peek', offset, width);
    return this.registers.read(offset, width);
  }

  /** A copy of configuration space as it is now, 256 or 4096 bytes. */
  readConfig(): Uint8Array {
    return this.registers.bytes.slice();
  }

  /**
   * Sets 1, 2 or 4 bytes of configuration space: no rule holds, nobody is told, nothing moves. What the BARs decode follows at the guest's next write to COMMAND, a
   * BAR or the power state, or at a reset.
   *
   * @throws RangeError when they do not lie in configuration space.
   */
  poke(offset: number, width: 1 | 2 | 4, value: number): void {
    this.inside('poke', offset, width);
    integer(`${this.slot} poke: value`, value, 0, 2 ** (8 * width) - 1);
    this.registers.poke(offset, width, value);
  }

  /** The described register that holds the byte at `offset`: the header's, a BAR's, a capability's or a vendor's. Undefined for bytes that are read-only as a whole. */
  registerAt(offset: number): ConfigField | undefined {
    return this.registers.rules.fields.findLast((field) => offset >= field.offset && offset < field.offset + field.bytes);
  }

  private inside(call: string, offset: number, width: number): void {
    const size = this.registers.bytes.length;
    if (![1, 2, 4].includes(width)) throw new RangeError(`${this.slot} ${call}: width is ${String(width)}; expected 1, 2 or 4 bytes`);
    if (!Number.isInteger(offset) || offset < 0 || offset + width > size) throw new RangeError(`${this.slot} ${call}: ${width} bytes at offset ${offset} do not lie in 0..${size - 1}`);
  }

  /**
   * The state after power-on: COMMAND 0, BARs 0 with their type bits, interrupt line 0, MSI and MSI-X off, D0, and the defaults of Express and AER registers. What is
   * read-only stays. Nothing is decoded then, and no listener can refuse that.
   */
  resetToPowerOn(): void {
    this.config.live('PciFunction.resetToPowerOn');
    this.registers.reset('power-on');
  }

  /** A function-level reset, as FLR, AF and leaving D3hot make it: as power-on, but sticky bits (AER's, PME's) stay. */
  resetFunction(): void {
    this.config.live('PciFunction.resetFunction');
    this.registers.reset('function');
  }

  /** Calls `listener` after each reset of the function, whoever asked for it. Returns what ends that. */
  onReset(listener: (kind: ResetKind) => void): () => void {
    return this.registers.observe({ reset: listener });
  }

  /** What both forms of lspci's text need. */
  private told(): LspciInput {
    const { slot, description } = this;
    const { names, irq, driver } = description;
    const given = description.sizes;
    const sizes = given === undefined ? undefined : { ...given, bars: given.bars?.map((size, index) => this.registers.sizeOf(index) ?? size) ?? [] };
    const config = this.registers.bytes.slice(0, description.config.length);
    return { slot, config, ...(sizes && { sizes }), ...(names && { names }), ...(irq !== undefined && { irq }), ...(driver !== undefined && { driver }) };
  }

  /**
   * The function as `lspci -vv -nn` prints it, from the bytes that configuration space has now.
   *
   * @throws RangeError while a BAR holds what no BAR of its size can, which only {@link PciFunction.poke} can put there.
   */
  lspci(): string {
    return formatLspci(this.told());
  }

  /** The function as `lspci -xxxx -nn` prints it, which `lspci -F` reads. */
  lspciHex(): string {
    return formatLspciHex(this.told());
  }

  /** Ends the function's regions, and with them their windows. */
  destroy(): void {
    for (const { region } of this.bars) region.destroy();
    this.rom?.region.destroy();
    for (const { region } of this.description.vfio?.regions ?? []) region.destroy();
    this.msixVectors?.destroy();
    this.config.destroy();
  }
}
