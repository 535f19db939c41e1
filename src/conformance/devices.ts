// The devices of a table, made of their data: regions with known bytes, wires to pull, streams to migrate.

import type { Engine, Region } from '../core/index.ts';
import type { CapabilityInput, RegionInfoCapability } from '../uapi/index.ts';
import { DmaLog, HotResetSet, VfioDevice } from '../vfio/index.ts';
import type { ConfigHardware, DisplayPlane, InterruptHardware, VfioDeviceDescription, VfioDisplay, VfioRegionDescription } from '../vfio/index.ts';
import { dataBytes } from './hex-text.ts';
import { StreamModel } from './stream-model.ts';
import type { DeviceData, DisplayData, RegionData } from './table.ts';

const CONFIG = 7;

/** Product data that answer at the addresses that they have. */
function productData(products: Map<number, number>): NonNullable<ConfigHardware['vpd']> {
  return {
    read: (address) => products.get(address),
    write(address, value) {
      const isThere = products.has(address);
      if (isThere) products.set(address, value);
      return isThere;
    },
  };
}

/** The wires between a device and VFIO, and who holds the other end. */
class Wires implements InterruptHardware {
  private asserted = false;
  private changed: (() => void) | undefined;
  private deliver: ((vector: number) => void) | undefined;

  intxAsserted(): boolean {
    return this.asserted;
  }

  // Every device whose rows ask has a shadow, which knows.
  intxDisabled(): boolean {
    return false;
  }

  connectIntx(changed: () => void): () => void {
    this.changed = changed;
    return () => (this.changed = undefined);
  }

  connectMessages(_kind: 'msi' | 'msix', count: number, deliver: (vector: number) => void): () => void {
    this.deliver = (vector) => {
      if (vector < count) deliver(vector);
    };
    return () => (this.deliver = undefined);
  }

  pull(asserted: boolean): void {
    this.asserted = asserted;
    this.changed?.();
  }

  send(vector: number): void {
    this.deliver?.(vector);
  }
}

/** Registers of the header that a reset clears: COMMAND, cache line size and latency, BIST, base addresses, the ROM's, the interrupt line. */
const CLEARED = [[0x04, 2], [0x0c, 2], [0x0f, 1], [0x10, 24], [0x30, 4], [0x3c, 1]] as const;

/** Configuration space as a reset leaves it: as the data have it, but for what firmware has set up. */
function afterReset(bytes: Uint8Array): Uint8Array {
  const reset = bytes.slice();
  for (const [at, length] of CLEARED) reset.fill(0, at, at + length);
  return reset;
}

/** `size` bytes that count up from `first`, over and over. Copied in ever longer pieces: regions have megabytes. */
function counting(size: number, first: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < Math.min(size, 256); i++) bytes[i] = first + i;
  for (let done = 256; done < size; done *= 2) bytes.copyWithin(done, 0, Math.min(done, size - done));
  return bytes;
}

/** A device of a table. */
export class TableDevice {
  readonly device: VfioDevice;
  readonly wires = new Wires();
  readonly log: DmaLog | undefined;
  readonly migration: StreamModel | undefined;
  /** Cycles of logged regions since they were last asked for. */
  cycles: string[] = [];
  resets = 0;
  masters: boolean[] = [];
  isShown: boolean;
  /** The host holds its lock. */
  isLocked = false;
  private readonly engine: Engine;
  private readonly regions = new Map<number, Region>();
  private resetConfig: Uint8Array | undefined;

  constructor(engine: Engine, key: string, data: DeviceData) {
    this.engine = engine;
    this.isShown = data.display?.off !== true;
    this.log = data.dmaLogging === true ? new DmaLog() : undefined;
    this.migration = data.migration === undefined ? undefined : new StreamModel(data.migration);
    const regions = Object.fromEntries(Object.entries(data.regions).map(([index, one]) => [index, this.region(Number(index), one)]));
    this.device = new VfioDevice(this.describe(key, data, regions));
  }

  private describe(key: string, data: DeviceData, regions: Record<number, VfioRegionDescription>): VfioDeviceDescription {
    const { kind = 'pci', virtualFunction, vpd, msix, interrupts = {}, display } = data;
    const hasShadow = kind === 'pci' && regions[7] !== undefined;
    const products = vpd === undefined ? undefined : new Map(Object.entries(vpd).map(([address, value]) => [Number(address), Number(value)]));
    return {
      name: data.name ?? key,
      kind,
      regions,
      reset: data.reset === true,
      onReset: () => this.reset(),
      resetBusy: () => this.isLocked,
      ...(msix !== undefined && { msix: { bar: msix.bar, offset: Number(msix.offset), count: msix.count } }),
      msixMode: data.msixMode ?? 'mappable',
      interrupts: { ...interrupts, hardware: this.wires },
      ...(hasShadow && {
        config: {
          ...(virtualFunction !== undefined && { virtualFunction: { vendor: Number(virtualFunction.vendor), device: Number(virtualFunction.device) } }),
          ...(products !== undefined && { vpd: productData(products) }),
        },
      }),
      atomics: data.atomics ?? 0,
      physicalFunction: data.physicalFunction === true,
      suspends: data.suspends !== false,
      ...(data.busMaster === true && { busMaster: (enable) => void this.masters.push(enable) }),
      ...(this.log !== undefined && { dmaLogging: this.log }),
      ...(this.migration !== undefined && { migration: this.migration }),
      ...(display !== undefined && { display: this.display(display) }),
    };
  }

