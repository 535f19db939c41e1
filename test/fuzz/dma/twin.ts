// One process of a run, twice: the real one, and the judge's. Its memory is blocks of pages that come and go, one of them for what arguments point to.
//
//   block 0: 5 pages, what arguments point to; always there         block 4: 2 pages that may only be read
//   blocks 1 to 3: 6, 4 and 2 pages                                 block 5: 512 pages

import type { Engine } from '../../../src/core/index.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE, Process } from '../../../src/vfio/index.ts';
import type { VfioHost } from '../../../src/vfio/index.ts';
import { PAGE, ReferenceProcess } from '../../reference/iommu/memory.ts';
import { rule } from '../broken.ts';
import type { Place } from './operation.ts';
import type { StageProcess } from './stages.ts';

/** Pages of each block: the first odd, so that the others begin at multiples of 8192, which some IOMMUs want. */
export const BLOCKS: readonly number[] = [5, 6, 4, 2, 2, 512];
export const READ_ONLY = 4;
/** Pages of a block that are compared. */
const COMPARED = 8;

export class Twin {
  readonly process: Process;
  readonly reference: ReferenceProcess;
  private readonly addresses: bigint[] = [];
  /** Of its container or iommufd. */
  readonly fd: number;
  /** The same file in other processes, by their numbers. */
  private readonly elsewhere: number[] = [];

  constructor(engine: Engine, host: VfioHost, name: string, { file, capabilities, maxLockedBytes }: StageProcess) {
    this.process = new Process(engine, { name, host, capabilities, maxLockedBytes });
    this.reference = new ReferenceProcess(name, capabilities.includes('CAP_IPC_LOCK') ? undefined : maxLockedBytes);
    this.fd = this.process.open(file === 'container' ? '/dev/vfio/vfio' : '/dev/iommu');
    BLOCKS.forEach((_, block) => this.map(block));
  }

  private map(block: number): void {
    const bytes = BLOCKS[block]! * PAGE;
    const address = BigInt(this.process.mmap(bytes, block === READ_ONLY ? PROT_READ : PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS));
    this.addresses[block] = address;
    this.reference.map(address, bytes, block !== READ_ONLY);
  }

  /** Hands its file to another process, who has a number. */
  share(number: number, other: Twin): void {
    this.elsewhere[number] = other === this ? this.fd : this.process.sendFd(this.fd, other.process);
  }

  /** The fd by which a process calls its file. */
  fdOf(number: number): number {
    return this.elsewhere[number]!;
  }

  /** Where a place is, whether or not it is mapped. */
  address({ block, at }: Place): bigint {
    return this.addresses[block]! + BigInt(at);
  }

  remap(block: number): void {
    this.unmap(block, 0, BLOCKS[block]!);
    this.map(block);
  }

  unmap(block: number, page: number, pages: number): void {
    const address = this.address({ block, at: page * PAGE });
    this.process.munmap(address, pages * PAGE);
    this.reference.unmap(address, address + BigInt(pages * PAGE) - 1n);
  }

  /** Writes memory of both; what is not all there, or may only be read, is left as it is. */
  store(address: bigint, bytes: Uint8Array): void {
    if (this.reference.write(address, bytes)) this.process.memory.writeBytes(address, bytes);
  }

  /** Expects bytes to be the same in both. */
  compare(what: string, address: bigint, length: number): void {
    const wanted = this.reference.read(address, length);
    if (wanted === undefined) return;
    const found = this.process.peek(address, length);
    if (Buffer.compare(wanted, found) === 0) return;
    const at = wanted.findIndex((byte, i) => found[i] !== byte);
    rule(false, () => `${what}: memory of ${this.process.name} at 0x${(address + BigInt(at)).toString(16)} is 0x${found[at]?.toString(16) ?? '(nothing)'}; expected 0x${wanted[at]!.toString(16)}`);
  }

  /** Compares all that is mapped. */
  compareAll(): void {
    BLOCKS.forEach((pages, block) => {
      for (let page = 0; page < Math.min(pages, COMPARED); page++) this.compare('afterwards', this.address({ block, at: page * PAGE }), PAGE);
    });
  }
}
