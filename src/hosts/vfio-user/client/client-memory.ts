// What a client has mapped and answers DMA messages from.

import { hex } from '../../../core/index.ts';
import { VfioError } from '../../../uapi/index.ts';
import { DEFAULT_MAX_DATA_XFER_SIZE, DMA_MAP_READABLE, DMA_MAP_WRITEABLE } from '../codec/commands.ts';

interface Mapped {
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly flags: number;
}

/** Memory of one client, as its server's device reaches it. @internal */
export class ClientMemory {
  private readonly mapped = new Map<bigint, Mapped>();

  /** The server has taken a mapping. */
  add(address: bigint, bytes: Uint8Array, flags: number): void {
    this.mapped.set(address, { address, bytes, flags });
  }

  /** The server has given up what lies in a range. */
  remove(address: bigint, size: bigint): void {
    for (const one of [...this.mapped.values()]) if (one.address >= address && one.address + BigInt(one.bytes.length) <= address + size) this.mapped.delete(one.address);
  }

  clear(): void {
    this.mapped.clear();
  }

  private part(call: string, address: bigint, count: bigint, flag: number): Uint8Array {
    if (count > BigInt(DEFAULT_MAX_DATA_XFER_SIZE)) throw new VfioError('EINVAL', call, `count is ${count.toString()}; expected at most ${DEFAULT_MAX_DATA_XFER_SIZE}`);
    for (const { address: start, bytes, flags } of this.mapped.values()) {
      if (address < start || address + count > start + BigInt(bytes.length)) continue;
      if ((flags & flag) === 0) break;
      return bytes.subarray(Number(address - start), Number(address - start + count));
    }
    throw new VfioError('EFAULT', call, `${count.toString()} bytes at ${hex(address)} are not mapped for it`);
  }

  /** VfioError EFAULT for what is not mapped to be read. */
  read(address: bigint, count: bigint): Uint8Array {
    return this.part('vfio-user DMA_READ', address, count, DMA_MAP_READABLE);
  }

  /** VfioError EFAULT for what is not mapped to be written. */
  write(address: bigint, data: Uint8Array): void {
    this.part('vfio-user DMA_WRITE', address, BigInt(data.length), DMA_MAP_WRITEABLE).set(data);
  }
}
