// Memory and events of this program that others can be given: what a client maps for a device, what a device lets its client map.
//
//   memfd, sealed --> fd: sent to the other side --> mapped there
//                 +-> bytes: mapped here          the same pages; neither side can take them away

import { F_ADD_SEALS, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, PROT_READ, PROT_WRITE } from './koffi-calls.ts';
import { FdTable } from './koffi-fds.ts';
import { koffiThread } from './koffi-transport.ts';
import type { PassedFd } from './transport.ts';

/** Memory with an fd. Made by {@link sharedMemory}. */
export interface SharedMemory {
  /** All of it, mapped. It stays mapped for as long as anybody has it, whoever closes the fd. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** For the other side. */
  readonly fd: PassedFd;
}

const MAX_BYTES = 2 ** 33;
/** What is mapped goes when nobody can look at it any more: a byte of an unmapped page ends the program. */
let mapped: FinalizationRegistry<() => void> | undefined;

/**
 * Memory that can be shared with the other side of a connection.
 *
 * @param bytes 1 to 2^33; zeros.
 * @throws (rejects with) RangeError for another size; VfioError ENOMEM, EMFILE; Error where koffi is not installed.
 * @example
 * ```ts
 * const memory = await sharedMemory(1 << 20);
 * await client.dmaMap(0x10000, memory);
 * memory.bytes[0] = 7;
 * ```
 */
export async function sharedMemory(bytes: number): Promise<SharedMemory> {
  if (!Number.isSafeInteger(bytes) || bytes < 1 || bytes > MAX_BYTES) throw new RangeError(`sharedMemory: bytes is ${bytes}; expected a whole number from 1 to ${MAX_BYTES}`);
  const { calls, readiness } = await koffiThread();
  const fd = calls.memfd('maplebar', bytes);
  try {
    calls.fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    const address = calls.mmap(bytes, PROT_READ | PROT_WRITE, fd, 0);
    const buffer = calls.view(address, bytes);
    mapped ??= new FinalizationRegistry((unmap) => unmap());
    mapped.register(buffer, () => calls.munmap(address, bytes));
    return { bytes: new Uint8Array(buffer), fd: new FdTable(calls, readiness, false).take(fd) };
  } catch (error) {
    calls.close(fd);
    throw error;
  }
}

/**
 * An eventfd that can be given to the other side: `onSignal` hears it.
 *
 * @throws (rejects with) VfioError EMFILE; Error where koffi is not installed.
 */
export async function eventFd(): Promise<PassedFd & Required<Pick<PassedFd, 'onSignal'>>> {
  const { calls, readiness } = await koffiThread();
  return new FdTable(calls, readiness, false).take(calls.eventfd()) as PassedFd & Required<Pick<PassedFd, 'onSignal'>>;
}
