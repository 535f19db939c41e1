// A small assembler for the built-in guest: bytes, dwords, labels. Jumps are all of 32 bits, so that nothing has to be counted.

/** Turns calls into an image that lies at an address. */
export class Assembler {
  readonly image: Uint8Array;
  /** Where the next byte goes, from the start of the image. */
  at = 0;
  private readonly base: number;
  private readonly labels = new Map<string, number>();
  private readonly fixups: { readonly at: number; readonly label: string; readonly relative: boolean }[] = [];

  /**
   * @param base the address of the image.
   * @param bytes its size; what is not written is `hlt`.
   */
  constructor(base: number, bytes: number) {
    this.base = base;
    this.image = new Uint8Array(bytes).fill(0xf4);
  }

  /** Goes on elsewhere. */
  origin(at: number): this {
    this.at = at;
    return this;
  }

  bytes(...bytes: readonly number[]): this {
    this.image.set(bytes, this.at);
    this.at += bytes.length;
    return this;
  }

  dword(value: number): this {
    return this.bytes(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
  }

  label(name: string): this {
    if (this.labels.has(name)) throw new Error(`label ${name} is at 0x${this.labels.get(name)!.toString(16)} already`);
    this.labels.set(name, this.at);
    return this;
  }

  /** The address of a label, as data or operand. */
  address(label: string): this {
    this.fixups.push({ at: this.at, label, relative: false });
    return this.dword(0);
  }

  jump(label: string): this {
    return this.bytes(0xe9).distance(label);
  }

  /** @param condition the low four bits of the opcode: 2 below, 4 equal, 5 not equal. */
  jumpIf(condition: number, label: string): this {
    return this.bytes(0x0f, 0x80 | condition).distance(label);
  }

  private distance(label: string): this {
    this.fixups.push({ at: this.at, label, relative: true });
    return this.dword(0);
  }

  /** Fills the labels in. Error for one that is nowhere. */
  finish(): Uint8Array {
    for (const { at, label, relative } of this.fixups) {
      const to = this.labels.get(label);
      if (to === undefined) throw new Error(`label ${label} is nowhere`);
      this.origin(at).dword(relative ? to - (at + 4) : this.base + to);
    }
    return this.image;
  }
}
