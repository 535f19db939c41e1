// A machine without a processor: memory, ports, a clock, an interrupt recorder, and firmware that places BARs. A test is its driver.
//
//   memory space   0          | RAM          |
//                  c000_0000  | 32-bit BARs  | 10_0000_0000 | 64-bit BARs |
//   port space     1000       | port BARs    |
//   messages       fee0_0000 + 0x1000 * device, data = vector
//   IOMMU          RAM at its own addresses, until a test maps otherwise; nothing else

import { createEngine, integer } from '../../core/index.ts';
import type { Engine, IommuDomain, IommuFault, Region, Space } from '../../core/index.ts';
import * as pci from '../../pci/index.ts';
import type { DeviceHost, PciFunction, SpaceDecoder } from '../../pci/index.ts';
import { VfioError } from '../../uapi/index.ts';
import { ManualClock } from './clock.ts';
import { domainDma } from './domain-dma.ts';

/** What a testbench is made with. */
export interface TestbenchOptions {
  /** Default: one of its own. */
  readonly engine?: Engine;
  /** Bytes of RAM from address 0 on, up to 3 GiB. Default 16 MiB. */
  readonly ramBytes?: number;
}

/** An interrupt that reached the machine. */
export type InterruptEvent =
  | { readonly kind: 'level'; readonly slot: string; readonly level: boolean }
  | { readonly kind: 'message'; readonly slot: string; readonly vector: number; readonly address: bigint; readonly data: number };

/** What a device is that can be plugged in: it has a function, and can be taken away. */
export interface Pluggable {
  readonly function: PciFunction;
  destroy(): void;
}

const MESSAGE_BASE = 0xfee0_0000;
const MESSAGE_STRIDE = 0x1000;
const APERTURES = { mem32: [0xc000_0000n, 0xfec0_0000n], mem64: [0x10_0000_0000n, 0x20_0000_0000n], io: [0x1000n, 0x1_0000n] } as const;
const MSIX_CONTROL = 12;

/**
 * A machine for one test, or for trying a device by hand.
 *
 * @example
 * ```ts
 * import { createTestbench } from 'maplebar/testbench';
 * import { edu } from 'maplebar/devices';
 *
 * const bench = createTestbench();
 * const card = bench.plug(edu);
 * const bar0 = bench.addressOf(card, 0);
 * bench.memory.read32(bar0).toString(16); // 10000ed
 * await bench.settle();
 * ```
 */
export class Testbench {
  readonly engine: Engine;
  readonly memory: Space;
  readonly ports: Space;
  readonly ram: Region;
  /** Through which all DMA goes: RAM is mapped at its own addresses, to be read and written. */
  readonly iommu: IommuDomain;
  /** Transfers that the IOMMU did not let through, the oldest first. */
  readonly dmaFaults: IommuFault[] = [];
  readonly clock = new ManualClock();
  /** Every interrupt that arrived, the oldest first. */
  readonly interrupts: InterruptEvent[] = [];
  /** What drivers did that the documentation of a device forbids. */
  readonly guestErrors: string[] = [];
  private readonly next = { mem32: APERTURES.mem32[0] as bigint, mem64: APERTURES.mem64[0] as bigint, io: APERTURES.io[0] as bigint };
  private readonly plugged = new Map<Pluggable, SpaceDecoder>();
  private slots = 0;
  private inFlight = 0;

  /** @throws RangeError for a number of bytes that RAM cannot have; VfioError ENOMEM when the core is full. */
  constructor(options: TestbenchOptions = {}) {
    this.engine = options.engine ?? createEngine();
    this.memory = this.engine.space('guest memory');
    this.ports = this.engine.space('I/O ports');
    const size = integer('createTestbench: ramBytes', options.ramBytes ?? 1 << 24, 4096, 3 * 2 ** 30);
    this.ram = this.engine.region({ kind: size <= 1 << 26 ? 'ram' : 'demand', size, name: 'RAM' });
    this.memory.map(0, this.ram);
    this.iommu = this.engine.iommuDomain('the testbench');
    this.iommu.map(0, this.ram.size, { region: this.ram, position: 0, readable: true, writable: true });
  }

  /** What a device at the next slot is run by. */
  private hostFor(slot: string): DeviceHost {
    const dma = domainDma(this.iommu, (fault) => void this.dmaFaults.push(fault));
    const counted = async (transfer: Promise<void>): Promise<void> => {
      this.inFlight++;
      try {
        await transfer;
      } finally {
        this.inFlight--;
      }
    };
    return {
      slot,
      clock: this.clock,
      guestError: (message) => void this.guestErrors.push(message),
      dma: {
        tellsLanding: true,
        read: (address, target) => counted(dma.read(address, target)),
        write: (address, source, landed) => counted(dma.write(address, source, landed)),
      },
      interrupts: {
        setLevel: (level) => void this.interrupts.push({ kind: 'level', slot, level }),
        message: (address, data) => void this.interrupts.push({ kind: 'message', slot, vector: data, address, data }),
      },
    };
  }

