// A seeded generator for the fuzzer: xorshift128, 32 bits at a time.

export class Random {
  private a: number;
  private b = 0x9e37_79b9;
  private c = 0x243f_6a88;
  private d = 0xb7e1_5162;

  constructor(seed: number) {
    this.a = seed >>> 0;
    for (let i = 0; i < 16; i++) this.next();
  }

  next(): number {
    let t = this.d;
    const s = this.a;
    this.d = this.c;
    this.c = this.b;
    this.b = s;
    t ^= t << 11;
    t ^= t >>> 8;
    this.a = (t ^ s ^ (s >>> 19)) >>> 0;
    return this.a;
  }

  /** 0..n-1. */
  below(n: number): number {
    return this.next() % n;
  }

  /** True once in n. */
  once(n: number): boolean {
    return this.next() % n === 0;
  }

  u64(): bigint {
    return (BigInt(this.next()) << 32n) | BigInt(this.next());
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}
