// Takes samples: brings the trees into the state that a metric needs, times its loop, and answers nanoseconds per operation and a number that all contenders must agree on.

import { median } from '../statistics.ts';
import type { Loops } from './loops.ts';
import { METRICS } from './metrics.ts';
import type { Measured, Metric } from './metrics.ts';
import { PAIRS, QUERIES, addressSum } from './workload.ts';
import type { Workload } from './workload.ts';

/** One sample, as it leaves the process. `value` is nanoseconds per operation, or bytes per range. */
export interface TreeSample {
  readonly value: number;
  readonly digest: number;
}

/** Lookups and snapshots are timed in pieces and the middle one counts: a piece is shorter than the slice of time that a busy system gives a process. */
const PIECES = 16;
const ITERATED = 2 ** 18;
const SNAPSHOTS = 2 ** 16;
/** Pairs of writes. After so many a tree of a million ranges still shares most of its nodes with the snapshot, one of 65536 next to none. */
const MOST_EXCHANGES = 8192;

/** What a loop is needed for. */
const NEEDS: Readonly<Record<Metric, readonly (keyof Loops)[]>> = {
  insert_seq: ['insertAscending'],
  insert_rand: ['insertRandom'],
  load: ['load'],
  load_dep: ['loadDependent'],
  load_table: ['loadOften'],
  walk: ['walk'],
  replace: ['replace'],
  split_restore: ['splitRestore'],
  gap_rnd: ['gapsUp'],
  gap_rev: ['gapsDown'],
  gap_tail: ['gapsTail'],
  alloc_erase_pair: ['allocateErase'],
  iter: ['iterate'],
  dup: ['duplicate', 'dropCopies'],
  snapshot: ['snapshotRelease'],
  write_alone: ['exchange'],
  write_beside: ['exchange', 'holdSnapshots', 'releaseSnapshots', 'heldContents'],
  erase_rand: ['eraseRandom'],
  bulk: ['bulk'],
  alloc_fill: ['fill'],
};

export class Sampler {
  private readonly loops: Loops;
  private readonly workload: Workload;
  /** Whether every tree holds what random inserts made of the workload. */
  private built = false;

  private readonly queries: number;

  /** `queries` of the workload's lookups are done for a sample: all, except to warm up. */
  constructor(loops: Loops, workload: Workload, queries = QUERIES) {
    this.loops = loops;
    this.workload = workload;
    this.queries = queries;
  }

  /** What this contender can be asked for. */
  measured(): Measured[] {
    const metrics: Measured[] = METRICS.filter((metric) => NEEDS[metric].every((loop) => this.loops[loop] !== undefined));
    if (this.loops.bytes !== undefined) metrics.push('bytes_rand');
    if (this.loops.bytes !== undefined && this.loops.bulk !== undefined) metrics.push('bytes_bulk');
    return metrics;
  }

  sample(metric: Measured): TreeSample {
    switch (metric) {
      case 'insert_seq':
        return this.insert(() => this.loops.insertAscending());
      case 'insert_rand': {
        const sample = this.insert(() => this.loops.insertRandom());
        this.built = true;
        return sample;
      }
      case 'bulk':
        return this.insert(() => {
          this.loops.bulk!();
          return this.workload.n * this.loops.trees;
        });
      case 'load':
        return this.inPieces(this.queries, (from, to) => this.loops.load(from, to));
      case 'load_table':
        return this.inPieces(this.queries, (from, to) => this.loops.loadOften!(from, to));
      case 'load_dep':
        return this.inPieces(this.queries, (from, to) => this.loops.loadDependent!(from, to));
      case 'walk':
        return this.inPieces(this.queries, (from, to) => this.loops.walk!(from, to));
      case 'snapshot':
        return this.snapshot();
      case 'write_alone':
      case 'write_beside':
        return this.exchange(metric === 'write_beside');
      case 'bytes_rand':
      case 'bytes_bulk':
        return this.bytes(metric);
      default:
        return this.onBuilt(metric);
    }
  }

  /** Runs every metric once, so that the compiler has seen each loop. */
  warmUp(): void {
    for (const metric of this.measured()) if (!metric.startsWith('bytes')) this.sample(metric);
  }

  private build(): void {
    if (this.built) return;
    this.loops.clear();
    if (this.loops.orderless === true) this.loops.insertAscending();
    else this.loops.insertRandom();
    this.built = true;
  }

  private timed(operations: number, run: () => number): TreeSample {
    const start = process.hrtime.bigint();
    const digest = run();
    const nanoseconds = Number(process.hrtime.bigint() - start);
    return { value: nanoseconds / operations, digest };
  }

