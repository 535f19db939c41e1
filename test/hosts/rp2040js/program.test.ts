// A program of an RP2040 drives a register map: writes, aliases, narrow accesses, a status bit that it polls for, interrupts. What it found lies in SRAM.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { attachRp2040 } from '../../../src/hosts/rp2040js/index.ts';
import { irq, pulse, registerBank, registerMap, ro, rw, w1c } from '../../../src/registers/index.ts';
import { load, quietChip, results, run } from './thumb.ts';

const ADDRESS = 0x5040_0000;
const CLOCKS = 17;
const SPARE = 26;

const map = registerMap(
  'worker',
  { bytes: 0x20, access: [4] },
  {
    CTRL: { at: 0x00, fields: { GO: pulse(0) } },
    STATUS: { at: 0x04, fields: { DONE: w1c(0), ERROR: w1c(1), BUSY: ro(8) } },
    MASK: { at: 0x08, fields: { DONE: rw(0), ERROR: rw(1) } },
    DATA: { at: 0x0c, fields: { value: rw(31, 0) } },
  },
  { irq: [irq('done', { line: 0, status: 'STATUS', mask: 'MASK', fields: ['DONE'] }), irq('error', { line: 1, status: 'STATUS', mask: 'MASK', fields: ['ERROR'], edge: true })] },
);

const HEAD = `
  main:  ldr  r0, =0x50400000   ; the worker
         ldr  r1, =0x20001000   ; results
`;

test('writes, the three aliases and narrow accesses reach the registers as on the chip', () => {
  const mcu = quietChip();
  const bank = registerBank(createEngine(), map);
  attachRp2040(mcu, { address: ADDRESS, bank });
  load(mcu, `${HEAD}
         ldr  r2, =0x12345678
         str  r2, [r0, #0x0c]   ; DATA
         ldr  r3, [r0, #0x0c]
         str  r3, [r1, #0x00]
         ldr  r5, =0x50402000
         movs r2, #0x0f
         str  r2, [r5, #0x0c]   ; set 0f
         ldr  r3, [r0, #0x0c]
         str  r3, [r1, #0x04]
         ldr  r5, =0x50403000
         movs r2, #0xf0
         str  r2, [r5, #0x0c]   ; clear f0
         ldr  r3, [r0, #0x0c]
         str  r3, [r1, #0x08]
         ldr  r5, =0x50401000
         movs r2, #0xff
         str  r2, [r5, #0x0c]   ; toggle ff
         ldr  r3, [r5, #0x0c]   ; and read there
         str  r3, [r1, #0x0c]
         ldrb r3, [r0, #0x0f]   ; the highest byte
         str  r3, [r1, #0x10]
         ldrh r3, [r0, #0x0c]   ; the lower half
         str  r3, [r1, #0x14]
         strh r2, [r5, #0x0e]   ; toggle 00ff in both halves
         ldr  r3, [r0, #0x0c]
         str  r3, [r1, #0x18]
         strb r2, [r0, #0x0d]   ; a byte is four
         ldr  r3, [r0, #0x0c]
         str  r3, [r1, #0x1c]
         ldr  r3, [r0, #0x20]   ; behind the map
         str  r3, [r1, #0x20]
         bkpt #0`);
  run(mcu);
  expect(results(mcu, 9).map((value) => value.toString(16))).toEqual(['12345678', '1234567f', '1234560f', '123456f0', '12', '56f0', '12cb560f', 'ffffffff', 'ffffffff']);
  expect(bank.regs.DATA.value.get()).toBe(0xffff_ffff);
});

test('a status bit that the program polls for rises when the device says so', () => {
  let polls = 0;
  const mcu = quietChip();
  const bank = registerBank(createEngine(), map, {
    hooks: {
      CTRL: { GO: () => bank.regs.STATUS.BUSY.set() },
      STATUS: {
        beforeRead: () => {
          if (bank.regs.STATUS.BUSY.get() === 0 || ++polls < 5) return;
          bank.regs.STATUS.BUSY.clear();
          bank.regs.STATUS.DONE.set();
        },
      },
    },
  });
  attachRp2040(mcu, { address: ADDRESS, bank });
  load(mcu, `${HEAD}
         movs r2, #1
         movs r4, #0
         str  r2, [r0, #0x00]   ; CTRL.GO
  poll:  adds r4, #1
         ldr  r3, [r0, #0x04]   ; STATUS
         tst  r3, r2            ; DONE
         beq  poll
         str  r4, [r1, #0x00]
         str  r3, [r1, #0x04]
         str  r2, [r0, #0x04]   ; done with it
         ldr  r3, [r0, #0x04]
         str  r3, [r1, #0x08]
         bkpt #0`);
  run(mcu);
  expect(results(mcu, 3)).toEqual([5, 1, 0]);
  expect(polls).toBe(5);
});

