// A PCI device from its description: a live function, register banks behind its BARs, interrupts, DMA and time joined together.
//
//        guest                                     host
//          |  config, BARs                           ^ dma, interrupts, clock
//   +------v-----------------------------------------|------+
//   |  function (PciFunction) --- resets ---> banks, device  |
//   |  BAR 0: bank --- lines ---> InterruptLines --> MSI-X, MSI or the pin
//   |  hooks, doorbells ---> the device's code --- dma ---> BusMaster
//   +-------------------------------------------------------+

import { Engine } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import { DmaLog } from '../../vfio/index.ts';
import type { DmaLogModel, MigrationModel, VfioDevice } from '../../vfio/index.ts';
import type { RegisterBank } from '../../registers/index.ts';
import type { ConfigField, ResetKind } from '../config-rules.ts';
import type { VfioExtras } from '../function-description.ts';
import type { LspciNames } from '../lspci-text.ts';
import { PciFunction } from '../pci-function.ts';
import { checkBar, makeBar, sizeOf, typeOf } from './bar-contents.ts';
import type { BarContents, BarHandle, BarsDescription, MadeBar } from './bar-contents.ts';
import { BusMaster } from './bus-master.ts';
import { configImage } from './config-image.ts';
import type { CapabilityImage, PciIdentity } from './config-image.ts';
import type { DeviceClock, DeviceHost } from './host.ts';
import { InterruptLines } from './interrupt-lines.ts';
import { DeviceTimers } from './timers.ts';

/** How a device is migrated. Its timers and transfers are stopped for it, and go on; what it does besides it stops by looking at {@link PciDevice.isPaused}. */
export interface PciDeviceMigration extends Omit<MigrationModel, 'stop' | 'run' | 'abandon'> {
  /** The device goes on. */
  readonly resumed?: () => void;
  /** How its writes to memory are logged. Default: those through {@link PciDevice.dma}, by a {@link DmaLog}. */
  readonly dmaLogging?: DmaLogModel;
}

/** A device as data. */
export interface PciDeviceDescription<Bars extends BarsDescription = BarsDescription> extends PciIdentity {
  /** What lies behind each BAR; the register behind a 64-bit one is taken by it. */
  readonly bars?: Bars;
  /** The image of an expansion ROM, up to 16 MiB. */
  readonly rom?: Uint8Array;
  /** In the order of the list; see {@link capability}. */
  readonly capabilities?: readonly CapabilityImage[];
  /** Registers of configuration space that are the vendor's own. */
  readonly registers?: readonly ConfigField[];
  /** Whether a guest may resize the BARs of a Resizable BAR capability. Default false: it is read-only. */
  readonly resizableBars?: boolean;
  /** What VFIO programs find beyond the function itself: device-specific regions go with the device, also where it cannot be made. */
  readonly vfio?: VfioExtras;
  /** Words for `lspci`. */
  readonly names?: LspciNames;
  /** How it is migrated. Default: not at all. See {@link streamedMigration}. */
  readonly migration?: PciDeviceMigration;
  /** The function was reset: configuration space and banks are as after it, transfers and timers are forgotten. */
  readonly onReset?: (kind: ResetKind) => void;
}

function romSize(where: string, image: Uint8Array): bigint {
  if (image.length < 1 || image.length > 2 ** 24) throw new RangeError(`${where}: the ROM's image has ${image.length} bytes; expected 1 to 2^24`);
  let size = 2048n;
  while (size < BigInt(image.length)) size <<= 1n;
  return size;
}

/** A PCI device. Made by {@link pciDevice}. */
export class PciDevice<Bars extends BarsDescription = BarsDescription> {
  /** Configuration space, BARs, interrupts: the function as a guest sees it. */
  readonly function: PciFunction;
  /** Accesses of the device's own to guest memory. */
  readonly dma: BusMaster;
  /** The interrupt lines, for those that no register map drives. */
  readonly interrupts: InterruptLines;
  private readonly made = new Map<number, MadeBar>();
  private readonly host: DeviceHost;
  private readonly timers: DeviceTimers;
  private readonly description: PciDeviceDescription<Bars>;
  private gone = false;
  private resetCount = 0;

