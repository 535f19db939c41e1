// Replaying a trace: every access through a target, counted per part of the machine; then what an access costs, part by part.

import { ACCESS_PORT, ACCESS_WRITE } from './access-trace.ts';
import type { AccessBlock } from './access-trace.ts';
import type { BusName, Machine, MachineRegion } from './machine.ts';
import type { AccessValue, ReplayTarget } from './replay-target.ts';

/** What the accesses to one part of the machine did. */
export interface ReplayRow {
  /** The part's name, or `unclaimed`. */
  readonly name: string;
  readonly bus: BusName;
  /** First address and bytes of the part; undefined for `unclaimed`. */
  readonly start: bigint | undefined;
  readonly size: bigint | undefined;
  reads: number;
  writes: number;
  /** Accesses by width in bytes. */
  readonly widths: Record<1 | 2 | 4 | 8, number>;
  /** Reads that returned the recorded value. */
  matched: number;
  /** Median time of an access in ns; undefined until measured. */
  nsPerAccess: number | undefined;
}

/** A whole replay. */
export interface ReplayResult {
  readonly accesses: number;
  readonly reads: number;
  readonly writes: number;
  readonly matched: number;
  readonly rows: readonly ReplayRow[];
  /** A checksum over every value read, in order: two replays that agree on it agree on all values. */
  readonly checksum: number;
}

interface Sample {
  readonly part: MachineRegion | undefined;
  readonly isWrite: boolean;
  readonly bus: BusName;
  readonly address: number | bigint;
  readonly size: number;
  readonly value: AccessValue;
}

// What is kept of each part's accesses for measuring.
const SAMPLES = 2048;
const CACHED_ADDRESSES = 65536;

function emptyRow(bus: BusName, part: MachineRegion | undefined): ReplayRow {
  return {
    name: part?.name ?? 'unclaimed',
    bus,
    start: part?.window.start,
    size: part?.window.size,
    reads: 0,
    writes: 0,
    widths: { 1: 0, 2: 0, 4: 0, 8: 0 },
    matched: 0,
    nsPerAccess: undefined,
  };
}

const SAFE_HIGH = 0x20_0000;

function addressOf(high: number, low: number): number | bigint {
  return high < SAFE_HIGH ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) | BigInt(low);
}

function valueOf(size: number, high: number, low: number): AccessValue {
  return size === 8 ? (BigInt(high) << 32n) | BigInt(low) : low;
}

/**
 * A replay of one trace into one machine.
 *
 * @example
 * ```ts
 * const replay = new Replay(machine, spaceTarget(machine));
 * for await (const block of readAccessBlocks(file, { wideReads: 'cut' })) replay.run(block);
 * replay.result().matched;
 * ```
 */
export class Replay {
  private readonly machine: Machine;
  private readonly target: ReplayTarget;
  private readonly rows = new Map<MachineRegion | BusName, ReplayRow>();
  private readonly samples = new Map<ReplayRow, Sample[]>();
  private readonly located: Record<BusName, Map<number | bigint, MachineRegion | undefined>> = { memory: new Map(), ports: new Map() };
  private checksum = 0x811c9dc5;

  constructor(machine: Machine, target: ReplayTarget) {
    this.machine = machine;
    this.target = target;
  }

  private locate(bus: BusName, address: number | bigint): MachineRegion | undefined {
    const known = this.located[bus];
    const cached = known.get(address);
    if (cached !== undefined || known.has(address)) return cached;
    if (known.size === CACHED_ADDRESSES) known.clear();
    const part = this.machine.at(bus, BigInt(address));
    known.set(address, part);
    return part;
  }

  private rowOf(bus: BusName, part: MachineRegion | undefined): ReplayRow {
    const key = part ?? bus;
    let row = this.rows.get(key);
    if (row === undefined) {
      this.rows.set(key, (row = emptyRow(bus, part)));
      this.samples.set(row, []);
    }
    return row;
  }

  /** Replays the accesses of a block, in order. Throws what the machine throws; a replay of plain regions never does. */
  run(block: AccessBlock): void {
    for (let i = 0; i < block.length; i++) {
      const bus: BusName = block.space[i] === ACCESS_PORT ? 'ports' : 'memory';
      const isWrite = block.op[i] === ACCESS_WRITE;
      const size = block.size[i]!;
      const address = addressOf(block.addressHigh[i]!, block.addressLow[i]!);
      const value = valueOf(size, block.valueHigh[i]!, block.valueLow[i]!);
      const part = this.locate(bus, address);
      const row = this.rowOf(bus, part);
      row.widths[size as 1 | 2 | 4 | 8]++;
      if (isWrite) {
        row.writes++;
        this.target.write(bus, address, size, value, part);
      } else {
        row.reads++;
        const seen = this.target.read(bus, address, size, part);
        if (seen === value) row.matched++;
        this.mix(seen);
      }
      const samples = this.samples.get(row)!;
      if (samples.length < SAMPLES) samples.push({ part, isWrite, bus, address, size, value });
    }
  }

  private mix(value: AccessValue): void {
    // FNV-1a over 32-bit words: one for narrow values, two for eight bytes.
    const low = typeof value === 'number' ? value : Number(value & 0xffff_ffffn);
    this.checksum = Math.imul(this.checksum ^ low, 0x0100_0193);
    if (typeof value === 'bigint') this.checksum = Math.imul(this.checksum ^ Number(value >> 32n), 0x0100_0193);
  }

  /**
   * Measures what an access to each part costs through the target: its first accesses once more, in rounds of at least `roundMs`. Changes the machine's state.
   *
   * @param now - A clock in ms, such as `performance.now`.
   */
  measure(now: () => number, roundMs = 2, rounds = 5): void {
    for (const [row, samples] of this.samples) {
      const times: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const start = now();
        let passes = 0;
        let elapsed: number;
        do {
          this.repeat(samples);
          passes++;
          elapsed = now() - start;
        } while (elapsed < roundMs);
        times.push((elapsed * 1e6) / (passes * samples.length));
      }
      times.sort((a, b) => a - b);
      row.nsPerAccess = times[times.length >> 1];
    }
  }

  private repeat(samples: readonly Sample[]): void {
    for (const { part, isWrite, bus, address, size, value } of samples) {
      if (isWrite) this.target.write(bus, address, size, value, part);
      else this.target.read(bus, address, size, part);
    }
  }

  /** What happened so far; rows with the most accesses first. */
  result(): ReplayResult {
    const rows = [...this.rows.values()].sort((a, b) => b.reads + b.writes - (a.reads + a.writes));
    const sum = (of: (row: ReplayRow) => number): number => rows.reduce((total, row) => total + of(row), 0);
    const [reads, writes] = [sum((row) => row.reads), sum((row) => row.writes)];
    return { accesses: reads + writes, reads, writes, matched: sum((row) => row.matched), rows, checksum: this.checksum >>> 0 };
  }
}
