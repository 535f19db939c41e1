// One access, whether to a space or directly to a region: its bounds (A-width, A-region), its nesting and its trace record.

import type { ReferenceEngine } from './engine.ts';
import { fromBytes, isWidth, toBytes } from './little-endian.ts';
import { EBADF, EINVAL, fail, ok, type Result } from './result.ts';
import type { TraceRecord } from './trace-ring.ts';

export abstract class ReferenceTarget {
  readonly engine: ReferenceEngine;
  /** What a trace record gives as the space. */
  readonly id: number;
  /** The number of addresses: those of an access lie in 0..extent-1. */
  readonly extent: bigint;
  /** Its destruction was asked for: no more changes of the topology (S-deferred). */
  condemned = false;
  /** It is destroyed: no more accesses. */
  gone = false;

  constructor(engine: ReferenceEngine, id: number, extent: bigint) {
    this.engine = engine;
    this.id = id;
    this.extent = extent;
  }

  /** Reads all of `into`; answers an errno or 0. */
  protected abstract serveRead(address: bigint, into: Uint8Array): number;

  /** Writes all of `from`; answers an errno or 0. */
  protected abstract serveWrite(address: bigint, from: Uint8Array): number;

  read(address: bigint, width: number): Result<bigint> {
    if (this.gone) return fail(EBADF);
    if (!isWidth(width) || !this.holds(address, width)) return fail(EINVAL);
    const into = new Uint8Array(width);
    const errno = this.engine.access(() => this.serveRead(address, into), () => this.trace('read', width, address, fromBytes(into)));
    return errno === 0 ? ok(fromBytes(into)) : fail(errno);
  }

  write(address: bigint, width: number, value: bigint): Result<void> {
    if (this.gone) return fail(EBADF);
    if (!isWidth(width) || !this.holds(address, width)) return fail(EINVAL);
    const from = toBytes(value, width);
    const errno = this.engine.access(() => this.serveWrite(address, from), () => this.trace('write', width, address, fromBytes(from)));
    return errno === 0 ? ok() : fail(errno);
  }

  readBlock(address: bigint, length: number): Result<Uint8Array> {
    if (this.gone) return fail(EBADF);
    const into = new Uint8Array(length);
    if (length === 0) return ok(into);
    if (!this.holds(address, length)) return fail(EINVAL);
    const errno = this.engine.access(() => this.serveRead(address, into), () => this.trace('readBlock', length, address, 0n));
    return errno === 0 ? ok(into) : fail(errno);
  }

  writeBlock(address: bigint, from: Uint8Array): Result<void> {
    if (this.gone) return fail(EBADF);
    if (from.length === 0) return ok();
    if (!this.holds(address, from.length)) return fail(EINVAL);
    const errno = this.engine.access(() => this.serveWrite(address, from), () => this.trace('writeBlock', from.length, address, 0n));
    return errno === 0 ? ok() : fail(errno);
  }

  private holds(address: bigint, length: number): boolean {
    return address + BigInt(length) <= this.extent;
  }

  /** A-trace: called after the access ended well. */
  private trace(operation: TraceRecord['operation'], width: number, address: bigint, value: bigint): void {
    this.engine.trace?.push({ operation, width, space: this.id, address, value });
  }
}
