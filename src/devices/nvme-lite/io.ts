// Commands that read and write blocks.
//
//   dword 10, 11  first block          dword 12  15..0 blocks less 1, 30 force unit access
//
// Source: NVM Express 1.4, 6

import type { Command, Ending } from './command.ts';
import { checkFlags, wide } from './command.ts';
import type { NvmeParts } from './controller.ts';
import type { Features } from './features.ts';
import { ALL_NAMESPACES, MAX_TRANSFER_LOG2, NAMESPACE } from './identify.ts';
import { IO } from './opcodes.ts';
import type { DataMemory } from './prp.ts';
import { CommandFailed, STATUS, fail } from './status.ts';

const FORCE_UNIT_ACCESS = 1 << 30;
const DEALLOCATE = 1 << 2;
const RANGE_BYTES = 16;
const MAX_TRANSFER = 4096 << MAX_TRANSFER_LOG2;

interface Blocks {
  readonly first: number;
  readonly count: number;
}

/** What runs the commands of I/O queues. */
export class IoCommands {
  private readonly parts: NvmeParts;
  private readonly memory: DataMemory;
  private readonly features: Features;

  constructor(parts: NvmeParts, memory: DataMemory, features: Features) {
    this.parts = parts;
    this.memory = memory;
    this.features = features;
  }

  /** Runs a command to its end. Rejects with CommandFailed. */
  async run(command: Command): Promise<Ending> {
    checkFlags(command);
    const { opcode, namespace } = command;
    if (!(Object.values(IO) as number[]).includes(opcode)) fail('INVALID_OPCODE', 'there is no such command');
    if (namespace !== NAMESPACE && !(opcode === IO.FLUSH && namespace === ALL_NAMESPACES)) fail('INVALID_NAMESPACE', `namespace ${namespace}; there is namespace ${NAMESPACE} alone`);
    switch (opcode) {
      case IO.FLUSH:
        await this.flush();
        break;
      case IO.WRITE:
        return this.write(command);
      case IO.READ:
        return this.read(command);
      case IO.COMPARE:
        await this.compare(command);
        break;
      case IO.WRITE_ZEROES:
        await this.writeZeroes(command);
        break;
      default:
        await this.manage(command);
    }
    return 0;
  }

  private range(first: bigint, count: number): Blocks {
    const { blocks } = this.parts.store;
    if (first + BigInt(count) > BigInt(blocks)) fail('LBA_OUT_OF_RANGE', `${count} blocks from ${first} on; there are ${blocks}`);
    return { first: Number(first), count };
  }

  private blocksOf({ dw10, dw11, dw12 }: Command): Blocks {
    return this.range(wide(dw10, dw11), (dw12 & 0xffff) + 1);
  }

  /** The blocks of a command with data, and the bytes of those. */
  private transferOf(command: Command): Blocks & { readonly bytes: number } {
    const bytes = ((command.dw12 & 0xffff) + 1) * this.parts.store.blockSize;
    if (bytes > MAX_TRANSFER) fail('INVALID_FIELD', `${bytes} bytes at once; the most is ${MAX_TRANSFER}`);
    return { ...this.blocksOf(command), bytes };
  }

  private async stored(status: 'WRITE_FAULT' | 'UNRECOVERED_READ_ERROR', run: () => Promise<void> | undefined): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.parts.onStoreError(error);
      throw new CommandFailed(STATUS[status], `the store: ${String(error)}`);
    }
  }

  private async flush(): Promise<void> {
    await this.stored('WRITE_FAULT', () => this.parts.store.flush?.());
  }

  private async written({ dw12 }: Command): Promise<void> {
    if ((dw12 & FORCE_UNIT_ACCESS) !== 0 || !this.features.cachesWrites) await this.flush();
  }

  private async blocks({ first, bytes }: Blocks & { readonly bytes: number }): Promise<Uint8Array> {
    const data = new Uint8Array(bytes);
    await this.stored('UNRECOVERED_READ_ERROR', () => this.parts.store.read(first, data));
    return data;
  }

  private async read(command: Command): Promise<Ending> {
    const transfer = this.transferOf(command);
    // Pointers that cannot be are found before the store is asked.
    await this.memory.extents(command, transfer.bytes);
    await this.memory.write(command, await this.blocks(transfer));
    return this.counted('reads', transfer.bytes);
  }

  private counted(kind: 'reads' | 'writes', bytes: number): Ending {
    return () => {
      const count = this.parts.health[kind];
      count.commands++;
      count.bytes += BigInt(bytes);
      return 0;
    };
  }

  private async write(command: Command): Promise<Ending> {
    const { first, bytes } = this.transferOf(command);
    const data = await this.memory.read(command, bytes);
    await this.stored('WRITE_FAULT', () => this.parts.store.write(first, data));
    await this.written(command);
    return this.counted('writes', bytes);
  }

  private async compare(command: Command): Promise<void> {
    const transfer = this.transferOf(command);
    const wanted = await this.memory.read(command, transfer.bytes);
    const found = await this.blocks(transfer);
    if (found.some((byte, i) => byte !== wanted[i])) throw new CommandFailed(STATUS.COMPARE_FAILURE, 'the blocks differ');
  }

  private async writeZeroes(command: Command): Promise<void> {
    const { first, count } = this.blocksOf(command);
    const { blockSize } = this.parts.store;
    const most = MAX_TRANSFER / blockSize;
    for (let done = 0; done < count; done += most) {
      const zeroes = new Uint8Array(Math.min(most, count - done) * blockSize);
      await this.stored('WRITE_FAULT', () => this.parts.store.write(first + done, zeroes));
    }
    await this.written(command);
  }

  /** Dataset Management: ranges of attributes u32, blocks u32, first block u64. All are looked at before the first is given up. */
  private async manage(command: Command): Promise<void> {
    const { store } = this.parts;
    if (store.deallocate === undefined) fail('INVALID_OPCODE', 'the store cannot deallocate');
    const raw = await this.memory.read(command, RANGE_BYTES * ((command.dw10 & 0xff) + 1));
    const data = new DataView(raw.buffer);
    const ranges = Array.from({ length: raw.length / RANGE_BYTES }, (_, i) => this.range(data.getBigUint64(RANGE_BYTES * i + 8, true), data.getUint32(RANGE_BYTES * i + 4, true)));
    if ((command.dw11 & DEALLOCATE) === 0) return;
    for (const { first, count } of ranges) if (count > 0) await this.stored('WRITE_FAULT', () => store.deallocate!(first, count));
  }
}
