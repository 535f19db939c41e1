// The core's memory as numbers of one, two and four bytes, in the host's byte order.

/**
 * Views that all parts of an engine share. Once memory has grown they have length 0, until they are renewed.
 *
 * @internal
 */
export class MemoryViews {
  bytes: Uint8Array;
  halves: Uint16Array;
  words: Uint32Array;

  constructor(buffer: ArrayBufferLike) {
    this.bytes = new Uint8Array(buffer);
    this.halves = new Uint16Array(buffer);
    this.words = new Uint32Array(buffer);
  }

  renew(buffer: ArrayBufferLike): void {
    this.bytes = new Uint8Array(buffer);
    this.halves = new Uint16Array(buffer);
    this.words = new Uint32Array(buffer);
  }
}
