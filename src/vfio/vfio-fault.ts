// The signal that a load or store of a process ends in: no errno, because no call was made.

/** What a process gets: SIGBUS for a mapping whose device does not answer, SIGSEGV for what the mapping does not allow. */
export type FaultSignal = 'SIGBUS' | 'SIGSEGV';

/**
 * An access to a mapping that faults.
 *
 * @example
 * ```ts
 * process.pwrite(fd, Uint8Array.of(0, 0), config + 4n); // COMMAND.MEM is 0
 * process.memory.read32(bar); // throws VfioFault: SIGBUS: read of 4 bytes at 0x7ffffffff000: ...
 * ```
 */
export class VfioFault extends Error {
  /** Always `'VfioFault'`. */
  override readonly name: string = 'VfioFault';
  readonly signal: FaultSignal;
  /** What the process did. */
  readonly access: 'read' | 'write';
  /** The first address that faulted. */
  readonly address: bigint;

  constructor(signal: FaultSignal, access: 'read' | 'write', address: bigint, reason: string) {
    super(`${signal}: ${access} at 0x${address.toString(16)}: ${reason}`);
    this.signal = signal;
    this.access = access;
    this.address = address;
  }
}
