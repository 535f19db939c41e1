// A seeded generator inside Wasm: xorshift64*, whose upper halves are given out. One per module, restarted with every chunk.

let state: u64 = 1;

export function seed(from: u64): void {
  state = (from + 1) * 0x9e3779b97f4a7c15;
  if (state == 0) state = 1;
  for (let i = 0; i < 4; i++) u64s();
}

/** Any u64. */
export function u64s(): u64 {
  return (<u64>next() << 32) | next();
}

export function next(): u32 {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return <u32>((state * 0x2545f4914f6cdd1d) >> 32);
}

/** 0..n-1. */
export function below(n: u32): u32 {
  return <u32>((<u64>next() * n) >> 32);
}

/** True once in n. */
export function once(n: u32): bool {
  return below(n) == 0;
}