  private insert(run: () => number): TreeSample {
    this.built = false;
    this.loops.clear();
    const operations = this.workload.n * this.loops.trees;
    const sample = this.timed(operations, run);
    if (sample.digest !== operations) throw new Error(`${sample.digest} of ${operations} inserts were done`);
    return { ...sample, digest: this.loops.contents() };
  }

  private snapshot(): TreeSample {
    const sample = this.inPieces(SNAPSHOTS, (from, to) => this.loops.snapshotRelease!(to - from));
    if (sample.digest !== SNAPSHOTS) throw new Error(`${sample.digest} of ${SNAPSHOTS} snapshots were taken`);
    return { ...sample, digest: this.loops.contents() };
  }

  private inPieces(operations: number, run: (from: number, to: number) => number): TreeSample {
    this.build();
    const length = operations / PIECES;
    const values: number[] = [];
    let digest = 0;
    for (let from = 0; from < operations; from += length) {
      const piece = this.timed(length, () => run(from, from + length));
      values.push(piece.value);
      digest = (digest + piece.digest) >>> 0;
    }
    return { value: median(values), digest };
  }

  private bytes(metric: 'bytes_rand' | 'bytes_bulk'): TreeSample {
    this.built = false;
    this.loops.clear();
    this.loops.drop?.();
    const before = this.loops.bytes!();
    this.loops.renew?.();
    if (metric === 'bytes_rand') this.loops.insertRandom();
    else this.loops.bulk!();
    return { value: (this.loops.bytes!() - before) / (this.workload.n * this.loops.trees), digest: this.loops.contents() };
  }

  /** Writes to trees fresh from their inserts, so that both of its metrics begin alike, whatever was measured before. */
  private exchange(beside: boolean): TreeSample {
    this.built = false;
    this.build();
    this.built = false;
    const { loops } = this;
    const { n } = this.workload;
    const pairs = Math.min(n / 2, MOST_EXCHANGES);
    const before = loops.contents();
    if (beside && loops.holdSnapshots!() !== loops.trees) throw new Error('a snapshot could not be taken');
    const sample = this.timed(2 * pairs * loops.trees, () => loops.exchange!(pairs, n));
    if (sample.digest !== pairs * loops.trees) throw new Error(`${sample.digest} of ${pairs * loops.trees} inserts were done`);
    if (beside) {
      const held = loops.heldContents!();
      loops.releaseSnapshots!();
      if (held !== before) throw new Error(`the snapshots hold ${held} after the writes, ${before} before`);
    }
    return { ...sample, digest: loops.contents() };
  }

  private onBuilt(metric: Metric): TreeSample {
    this.build();
    const { loops } = this;
    const { n } = this.workload;
    const all = n * loops.trees;
    switch (metric) {
      case 'erase_rand':
        this.built = false;
        return this.timed(all, () => loops.eraseRandom!() >>> 0);
      case 'replace': {
        const sample = this.timed(all, () => {
          loops.replace!(n);
          return 0;
        });
        const digest = loops.contents();
        loops.replace!(0);
        return { ...sample, digest };
      }
      case 'split_restore': {
        const sample = this.timed(2 * all, () => {
          loops.splitRestore!();
          return 0;
        });
        return { ...sample, digest: loops.contents() };
      }
      case 'iter': {
        const times = Math.max(1, ITERATED / n);
        return this.timed(n * times, () => loops.iterate!(times) >>> 0);
      }
      case 'dup': {
        const sample = this.timed(all, () => {
          loops.duplicate!();
          return 0;
        });
        const digest = loops.copiedContents?.() ?? loops.contents();
        loops.dropCopies!();
        return { ...sample, digest };
      }
      case 'gap_rnd':
        return this.addresses(PAIRS, () => loops.gapsUp!());
      case 'gap_rev':
        return this.addresses(PAIRS, () => loops.gapsDown!());
      case 'gap_tail':
        return this.addresses(PAIRS, () => loops.gapsTail!(PAIRS));
      case 'alloc_erase_pair':
        return this.addresses(PAIRS, () => loops.allocateErase!());
      case 'alloc_fill': {
        this.built = false;
        const operations = this.workload.fillSizes.length * loops.trees;
        const { value, digest } = this.timed(operations, () => loops.fill!());
        // All trees are alike, and so is what is allocated in them.
        return { value, digest: addressSum(digest / loops.trees) };
      }
      default:
        throw new Error(`no metric ${metric}`);
    }
  }

  private addresses(operations: number, run: () => number): TreeSample {
    const { value, digest } = this.timed(operations, run);
    return { value, digest: addressSum(digest) };
  }
}
