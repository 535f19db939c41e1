// Features: settings of the controller, forgotten at its reset.
//
//   01 arbitration       04 temperature threshold    06 volatile write cache    08 interrupt coalescing    0a write atomicity
//   02 power state       05 error recovery           07 number of queues        09 per interrupt vector    0b asynchronous events   19 command sets
//
// Coalescing is remembered and not done: it allows a controller to wait, and does not oblige it to.
//
// Source: NVM Express 1.4, 5.14 and 5.21.1

import type { Command, Result } from './command.ts';
import { NUMBER_OF_QUEUES, TEMPERATURE } from './identify.ts';
import { NVME_IO_QUEUES } from './registers.ts';
import { fail } from './status.ts';

const FEATURE = {
  ARBITRATION: 0x01,
  POWER: 0x02,
  TEMPERATURE: 0x04,
  ERROR_RECOVERY: 0x05,
  WRITE_CACHE: 0x06,
  QUEUES: 0x07,
  COALESCING: 0x08,
  VECTOR: 0x09,
  ATOMICITY: 0x0a,
  ASYNC_EVENTS: 0x0b,
  COMMAND_SETS: 0x19,
} as const;

/** Bits of dword 11 that are remembered, and their values after a reset. */
const PLAIN: Readonly<Record<number, { readonly bits: number; readonly reset: number }>> = {
  [FEATURE.ARBITRATION]: { bits: 0xffff_ff07, reset: 0x07 },
  [FEATURE.POWER]: { bits: 0xff, reset: 0 },
  [FEATURE.ERROR_RECOVERY]: { bits: 0x1_ffff, reset: 0 },
  [FEATURE.WRITE_CACHE]: { bits: 0x1, reset: 1 },
  [FEATURE.COALESCING]: { bits: 0xffff, reset: 0 },
  [FEATURE.ATOMICITY]: { bits: 0x1, reset: 0 },
  [FEATURE.ASYNC_EVENTS]: { bits: 0x1ff, reset: 0 },
  [FEATURE.COMMAND_SETS]: { bits: 0x1ff, reset: 0 },
};

const SAVE = 1 << 31;
const UNLIMITED_BURST = 7;

/** What the settings of a controller are. */
export interface FeaturesState {
  /** By feature identifier. */
  readonly plain: readonly (readonly [id: number, value: number])[];
  readonly quietVectors: readonly number[];
  readonly over: number;
  readonly under: number;
}

/** The settings of one controller. */
export class Features {
  private readonly plain = new Map(Object.entries(PLAIN).map(([id, { reset }]) => [Number(id), reset]));
  private readonly quietVectors = new Set<number>();
  private readonly thresholds = { over: TEMPERATURE.warning as number, under: 0 };

  /** Commands that are fetched from one queue before it is another's turn. */
  get burst(): number {
    const log2 = this.plain.get(FEATURE.ARBITRATION)! & 7;
    return log2 === UNLIMITED_BURST ? Infinity : 1 << log2;
  }

  /** Whether writes may be kept in a cache of the store until a Flush. */
  get cachesWrites(): boolean {
    return this.plain.get(FEATURE.WRITE_CACHE) === 1;
  }

  /** What is to be migrated. */
  save(): FeaturesState {
    return { plain: [...this.plain], quietVectors: [...this.quietVectors], over: this.thresholds.over, under: this.thresholds.under };
  }

  /** Becomes what was saved; settings that there are not are left out. */
  load({ plain, quietVectors, over, under }: FeaturesState): void {
    for (const [id, value] of plain) if (this.plain.has(id)) this.plain.set(id, (value & PLAIN[id]!.bits) >>> 0);
    this.quietVectors.clear();
    for (const vector of quietVectors) this.quietVectors.add(vector);
    Object.assign(this.thresholds, { over, under });
  }

  private vector(dw11: number): number {
    const vector = dw11 & 0xffff;
    if (vector > NVME_IO_QUEUES) fail('INVALID_FIELD', `vector ${vector}; expected 0 to ${NVME_IO_QUEUES}`);
    return vector;
  }

  /** `over` or `under`; undefined for a sensor that there is not. */
  private threshold(dw11: number): 'over' | 'under' | undefined {
    const kind = (dw11 >>> 20) & 3;
    if (kind > 1) fail('INVALID_FIELD', `threshold type ${kind}; expected 0 or 1`);
    const sensor = (dw11 >>> 16) & 0xf;
    return sensor === 0 || sensor === 0xf ? (kind === 0 ? 'over' : 'under') : undefined;
  }

  /** Get Features. CommandFailed for what there is not. */
  get({ dw10, dw11 }: Command): Result {
    const id = dw10 & 0xff;
    const select = (dw10 >>> 8) & 7;
    if (select !== 0) fail('INVALID_FIELD', `selection ${select} of a feature; the current value alone can be had`);
    switch (id) {
      case FEATURE.QUEUES:
        return NUMBER_OF_QUEUES;
      case FEATURE.VECTOR: {
        const vector = this.vector(dw11);
        return vector | (this.quietVectors.has(vector) ? 1 << 16 : 0);
      }
      case FEATURE.TEMPERATURE: {
        const which = this.threshold(dw11);
        return which === undefined ? 0 : this.thresholds[which];
      }
      default:
        return this.plain.get(id) ?? fail('INVALID_FIELD', `feature 0x${id.toString(16)}`);
    }
  }

  /** Set Features. `hasQueues`: I/O queues have been made. CommandFailed for what cannot be set. */
  set({ dw10, dw11 }: Command, hasQueues: boolean): Result {
    const id = dw10 & 0xff;
    const plain = PLAIN[id];
    if (plain === undefined && id !== FEATURE.QUEUES && id !== FEATURE.VECTOR && id !== FEATURE.TEMPERATURE) fail('INVALID_FIELD', `feature 0x${id.toString(16)}`);
    if ((dw10 & SAVE) !== 0) fail('FEATURE_NOT_SAVEABLE', `feature 0x${id.toString(16)} cannot be saved`);
    if (plain !== undefined) {
      this.check(id, dw11);
      this.plain.set(id, (dw11 & plain.bits) >>> 0);
      return 0;
    }
    if (id === FEATURE.QUEUES) {
      if (hasQueues) fail('COMMAND_SEQUENCE_ERROR', 'Number of Queues after queues were made');
      if ((dw11 & 0xffff) === 0xffff || dw11 >>> 16 === 0xffff) fail('INVALID_FIELD', '65536 queues');
      return NUMBER_OF_QUEUES;
    }
    if (id === FEATURE.VECTOR) {
      const vector = this.vector(dw11);
      if ((dw11 & (1 << 16)) !== 0) this.quietVectors.add(vector);
      else this.quietVectors.delete(vector);
      return 0;
    }
    const which = this.threshold(dw11) ?? fail('INVALID_FIELD', 'a temperature sensor that there is not');
    this.thresholds[which] = dw11 & 0xffff;
    return 0;
  }

  private check(id: number, dw11: number): void {
    if (id === FEATURE.POWER && (dw11 & 0x1f) !== 0) fail('INVALID_FIELD', `power state ${dw11 & 0x1f}; there is state 0 alone`);
    if (id === FEATURE.ERROR_RECOVERY && (dw11 & 0x1_0000) !== 0) fail('INVALID_FIELD', 'deallocated blocks cannot be made errors');
    if (id === FEATURE.COMMAND_SETS && (dw11 & 0x1ff) !== 0) fail('COMMAND_SET_COMBINATION_REJECTED', `command set combination ${dw11 & 0x1ff}; there is combination 0 alone`);
  }
}
