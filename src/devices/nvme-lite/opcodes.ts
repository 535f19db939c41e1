// The commands that there are, by their opcodes.
//
// Source: NVM Express 1.4, figures 139 and 346

/** Commands of the admin queue. */
export const ADMIN = {
  DELETE_SUBMISSION_QUEUE: 0x00,
  CREATE_SUBMISSION_QUEUE: 0x01,
  GET_LOG_PAGE: 0x02,
  DELETE_COMPLETION_QUEUE: 0x04,
  CREATE_COMPLETION_QUEUE: 0x05,
  IDENTIFY: 0x06,
  ABORT: 0x08,
  SET_FEATURES: 0x09,
  GET_FEATURES: 0x0a,
  ASYNC_EVENT_REQUEST: 0x0c,
} as const;

/** Commands of the other queues. */
export const IO = {
  FLUSH: 0x00,
  WRITE: 0x01,
  READ: 0x02,
  COMPARE: 0x05,
  WRITE_ZEROES: 0x08,
  DATASET_MANAGEMENT: 0x09,
} as const;