  private reset(): void {
    this.resets += 1;
    if (this.resetConfig !== undefined) this.regions.get(CONFIG)!.writeBytes(0n, this.resetConfig);
  }

  /** The bytes of a region; undefined for an absent one. */
  bytesAt(index: number): Region | undefined {
    return this.regions.get(index);
  }

  private region(index: number, data: RegionData): VfioRegionDescription {
    const size = Number(data.size);
    const bytes = data.bytes === undefined ? counting(size, data.fill ?? 0) : new Uint8Array(size);
    if (data.bytes !== undefined) for (const [at, hex] of Object.entries(data.bytes)) bytes.set(dataBytes(hex), Number(at));
    const region = data.logged === true ? this.logged(bytes) : this.engine.region({ kind: 'ram', size });
    if (data.logged !== true) region.bytes().set(bytes);
    this.regions.set(index, region);
    if (index === CONFIG) this.resetConfig = afterReset(bytes);
    const capabilities: CapabilityInput<RegionInfoCapability>[] = [];
    if (data.sparse !== undefined) capabilities.push({ kind: 'SPARSE_MMAP', areas: data.sparse.map(([offset, bytesOfArea]) => ({ offset: BigInt(offset), size: BigInt(bytesOfArea) })) });
    if (data.type !== undefined) capabilities.push({ kind: 'TYPE', type: Number(data.type[0]), subtype: Number(data.type[1]) });
    return {
      region,
      ...(data.ports !== undefined && { ioPorts: data.ports }),
      ...(data.writable !== undefined && { writable: data.writable }),
      ...(data.image !== undefined && { imageSize: Number(data.image) }),
      ...(capabilities.length > 0 && { capabilities }),
    };
  }

  private logged(bytes: Uint8Array): Region {
    return this.engine.region({
      kind: 'hook',
      size: bytes.length,
      read: (at, width) => {
        this.cycles.push(`read ${width} at 0x${Number(at).toString(16)}`);
        return Array.from({ length: width }, (_, i) => BigInt(bytes[Number(at) + i]!) << BigInt(8 * i)).reduce((a, b) => a | b);
      },
      write: (at, width, value) => {
        this.cycles.push(`write ${width} at 0x${Number(at).toString(16)}: 0x${value.toString(16)}`);
        for (let i = 0; i < width; i++) bytes[Number(at) + i] = Number((BigInt(value) >> BigInt(8 * i)) & 0xffn);
      },
    });
  }

  private display(data: DisplayData): VfioDisplay {
    const plane: DisplayPlane = { format: Number(data.format), width: data.width, height: data.height, stride: data.stride, size: Number(data.size) };
    if (data.kind === 'region') return { kind: 'region', regionIndex: data.region, plane: () => (this.isShown ? plane : null) };
    const region = this.regions.get(data.region)!;
    return { kind: 'dma-buf', plane: () => (this.isShown ? { ...plane, region, position: Number(data.position ?? 0) } : null) };
  }

  destroy(): void {
    for (const region of this.regions.values()) region.destroy();
  }
}

/** The device of a row, and those that a reset of its bus hits with it. */
export function makeDevices(engine: Engine, key: string, table: Readonly<Record<string, DeviceData>>): Map<string, TableDevice> {
  const find = (name: string): DeviceData => {
    const data = table[name];
    if (data === undefined) throw new SyntaxError(`no device is called ${name}`);
    return data;
  };
  const data = find(key);
  const made = new Map([[key, new TableDevice(engine, key, data)]]);
  for (const { device } of data.hotReset ?? []) if (device !== undefined && device !== 'self') made.set(device, new TableDevice(engine, device, find(device)));
  if (data.hotReset !== undefined) {
    const functions = data.hotReset.map(({ bus, devfn, group, device }) => {
      const own = device === undefined ? undefined : made.get(device === 'self' ? key : device)!.device;
      return { bus, devfn, ...(group !== undefined && { group }), ...(own !== undefined && { device: own }) };
    });
    new HotResetSet(functions);
  }
  return made;
}
