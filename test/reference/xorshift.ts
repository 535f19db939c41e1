// The seeded generator behind the mode `scattered`: 32-bit xorshift (13, 17, 5).

export class ReferenceXorshift {
  private state: number;

  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 1 || seed > 0xffffffff) throw new RangeError(`a seed is 1..2^32-1, got ${seed}`);
    this.state = seed;
  }

  /** The next state, 1..2^32-1. */
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0; // as an unsigned number
    return this.state;
  }

  /** 52 bits: the low 20 of one draw above the 32 of the next. */
  next52(): bigint {
    const high = this.next() & 0x000fffff;
    const low = this.next();
    return BigInt(high) * 2n ** 32n + BigInt(low);
  }
}
