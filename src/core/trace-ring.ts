// Draining the core's event ring: rule A-trace of docs/how-an-access-travels.md.

import { integer } from '../webassembly/index.ts';
import type { Core } from './core.ts';
import { RING_ADDRESS, RING_OPERATION, RING_RECORD_BYTES, RING_SEQUENCE, RING_TARGET, RING_VALUE, RING_WIDTH } from './layout.generated.ts';

/** One access as the ring keeps it. */
export interface TraceRecord {
  /** Counts accesses from the moment tracing began, lost ones too. */
  readonly sequence: number;
  readonly operation: 'read' | 'write';
  /** Bytes: 1, 2, 4 or 8; 0 for a block, whose length is then `value`. */
  readonly width: 0 | 1 | 2 | 4 | 8;
  /** @internal Handle of the space, or of the region for a direct access. */
  readonly target: number;
  readonly address: bigint;
  readonly value: bigint;
}

/** A running trace. Made by {@link Engine.startTrace}. */
export class TraceRing {
  private readonly core: Core;

  /** @internal */
  constructor(core: Core, records: number) {
    integer('startTrace: records', records, 1, 2 ** 24);
    if (!Number.isInteger(Math.log2(records))) throw new RangeError(`startTrace: records is ${records}; expected a power of two`);
    core.check(core.exports.ringOpen(records), 'startTrace', () => `no memory for ${records} records`);
    this.core = core;
    core.tracer = this;
  }

  private runs(): boolean {
    return this.core.tracer === this;
  }

  /** Takes the waiting records out of the ring, oldest first. None once the trace has ended. */
  take(): TraceRecord[] {
    const { exports } = this.core;
    const records: TraceRecord[] = [];
    if (!this.runs()) return records;
    for (let run = exports.ringRun(); run > 0; run = exports.ringRun()) {
      const view = this.core.data();
      const start = exports.ringOldest() >>> 0;
      for (let at = start; at < start + run * RING_RECORD_BYTES; at += RING_RECORD_BYTES) {
        records.push({
          sequence: view.getFloat64(at + RING_SEQUENCE, true),
          operation: view.getUint8(at + RING_OPERATION) === 0 ? 'read' : 'write',
          width: view.getUint8(at + RING_WIDTH) as TraceRecord['width'],
          target: view.getUint32(at + RING_TARGET, true),
          address: view.getBigUint64(at + RING_ADDRESS, true),
          value: view.getBigUint64(at + RING_VALUE, true),
        });
      }
      exports.ringTake(run);
    }
    return records;
  }

  /** How many records found the ring full and were dropped; 0 once the trace has ended. */
  get lost(): number {
    return this.runs() ? this.core.exports.ringLost() : 0;
  }

  /** Stops tracing; records that wait are dropped. Does nothing when the trace has ended, also because another one was started. */
  stop(): void {
    if (!this.runs()) return;
    this.core.tracer = undefined;
    this.core.exports.ringOpen(0);
  }
}
