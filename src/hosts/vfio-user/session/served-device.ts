// A device as its clients find it, one after the other: open all the time, so that its state outlives each of them.
//
//   session --- regions ------------> accessRegion --> the device
//           --- interrupts, features -> a process that has it open, as a program of VFIO would
//           <-- DMA -------------------- the port that is its `host.dma`

import type { Engine } from '../../../core/index.ts';
import type { DeviceClock, DeviceHost } from '../../../pci/index.ts';
import { VFIO_DEVICE_STATE_ERROR, VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_NUM_IRQS } from '../../../uapi/index.ts';
import { Process, ShortBusAccess, VfioDevice, accessRegion } from '../../../vfio/index.ts';
import type { VfioRegion } from '../../../vfio/index.ts';
import { DmaPort } from './dma-port.ts';

/** What a device is made with. */
export interface ServedDeviceOptions {
  /** The time of its timers. Without it a device that needs one says so. */
  readonly clock?: DeviceClock;
  /** Where it says that it sits. Default `00:00.0`. */
  readonly slot?: string;
  /** Is told what a client did that the device's documentation forbids, in one line. */
  readonly guestError?: (message: string) => void;
}

/** What `serveDevice` takes: what makes a device, as the testbench takes it, or one for VFIO. */
export type DeviceMaker = (engine: Engine, host: DeviceHost) => { readonly vfio: VfioDevice; destroy?(): void } | VfioDevice;

/** The COMMAND register. */
const COMMAND = 0x04n;
/** Fds of one process: one for each vector that there can be, and a few more. */
const MAX_FDS = 1 << 13;

/** A device that a server offers. Made by {@link serveDevice}. */
export class ServedDevice {
  readonly engine: Engine;
  readonly vfio: VfioDevice;
  /** @internal Its way to the memory of whoever is connected. */
  readonly dma: DmaPort;
  /** @internal The program that has it open. */
  readonly process: Process;
  /** @internal Its device file there. */
  readonly fd: number;
  /** @internal The short way to its registers. */
  readonly short: ShortBusAccess;
  private readonly owner: { destroy?(): void } | undefined;
  private isGone = false;

  /** @internal */
  constructor(engine: Engine, make: DeviceMaker, options: ServedDeviceOptions = {}) {
    this.engine = engine;
    this.dma = new DmaPort();
    const made = make(engine, { dma: this.dma, ...options });
    this.vfio = made instanceof VfioDevice ? made : made.vfio;
    this.owner = made instanceof VfioDevice ? undefined : made;
    if (!((this.vfio as unknown) instanceof VfioDevice)) throw new TypeError('serveDevice: what was made is no device: it has no VfioDevice as its `vfio`');
    if (this.vfio.kind !== 'pci') throw new TypeError(`serveDevice: ${this.vfio.name} is of kind ${this.vfio.kind}; expected pci`);
    this.short = new ShortBusAccess(this.vfio);
    this.process = new Process(engine, { name: `vfio-user server of ${this.vfio.name}`, maxFds: MAX_FDS });
    this.fd = this.process.open(this.vfio);
    // As it is when power comes on: no host stands between the device and its client that would have enabled it.
    const config = this.vfio.config === undefined ? undefined : this.vfio.region(VFIO_PCI_CONFIG_REGION_INDEX);
    if (config !== undefined) this.access('serveDevice', config, COMMAND, new Uint8Array(2), true);
  }

  get name(): string {
    return this.vfio.name;
  }

  /** @internal */
  get numRegions(): number {
    return this.vfio.numRegions;
  }

  /** @internal INTx, MSI, MSI-X, ERR, REQ. */
  get numIrqs(): number {
    return VFIO_PCI_NUM_IRQS;
  }

  /** @internal Undefined for one that the device does not have. */
  region(index: number): VfioRegion | undefined {
    return this.vfio.region(index);
  }

  /** @internal Reads or writes bytes of a region. VfioError EINVAL beyond it. */
  access(call: string, region: VfioRegion, position: bigint, bytes: Uint8Array, writes: boolean): void {
    accessRegion(call, this.vfio, region, position, bytes, writes);
  }

  /** @internal DEVICE_RESET: works for every device, because the server is what makes it. */
  reset(): void {
    this.vfio.zap('the device was reset');
    this.vfio.resetKeepingState();
  }

  /** @internal A client is gone: nothing that it had set up is left. The device is as it left it, and runs. */
  clientGone(): void {
    this.dma.connect(undefined);
    this.vfio.interrupts.release();
    // Nobody knows what a device in ERROR is.
    if (this.vfio.migration?.state === VFIO_DEVICE_STATE_ERROR) this.reset();
    else this.vfio.migration?.reset();
  }

  /** Takes the device away. Close its servers first. */
  destroy(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.process.exit();
    this.owner?.destroy?.();
  }
}

/**
 * Makes a device to be served.
 *
 * @param engine where its regions live.
 * @param make what makes the device: `edu`, or `(engine, host) => ...`. It is given `dma`: the memory of whoever is connected, EFAULT while nobody is.
 * @throws TypeError for what is no PCI device; what `make` throws.
 * @example
 * ```ts
 * import { createEngine } from 'maplebar';
 * import { edu } from 'maplebar/devices';
 * import { serveDevice, serveVfioUser, wallClock } from 'maplebar/vfio-user';
 *
 * const device = serveDevice(createEngine(), edu, { clock: wallClock() });
 * const server = await serveVfioUser(device, { path: '/run/edu.sock' });
 * ```
 */
export function serveDevice(engine: Engine, make: DeviceMaker, options: ServedDeviceOptions = {}): ServedDevice {
  return new ServedDevice(engine, make, options);
}
