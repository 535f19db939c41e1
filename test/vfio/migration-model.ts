// A device of the tests that can be migrated: it writes down what it is asked, its stream is what it is told, and any step can be made to fail.
import { VFIO_DEVICE_FEATURE, type ErrnoName, VfioError } from '../../src/uapi/index.ts';
import type { MigrationModel, MigrationSource, MigrationTarget, Process } from '../../src/vfio/index.ts';
import { outcome } from './support.ts';

export const NAMES = ['ERROR', 'STOP', 'RUNNING', 'STOP_COPY', 'RESUMING', 'RUNNING_P2P', 'PRE_COPY', 'PRE_COPY_P2P'] as const;
export const S = { ERROR: 0, STOP: 1, RUNNING: 2, STOP_COPY: 3, RESUMING: 4, RUNNING_P2P: 5, PRE_COPY: 6, PRE_COPY_P2P: 7 } as const;
export const GET = 0x10000;
export const SET = 0x20000;

/** What makes a step fail: an errno thrown, an errno returned by `arc`, or an exception that is none. */
export type Fault = { readonly step: string; readonly how: 'throw' | 'return' | 'break' };

export class TestModel implements MigrationModel {
  readonly flags: number;
  readonly manner: 'mlx5' | 'mtty';
  readonly log: string[] = [];
  fault: Fault | undefined;
  /** Chunks of the first pass, what changes afterwards, and what is left at the end. Undefined: not ready. */
  first: Uint8Array[] = [];
  changed: (Uint8Array | undefined)[] = [];
  last: (Uint8Array | undefined)[] = [];
  readonly written: number[] = [];
  isStopped = false;

  constructor(flags = 7, manner: 'mlx5' | 'mtty' = 'mlx5') {
    this.flags = flags;
    this.manner = manner;
  }

  private at(step: string): ErrnoName | undefined {
    this.log.push(step);
    if (this.fault?.step !== step) return undefined;
    if (this.fault.how === 'return') return 'EBUSY';
    throw this.fault.how === 'throw' ? new VfioError('EBUSY', step) : new Error(`broken at ${step}`);
  }

  dataSize = (): number => (this.at('size'), 0x1_2345_6789);
  arc = (from: number, to: number): ErrnoName | undefined => this.at(`${NAMES[from]!}>${NAMES[to]!}`);

  stop(): void {
    this.at('stop');
    if (this.isStopped) throw new Error('stopped twice');
    this.isStopped = true;
  }

  run(): void {
    this.at('run');
    if (!this.isStopped) throw new Error('ran twice');
    this.isStopped = false;
  }

  save(): MigrationSource {
    this.at('save');
    const first = [...this.first];
    const bytes = (chunks: readonly (Uint8Array | undefined)[]): number => chunks.reduce((sum, chunk) => sum + (chunk?.length ?? 0), 0);
    return {
      pending: () => ({ initial: bytes(first), dirty: bytes(this.changed) }),
      next: () => {
        if (first.length > 0) return first.shift()!;
        this.at('next');
        return this.changed.length > 0 ? this.changed.shift() : new Uint8Array();
      },
      finish: () => {
        this.at('finish save');
        this.changed.push(...this.last);
      },
      end: () => void this.log.push('end'),
    };
  }

  load(): MigrationTarget {
    this.at('load');
    return {
      bytes: 10,
      write: (bytes) => {
        this.at('write');
        this.written.push(...bytes);
      },
      finish: () => void this.at('finish load'),
    };
  }
}

/** argsz, flags, device_state, data_fd. */
export function stateRequest(flags: number, state: number, fd = 0x5555): Uint8Array {
  const bytes = new Uint8Array(16);
  new Int32Array(bytes.buffer).set([16, flags | 2, state, fd]);
  return bytes;
}

/** MIG_DEVICE_STATE of fd 3: the call's outcome, and what it wrote. */
export function setState(process: Process, state: number): { readonly result: unknown; readonly state: number; readonly fd: number } {
  const bytes = stateRequest(SET, state);
  const result = outcome(() => process.ioctl(3, VFIO_DEVICE_FEATURE, bytes));
  const view = new DataView(bytes.buffer);
  return { result, state: view.getUint32(8, true), fd: view.getInt32(12, true) };
}

/** The state's name, as GET tells it. */
export function stateOf(process: Process): string {
  const bytes = stateRequest(GET, 99);
  process.ioctl(3, VFIO_DEVICE_FEATURE, bytes);
  return NAMES[new DataView(bytes.buffer).getUint32(8, true)]!;
}
