// The core's table of a bank: where what lies in its rows. The same numbers as in assembly/registers/bank.ts, which has the picture.

/** Sizes of rows in bytes. @internal */
export const ROWS = { header: 64, register: 192, action: 32, fifo: 32, interrupt: 32 } as const;

/** Header. @internal */
export const HEADER = { registers: 0, actions: 4, fifos: 8, interrupts: 12, extent: 16, flags: 20, widths: 21 } as const;

/** A register's row. @internal */
export const REGISTER = {
  position: 0,
  size: 4,
  flags: 5,
  hooks: 6,
  tear: 7,
  firstAction: 8,
  actions: 10,
  notify: 12,
  readable: 16,
  writable: 24,
  woclr: 32,
  woset: 40,
  wot: 48,
  wzc: 56,
  wzs: 64,
  wzt: 72,
  rclr: 80,
  rset: 88,
  pulse: 96,
  reset: 104,
  kept: 112,
  hooked: 120,
  tagged: 128,
  expectMask: 136,
  expectValue: 144,
} as const;

/** An action's row. @internal */
export const ACTION = { operation: 0, when: 1, flags: 2, target: 4, own: 8, a: 16, b: 24 } as const;

/** A FIFO's row. @internal */
export const FIFO = { capacity: 0, level: 20, levelLsb: 22, levelBits: 23 } as const;

/** An interrupt's row. @internal */
export const INTERRUPT = { status: 0, enable: 2, line: 4, flags: 6, shift: 7, bits: 8 } as const;

/** What is done by an action's row. @internal */
export const OPERATION = { lock: 1, once: 2, fieldClear: 3, fieldSet: 4, set: 5, clear: 6, copy: 7, count: 8, fifo: 9, dataPort: 10 } as const;

/** @internal */
export const WHEN = { read: 1, write: 2 } as const;
/** @internal */
export const ACTION_FLAG = { whenOne: 1, saturates: 2 } as const;
/** @internal */
export const BANK_FLAG = { bigEndian: 1, wholeRegisters: 2 } as const;
/** @internal */
export const REGISTER_FLAG = { plain: 1, locked: 2, interrupts: 4, dataPort: 8, fifoPort: 16 } as const;
/** @internal */
export const HOOK = { beforeRead: 1, afterRead: 2, beforeWrite: 4, afterWrite: 8 } as const;
/** @internal */
export const TEAR = { none: 0, 'latch-low': 1, 'latch-high': 2 } as const;
/** @internal */
export const INTERRUPT_FLAG = { disables: 1, edge: 2, more: 4 } as const;
/** In a row: no register. @internal */
export const NO_REGISTER = 0xffff;
