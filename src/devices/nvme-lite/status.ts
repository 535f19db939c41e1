// How a command ended: status code and its type as they lie in a completion, and whether trying again can help.
//
//   14    13   12..11  10..8  7..0
//  +-----+----+-------+------+------+
//  | DNR | M  | CRD   | SCT  | SC   |     one bit higher in the completion, where the phase tag is bit 0
//  +-----+----+-------+------+------+
//
// Source: NVM Express 1.4, 4.6.1; 2.0, 3.1.3.5 for command set profiles

/** Do not retry: the same command will fail again. */
export const DO_NOT_RETRY = 0x4000;

const GENERIC = 0x000;
const COMMAND_SPECIFIC = 0x100;
const MEDIA = 0x200;

/** Status values, as `SCT << 8 | SC`, with DNR where the host is at fault. */
export const STATUS = {
  SUCCESS: 0,
  INVALID_OPCODE: GENERIC | 0x01 | DO_NOT_RETRY,
  INVALID_FIELD: GENERIC | 0x02 | DO_NOT_RETRY,
  COMMAND_ID_CONFLICT: GENERIC | 0x03 | DO_NOT_RETRY,
  DATA_TRANSFER_ERROR: GENERIC | 0x04,
  INTERNAL_ERROR: GENERIC | 0x06,
  ABORT_REQUESTED: GENERIC | 0x07,
  INVALID_NAMESPACE: GENERIC | 0x0b | DO_NOT_RETRY,
  COMMAND_SEQUENCE_ERROR: GENERIC | 0x0c | DO_NOT_RETRY,
  INVALID_PRP_OFFSET: GENERIC | 0x13 | DO_NOT_RETRY,
  LBA_OUT_OF_RANGE: GENERIC | 0x80 | DO_NOT_RETRY,
  COMPLETION_QUEUE_INVALID: COMMAND_SPECIFIC | 0x00 | DO_NOT_RETRY,
  INVALID_QUEUE_IDENTIFIER: COMMAND_SPECIFIC | 0x01 | DO_NOT_RETRY,
  INVALID_QUEUE_SIZE: COMMAND_SPECIFIC | 0x02 | DO_NOT_RETRY,
  ASYNC_EVENT_LIMIT_EXCEEDED: COMMAND_SPECIFIC | 0x05 | DO_NOT_RETRY,
  INVALID_INTERRUPT_VECTOR: COMMAND_SPECIFIC | 0x08 | DO_NOT_RETRY,
  INVALID_LOG_PAGE: COMMAND_SPECIFIC | 0x09 | DO_NOT_RETRY,
  INVALID_QUEUE_DELETION: COMMAND_SPECIFIC | 0x0c | DO_NOT_RETRY,
  FEATURE_NOT_SAVEABLE: COMMAND_SPECIFIC | 0x0d | DO_NOT_RETRY,
  COMMAND_SET_COMBINATION_REJECTED: COMMAND_SPECIFIC | 0x2b | DO_NOT_RETRY,
  WRITE_FAULT: MEDIA | 0x80,
  UNRECOVERED_READ_ERROR: MEDIA | 0x81,
  COMPARE_FAILURE: MEDIA | 0x85 | DO_NOT_RETRY,
} as const;

/** A command that ends with something else than success. Thrown by whoever finds out, caught where commands are run. */
export class CommandFailed extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'CommandFailed';
    this.status = status;
  }
}

/** Throws what ends a command with `status`. */
export function fail(status: keyof typeof STATUS, why: string): never {
  throw new CommandFailed(STATUS[status], why);
}
