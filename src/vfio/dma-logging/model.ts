// What a device must supply so that its writes to memory can be logged. Behaviour text, section 3.3, 6 to 8.
//
//   start(ranges)  ->  the device writes ..  ->  report(): what was written since  ->  ..  ->  stop()
//                                                 and that is forgotten
//
//   Source: linux/vfio.h vfio_log_ops (log_start, log_stop, log_read_and_clear)

/** Addresses that are to be logged: whole pages of the size asked for, at least one. */
export interface DmaRange {
  readonly iova: bigint;
  /** Bytes. */
  readonly length: bigint;
}

/**
 * How a device logs what it writes: {@link VfioDeviceDescription.dmaLogging}. A VfioError that a method throws is the errno of the call. {@link DmaLog} is one that is ready to use.
 *
 * @example
 * ```ts
 * // A device that never writes to memory.
 * const dmaLogging: DmaLogModel = { start: (ranges, pageSize) => pageSize, stop: () => undefined, report: () => undefined };
 * ```
 */
export interface DmaLogModel {
  /**
   * Begins to log.
   *
   * @param ranges 1 to 256 that do not overlap, in the order in which the user gave them.
   * @param pageSize bytes of a page as the user would have it: any number but 0.
   * @returns bytes of a page as they are logged: a power of two from 4096 on.
   * @throws VfioError EINVAL when it logs already.
   */
  start(ranges: readonly DmaRange[], pageSize: bigint): bigint;
  /** Logs no more. Also when it does not log now. */
  stop(): void;
  /**
   * Tells what was written since it was told before.
   *
   * @param length bytes from `iova` on; may be 0, and neither needs to be a multiple of anything.
   * @param dirty is called with runs of frames that hold something written, the frame being the address divided by 4096: always a safe integer. What lies outside of the
   *   bytes asked for is left out.
   * @throws VfioError EINVAL when it does not log.
   */
  report(iova: bigint, length: bigint, dirty: (frame: number, frames: number) => void): void;
}
