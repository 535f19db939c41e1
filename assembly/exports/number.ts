// How an export takes a JavaScript number.

/** A JavaScript number as an address: the signed conversion is one instruction, and the façade hands over nothing below 0 or above 2^53. */
export function whole(number: f64): u64 {
  return <u64>(<i64>number);
}
