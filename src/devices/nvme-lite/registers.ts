// BAR 0 of the controller: its properties and the doorbells. Beside them, in the same BAR, lie the MSI-X table at 2000 and its pending bits at 3000.
//
//   00 CAP     what it can: 2048 entries a queue, contiguous queues, pages of 4 to 64 KiB      08 VS   1.4.0
//   0c INTMS   ones mask vectors, 10 INTMC ones unmask them; both read the mask (pin and MSI only)
//   14 CC      EN | CSS | MPS | AMS | SHN | IOSQES | IOCQES                                       1c CSTS RDY | CFS | SHST
//   24 AQA     entries of the admin queues less 1      28 ASQ, 30 ACQ   where they are
//   1000 + 8n  tail of submission queue n      1004 + 8n  head of completion queue n
//
// A doorbell keeps what was written, with a bit of its own that says so, until the device has looked: notices of doorbells may come late, or be lost, and the write is not.
//
// Source: NVM Express 1.4, 3.1 and 7.5.1; the values of CAP as of QEMU's 1b36:0010, with CAP.CSS of NVM Express 2.0, 3.1.3.1

import { constant, copies, irq, na, registerMap, ro, rw, sets, w1c, w1s, wo } from '../../registers/index.ts';

/** Pairs of I/O queues; with the admin queues there is one more of each, and as many interrupt vectors. */
export const NVME_IO_QUEUES = 64;

const whileDisabled = { locks: [{ by: 'CC.EN', value: 0 }] } as const;
const rung = { afterWrite: [sets('RUNG', 'any')] } as const;

/** The registers of BAR 0. */
export const nvmeRegisters = registerMap('nvme', { bytes: 0x1000 + 8 * (NVME_IO_QUEUES + 1), access: [4, 8], doc: 'NVM Express controller' }, {
  CAP: {
    at: 0x00,
    bits: 64,
    doc: 'Controller capabilities',
    fields: {
      MQES: constant(15, 0, { reset: 0x7ff, doc: 'Entries of an I/O queue, less 1' }),
      CQR: constant(16, { reset: 1, doc: 'Queues are contiguous' }),
      AMS: constant(18, 17, { doc: 'Arbitration: round robin alone' }),
      TO: constant(31, 24, { reset: 0xf, doc: 'Longest time until CSTS.RDY follows, in 500 ms' }),
      DSTRD: constant(35, 32, { doc: 'Doorbells are 4 << DSTRD bytes apart' }),
      NSSRS: constant(36, { doc: 'Subsystem reset: none' }),
      CSS: constant(44, 37, { reset: 0x41, doc: 'Command sets: NVM, and those that Identify tells of' }),
      MPSMIN: constant(51, 48, { doc: 'Smallest page, 4 KiB << MPSMIN' }),
      MPSMAX: constant(55, 52, { reset: 4, doc: 'Largest page, 4 KiB << MPSMAX' }),
    },
  },
  VS: { at: 0x08, doc: 'Version', fields: { TER: constant(7, 0), MNR: constant(15, 8, 4), MJR: constant(31, 16, 1) } },
  INTMS: { at: 0x0c, doc: 'Interrupt mask set', fields: { vectors: w1s(31, 0, { afterWrite: [copies('INTMC.vectors')] }) } },
  INTMC: { at: 0x10, doc: 'Interrupt mask clear', fields: { vectors: w1c(31, 0, { afterWrite: [copies('INTMS.vectors')] }) } },
  CC: {
    at: 0x14,
    doc: 'Controller configuration',
    fields: {
      EN: rw(0, { doc: 'Runs' }),
      CSS: rw(6, 4, { ...whileDisabled, doc: 'Command sets: 0 NVM, 6 all that there are, 7 admin alone' }),
      MPS: rw(10, 7, { ...whileDisabled, doc: 'Page, 4 KiB << MPS' }),
      AMS: rw(13, 11, whileDisabled),
      SHN: rw(15, 14, { enum: ['none', 'normal', 'abrupt', 'reserved'], doc: 'Shutdown notification' }),
      IOSQES: rw(19, 16, { doc: 'Bytes of a submission queue entry, as a power of two' }),
      IOCQES: rw(23, 20, { doc: 'Bytes of a completion queue entry, as a power of two' }),
    },
  },
  PENDING: { at: 0x18, doc: 'Reserved for the host. Vectors with completions that the host has not taken, without MSI-X', fields: { vectors: na(31, 0) } },
  CSTS: {
    at: 0x1c,
    doc: 'Controller status',
    fields: { RDY: ro(0), CFS: ro(1, { doc: 'Cannot go on without a reset' }), SHST: ro(3, 2, { enum: ['normal', 'under_way', 'complete', 'reserved'] }), NSSRO: constant(4), PP: constant(5) },
  },
  AQA: { at: 0x24, doc: 'Admin queue attributes', fields: { ASQS: rw(11, 0, whileDisabled), ACQS: rw(27, 16, whileDisabled) } },
  ASQ: { at: 0x28, bits: 64, doc: 'Admin submission queue', fields: { ASQB: rw(63, 12, whileDisabled) } },
  ACQ: { at: 0x30, bits: 64, doc: 'Admin completion queue', fields: { ACQB: rw(63, 12, whileDisabled) } },
  CMBSZ: { at: 0x3c, doc: 'Controller memory buffer: none', fields: { size: constant(31, 0) } },
  DOORBELL: {
    at: 0x1000,
    count: NVME_IO_QUEUES + 1,
    stride: 8,
    doc: 'Doorbells of queue pair n; pair 0 are the admin queues',
    block: {
      SQ_TAIL: { at: 0, notify: 'ring', fields: { value: wo(15, 0, rung), RUNG: na(31) } },
      CQ_HEAD: { at: 4, notify: 'ring', fields: { value: wo(15, 0, rung), RUNG: na(31) } },
    },
  },
}, { irq: [irq('completions', { line: 0, status: 'PENDING', mask: 'INTMS', disables: true })] });