  /** @internal */
  constructor(engine: Engine, description: PciDeviceDescription<Bars>, host: DeviceHost) {
    const { slot = '00:00.0' } = host;
    const { bars = {} as Bars, rom, capabilities = [], registers, resizableBars, names, vfio, onReset } = description;
    const contents = new Map(Object.entries(bars).map(([index, one]): [number, BarContents] => [Number(index), one as BarContents]));
    for (const [index, one] of contents) {
      if (![0, 1, 2, 3, 4, 5].includes(index)) throw new RangeError(`pciDevice ${slot}: there is no BAR ${index}; expected 0 to 5`);
      checkBar(`pciDevice ${slot} BAR ${index}`, one);
    }
    const config = configImage(`pciDevice ${slot}`, description, new Map([...contents].map(([index, one]) => [index, typeOf(one)])), capabilities);
    const sizes = [0, 1, 2, 3, 4, 5].map((index) => (contents.has(index) ? sizeOf(`pciDevice ${slot} BAR ${index}`, contents.get(index)!) : 0n));
    for (const [index, one] of contents) {
      if (typeOf(one).kind === 'mem64' && contents.has(index + 1)) throw new RangeError(`pciDevice ${slot}: BAR ${index + 1} is the upper half of 64-bit BAR ${index}, and has contents of its own`);
    }
    this.host = host;
    this.description = description;
    this.timers = new DeviceTimers((call) => this.clock(call));
    const migration = this.migrationModel();
    const log = description.migration === undefined || description.migration.dmaLogging !== undefined ? undefined : new DmaLog();
    const dmaLogging = description.migration?.dmaLogging ?? log;
    try {
      this.function = new PciFunction(engine, {
        slot,
        config,
        sizes: { bars: sizes, ...(rom !== undefined && { rom: romSize(`pciDevice ${slot}`, rom) }) },
        // A device always has its MSI-X and its pin; without a sink nobody hears them.
        interrupts: host.interrupts ?? {},
        ...(migration !== undefined && { migration }),
        ...(dmaLogging !== undefined && { dmaLogging }),
        ...(names !== undefined && { names }),
        ...(vfio !== undefined && { vfio }),
        ...(registers !== undefined && { registers }),
        ...(resizableBars !== undefined && { resizableBars }),
        backing: (request) => {
          const bar = makeBar(engine, contents.get(request.index)!, request, () => this.interrupts);
          this.made.set(request.index, bar);
          return bar.region;
        },
      });
    } catch (error) {
      for (const { region } of this.made.values()) region.destroy();
      for (const { region } of vfio?.regions ?? []) region.destroy();
      throw error;
    }
    if (rom !== undefined) this.function.rom!.region.bytes().set(rom);
    this.interrupts = new InterruptLines(this.function);
    const gate = { name: slot, maySend: () => !this.gone && this.function.mastersBus, decoded: () => this.function.decoded };
    this.dma = new BusMaster(gate, host.dma, log);
    this.function.resetToPowerOn();
    this.function.onReset((kind) => {
      this.resetCount++;
      this.stop();
      this.interrupts.clear();
      for (const { bank } of this.made.values()) bank?.reset({ soft: kind === 'function' });
      onReset?.(kind);
    });
  }

  /** What a VFIO program opens: `process.open(card.vfio)`. */
  get vfio(): VfioDevice {
    return this.function.device;
  }

  /**
   * What lies behind a BAR: its register bank, or its region.
   *
   * @throws RangeError for a BAR that the device does not have.
   * @example
   * ```ts
   * card.bar(0).regs.STATUS.DONE.set();
   * ```
   */
  bar<Index extends keyof Bars & number>(index: Index): BarHandle<Bars[Index]> {
    const found = this.made.get(index);
    if (found === undefined) throw new RangeError(`${this.function.slot}: there is no BAR ${index}; it has ${[...this.made.keys()].join(', ') || 'none'}`);
    return (found.bank ?? found.region) as BarHandle<Bars[Index]>;
  }

  /**
   * Calls `run` once, `delay` ns of the guest's time from now; a reset and {@link PciDevice.destroy} take it back.
   *
   * @param delay 0 to 2^53-1.
   * @returns what takes it back earlier.
   * @throws VfioError ENXIO when the host gave no clock.
   */
  after(delay: number, run: () => void): () => void {
    return this.timers.after(delay, run);
  }

  /** Nanoseconds that are left until what {@link PciDevice.after} was given is due, to be migrated with the device; undefined when it no longer waits. */
  timeLeft(cancel: () => void): number | undefined {
    return this.timers.timeLeft(cancel);
  }

