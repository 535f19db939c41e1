// Little-endian reads of plain bytes: configuration space has no other byte order.
//
// Every read answers 0 for a byte that is not there, so that a decoder of a capability cut off by the end of the configuration
// space stays total. Callers that must tell "zero" from "absent" check the length first (capabilities.ts does).

/** Byte at `offset`, 0 when it lies outside `bytes`. */
export function readU8(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}

/** Unsigned 16-bit value at `offset`; bytes outside `bytes` count as 0. */
export function readU16(bytes: Uint8Array, offset: number): number {
  return readU8(bytes, offset) | (readU8(bytes, offset + 1) << 8);
}

/** Unsigned 32-bit value at `offset`; bytes outside `bytes` count as 0. */
export function readU32(bytes: Uint8Array, offset: number): number {
  return (readU16(bytes, offset) | (readU16(bytes, offset + 2) << 16)) >>> 0;
}

/** Unsigned 64-bit value at `offset`; bytes outside `bytes` count as 0. */
export function readU64(bytes: Uint8Array, offset: number): bigint {
  return (BigInt(readU32(bytes, offset + 4)) << 32n) | BigInt(readU32(bytes, offset));
}

/** `value` in lower-case hex with at least `digits` digits. */
export function hex(value: number | bigint, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
