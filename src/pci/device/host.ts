// What a device gets from whoever runs it, and all that it knows of it: memory to reach, a wire to interrupt on, time.
//
//   device --- dma ---------> guest memory          answers later: a promise
//          --- interrupts --> interrupt controller  at once
//          --- clock -------> time of the guest     in ns; what is due is called by the host
//
// All three are given, so that a run can be repeated: nothing here reads a clock or a random source of its own.

import type { InterruptSink } from '../intx.ts';

/**
 * Guest memory, as a bus master reaches it. Asynchronous by contract: a host that is another process can answer no other way.
 *
 * Both reject with a VfioError: EFAULT for addresses that nothing claims or that may not be touched.
 */
export interface DmaTarget {
  /** Fills `target` with the bytes from `address` on. */
  read(address: bigint, target: Uint8Array): Promise<void>;
  /**
   * Writes `source` from `address` on.
   *
   * @param landed called when memory holds it, by a host that tells the moment.
   */
  write(address: bigint, source: Uint8Array, landed?: () => void): Promise<void>;
  /** Whether `write` calls `landed`. Otherwise a write may have reached memory as soon as it was begun, and a log of written pages counts it until its promise is settled. Default false. */
  readonly tellsLanding?: boolean;
}

/** The guest's time. */
export interface DeviceClock {
  /** Nanoseconds since a beginning that the host chose; never less than before. */
  now(): bigint;
  /**
   * Calls `run` once, `delay` ns from now, outside of any access.
   *
   * @param delay 0 to 2^53-1.
   * @returns what takes it back.
   */
  after(delay: number, run: () => void): () => void;
}

/** What runs a device. A part that is missing is one that the device does without: DMA fails, interrupts go nowhere, timers cannot be set. */
export interface DeviceHost {
  /** Where the device sits: `00:04.0`. Default `00:00.0`. */
  readonly slot?: string;
  readonly dma?: DmaTarget;
  readonly interrupts?: InterruptSink;
  readonly clock?: DeviceClock;
  /** Is told what a guest did that the device's documentation forbids, in one line. */
  readonly guestError?: (message: string) => void;
}
