// A map with something of everything, from which the golden texts are made.

import { clears, constant, copies, irq, lock, pulse, rc, registerMap, reserved, ro, rs, rw, rw1, sets, tag, w0c, w0s, w0t, w1, w1c, w1s, w1t, wclr, wo, wset } from '../../src/registers/index.ts';

export const copyEngine = registerMap(
  'copy-engine',
  { bytes: 0x200, doc: 'A DMA engine that copies, fills and checks.' },
  {
    ID: { at: 0x00, doc: 'Identity', fields: { vendor: constant(15, 0, 0x1de5), revision: ro(19, 16, 2), features: ro(31, 24, { reset: 5, doc: 'What it can do | does' }) } },
    CTRL: {
      at: 0x04,
      doc: 'Control',
      fields: {
        EN: rw(0, { doc: 'Everything waits while this is 0' }),
        GO: lock(pulse(1, { afterWrite: [sets('STATUS.BUSY'), copies('STATUS.LAST')] }), 'EN'),
        MODE: rw(3, 2, { enum: ['copy', 'fill', 'crc'] }),
        KEEP: rw(4, { sticky: true, reset: 1 }),
        KEY: wo(15, 8),
        LIMIT: lock(lock(rw1(23, 16, 0x10), 'EN', 0), 'KEY', 0x5a),
        RSVD: reserved(30, 24, { expect: 0 }),
        DEBUG: tag(31),
      },
    },
    STATUS: { at: 0x08, doc: 'Status', fields: { DONE: w1c(0), ERR: w1c(2, 1), BUSY: ro(8), LAST: ro(9), TAKEN: ro(21, 16, { counter: { of: 'DATA.byte', at: 'read', saturates: true } }) } },
    MASK: { at: 0x0c, fields: { DONE: rw(8), ERR: rw(10, 9) } },
    COUNT: { at: 0x10, fields: { reads: rc(15, 0, { counter: { of: 'STATUS', at: 'read' } }), starts: ro(31, 16, { counter: { of: 'CTRL.GO', at: 'write', when: 'one', step: -1 } }) } },
    WORDS: { at: 0x14, fields: { s: w1s(1, 0), t: w1t(3, 2), zc: w0c(5, 4, 3), zs: w0s(7, 6), zt: w0t(9, 8), c: wclr(15, 12, 9), all: wset(19, 16), r: rs(23, 20), once: w1(27, 24), kept: reserved(31, 28, { policy: 'keep', reset: 0xa, expect: 0xa }) } },
    SOURCE: { at: 0x20, bits: 64, tear: 'latch-low', doc: 'Where it copies from', fields: { address: rw(63, 2), on: rw(0, { afterWrite: [clears('STATUS.LAST', 'any')] }) } },
    TARGET: { at: 0x2c, bits: 64, fields: { address: rw(63, 0) } },
    DATA: { at: 0x34, bits: 8, fields: { byte: rw(7, 0, { pops: 'RX', pushes: 'TX' }) } },
    LEVELS: { at: 0x36, bits: 16, fields: { rx: ro(4, 0), tx: ro(12, 8) } },
    INDEX: { at: 0x38, fields: { lane: rw(3, 0) } },
    PORT: { at: 0x3c, doc: 'The lane that INDEX names', port: { index: 'INDEX.lane', from: 0x180, stride: 4, count: 8 } },
    QUEUE: { at: 0x100, count: 4, stride: 0x10, doc: 'Queues', block: { HEAD: { at: 0, bits: 16, fields: { value: ro(15, 0) } }, TAIL: { at: 4, notify: 'ring', doc: 'Doorbell', fields: { value: lock(rw(15, 0), 'CTRL.EN') } } } },
    LANE: { at: 0x180, count: 8, fields: { level: rw(7, 0), up: ro(31) } },
  },
  {
    irq: [irq('done', { line: 0, status: 'STATUS', mask: 'MASK' }), irq('rx', { line: 1, status: 'LEVELS', fields: ['rx'], edge: true })],
    fifos: { RX: { depth: 16, level: 'LEVELS.rx' }, TX: { depth: 8, level: 'LEVELS.tx' } },
  },
);
