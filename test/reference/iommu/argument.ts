// The bytes of an ioctl's argument as the judge reads and writes them: EFAULT beyond their end, and nothing written then.

/** An argument that holds just these bytes. */
export class ReferenceArgument {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Whether its first `length` bytes are there. */
  holds(length: number): boolean {
    return this.bytes.length >= length;
  }

  u16(at: number): number {
    return this.view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  u64(at: number): bigint {
    return this.view.getBigUint64(at, true);
  }

  set32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  set64(at: number, value: bigint): void {
    this.view.setBigUint64(at, value, true);
  }
}
