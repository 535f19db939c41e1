// Text is read from pixels with a font that was learnt from pixels.

import { expect, test } from '@jest/globals';
import { ALPHABET, learnFont, readText } from './checks/console-text.ts';
import type { Scanout } from '../../src/devices/index.ts';

const [COLUMNS, ROWS] = [100, 4];
const STRIDE = COLUMNS * 8 * 4 + 64;

/** A picture of text in an invented font: a character's code in the pixels of its third line. */
function picture(lines: readonly string[]): Scanout {
  const bytes = new Uint8Array(STRIDE * ROWS * 16);
  for (const [row, line] of lines.entries()) {
    for (const [column, character] of [...line].entries()) {
      for (let x = 0; x < 8; x++) {
        if (((character.charCodeAt(0) - 32) >> x) & 1) bytes[(row * 16 + 2) * STRIDE + (column * 8 + x) * 4 + 1] = 0xaa;
      }
    }
  }
  return { width: COLUMNS * 8, height: ROWS * 16, stride: STRIDE, format: 'XRGB8888', offset: 0, bytes };
}

test('every character that was shown once is known again', () => {
  const font = learnFont(picture([ALPHABET]));
  expect(readText(picture(['', 'Linux 6.1 {#1}', '~ # ']), font)).toBe('\nLinux 6.1 {#1}\n~ #');
});

test('a cell that was never shown is no character', () => {
  const font = learnFont(picture([ALPHABET]));
  const odd = picture(['abc']);
  odd.bytes[5 * STRIDE + 8 * 4 + 1] = 0xff;
  expect(readText(odd, font)).toBe('a\ufffdc');
});

test('a row that shows something else is no font', () => {
  expect(() => learnFont(picture(['aaa']))).toThrow('the first row shows 2 different cells; expected 95');
});
