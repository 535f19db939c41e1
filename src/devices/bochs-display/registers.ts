// The registers of QEMU's legacy-free display: BAR 2, as bochs-display.ts draws it.

import { clears, constant, copies, lock, na, registerMap, reserved, ro, rw, wo } from '../../registers/index.ts';

/** The numbers that ID takes. */
export const DISPI_ID0 = 0xb0c0;
export const DISPI_ID5 = 0xb0c5;
/** Byte orders as ENDIANNESS has them. */
export const LITTLE = 0x1e1e_1e1e;
export const BIG = 0xbebe_bebe;

/** The registers of BAR 2. */
export const bochsDisplayRegisters = registerMap('bochs-display', { bytes: 0x1000, access: [1, 2, 4], doc: "QEMU's display without VGA compatibility" }, {
  EDID: { at: 0x000, bits: 64, count: 128, doc: 'What the monitor says of itself', fields: { bytes: ro(63, 0) } },
  ATTRIBUTE: {
    at: 0x400, bits: 8, doc: 'VGA port 3c0: index and data in turns',
    fields: {
      INDEX: lock(rw(4, 0), 'WANTS_DATA', 0),
      SHOWS: lock(rw(5, { reset: 1, doc: '0 blanks the picture' }), 'WANTS_DATA', 0),
      WANTS_DATA: na(7, { counter: { of: 'ATTRIBUTE', at: 'write' }, doc: 'The next write is data, and is dropped' }),
    },
  },
  MISC_WRITE: { at: 0x402, bits: 8, doc: 'VGA port 3c2', fields: { value: wo(7, 0, { afterWrite: [copies('MISC_READ.value')] }) } },
  MISC_READ: { at: 0x40c, bits: 8, doc: 'VGA port 3cc', fields: { value: ro(7, 0) } },
  INPUT_STATUS: {
    at: 0x41a, bits: 8, doc: 'VGA port 3da: changes at each read, so that who waits for the beam goes on; ATTRIBUTE takes an index next',
    fields: {
      NOT_SHOWING: ro(0, { counter: { of: 'INPUT_STATUS', at: 'read' }, afterRead: [clears('ATTRIBUTE.WANTS_DATA')] }),
      RETRACE: ro(3, { counter: { of: 'INPUT_STATUS', at: 'read' } }),
    },
  },
  ID: { at: 0x500, bits: 16, doc: 'Takes the number of an older interface', fields: { value: rw(15, 0, DISPI_ID5) } },
  XRES: { at: 0x502, bits: 16, fields: { pixels: rw(15, 0) } },
  YRES: { at: 0x504, bits: 16, fields: { lines: rw(15, 0) } },
  BPP: { at: 0x506, bits: 16, fields: { bits: rw(15, 0) } },
  ENABLE: {
    at: 0x508, bits: 16,
    fields: {
      ENABLED: rw(0),
      GETCAPS: rw(1, { doc: 'XRES, YRES and BPP read their greatest values' }),
      IGNORED_4_2: reserved(4, 2, 'keep'),
      DAC_8BIT: rw(5),
      LFB_ENABLED: rw(6),
      NOCLEARMEM: rw(7, { doc: 'ENABLED leaves the picture as it is' }),
      IGNORED_15_8: reserved(15, 8, 'keep'),
    },
  },
  BANK: { at: 0x50a, bits: 16, doc: 'Kept; the window that it moves is at a VGA address', fields: { number: rw(15, 0) } },
  VIRT_WIDTH: { at: 0x50c, bits: 16, fields: { pixels: rw(15, 0) } },
  VIRT_HEIGHT: { at: 0x50e, bits: 16, doc: 'Lines that the memory holds', fields: { lines: ro(15, 0) } },
  X_OFFSET: { at: 0x510, bits: 16, fields: { pixels: rw(15, 0) } },
  Y_OFFSET: { at: 0x512, bits: 16, fields: { lines: rw(15, 0) } },
  VIDEO_MEMORY_64K: { at: 0x514, bits: 16, doc: 'Bytes of the framebuffer / 65536', fields: { units: ro(15, 0) } },
  EXTENDED_SIZE: { at: 0x600, doc: 'Bytes of these two registers', fields: { bytes: constant(31, 0, 8) } },
  ENDIANNESS: { at: 0x604, doc: 'Byte order of 32-bit pixels', fields: { order: rw(31, 0, { reset: LITTLE, enum: { little: LITTLE, big: BIG } }) } },
});
