// The eight registers of a 16550A. Behind addresses 0 and 1 there are others while LCR.DLAB is 1, and behind 2 reads and writes are different registers.
//
//        read            write              while DLAB is 1
//   0    RBR received    THR to transmit    DLL divisor, low
//   1    IER             IER                DLM divisor, high
//   2    IIR             FCR                (the same)
//   3    LCR      4  MCR      5  LSR      6  MSR      7  SCR
//
// Source: Texas Instruments TL16C550C datasheet (SLLS177), National Semiconductor PC16550D; names from linux/serial_reg.h

import { irq, na, registerMap, rc, ro, rw } from '../../registers/index.ts';
import type { RegistersOf } from '../../registers/index.ts';

/** The registers of one port. Line 0 is its interrupt output. */
export const uartRegisters = registerMap('uart', { bytes: 8, access: [1], doc: '16550A' }, {
  DATA: { at: 0, bits: 8, doc: 'RBR when read, THR when written; DLL while DLAB is 1', fields: { byte: rw(7, 0) } },
  IER: {
    at: 1, bits: 8, doc: 'Which interrupts are enabled; DLM while DLAB is 1',
    fields: { RDI: rw(0), THRI: rw(1), RLSI: rw(2), MSI: rw(3), DLM: rw(7, 4, { doc: 'Of the divisor; 0 while DLAB is 0' }) },
  },
  IIR: {
    at: 2, bits: 8, doc: 'Which interrupt is the most urgent one; FCR when written',
    fields: {
      NO_INT: ro(0, { reset: 1 }),
      ID: ro(3, 1, { enum: { modem: 0, transmit: 1, receive: 2, line: 3, timeout: 6 } }),
      OUTPUT: na(4, { doc: 'The interrupt output' }),
      FIFOS: ro(7, 6, { doc: '3 while the FIFOs are on' }),
    },
  },
  LCR: { at: 3, bits: 8, doc: 'Line control', fields: { WORD_LENGTH: rw(1, 0, { doc: 'Data bits less 5' }), STOP: rw(2), PARITY: rw(3), EVEN: rw(4), STICK: rw(5), BREAK: rw(6), DLAB: rw(7) } },
  MCR: { at: 4, bits: 8, doc: 'Modem control', fields: { DTR: rw(0), RTS: rw(1), OUT1: rw(2), OUT2: rw(3), LOOP: rw(4) } },
  LSR: {
    at: 5, bits: 8, doc: 'Line status',
    fields: {
      DR: ro(0, { doc: 'A byte has been received' }),
      OE: rc(1, { doc: 'Overrun' }),
      PE: rc(2, { doc: 'Parity error' }),
      FE: rc(3, { doc: 'Framing error' }),
      BI: rc(4, { doc: 'Break' }),
      THRE: ro(5, { reset: 1, doc: 'Nothing waits to be transmitted' }),
      TEMT: ro(6, { reset: 1, doc: 'Nothing is being transmitted' }),
      FIFO_ERROR: ro(7, { doc: 'A byte in the FIFO has an error' }),
    },
  },
  MSR: { at: 6, bits: 8, doc: 'Modem status', fields: { DCTS: rc(0), DDSR: rc(1), TERI: rc(2), DDCD: rc(3), CTS: ro(4), DSR: ro(5), RI: ro(6), DCD: ro(7) } },
  SCR: { at: 7, bits: 8, doc: 'Scratch', fields: { value: rw(7, 0) } },
}, { irq: [irq('uart', { line: 0, status: 'IIR', fields: ['OUTPUT'] })] });

/** The registers of one port, from the device's side. */
export type UartRegisters = RegistersOf<(typeof uartRegisters)['description']>;

export const IER_RDI = 0x01;
export const IER_THRI = 0x02;
export const IER_RLSI = 0x04;
export const IER_MSI = 0x08;
/** Bits of IER that there are. */
export const IER_BITS = 0x0f;
/** Reasons to interrupt, as bits 3..0 of IIR have them. */
export const IIR_ID = { modem: 0x0, transmit: 0x2, receive: 0x4, line: 0x6, timeout: 0xc } as const;
export const IIR_NO_INT = 0x01;
export const IIR_OUTPUT = 0x10;
export const IIR_FIFOS = 0xc0;
export const IIR_ID_BITS = 0x0f;
export const FCR_ENABLE = 0x01;
export const FCR_CLEAR_RECEIVER = 0x02;
export const FCR_CLEAR_TRANSMITTER = 0x04;
/** Received bytes at which the interrupt comes, by FCR bits 7..6. */
export const FCR_TRIGGERS = [1, 4, 8, 14] as const;
export const LCR_STOP = 0x04;
export const LCR_PARITY = 0x08;
export const LCR_BREAK = 0x40;
export const LCR_DLAB = 0x80;
export const MCR_OUTPUTS = 0x0f;
export const MCR_LOOP = 0x10;
export const LSR_DR = 0x01;
export const LSR_OE = 0x02;
export const LSR_PE = 0x04;
export const LSR_FE = 0x08;
export const LSR_BI = 0x10;
export const LSR_ERRORS = LSR_OE | LSR_PE | LSR_FE | LSR_BI;
/** THRE and TEMT. */
export const LSR_IDLE = 0x60;
export const LSR_FIFO_ERROR = 0x80;
export const MSR_DELTAS = 0x0f;
export const MSR_TERI = 0x04;
export const MSR_LINES = 0xf0;
/** Bytes that a FIFO holds. */
export const FIFO_DEPTH = 16;
