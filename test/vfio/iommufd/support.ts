// What the tests of iommufds share: a host with functions, a process with an iommufd, and its calls by name.
import { expect } from '@jest/globals';
import * as uapi from '../../../src/uapi/index.ts';
import { type HostFunction, type HostFunctionDescription, Process, type ProcessOptions, VfioHost, type VfioHostOptions } from '../../../src/vfio/index.ts';
import { PAGE, World, outcome } from '../support.ts';

export { PAGE, outcome };
export const MAX = 0xffff_ffff_ffff_ffffn;
export const R = uapi.IOMMU_IOAS_MAP_READABLE;
export const W = uapi.IOMMU_IOAS_MAP_WRITEABLE;
export const FIXED = uapi.IOMMU_IOAS_MAP_FIXED_IOVA;

export const words = (...list: number[]): Uint8Array => new Uint8Array(new Uint32Array(list).buffer);

/** 32-bit words and 64-bit ones in the order in which they lie. */
export function packed(...list: readonly (number | bigint)[]): Uint8Array {
  return Uint8Array.from(list.flatMap((value) => [...new Uint8Array(typeof value === 'bigint' ? new BigUint64Array([value]).buffer : new Uint32Array([value]).buffer)]));
}

export const word = (bytes: Uint8Array, at: number): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
export const long = (bytes: Uint8Array, at: number): bigint => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true);

type PlugOptions = Partial<HostFunctionDescription> & { readonly slot?: string };

/** A process with /dev/iommu as fd `fd`. */
export class User {
  readonly process: Process;
  readonly fd: number;

  constructor(process: Process) {
    this.process = process;
    this.fd = process.open('/dev/iommu');
  }

  ioctl(request: number, argument: Uint8Array | number | bigint, fd = this.fd): number | string {
    return outcome(() => this.process.ioctl(fd, request, argument));
  }

  /** Memory of the process whose byte at `i` is `start + i / PAGE`. */
  memory(pages: number, start = 1): bigint {
    const address = BigInt(this.process.allocate(pages * PAGE));
    for (let i = 0; i < pages; i++) this.process.memory.writeBytes(address + BigInt(i * PAGE), new Uint8Array(PAGE).fill(start + i));
    return address;
  }

  bytes(address: bigint, length: number): Uint8Array {
    return this.process.memory.readBytes(address, new Uint8Array(length));
  }

  /** The new IOAS. */
  ioas(): number {
    const argument = words(12, 0, 0);
    expect(this.ioctl(uapi.IOMMU_IOAS_ALLOC, argument)).toBe(0);
    return word(argument, 8);
  }

  /** The IOVA, or the errno. */
  map(ioas: number, address: bigint, length: bigint, request: { readonly iova?: bigint; readonly flags?: number } = {}): bigint | string {
    const flags = request.flags ?? (R | W | (request.iova === undefined ? 0 : FIXED));
    const argument = packed(40, flags, ioas, 0, address, length, request.iova ?? 0n);
    const result = this.ioctl(uapi.IOMMU_IOAS_MAP, argument);
    return result === 0 ? long(argument, 32) : String(result);
  }

  copy(to: number, from: number, iova: bigint, length: bigint, request: { readonly iova?: bigint; readonly flags?: number } = {}): bigint | string {
    const flags = request.flags ?? (R | W | (request.iova === undefined ? 0 : FIXED));
    const argument = packed(40, flags, to, from, length, request.iova ?? 0n, iova);
    const result = this.ioctl(uapi.IOMMU_IOAS_COPY, argument);
    return result === 0 ? long(argument, 24) : String(result);
  }

  /** Bytes, or the errno. */
  unmap(ioas: number, iova: bigint, length: bigint): bigint | string {
    const argument = packed(24, ioas, iova, length);
    const result = this.ioctl(uapi.IOMMU_IOAS_UNMAP, argument);
    return result === 0 ? long(argument, 16) : String(result);
  }

  destroy(id: number): number | string {
    return this.ioctl(uapi.IOMMU_DESTROY, words(8, id));
  }

  /** What can be mapped, and the alignment. */
  ranges(ioas: number): { readonly ranges: readonly (readonly [bigint, bigint])[]; readonly alignment: bigint } {
    const room = BigInt(this.process.allocate(PAGE));
    const argument = packed(32, ioas, 16, 0, room, 0n);
    expect(this.ioctl(uapi.IOMMU_IOAS_IOVA_RANGES, argument)).toBe(0);
    const bytes = this.bytes(room, 16 * word(argument, 8));
    this.process.munmap(room, PAGE);
    return { ranges: Array.from({ length: word(argument, 8) }, (_, i) => [long(bytes, 16 * i), long(bytes, 16 * i + 8)] as const), alignment: long(argument, 24) };
  }

  /** HWPT_ALLOC: the page table, or the errno. */
  pageTable(device: number, ioas: number, flags = 0): number | string {
    const argument = packed(48, flags, device, ioas, 0, 0, 0, 0, 0n, 0, 0);
    const result = this.ioctl(uapi.IOMMU_HWPT_ALLOC, argument);
    return result === 0 ? word(argument, 16) : result;
  }

  /** Opens the character device of a function: its fd. */
  cdev(one: HostFunction): number {
    return this.process.open(`/dev/vfio/devices/vfio${one.cdev}`);
  }

  /** BIND: the id, or the errno. */
  bind(fd: number, iommufd = this.fd): number | string {
    const argument = words(16, 0, iommufd, 0xaaaa_aaaa);
    const result = this.ioctl(uapi.VFIO_DEVICE_BIND_IOMMUFD, argument, fd);
    return result === 0 ? word(argument, 12) : result;
  }

  /** ATTACH: the id that is used, or the errno. */
  attach(fd: number, id: number): number | string {
    const argument = words(12, 0, id);
    const result = this.ioctl(uapi.VFIO_DEVICE_ATTACH_IOMMUFD_PT, argument, fd);
    return result === 0 ? word(argument, 8) : result;
  }

  detach(fd: number): number | string {
    return this.ioctl(uapi.VFIO_DEVICE_DETACH_IOMMUFD_PT, words(8, 0), fd);
  }
}

/** A host, its functions and its processes. */
export class Machine {
  readonly world = new World();
  readonly host: VfioHost;
  private slots = 0;

  constructor(options: ConstructorParameters<typeof VfioHost>[1] & VfioHostOptions = {}) {
    this.host = new VfioHost(this.world.engine, options);
  }

  user(options: ProcessOptions = {}): User {
    return new User(this.world.process({ host: this.host, ...options }));
  }

  /** A function with a device that has a page of RAM as BAR 0, alone in its group where nothing else is said. */
  plug(options: PlugOptions = {}): HostFunction {
    const slot = options.slot ?? `0000:${(++this.slots).toString(16).padStart(2, '0')}:00.0`;
    const device = this.world.device({ 0: { region: this.world.ram(PAGE) } }, { name: slot });
    return this.host.plug({ slot, device, ...options });
  }

  end(): void {
    this.world.end();
  }
}

/** What a function reads, or the reason of the fault. */
export async function dmaRead(one: HostFunction, iova: bigint, length = 4): Promise<Uint8Array | string> {
  const bytes = new Uint8Array(length);
  try {
    await one.dma.read(iova, bytes);
    return bytes;
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).message;
  }
}

/** 0, or the reason of the fault. */
export async function dmaWrite(one: HostFunction, iova: bigint, bytes: Uint8Array): Promise<number | string> {
  try {
    await one.dma.write(iova, bytes);
    return 0;
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).message;
  }
}
