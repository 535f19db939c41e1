// What reaches a card, counted by region, and told to whoever asked for it.

/** Accesses of the guest's processor that reached a region. A 128-bit store counts as two of 8 bytes, a 16-bit load as the two of 1 byte that v86 makes of it. */
export interface RegionCounts {
  reads: number;
  writes: number;
  /** Bytes of both. */
  bytes: number;
}

/** One access of the guest's processor to a card. */
export interface V86Access {
  /** `00:05.0` */
  readonly slot: string;
  /** 0..5 for a BAR, 6 for the expansion ROM. */
  readonly bar: number;
  readonly operation: 'read' | 'write';
  /** Bytes from the start of the region. */
  readonly offset: number;
  readonly width: 1 | 2 | 4 | 8;
  /** Unsigned; the low half of 8 bytes. */
  readonly value: number;
  /** The high half of 8 bytes; else 0. */
  readonly high: number;
}

/** Who hears of every access. What it throws is reported as a mistake of the card. */
export type V86TraceSink = (access: V86Access) => void;

/** A run of addresses that a card decodes now. */
export interface DecodedRun {
  /** The first and the last address, inside 32 bits. */
  readonly first: number;
  readonly last: number;
  /** The first one as a processor's signed number, and how many there are: what the common case is asked for, in integers. */
  readonly start: number;
  readonly bytes: number;
  readonly slot: string;
  readonly bar: number;
  readonly counts: RegionCounts;
  /** Changes while the run is there: see `V86Card.trace`. */
  trace: V86TraceSink | undefined;
  /** Is told what a device threw in an access. */
  readonly failed: (error: unknown) => void;
}

/** The run of no address. */
export const NO_RUN: DecodedRun = {
  first: 0x1_0000_0000,
  last: -1,
  start: 0,
  bytes: 0,
  slot: '',
  bar: -1,
  counts: { reads: 0, writes: 0, bytes: 0 },
  trace: undefined,
  failed: () => undefined,
};

/** The runs of one bus, the newest first: where two lie over each other, the newer one is visible, as in a space. */
export class DecodedRuns {
  /** The last one that was found and that no other lies over; {@link NO_RUN} when that is none. */
  found = NO_RUN;
  private runs: readonly DecodedRun[] = [];

  add(run: DecodedRun): void {
    this.runs = [run, ...this.runs];
    this.found = NO_RUN;
  }

  remove(run: DecodedRun): void {
    this.runs = this.runs.filter((one) => one !== run);
    this.found = NO_RUN;
  }

  /** The run that holds all of an access; undefined when none does. */
  holding(address: number, width: number): DecodedRun | undefined {
    const { found } = this;
    return (address - found.start) >>> 0 < found.bytes - (width - 1) ? found : this.find(address >>> 0, (address >>> 0) + width - 1);
  }

  /** Those of which every access is to be counted only, and that touch no other. */
  plain(): DecodedRun[] {
    const { runs } = this;
    return runs.filter((run) => run.trace === undefined && !runs.some((other) => other !== run && other.first <= run.last && other.last >= run.first));
  }

  /** Whether a byte of an access is in some run. */
  touches(address: number, width: number): boolean {
    return this.runs.some(({ first, last }) => first < address + width && last >= address);
  }

  private find(address: number, last: number): DecodedRun | undefined {
    for (const run of this.runs) {
      if (address > run.last || last < run.first) continue;
      // In part: the bytes are looked up one by one.
      if (address < run.first || last > run.last) return undefined;
      // What a newer run lies over in part is not remembered: the next access may be the newer one's.
      if (!this.runs.some((other) => other !== run && other.first <= run.last && other.last >= run.first)) this.found = run;
      return run;
    }
    return undefined;
  }
}

/** Tells an access to whoever asked for the run's. */
export function tell(run: DecodedRun, operation: 'read' | 'write', address: number, width: 1 | 2 | 4 | 8, value: number, high = 0): void {
  try {
    run.trace?.({ slot: run.slot, bar: run.bar, operation, offset: address - run.first, width, value: value >>> 0, high: high >>> 0 });
  } catch (error) {
    run.failed(error);
  }
}

/** Counts a load. */
export function countRead({ counts }: DecodedRun, bytes: number): void {
  counts.reads++;
  counts.bytes += bytes;
}

/** Counts a store. */
export function countWrite({ counts }: DecodedRun, bytes: number): void {
  counts.writes++;
  counts.bytes += bytes;
}
