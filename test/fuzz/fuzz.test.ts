// The short form of `npm run fuzz`.

import { expect, test } from '@jest/globals';
import { fuzz } from './fuzz.ts';

test.each([1, 20_260])('random calls answer what the reference answers, never trap and leave nothing: seed %i', (seed) => {
  expect(fuzz(seed, 10_000)).toEqual({ seed, calls: 10_000, traps: 0, differences: 0 });
});
