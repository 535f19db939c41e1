// The ring of trace records (A-trace): a full ring drops the new record and counts it as lost.

export interface TraceRecord {
  /** Counts the accesses offered to this ring from 0 on, lost ones too: a hole shows where records were lost. */
  readonly sequence: number;
  readonly operation: 'read' | 'write' | 'readBlock' | 'writeBlock';
  /** Of a block, its length. */
  readonly width: number;
  /** The id of the space; 0 for an access made directly to a region. */
  readonly space: number;
  /** The guest address, or the position in the region. */
  readonly address: bigint;
  /** What was read or written, cut to the width; 0 for a block. */
  readonly value: bigint;
}

export class ReferenceTraceRing {
  readonly capacity: number;
  /** Oldest first. */
  readonly records: TraceRecord[] = [];
  lost = 0;
  private sequence = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  push(record: Omit<TraceRecord, 'sequence'>): void {
    const sequence = this.sequence++;
    if (this.records.length === this.capacity) this.lost++;
    else this.records.push({ sequence, ...record });
  }

  /** Removes and answers the oldest record. */
  take(): TraceRecord | undefined {
    return this.records.shift();
  }
}
