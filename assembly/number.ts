// Numbers: how an export takes what its caller hands over, and masks of bytes.

// 2^52, whose last bit counts ones, and its bits.
const ONES: f64 = 4503599627370496.0;
const ONES_WORD: u64 = 0x4330000000000000;

/** A JavaScript number as an address; a lookup begins with this, and the engine's checked conversion is most of twenty instructions. */
export function whole(number: f64): u64 {
  //   2^52 + number:  | exponent 0x433, 12 bits | number, 52 bits |
  const word = reinterpret<u64>(number + ONES) ^ ONES_WORD;
  // Anything else in the upper bits: 2^52 and above, or no address at all. The façade hands over nothing below 0 or above 2^53.
  if (word >>> 52 == 0) return word;
  // An assignment, because without an effect both ways would be computed each time and one of them taken.
  far = <u64>(<i64>number);
  return far;
}

let far: u64 = 0;

/** 2^52 + number: `whole` takes the address out of its bits, and what it rounds is no whole number. */
// @ts-expect-error: TypeScript has no decorators on functions; a lookup begins with this.
@inline
export function raised(number: f64): f64 {
  return number + ONES;
}

/** The address in a raised number; 2^52 and more when it is none, or higher. */
// @ts-expect-error: as above.
@inline
export function lowered(sum: f64): u64 {
  return reinterpret<u64>(sum) ^ ONES_WORD;
}

/** Whether raising left the number as it was. */
// @ts-expect-error: as above.
@inline
export function isExact(sum: f64, number: f64): bool {
  return sum - ONES == number;
}

/** Whether `count` items of `size` bytes each from an address on lie in linear memory. */
export function inMemory(address: u32, count: u32, size: u32): bool {
  return <u64>address + <u64>count * size <= <u64>(<u32>memory.size()) << 16;
}

/** All ones in `width` bytes, 1 to 8. */
export function mask(width: u32): u64 {
  return u64.MAX_VALUE >> (64 - (<u64>width << 3));
}