  /** Whether the device is stopped to be migrated: it is to start nothing. */
  get isPaused(): boolean {
    return this.timers.isPaused;
  }

  private migrationModel(): MigrationModel | undefined {
    const { migration } = this.description;
    if (migration === undefined) return undefined;
    return {
      flags: migration.flags,
      ...(migration.manner !== undefined && { manner: migration.manner }),
      dataSize: () => migration.dataSize(),
      save: () => migration.save(),
      load: () => migration.load(),
      ...(migration.arc !== undefined && { arc: (from, to) => migration.arc!(from, to) }),
      stop: () => {
        this.timers.pause();
        this.dma.pause();
      },
      run: () => {
        this.timers.goOn();
        this.dma.goOn();
        if (!this.gone) migration.resumed?.();
      },
      abandon: () => {
        if (!this.gone) this.function.resetFunction();
      },
    };
  }

  /**
   * The guest's time in ns.
   *
   * @throws VfioError ENXIO when the host gave no clock.
   */
  now(): bigint {
    return this.clock('now').now();
  }

  private clock(call: string): DeviceClock {
    const { clock } = this.host;
    if (clock === undefined) throw new VfioError('ENXIO', `${this.function.slot} ${call}`, 'the device was made without a clock');
    return clock;
  }

  private stop(): void {
    this.timers.clear();
    this.dma.cancel();
  }

  /** Tells the host what the guest did wrong. */
  guestError(message: string): void {
    this.host.guestError?.(`${this.function.slot}: ${message}`);
  }

  /** The register banks by BAR index. */
  get banks(): ReadonlyMap<number, RegisterBank> {
    return new Map([...this.made].flatMap(([index, { bank }]): [number, RegisterBank][] => (bank === null ? [] : [[index, bank]])));
  }

  /** How often the function was reset: what was begun under another number is not to be finished. */
  get resets(): number {
    return this.resetCount;
  }

  /** Whether {@link PciDevice.destroy} was called. */
  get isGone(): boolean {
    return this.gone;
  }

  /** Takes the device away: its regions, their windows, its interrupts and transfers. May be called in an access to the device, which then ends first. */
  destroy(): void {
    if (this.gone) return;
    this.gone = true;
    this.stop();
    this.function.intx?.set(false);
    this.function.destroy();
  }
}

/**
 * Makes a device.
 *
 * @param engine where its regions live.
 * @param description the device as data.
 * @param host what runs it: memory, interrupts, time.
 * @throws RangeError, TypeError for a description that cannot be: BARs of no size, capabilities over each other, an MSI-X table outside of its BAR; VfioError ENOMEM when the
 *   core is full. Nothing is left of the device then.
 * @example
 * ```ts
 * import { createEngine } from 'maplebar';
 * import { capability, pciDevice, registerBar } from 'maplebar/pci';
 * import { irq, pulse, registerMap, w1c, rw } from 'maplebar/registers';
 *
 * const map = registerMap('ping', { bytes: 0x10, access: [4] }, {
 *   CTRL: { at: 0, fields: { PING: pulse(0) } },
 *   STATUS: { at: 4, fields: { PONG: w1c(0) } },
 *   MASK: { at: 8, fields: { PONG: rw(0) } },
 * }, { irq: [irq('pong', { line: 0, status: 'STATUS', mask: 'MASK' })] });
 *
 * const card = pciDevice(createEngine(), {
 *   id: [0x1de5, 0x0001], class: 0x088000, pin: 'A',
 *   capabilities: [capability.msi({ vectors: 1 })],
 *   bars: { 0: registerBar(map, { hooks: { CTRL: { PING: () => card.bar(0).regs.STATUS.PONG.set() } } }) },
 * });
 * ```
 */
export function pciDevice<const Bars extends BarsDescription>(engine: Engine, description: PciDeviceDescription<Bars>, host: DeviceHost = {}): PciDevice<Bars> {
  if (!((engine as unknown) instanceof Engine)) throw new TypeError(`pciDevice: the engine is a ${typeof engine}; expected what createEngine() answers`);
  if (typeof description !== 'object' || (description as unknown) === null) throw new TypeError(`pciDevice: the description is a ${typeof description}; expected an object`);
  if (typeof host !== 'object' || (host as unknown) === null) throw new TypeError(`pciDevice: the host is a ${typeof host}; expected an object`);
  return new PciDevice(engine, description, host);
}
