// Capability chains: the linked list of capabilities behind an info struct, built and walked.
//
//   An info struct of 32 bytes with two capabilities. Every number counts from the start of the info struct.
//
//   0                       32                          64                   72
//   +-----------------------+--------+--------+- - - - -+--------+-----------+
//   | argsz  ..  cap_offset | id ver |  next  | payload | id ver | next      |
//   |   72          32      |  1  1  |   64   | 0-padded|  3  1  |  0 = end  |
//   +-----------------------+--------+--------+- - - - -+--------+-----------+
//      fixed struct           header (8)        to 8      header (8)

import { vfio_info_cap_header } from './vfio-device.ts';

/** One capability: what its header says and the bytes behind the header. */
export interface Capability {
  /** Capability id: a u16, whose meaning depends on the info struct. */
  readonly id: number;
  /** Version of the capability's layout: a u16. */
  readonly version: number;
  /** The bytes behind the 8-byte header. */
  readonly payload: Uint8Array;
}

/** A capability found in a chain. */
export interface PlacedCapability extends Capability {
  /** Byte offset of the header from the start of the info struct. */
  readonly offset: number;
  /** Byte offset of the next header, 0 at the end. */
  readonly next: number;
  /** A view, not a copy: from the header to the next header in memory, or to the end of the bytes. May end in padding. */
  readonly payload: Uint8Array;
}

/** A chain that cannot be walked, or a capability that is shorter than its own numbers say. */
export class CapabilityChainError extends Error {
  /** Always `'CapabilityChainError'`. */
  override readonly name: string = 'CapabilityChainError';
  /** Byte offset, from the start of the info struct, of the header that is wrong: where the chain led to. */
  readonly offset: number;

  /**
   * @param offset - Byte offset of the header that is wrong.
   * @param detail - What is wrong with it, with the numbers.
   */
  constructor(offset: number, detail: string) {
    super(`capability at ${offset}: ${detail}`);
    this.offset = offset;
  }
}

const HEADER = vfio_info_cap_header.size;
const round8 = (n: number): number => Math.ceil(n / 8) * 8;

/**
 * Lays capabilities out one behind the other, each rounded up to 8 bytes with zeros, in the given order.
 *
 * @param at - Byte offset of the first header from the start of the info struct: a multiple of 8, usually the size of
 *   the info struct (24 for vfio_device_info and vfio_iommu_type1_info, 32 for vfio_region_info).
 * @param capabilities - The capabilities; an empty list gives no bytes.
 * @returns `bytes`, to be placed at `at`, and `argsz`, the size of info struct and chain together.
 * @throws RangeError when `at` is not a positive multiple of 8, an id or version is not a u16, or the whole is 4 GiB or more.
 * @example
 * ```ts
 * const { bytes, argsz } = buildCapabilityChain(32, [{ id: 3, version: 1, payload: new Uint8Array(0) }]);
 * argsz; // 40
 * bytes; // 03 00 01 00 00 00 00 00
 * ```
 *
 * Source: linux/vfio.h; behaviour text, section 2.1.
 */
export function buildCapabilityChain(at: number, capabilities: readonly Capability[]): { bytes: Uint8Array; argsz: number } {
  if (!Number.isSafeInteger(at) || at < HEADER || at % 8 !== 0) {
    throw new RangeError(`buildCapabilityChain: ${at} is not a positive multiple of 8`);
  }
  const sizes = capabilities.map(({ payload }) => round8(HEADER + payload.length));
  const length = sizes.reduce((sum, size) => sum + size, 0);
  if (at + length > 0xffffffff) throw new RangeError(`buildCapabilityChain: ${length} bytes at ${at} end above 4294967295`);
  const bytes = new Uint8Array(length);
  let here = 0;
  capabilities.forEach(({ id, version, payload }, i) => {
    const end = here + sizes[i]!;
    vfio_info_cap_header.encode({ id, version, next: end === length ? 0 : at + end }, bytes, here);
    bytes.set(payload, here + HEADER);
    here = end;
  });
  return { bytes, argsz: at + length };
}

/**
 * Walks a chain and returns its capabilities in chain order. Whatever the bytes are, it ends: every header is visited once.
 *
 * @param bytes - The info struct with everything behind it; hand in no more than argsz bytes.
 * @param capOffset - The info struct's cap_offset; 0 is an empty chain.
 * @param fixedSize - Size of the info struct in bytes: no header starts before it.
 * @throws CapabilityChainError, with the offset, when a header lies in the fixed struct, is not 8-byte aligned, ends
 *   behind `bytes`, or was visited before.
 * @example
 * ```ts
 * const info = new Uint8Array(40);
 * info.set(buildCapabilityChain(32, [{ id: 3, version: 1, payload: new Uint8Array(0) }]).bytes, 32);
 * walkCapabilityChain(info, 32, 32); // [{ id: 3, version: 1, offset: 32, next: 0, payload: Uint8Array(0) }]
 * ```
 *
 * Source: linux/vfio.h; behaviour text, section 2.1.
 */
export function walkCapabilityChain(bytes: Uint8Array, capOffset: number, fixedSize: number): PlacedCapability[] {
  const headers = new Map<number, { id: number; version: number; next: number }>();
  let from = 'cap_offset';
  for (let at = capOffset; at !== 0; ) {
    const fault = (detail: string) => new CapabilityChainError(at, `${from} ${detail}`);
    if (!Number.isSafeInteger(at) || at < fixedSize) throw fault(`leads into the fixed struct of ${fixedSize} bytes`);
    if (at % 8 !== 0) throw fault('leads to an offset that is not a multiple of 8');
    if (at + HEADER > bytes.length) throw fault(`leads to a header that ends at ${at + HEADER}, the bytes end at ${bytes.length}`);
    if (headers.has(at)) throw fault('closes a cycle');
    const header = vfio_info_cap_header.decode(bytes, at);
    headers.set(at, header);
    from = `next of the capability at ${at}`;
    at = header.next;
  }
  // A payload ends where the next header in memory starts, which need not be the next one in the chain.
  const starts = [...headers.keys()].sort((a, b) => a - b);
  const ends = new Map(starts.map((start, i) => [start, starts[i + 1] ?? bytes.length]));
  return [...headers].map(([offset, header]) => ({ ...header, offset, payload: bytes.subarray(offset + HEADER, ends.get(offset)) }));
}
