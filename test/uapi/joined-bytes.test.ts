// Bytes that come in parts, as one.

import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { joinedBytes } from '../../src/uapi/index.ts';

test('the parts stand one behind the other, whatever their lengths', () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 5 }), { maxLength: 6 }), (parts) => {
    expect([...joinedBytes(parts)]).toEqual(parts.flatMap((part) => [...part]));
  }));
});

test('a part that is a window of a larger array gives its own bytes alone', () => {
  const large = Uint8Array.of(9, 1, 2, 9);
  expect([...joinedBytes([large.subarray(1, 3)])]).toEqual([1, 2]);
});

test('the whole is a copy: no part changes with it', () => {
  const part = Uint8Array.of(1, 2);
  joinedBytes([part])[0] = 7;
  expect([...part]).toEqual([1, 2]);
});
