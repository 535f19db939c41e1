// How an export takes what its caller hands over: JavaScript numbers, and addresses of buffers.

/** A JavaScript number as an address: the signed conversion is one instruction, and the façade hands over nothing below 0 or above 2^53. */
export function whole(number: f64): u64 {
  return <u64>(<i64>number);
}

/** Whether `count` items of `size` bytes each from an address on lie in linear memory. */
export function inMemory(address: u32, count: u32, size: u32): bool {
  return <u64>address + <u64>count * size <= <u64>(<u32>memory.size()) << 16;
}