  /**
   * Plugs a device in as firmware leaves it: BARs sized, placed and decoded, the function mastering the bus.
   *
   * @param make what makes the device for a host: `edu`, or `(engine, host) => ...`.
   * @throws what `make` throws; TypeError for what is no device; RangeError when the BARs do not fit what is left of the apertures; VfioError EBADF after `destroy`. The
   *   device is taken away again then.
   */
  plug<Device extends Pluggable>(make: (engine: Engine, host: DeviceHost) => Device): Device {
    if (typeof make !== 'function') throw new TypeError(`plug: ${typeof make} given; expected what makes a device: edu, or (engine, host) => ...`);
    if (this.memory.gone) throw new VfioError('EBADF', 'plug', 'the testbench is destroyed');
    const slot = `00:${(this.slots + 1).toString(16).padStart(2, '0')}.0`;
    const device = make(this.engine, this.hostFor(slot));
    const made: unknown = (device as Partial<Pluggable> | undefined)?.function;
    if (!(made instanceof pci.PciFunction)) throw new TypeError('plug: what was made is no device: it has no function of a PciFunction');
    try {
      this.place(device.function);
      this.plugged.set(device, device.function.mapInto({ memory: this.memory, ports: this.ports }));
    } catch (error) {
      device.destroy();
      throw error;
    }
    this.slots++;
    return device;
  }

  private place(one: PciFunction): void {
    const { config } = one;
    for (const { index, kind, registers } of one.bars) {
      for (const at of registers) config.write32(at, 0xffff_ffff);
      const low = BigInt(config.read32(registers[0]!)) & (kind === 'io' ? ~0x3n : ~0xfn);
      const high = kind === 'mem64' ? BigInt(config.read32(registers[1]!)) : 0xffff_ffffn;
      const size = BigInt.asUintN(64, -((high << 32n) | low));
      const start = (this.next[kind] + size - 1n) & -size;
      if (start + size > APERTURES[kind][1]) throw new RangeError(`${one.slot}: BAR ${index} has ${size} bytes, and the testbench's ${kind} aperture has ${APERTURES[kind][1] - this.next[kind]} left`);
      this.next[kind] = start + size;
      config.write32(registers[0]!, Number(start & 0xffff_ffffn));
      if (kind === 'mem64') config.write32(registers[1]!, Number(start >> 32n));
    }
    config.write16(pci.PCI_COMMAND, pci.PCI_COMMAND_IO | pci.PCI_COMMAND_MEMORY | pci.PCI_COMMAND_MASTER);
  }

  /**
   * Where a BAR of a plugged device is, in bytes.
   *
   * @throws RangeError when it is not decoded.
   */
  addressOf(device: Pluggable, bar: number): number {
    const range = device.function.decoded[bar];
    if (range == null) throw new RangeError(`${device.function.slot}: BAR ${bar} is not decoded`);
    return Number(range.start);
  }

  /**
   * Turns MSI-X on, or MSI where there is none, as a driver does: vector `n` arrives with data `n`.
   *
   * @returns how many vectors the device may use.
   * @throws RangeError for a device that has neither.
   */
  enableMessages(device: Pluggable): number {
    const { function: one } = device;
    const { config } = one;
    const address = MESSAGE_BASE + one.address.device * MESSAGE_STRIDE;
    if (one.msix !== null && one.msixVectors !== null) {
      const { offset, tableBar, tableOffset, count } = one.msix;
      const table = this.addressOf(device, tableBar) + tableOffset;
      for (let vector = 0; vector < count; vector++) {
        const entry = table + pci.PCI_MSIX_ENTRY_SIZE * vector;
        for (const [at, value] of [[0, address], [4, 0], [8, vector], [MSIX_CONTROL, 0]] as const) this.memory.write32(entry + at, value);
      }
      config.write16(offset + pci.PCI_MSIX_FLAGS, pci.PCI_MSIX_FLAGS_ENABLE);
      return count;
    }
    if (one.msi === null) throw new RangeError(`${one.slot}: the function has neither MSI-X nor MSI`);
    const at = pci.findCapability(one.readConfig(), pci.PCI_CAP_ID.MSI)!.offset;
    const { data, is64Bit } = pci.msiLayout(one.readConfig(), at);
    config.write32(at + pci.PCI_MSI_ADDRESS_LO, address);
    if (is64Bit) config.write32(at + pci.PCI_MSI_ADDRESS_LO + 4, 0);
    config.write16(data, 0);
    config.write16(at + pci.PCI_MSI_FLAGS, pci.PCI_MSI_FLAGS_ENABLE | (Math.log2(one.msi.count) << 4));
    return one.msi.count;
  }

  /** Takes a device away. */
  unplug(device: Pluggable): void {
    this.plugged.get(device)?.close();
    this.plugged.delete(device);
    device.destroy();
  }

  /**
   * Lets everything happen that needs no time: doorbells are told, transfers arrive, and what devices do about them. Time stands still.
   */
  async settle(): Promise<void> {
    do {
      this.engine.pump();
      // A turn of the event loop ends every chain of promises that waits for nothing else.
      await new Promise((resolve) => setTimeout(resolve, 0));
    } while (this.engine.pump() > 0 || this.inFlight > 0);
  }

  /** Settles, then moves time on to whatever is due within `ns`, one timer after the other, settling after each. */
  async run(ns: number): Promise<void> {
    const until = this.clock.now() + BigInt(integer('run: ns', ns, 0, Number.MAX_SAFE_INTEGER));
    await this.settle();
    for (let due = this.clock.next; due !== null && due <= until; due = this.clock.next) {
      this.clock.advance(Number(due > this.clock.now() ? due - this.clock.now() : 0n));
      await this.settle();
    }
    this.clock.advance(Number(until - this.clock.now()));
  }

  /** Takes everything away: the core has nothing of it left. */
  destroy(): void {
    for (const device of [...this.plugged.keys()]) this.unplug(device);
    this.memory.destroy();
    this.ports.destroy();
    this.iommu.destroy();
    this.ram.destroy();
  }
}

/** A testbench; see {@link Testbench}. */
export function createTestbench(options: TestbenchOptions = {}): Testbench {
  return new Testbench(options);
}
