// Values of an access as bytes, lowest byte first, and the widths that an access may have.

export type Width = 1 | 2 | 4 | 8;

/** From the widest down: the order in which A-split tries them. */
export const WIDTHS: readonly Width[] = [8, 4, 2, 1];

export function isWidth(width: number): width is Width {
  return width === 1 || width === 2 || width === 4 || width === 8;
}

/** The low `width` bytes of `value`. */
export function toBytes(value: bigint, width: number): Uint8Array {
  const bytes = new Uint8Array(width);
  for (let k = 0; k < width; k++) bytes[k] = Number((value >> BigInt(8 * k)) & 0xffn);
  return bytes;
}

export function fromBytes(bytes: Uint8Array): bigint {
  let value = 0n;
  bytes.forEach((byte, k) => {
    value |= BigInt(byte) << BigInt(8 * k);
  });
  return value;
}
