// Bytes that come in parts, as one: what a data fd gives is read part by part.

/**
 * The parts one behind the other, copied.
 *
 * @param parts any number of them, of any length; none gives no bytes.
 * @returns bytes of their own: no part changes with them.
 * @example
 * joinedBytes([Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)]); // Uint8Array [1, 2, 3]
 */
export function joinedBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
