// The bits of a configuration space, each with what a write and a reset make of it. What nobody names is read-only.
//
//                          write 0    write 1    power-on    FLR, AF, D3hot -> D0
//   read-only              stays      stays      stays       stays
//   writable               0          1          default     default
//   cleared by one         stays      0          0           0
//   of these, sticky       .          .          .           stays

/** What a register of 1, 2 or 4 bytes is made of, as masks of its bits. */
export interface BitRules {
  readonly writable?: number;
  readonly clearedByOne?: number;
  /** The writable bits after power-on. Default 0. */
  readonly start?: number;
  /** Bits that a reset of the function leaves: those the specifications call sticky, and those they except from FLR. */
  readonly sticky?: number;
}

export class ReferenceConfigBits {
  readonly bytes: Uint8Array;
  private readonly writable: Uint8Array;
  private readonly clearedByOne: Uint8Array;
  private readonly start: Uint8Array;
  private readonly sticky: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes.slice();
    [this.writable, this.clearedByOne, this.start, this.sticky] = [0, 1, 2, 3].map(() => new Uint8Array(bytes.length)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  }

  /** The rules of a register; in the place of what was said of its bytes before. */
  register(offset: number, width: 1 | 2 | 4, { writable = 0, clearedByOne = 0, start = 0, sticky = 0 }: BitRules): void {
    for (let k = 0; k < width; k++) {
      this.writable[offset + k] = writable >>> (8 * k);
      this.clearedByOne[offset + k] = clearedByOne >>> (8 * k);
      this.start[offset + k] = start >>> (8 * k);
      this.sticky[offset + k] = sticky >>> (8 * k);
    }
  }

  /** `width` bytes, lowest first. */
  value(offset: number, width: 1 | 2 | 4): number {
    let value = 0;
    for (let k = width - 1; k >= 0; k--) value = value * 256 + this.bytes[offset + k]!;
    return value;
  }

  /** What a write makes of one byte. */
  writeByte(offset: number, written: number): void {
    const [held, writable, clearedByOne] = [this.bytes[offset]!, this.writable[offset]!, this.clearedByOne[offset]!];
    let made = held & ~writable & ~clearedByOne;
    made |= written & writable;
    made |= held & ~written & clearedByOne;
    this.bytes[offset] = made;
  }

  reset(kind: 'power-on' | 'function'): void {
    this.bytes.forEach((held, offset) => {
      const changes = this.writable[offset]! | this.clearedByOne[offset]!;
      const resets = kind === 'power-on' ? changes : changes & ~this.sticky[offset]!;
      this.bytes[offset] = (held & ~resets) | (this.start[offset]! & this.writable[offset]! & resets);
    });
  }
}
