// The migration of a table's device: a stream whose chunks its data name, and arcs that it refuses.

import { VfioError } from '../uapi/index.ts';
import type { ErrnoName } from '../uapi/index.ts';
import type { MigrationModel, MigrationSource, MigrationTarget } from '../vfio/index.ts';
import { dataBytes } from './hex-text.ts';
import type { MigrationData } from './table.ts';

const NAMES = ['ERROR', 'STOP', 'RUNNING', 'STOP_COPY', 'RESUMING', 'RUNNING_P2P', 'PRE_COPY', 'PRE_COPY_P2P'] as const;

/** The model. It writes down what it was asked: event `arcs`. */
export class StreamModel implements MigrationModel {
  readonly flags: number;
  readonly manner: 'mlx5' | 'mtty';
  arcs: string[] = [];
  /** Arcs that break, by name: the device is in ERROR afterwards. */
  breaks: string | undefined;
  private readonly data: MigrationData;

  constructor(data: MigrationData) {
    this.data = data;
    this.flags = data.flags;
    this.manner = data.manner ?? 'mlx5';
  }

  dataSize(): number {
    return Number(this.data.size);
  }

  arc(from: number, to: number): ErrnoName | undefined {
    const arc = `${NAMES[from]!}>${NAMES[to]!}`;
    this.arcs.push(arc);
    if (this.breaks === arc) throw new DeviceBroke(arc);
    return this.data.refuses?.[arc] as ErrnoName | undefined;
  }

  save(): MigrationSource {
    const { first = [], changed = [], last = [] } = this.data;
    const firstPass = first.map(dataBytes);
    const rest: (Uint8Array | null)[] = changed.map(dataBytes);
    const bytes = (chunks: readonly (Uint8Array | null)[]): number => chunks.reduce((sum, chunk) => sum + (chunk?.length ?? 0), 0);
    return {
      pending: () => ({ initial: bytes(firstPass), dirty: bytes(rest) }),
      next: () => {
        const chunk = firstPass.length > 0 ? firstPass.shift() : rest.shift();
        return chunk === null ? undefined : (chunk ?? new Uint8Array());
      },
      finish: () => void rest.push(...last.map((one) => (one === null ? null : dataBytes(one)))),
    };
  }

  load(): MigrationTarget {
    const { loads } = this.data;
    const header = dataBytes(this.data.header ?? '');
    const rejects = dataBytes(this.data.rejects ?? '');
    const begun: number[] = [];
    let written = 0;
    return {
      bytes: loads,
      write: (bytes) => {
        if (rejects.some((one) => bytes.includes(one))) throw new VfioError('EFAULT', 'load', `a byte of ${this.data.rejects!}, which no stream of this device has`);
        written += bytes.length;
        if (begun.length === header.length) return;
        begun.push(...bytes.subarray(0, header.length - begun.length));
        if (begun.length === header.length && begun.some((byte, i) => byte !== header[i])) throw new VfioError('EFAULT', 'load', 'the header of another stream');
      },
      finish: () => {
        if (written !== loads) throw new VfioError('EINVAL', 'load', `${written} bytes of a stream of ${loads}`);
      },
    };
  }
}

/** Something in the device broke: no errno that it chose, so the call is EIO. */
export class DeviceBroke extends Error {
  constructor(arc: string) {
    super(`the device breaks at ${arc}`);
  }
}
