// Physical region pages: where in guest memory the data of a command are.
//
//   PRP 1  -->  first page, from an offset that is a multiple of 4
//   PRP 2  -->  second page                          when the data end in it
//          -->  list, from an offset that is a multiple of 8:   | page | page | .. | page or, when more follow, the next list |
//
// All but the first page and the first list begin at offset 0.
//
// Source: NVM Express 1.4, 4.3

import type { BusMaster } from '../../pci/index.ts';
import type { Command } from './command.ts';
import { fail } from './status.ts';

/** A stretch of guest memory. */
export interface Extent {
  readonly address: bigint;
  readonly bytes: number;
}

const ENTRY_BYTES = 8;

/** Guest memory as commands reach it. */
export class DataMemory {
  private readonly dma: BusMaster;
  private readonly pageBytes: number;
  private readonly isOver: () => boolean;

  /** @param isOver whether the controller was reset: what ran before touches memory no more. */
  constructor(dma: BusMaster, pageBytes: number, isOver: () => boolean) {
    this.dma = dma;
    this.pageBytes = pageBytes;
    this.isOver = isOver;
  }

  private async transfer<Answer>(run: () => Promise<Answer>): Promise<Answer> {
    if (this.isOver()) fail('ABORT_REQUESTED', 'the controller was reset');
    try {
      return await run();
    } catch (error) {
      return fail('DATA_TRANSFER_ERROR', (error as Error).message);
    }
  }

  private fetch(address: bigint, bytes: number): Promise<Uint8Array> {
    return this.transfer(() => this.dma.read(address, bytes));
  }

  private offsetOf(address: bigint): number {
    return Number(address & BigInt(this.pageBytes - 1));
  }

  /** Where the first `bytes` bytes that a command points at are; neighbours are one. CommandFailed for pointers that cannot be, or a list that cannot be read. */
  async extents({ prp1, prp2 }: Pick<Command, 'prp1' | 'prp2'>, bytes: number): Promise<Extent[]> {
    const { pageBytes } = this;
    const found: { address: bigint; bytes: number }[] = [];
    const add = (address: bigint, length: number): void => {
      const last = found.at(-1);
      if (last !== undefined && last.address + BigInt(last.bytes) === address) last.bytes += length;
      else found.push({ address, bytes: length });
    };
    const page = (address: bigint): void => {
      if (this.offsetOf(address) !== 0) fail('INVALID_PRP_OFFSET', `page 0x${address.toString(16)} does not begin at offset 0`);
      const length = Math.min(left, pageBytes);
      add(address, length);
      left -= length;
    };
    if ((prp1 & 3n) !== 0n) fail('INVALID_PRP_OFFSET', `PRP 1 is 0x${prp1.toString(16)}; expected a multiple of 4`);
    const first = Math.min(bytes, pageBytes - this.offsetOf(prp1));
    let left = bytes - first;
    add(prp1, first);
    if (left === 0) return found;
    if (left <= pageBytes) {
      page(prp2);
      return found;
    }
    if ((prp2 & 7n) !== 0n) fail('INVALID_PRP_OFFSET', `the list at 0x${prp2.toString(16)} does not begin at a multiple of 8`);
    for (let list = prp2; left > 0; ) {
      const wanted = Math.ceil(left / pageBytes);
      const there = (pageBytes - this.offsetOf(list)) / ENTRY_BYTES;
      const raw = await this.fetch(list, ENTRY_BYTES * Math.min(wanted, there));
      const data = new DataView(raw.buffer, raw.byteOffset, raw.length);
      const entries = Array.from({ length: raw.length / ENTRY_BYTES }, (_, i) => data.getBigUint64(ENTRY_BYTES * i, true));
      const next = wanted > there ? entries.pop()! : 0n;
      for (const entry of entries) page(entry);
      if (this.offsetOf(next) !== 0) fail('INVALID_PRP_OFFSET', `the next list, at 0x${next.toString(16)}, does not begin at offset 0`);
      list = next;
    }
    return found;
  }

  /** The data of a command that gives them. */
  async read(command: Command, bytes: number): Promise<Uint8Array> {
    const data = new Uint8Array(bytes);
    let at = 0;
    for (const extent of await this.extents(command, bytes)) {
      data.set(await this.fetch(extent.address, extent.bytes), at);
      at += extent.bytes;
    }
    return data;
  }

  /** Gives a command its data. */
  async write(command: Command, data: Uint8Array): Promise<void> {
    let at = 0;
    for (const { address, bytes } of await this.extents(command, data.length)) {
      const part = data.subarray(at, at + bytes);
      await this.transfer(() => this.dma.write(address, part));
      at += bytes;
    }
  }
}
