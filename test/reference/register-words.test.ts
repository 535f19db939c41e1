// Every word of the two axes, on every size of register, in every lane: the judge's loops over bits against the masks that the words mean.

import { describe, expect, test } from '@jest/globals';
import { registerMap, type FieldSpec, type OnRead, type OnWrite, type RegisterBits, type Software } from '../../src/registers/index.ts';
import { ReferenceRegisterBank, ok } from './index.ts';

const ON_WRITE: readonly (OnWrite | undefined)[] = [undefined, 'woclr', 'woset', 'wot', 'wzc', 'wzs', 'wzt', 'wclr', 'wset'];
const ON_READ: readonly (OnRead | undefined)[] = [undefined, 'rclr', 'rset'];
const STORED = 0x0ff0_3c5a_9966_a5c3n;
const DATA = [0n, 0xffff_ffff_ffff_ffffn, 0x5555_aaaa_0f0f_1248n];

/** What a write of `d` in the lanes `e` makes of `v`: masks, no loop. */
function written(word: OnWrite | undefined, v: bigint, d: bigint, e: bigint, field: bigint): bigint {
  const lanes = e & field;
  const ones = d & lanes;
  const zeros = ~d & lanes;
  if (lanes === 0n) return v;
  if (word === undefined) return (v & ~lanes) | ones;
  if (word === 'woclr') return v & ~ones;
  if (word === 'woset') return v | ones;
  if (word === 'wot') return v ^ ones;
  if (word === 'wzc') return v & ~zeros;
  if (word === 'wzs') return v | zeros;
  if (word === 'wzt') return v ^ zeros;
  return word === 'wclr' ? v & ~field : v | field;
}

/** Sizes and offsets of every access that lies in a register of so many bytes. */
function lanesOf(bytes: number): [width: number, offset: number][] {
  return [1, 2, 4, 8].filter((width) => width <= bytes).flatMap((width) => Array.from({ length: bytes - width + 1 }, (_, offset): [number, number] => [width, offset]));
}

function bankWith(bits: RegisterBits, endian: 'little' | 'big', spec: Omit<FieldSpec, 'msb' | 'lsb'>): { bank: ReferenceRegisterBank; field: bigint; all: bigint } {
  const all = (1n << BigInt(bits)) - 1n;
  // Borders that are no borders of bytes, and bits beside the field that nothing may touch.
  const [msb, lsb] = [bits - 2, 3];
  const bank = new ReferenceRegisterBank(registerMap('word', { bytes: 16, endian }, { R: { at: 8, bits, fields: { f: { msb, lsb, ...spec } } } }));
  return { bank, field: ((1n << BigInt(msb - lsb + 1)) - 1n) << BigInt(lsb), all };
}

function swapped(value: bigint, width: number): bigint {
  return Array.from({ length: width }, (_, k) => ((value >> BigInt(8 * k)) & 0xffn) << BigInt(8 * (width - 1 - k))).reduce((sum, byte) => sum | byte, 0n);
}

describe.each([8, 16, 32, 64] as const)('%s bits', (bits) => {
  const bytes = bits / 8;

  test.each(ON_WRITE.flatMap((onWrite) => ON_READ.map((onRead) => [onWrite, onRead] as const)))('B-lanes onWrite %s x onRead %s in every lane, little and big', (onWrite, onRead) => {
    for (const endian of ['little', 'big'] as const) {
      const { bank, field, all } = bankWith(bits, endian, { sw: 'rw', ...(onWrite && { onWrite }), ...(onRead && { onRead }) });
      for (const [width, offset] of lanesOf(bytes)) {
        const shift = BigInt(8 * (endian === 'big' ? bytes - offset - width : offset));
        const ones = (1n << BigInt(8 * width)) - 1n;
        const turn = (value: bigint) => (endian === 'big' ? swapped(value, width) : value);
        const lanes = ones << shift;
        for (const data of DATA) {
          bank.poke(0, all, STORED);
          const own = (data >> shift) & ones;
          expect(bank.write(8 + offset, width, turn(own))).toEqual(ok());
          expect(bank.peek(0)).toBe(written(onWrite, STORED & all, own << shift, lanes, field));
        }
        bank.poke(0, all, STORED);
        expect(bank.read(8 + offset, width)).toEqual(ok(turn((STORED & field & lanes) >> shift)));
        const left = onRead === undefined ? STORED : onRead === 'rclr' ? STORED & ~(lanes & field) : STORED | (lanes & field);
        expect(bank.peek(0)).toBe(left & all);
      }
    }
  });

  test.each(['rw', 'r', 'w', 'rw1', 'w1', 'na'] as readonly Software[])('sw %s: who may read, and write, and how often', (sw) => {
    const { bank, field, all } = bankWith(bits, 'little', { sw });
    for (const [width, offset] of lanesOf(bytes)) {
      const lanes = ((1n << BigInt(8 * width)) - 1n) << BigInt(8 * offset);
      const value = ['rw', 'r', 'rw1'].includes(sw) ? STORED & field & lanes : 0n;
      bank.reset();
      bank.poke(0, all, STORED);
      expect(bank.read(8 + offset, width)).toEqual(ok(value >> BigInt(8 * offset)));
      bank.write(8 + offset, width, ~STORED >> BigInt(8 * offset) & ((1n << BigInt(8 * width)) - 1n));
      const once = ['r', 'na'].includes(sw) ? STORED & all : ((STORED & ~(field & lanes)) | (~STORED & field & lanes)) & all;
      expect(bank.peek(0)).toBe(once);
      bank.write(8 + offset, width, 0n);
      const again = ['rw', 'w'].includes(sw) ? once & ~(field & lanes) : once;
      expect(bank.peek(0)).toBe(again);
    }
  });
});
