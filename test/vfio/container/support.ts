// What tests of hosts share: a world with a host, programs that open groups and containers by path, and calls of a type1 container with their results as text or numbers.
import { type DmaFault, type HostFunction, type HostFunctionDescription, type Process, type ProcessOptions, type VfioDeviceDescription, VfioHost, type VfioHostOptions, type PciBridgeDescription } from '../../../src/vfio/index.ts';
import {
  VFIO_GROUP_GET_DEVICE_FD,
  VFIO_GROUP_GET_STATUS,
  VFIO_GROUP_SET_CONTAINER,
  VFIO_GROUP_UNSET_CONTAINER,
  VFIO_IOMMU_DIRTY_PAGES,
  VFIO_IOMMU_MAP_DMA,
  VFIO_IOMMU_UNMAP_DMA,
  VFIO_SET_IOMMU,
  vfio_group_status,
  vfio_iommu_type1_dma_map,
  vfio_iommu_type1_dma_unmap,
} from '../../../src/uapi/index.ts';
import { PAGE, World, outcome } from '../support.ts';

export { PAGE, filled, hexOf, message, outcome } from '../support.ts';

export const READ = 1;
export const WRITE = 2;
export const VADDR = 4;
export const DIRTY = 1;
export const ALL = 2;
export const TYPE1 = 1;
export const V2 = 3;

export class HostWorld extends World {
  readonly host: VfioHost;
  readonly faults: DmaFault[] = [];
  readonly messages: string[] = [];

  constructor(options: VfioHostOptions & { readonly bridges?: readonly PciBridgeDescription[] } = {}) {
    super();
    this.host = new VfioHost(this.engine, { ...options, onMessage: ({ slot, address, data }) => this.messages.push(`${slot} 0x${address.toString(16)} 0x${data.toString(16)}`) });
    this.host.onDmaFault((fault) => this.faults.push(fault));
  }

  /** A function with a device of one BAR. */
  plug(slot: string, more: Partial<HostFunctionDescription> = {}, device: Partial<VfioDeviceDescription> = {}): HostFunction {
    return this.host.plug({ slot, device: this.device({ 0: { region: this.ram(PAGE) } }, { name: slot, ...device }), ...more });
  }

  program(options: Omit<ProcessOptions, 'host'> = {}): Program {
    return new Program(this.process({ ...options, host: this.host }));
  }
}

/** The path of a function's group. */
export const pathOf = ({ group }: HostFunction): string => `/dev/vfio/${group.kind === 'noiommu' ? 'noiommu-' : ''}${group.id}`;

const fdArgument = (fd: number): Uint8Array => new Uint8Array(new Int32Array([fd]).buffer);
export const nameArgument = (name: string): Uint8Array => new TextEncoder().encode(`${name}\0`);

/** A process, and short ways to make the calls of these tests: each answers its result or its errno's name. */
export class Program {
  readonly process: Process;

  constructor(process: Process) {
    this.process = process;
  }

  ioctl(fd: number, request: number, argument?: Uint8Array | number | bigint): number | string {
    return outcome(() => this.process.ioctl(fd, request, argument));
  }

  open(path: string): number {
    return this.process.open(path);
  }

  tryOpen(path: string): number | string {
    return outcome(() => this.process.open(path));
  }

  container(): number {
    return this.open('/dev/vfio/vfio');
  }

  setContainer(group: number, container: number): number | string {
    return this.ioctl(group, VFIO_GROUP_SET_CONTAINER, fdArgument(container));
  }

  unsetContainer(group: number): number | string {
    return this.ioctl(group, VFIO_GROUP_UNSET_CONTAINER);
  }

  setIommu(container: number, model: number | bigint = V2): number | string {
    return this.ioctl(container, VFIO_SET_IOMMU, model);
  }

  deviceFd(group: number, name: string): number | string {
    return this.ioctl(group, VFIO_GROUP_GET_DEVICE_FD, nameArgument(name));
  }

  status(group: number): number | string {
    const bytes = vfio_group_status.encode({ argsz: 8, flags: 0xffff_ffff });
    const result = this.ioctl(group, VFIO_GROUP_GET_STATUS, bytes);
    return result === 0 ? vfio_group_status.decode(bytes).flags : result;
  }

