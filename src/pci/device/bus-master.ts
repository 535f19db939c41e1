// A function's own accesses: let out while it masters the bus, never into itself, and forgotten by a reset.
//
//   COMMAND.MASTER and D0 ?  -- no --> EIO, nothing leaves the function
//   inside a BAR of its own? -- yes -> EFAULT
//   host's DMA               .. later: reset in between? -- yes -> ECANCELED, the bytes are dropped
//          |
//          +-- memory holds what was written --> the log of written pages, if there is one: reset in between or not
//
//   Paused, nothing begins, and what was begun does not end for the device; its host may still have it under way.
//
// Source: PCI Local Bus 3.0, 6.2.2; PCI Express 5.0, 6.6.2 (a function that was reset starts nothing of what it had begun)

import { bytesOf, hex, integer, u64 } from '../../core/index.ts';
import type { U64 } from '../../core/index.ts';
import { VfioError } from '../../uapi/index.ts';
import type { DmaLanding, DmaLog } from '../../vfio/index.ts';
import type { Decodes } from '../bar-registers.ts';
import type { DmaTarget } from './host.ts';

/** The most bytes of one transfer: enough for anything a device asks for at once, and no way to exhaust a process. */
const MAX_BYTES = 2 ** 30;

/** What the bus master asks its function. */
export interface MasterGate {
  /** For messages. */
  readonly name: string;
  maySend(): boolean;
  decoded(): Decodes;
}

/** Begins a write, and tells its landing what became of it before anyone else hears. Where the host does not tell the moment, an error is no proof that nothing was written. */
function logged({ tellsLanding }: DmaTarget, landing: DmaLanding, begin: () => Promise<void>): Promise<void> {
  try {
    const written = begin();
    void written.then(
      () => landing.landed(),
      (error: unknown) => (tellsLanding === true || (error instanceof VfioError && error.code === 'EFAULT') ? landing.failed() : landing.landed()),
    );
    return written;
  } catch (error) {
    landing.failed();
    throw error;
  }
}

/**
 * The way of one function to guest memory.
 *
 * @example
 * ```ts
 * const command = await card.dma.read(regs.SOURCE.address.get(), 64);
 * await card.dma.write(regs.TARGET.address.get(), command);
 * ```
 */
export class BusMaster {
  private readonly gate: MasterGate;
  private readonly target: DmaTarget | undefined;
  private readonly log: DmaLog | undefined;
  private epoch = 0;
  private started = 0;
  private ended = 0;
  private isPaused = false;
  private waiting: (() => void)[] = [];

  /** @internal */
  constructor(gate: MasterGate, target: DmaTarget | undefined, log?: DmaLog) {
    this.gate = gate;
    this.target = target;
    this.log = log;
  }

  /** Transfers that were started and have not ended. */
  get inFlight(): number {
    return this.started - this.ended;
  }

  /**
   * The `bytes` bytes from `address` on.
   *
   * @param bytes 1 to 2^30.
   * @throws (rejects with) VfioError EIO while the function does not master the bus, EFAULT for an address in a BAR of its own, ECANCELED when it was reset meanwhile,
   *   ENXIO without memory to reach, and what the host says; RangeError for no address or no number of bytes.
   */
  async read(address: U64, bytes: number): Promise<Uint8Array> {
    integer(`${this.gate.name} dma.read: bytes`, bytes, 1, MAX_BYTES);
    const block = new Uint8Array(bytes);
    await this.transfer('dma.read', address, bytes, (target, at) => target.read(at, block));
    return block;
  }

  /** Writes all of `source` from `address` on; it is copied first. Rejects as {@link BusMaster.read}. */
  async write(address: U64, source: Uint8Array): Promise<void> {
    const block = bytesOf(`${this.gate.name} dma.write: source`, source).slice();
    integer(`${this.gate.name} dma.write: bytes`, block.length, 1, MAX_BYTES);
    await this.transfer('dma.write', address, block.length, (target, at) => {
      const landing = this.log?.begin(at, block.length, target.tellsLanding === true);
      return landing === undefined ? target.write(at, block) : logged(target, landing, () => target.write(at, block, () => landing.landed()));
    });
  }

  private async transfer(call: string, address: U64, bytes: number, run: (target: DmaTarget, at: bigint) => Promise<void>): Promise<void> {
    const { name } = this.gate;
    const at = u64(`${name} ${call}: address`, address);
    const what = `${bytes} bytes at ${hex(at)}`;
    const refuse = (code: 'EIO' | 'EFAULT' | 'ENXIO' | 'ECANCELED', why: string): VfioError => new VfioError(code, `${name} ${call}`, `${what}: ${why}`);
    if (at + BigInt(bytes) > 1n << 64n) throw refuse('EFAULT', 'they pass 2^64-1');
    if (this.target === undefined) throw refuse('ENXIO', 'the device was made without memory to reach');
    if (!this.gate.maySend()) throw refuse('EIO', 'the function may not master the bus: COMMAND.MASTER is 0, or it is not in D0');
    for (const range of this.gate.decoded()) {
      if (range?.bus === 'memory' && at < range.start + range.size && range.start < at + BigInt(bytes)) {
        throw refuse('EFAULT', `they meet the function's own BAR at ${hex(range.start)}`);
      }
    }
    const { epoch } = this;
    const stillWanted = async (): Promise<boolean> => {
      while (this.isPaused && epoch === this.epoch) await new Promise<void>((resolve) => void this.waiting.push(resolve));
      return epoch === this.epoch;
    };
    this.started++;
    try {
      if (!this.isPaused || (await stillWanted())) await run(this.target, at);
    } finally {
      this.ended++;
      if (this.isPaused) await stillWanted();
    }
    if (epoch !== this.epoch) throw refuse('ECANCELED', 'the function was reset or removed before they arrived');
  }

  /** @internal What is in flight is forgotten. */
  cancel(): void {
    this.epoch++;
    this.release();
  }

  /** @internal Nothing begins or ends until {@link BusMaster.goOn}. */
  pause(): void {
    this.isPaused = true;
  }

  /** @internal */
  goOn(): void {
    this.isPaused = false;
    this.release();
  }

  private release(): void {
    for (const resume of this.waiting.splice(0)) resume();
  }
}
