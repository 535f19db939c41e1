// The quicker `expect`: it passes nothing that jest's does not, and fails as jest's does, where the test called.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { surelyEqual } from './quick-expect.cjs';

// `not` is jest's own.
const jestSays = (a: unknown, b: unknown): boolean => {
  try {
    expect(a).not.toEqual(b);
    return false;
  } catch {
    return true;
  }
};

function thrownBy(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

const leaf = fc.oneof(fc.constantFrom(0, -0, NaN, undefined, null, '', 'a', 1n, Symbol.iterator), fc.integer({ min: 0, max: 3 }), fc.uint8Array({ max: 1, maxLength: 2 }), fc.uint16Array({ max: 1, maxLength: 2 }));
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie('value'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'asymmetricMatch'), tie('value'), { maxKeys: 2 }),
    fc.array(tie('value'), { maxLength: 2 }).map((items) => new Set(items)),
    fc.array(tie('value'), { maxLength: 1 }).map((items) => Object.assign(items, { index: 1 })),
  ),
}));

describe('what is surely equal', () => {
  test('is equal to jest', () => {
    fc.assert(fc.property(value, value, (a, b) => !surelyEqual(a, b) || jestSays(a, b)), { numRuns: 2000 });
  });

  test.each<[string, unknown, unknown]>([
    ['numbers', 1, 1],
    ['NaN', NaN, NaN],
    ['bytes', Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
    ['literals in arrays', [{ a: 1n, b: [null] }], [{ b: [null], a: 1n }]],
  ])('%s', (_what, a, b) => expect([surelyEqual(a, b), jestSays(a, b)]).toEqual([true, true]));

  test.each<[string, unknown, unknown]>([
    ['two zeros', 0, -0],
    ['bytes and a Buffer', Uint8Array.of(1), Buffer.of(1)],
    ['other bytes', Uint8Array.of(1), Uint8Array.of(2)],
    ['fewer bytes', Uint8Array.of(1), Uint8Array.of(1, 2)],
    ['an array with a name', Object.assign([1], { index: 0 }), [1]],
    ['a literal with one more', { a: 1 }, { a: 1, b: 2 }],
    ['an instance and a literal', new (class A { a = 1; })(), { a: 1 }],
    ['a number and its text', 1, '1'],
    ['errors, which jest compares by message', new Error('a'), new Error('a')],
    ['what says itself whether it is equal', { a: 1 }, { a: expect.any(Number) }],
  ])('is not: %s', (_what, a, b) => expect(surelyEqual(a, b)).toBe(false));
});

describe('what fails', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['toBe', () => expect(1).toBe(2), /toBe[\s\S]*Expected: .*2[\s\S]*Received: .*1/],
    ['toEqual', () => expect({ a: 1 }).toEqual({ a: 2 }), /toEqual[\s\S]*"a": 2/],
    ['toStrictEqual', () => expect({ a: 1, b: undefined }).toStrictEqual({ a: 1 }), /toStrictEqual/],
    ['toBe of two zeros', () => expect(0).toBe(-0), /Object\.is/],
    ['not', () => expect(1).not.toBe(1), /not[\s\S]*toBe/],
    ['toThrow', () => expect(() => undefined).toThrow('x'), /did not throw/],
    ['more than one value', () => (expect as (...values: unknown[]) => unknown)(1, 2), /at most one argument/],
  ])('%s says so', (_what, call, text) => expect(thrownBy(call).message).toMatch(text));

  test('it says where', () => {
    const { stack } = thrownBy(() => expect([1]).toEqual([2]));
    expect(stack!.split('\n').find((line) => line.includes(' at '))).toContain('quick-expect.test.ts');
  });
});
