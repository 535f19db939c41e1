// A typed client of a VFIO device file: what a program asks in bytes, asked in records. It knows a device by its fd alone.

import { VFIO_DEVICE_GET_INFO, VFIO_DEVICE_RESET, readDeviceInfoCapabilities, vfio_device_info } from '../uapi/index.ts';
import type { DeviceInfoCapability } from '../uapi/index.ts';
import { ask, end } from './calls.ts';
import type { VfioCalls } from './calls.ts';
import { DisplayClient } from './display.ts';
import { DmaLoggingClient } from './dma-logging.ts';
import { FeaturesClient } from './features.ts';
import { DEVICE_FLAGS, flagNames } from './flag-names.ts';
import { askGrowing, decodeAnswer } from './growing-answer.ts';
import { HotResetClient } from './hot-reset.ts';
import { InterruptsClient } from './interrupts.ts';
import { MigrationClient } from './migration.ts';
import { RegionClient } from './region.ts';

const INFO = 'VFIO_DEVICE_GET_INFO';

/** What GET_INFO says. */
export interface DeviceInfo {
  /** VFIO_DEVICE_FLAGS_ bits. */
  readonly flags: number;
  /** `RESET`, `PCI`, `CAPS`, ... */
  readonly flagNames: readonly string[];
  readonly numRegions: number;
  /** Interrupt indices. */
  readonly numIrqs: number;
  /** In the order of the chain. */
  readonly capabilities: readonly DeviceInfoCapability[];
}

/** What a client may be told of the kernel that it talks to. */
export interface VfioClientOptions {
  /** The number of the proposed feature ALIAS_REGION, 0 to 65535. Default 11. */
  readonly aliasRegionFeature?: number;
}

/**
 * An open device, for programs that want no bytes. Everything goes through `calls`: nothing is known but what they answer, and nothing is kept but what they say stays so.
 *
 * @example
 * ```ts
 * const process = new Process(engine);
 * const client = new VfioClient(process, process.open(device));
 * client.info().flagNames;               // ['RESET', 'PCI']
 * client.region(0).read32(0);            // the first register of BAR 0
 * client.interrupts.msi.enable([process.eventfd()]);
 * client.feature.migration.probe();      // { get: true, set: false }, or undefined
 * client.close();
 * ```
 */
export class VfioClient {
  readonly fd: number;
  readonly interrupts: InterruptsClient;
  readonly feature: FeaturesClient;
  readonly migration: MigrationClient;
  readonly dmaLogging: DmaLoggingClient;
  readonly hotReset: HotResetClient;
  /** Of a display: what it shows. */
  readonly display: DisplayClient;
  private readonly calls: VfioCalls;

  /**
   * @param calls - A process, or anything else that answers VFIO calls.
   * @param fd - An open device file.
   * @throws RangeError when a number of a feature is out of range.
   */
  constructor(calls: VfioCalls, fd: number, options: VfioClientOptions = {}) {
    this.calls = calls;
    this.fd = fd;
    this.interrupts = new InterruptsClient(calls, fd);
    this.feature = new FeaturesClient(calls, fd, options.aliasRegionFeature);
    this.migration = new MigrationClient(calls, this.feature);
    this.dmaLogging = new DmaLoggingClient(this.feature);
    this.hotReset = new HotResetClient(calls, fd);
    this.display = new DisplayClient(calls, fd);
  }

  /**
   * What the device is, with its capabilities.
   *
   * @throws VfioError EBADF, EINVAL; VfioAnswerError for a chain that cannot be walked.
   * @example
   * ```ts
   * client.info().numRegions; // 9
   * ```
   */
  info(): DeviceInfo {
    const bytes = askGrowing(this.calls, this.fd, INFO, VFIO_DEVICE_GET_INFO, vfio_device_info.size, (argsz) => vfio_device_info.encode({ argsz }));
    const { flags, num_regions, num_irqs } = vfio_device_info.decode(bytes);
    const capabilities = decodeAnswer(INFO, () => readDeviceInfoCapabilities(bytes));
    return { flags, flagNames: flagNames(flags, DEVICE_FLAGS), numRegions: num_regions, numIrqs: num_irqs, capabilities };
  }

  /**
   * A region: keep it, since each call asks again.
   *
   * @param index - Of a PCI function: BARs 0 to 5, ROM 6, configuration space 7, VGA 8, its own from 9 on.
   * @throws VfioError EINVAL for an index that the device does not have; EBADF. VfioAnswerError for a chain that cannot be walked.
   * @example
   * ```ts
   * client.region(0).size; // 0x4000n
   * ```
   */
  region(index: number): RegionClient {
    return new RegionClient(this.calls, this.fd, index);
  }

  /**
   * Resets the function: pages of its BARs leave all mappings until they are touched again, configuration space is put back, migration is RUNNING again. Interrupts and
   * ioeventfds stay.
   *
   * @throws VfioError EINVAL when the function cannot be reset alone, which {@link VfioClient.info} says beforehand by the flag RESET; EAGAIN while the host holds the device's lock:
   *   the pages are gone already, ask again; ENOTTY when the host has lost the way to reset it; EBADF.
   * @example
   * ```ts
   * client.info().flagNames.includes('RESET'); // true
   * client.reset();
   * ```
   */
  reset(): void {
    ask('VFIO_DEVICE_RESET', () => this.calls.ioctl(this.fd, VFIO_DEVICE_RESET));
  }

  /** Closes the device file; mappings stay. VfioError EBADF. */
  close(): void {
    end('close', () => this.calls.close(this.fd));
  }
}