/** Enables an interrupt of the worker and of the processor, then works `rounds` times, sleeping until the handler has counted. */
const rounds = (count: number, irqBit: number, mask: number): string => `${HEAD}
         ldr  r5, =0xe000e100   ; NVIC: set enable
         ldr  r2, =${irqBit}
         str  r2, [r5, #0x00]
         movs r2, #${mask}
         str  r2, [r0, #0x08]   ; MASK
         movs r4, #${count}
  again: movs r2, #1
         str  r2, [r0, #0x00]   ; CTRL.GO
         wfi
         subs r4, #1
         bne  again
         bkpt #0
  count: ldr  r0, =0x50400000
         ldr  r1, =0x20001000
         ldr  r2, [r0, #0x04]   ; STATUS
         str  r2, [r1, #0x04]
         str  r2, [r0, #0x04]   ; what was seen is done with
         ldr  r2, [r1, #0x00]
         adds r2, #1
         str  r2, [r1, #0x00]   ; one more interrupt
         bx   lr`;

describe('interrupts', () => {
  test('a processor that waits is woken by each level, as often as it rises', () => {
    const mcu = quietChip();
    const bank = registerBank(createEngine(), map);
    attachRp2040(mcu, { address: ADDRESS, bank, interrupts: { 0: CLOCKS } });
    load(mcu, rounds(7, 1 << CLOCKS, 1), { [CLOCKS]: 'count' });
    run(mcu, () => bank.regs.STATUS.DONE.set());
    expect(results(mcu, 2)).toEqual([7, 1]);
    expect(mcu.core.pendingInterrupts).toBe(0);
  });

  test('a level that rises inside a store of the program is taken before its next instruction', () => {
    const mcu = quietChip();
    const bank = registerBank(createEngine(), map, { hooks: { CTRL: { GO: () => bank.regs.STATUS.DONE.set() } } });
    attachRp2040(mcu, { address: ADDRESS, bank, interrupts: { 0: CLOCKS } });
    load(mcu, rounds(3, 1 << CLOCKS, 1), { [CLOCKS]: 'count' });
    let slept = 0;
    const counts: number[] = [];
    // Each round has one interrupt before wfi; nothing but this ends the sleep that follows.
    run(mcu, () => {
      slept++;
      counts.push(results(mcu, 1)[0]!);
      bank.regs.STATUS.DONE.set();
    });
    expect([slept, counts, results(mcu, 1)]).toEqual([3, [1, 3, 5], [6]]);
  });

  test('a level that nobody clears interrupts again and again', () => {
    const mcu = quietChip();
    const bank = registerBank(createEngine(), map, { hooks: { STATUS: { afterRead: () => void seen++, beforeWrite: ({ data }) => (seen < 4 ? 0 : data) } } });
    let seen = 0;
    attachRp2040(mcu, { address: ADDRESS, bank, interrupts: { 0: CLOCKS } });
    load(mcu, rounds(1, 1 << CLOCKS, 1), { [CLOCKS]: 'count' });
    run(mcu, () => bank.regs.STATUS.DONE.set());
    expect(results(mcu, 1)).toEqual([4]);
  });

  test('an edge interrupts once, whatever its status bit says afterwards', () => {
    const mcu = quietChip();
    const bank = registerBank(createEngine(), map, { hooks: { STATUS: { beforeWrite: () => 0 } } });
    attachRp2040(mcu, { address: ADDRESS, bank, interrupts: { 1: SPARE } });
    load(mcu, rounds(2, 1 << SPARE, 2), { [SPARE]: 'count' });
    let slept = 0;
    run(mcu, () => {
      slept++;
      bank.regs.STATUS.ERROR.clear();
      bank.regs.STATUS.ERROR.set();
    });
    expect([slept, results(mcu, 2)]).toEqual([2, [2, 2]]);
  });
});