  /** A container with the groups of functions, and an IOMMU. */
  ready(functions: readonly HostFunction[], model = V2): { readonly container: number; readonly groups: readonly number[] } {
    const container = this.container();
    const groups = functions.map((one) => this.open(pathOf(one)));
    for (const group of groups) this.process.ioctl(group, VFIO_GROUP_SET_CONTAINER, fdArgument(container));
    this.process.ioctl(container, VFIO_SET_IOMMU, model);
    return { container, groups };
  }

  map(container: number, iova: number | bigint, size: number | bigint, vaddr: number | bigint, flags = READ | WRITE): number | string {
    return this.ioctl(container, VFIO_IOMMU_MAP_DMA, vfio_iommu_type1_dma_map.encode({ argsz: 32, flags, vaddr, iova, size }));
  }

  /** The bytes that were unmapped. */
  unmap(container: number, iova: number | bigint, size: number | bigint, flags = 0): number | string {
    const bytes = vfio_iommu_type1_dma_unmap.encode({ argsz: 24, flags, iova, size });
    const result = this.ioctl(container, VFIO_IOMMU_UNMAP_DMA, bytes);
    return result === 0 ? Number(vfio_iommu_type1_dma_unmap.decodeHead(bytes).size) : result;
  }

  /** With the bitmap of what was dirty. */
  unmapDirty(container: number, { iova, size, pgsize = PAGE, bitmap, data }: { readonly iova: number; readonly size: number; readonly pgsize?: number | bigint; readonly bitmap: number | bigint; readonly data: number | bigint }): number | string {
    const bytes = new Uint8Array(48);
    vfio_iommu_type1_dma_unmap.encode({ argsz: 48, flags: DIRTY, iova, size }, bytes);
    new BigUint64Array(bytes.buffer, 24).set([pgsize, bitmap, data].map(BigInt));
    const result = this.ioctl(container, VFIO_IOMMU_UNMAP_DMA, bytes);
    return result === 0 ? Number(vfio_iommu_type1_dma_unmap.decodeHead(bytes).size) : result;
  }

  /** DIRTY_PAGES: 1 START, 2 STOP; GET_BITMAP with what is asked for. */
  dirty(container: number, flags: number, get: readonly (number | bigint)[] = []): number | string {
    const bytes = new Uint8Array(8 + 8 * get.length);
    new Uint32Array(bytes.buffer, 0, 2).set([bytes.length, flags]);
    new BigUint64Array(bytes.buffer, 8).set(get.map(BigInt));
    return this.ioctl(container, VFIO_IOMMU_DIRTY_PAGES, bytes);
  }

  /** The bitmap of a range, in words, of memory that was ones before. */
  dirtyWords(container: number, iova: number | bigint, pages: number, fill = 0xff): readonly bigint[] | string {
    const bytes = Math.ceil(pages / 64) * 8;
    const data = this.process.allocate(bytes);
    this.process.memory.writeBytes(data, new Uint8Array(bytes).fill(fill));
    const result = this.dirty(container, 4, [iova, pages * PAGE, PAGE, bytes, data]);
    if (typeof result === 'string') return result;
    const words = this.process.memory.readBytes(data, new Uint8Array(bytes));
    this.process.munmap(data, bytes);
    return [...new BigUint64Array(words.buffer)];
  }
}

/** What a function reads, or how it fails. */
export async function dmaRead(one: HostFunction, iova: bigint | number, bytes: number): Promise<Uint8Array | string> {
  const target = new Uint8Array(bytes);
  try {
    await one.dma.read(BigInt(iova), target);
    return target;
  } catch (error) {
    return outcome(() => {
      throw error;
    });
  }
}

/** 0, or how it fails. */
export async function dmaWrite(one: HostFunction, iova: bigint | number, bytes: readonly number[] | Uint8Array): Promise<number | string> {
  try {
    await one.dma.write(BigInt(iova), Uint8Array.from(bytes));
    return 0;
  } catch (error) {
    return outcome(() => {
      throw error;
    });
  }
}
