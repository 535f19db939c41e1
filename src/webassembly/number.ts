// Checks of the numbers that callers hand in: kind first (TypeError), then bounds (RangeError), each message with the value found.

const MAX_U64 = 0xffff_ffff_ffff_ffffn;

/** Anything that names an unsigned 64-bit quantity: a safe integer, or a bigint up to 2^64-1. */
export type U64 = number | bigint;

/** A value as a message shows it. */
export function shown(value: unknown): string {
  return typeof value === 'bigint' ? `${value.toString()}n` : typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** A value that is no unsigned 64-bit quantity: says why. */
export function refuseU64(what: string, value: unknown): never {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw new TypeError(`${what} is ${shown(value)}; expected a number or a bigint`);
  if (typeof value === 'bigint') throw new RangeError(`${what} is ${shown(value)}; expected 0 to 2^64-1`);
  throw new RangeError(`${what} is ${shown(value)}; expected an integer from 0 to 2^53-1, or a bigint up to 2^64-1`);
}

/** The value as a bigint; refuses what is not an unsigned 64-bit quantity. */
export function u64(what: string, value: U64): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === 'bigint' && value >= 0n && value <= MAX_U64) return value;
  return refuseU64(what, value);
}

/** The value if it is an integer in low..high. */
export function integer(what: string, value: unknown, low: number, high: number): number {
  if (typeof value !== 'number') throw new TypeError(`${what} is ${shown(value)}; expected a number`);
  if (!Number.isInteger(value) || value < low || value > high) throw new RangeError(`${what} is ${shown(value)}; expected an integer from ${low} to ${high}`);
  return value;
}

/** The value if it is a Uint8Array, from any realm. */
export function bytesOf(what: string, value: unknown): Uint8Array {
  // Asking for the tag costs ten times as much as the common case.
  if (ArrayBuffer.isView(value) && (value instanceof Uint8Array || Object.prototype.toString.call(value) === '[object Uint8Array]')) return value as Uint8Array;
  throw new TypeError(`${what} is ${Array.isArray(value) ? 'an array' : shown(value)}; expected a Uint8Array`);
}

/** An address for messages: hexadecimal. */
export function hex(value: U64): string {
  return `0x${value.toString(16)}`;
}
