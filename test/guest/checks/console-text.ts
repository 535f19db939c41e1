// Text read from pixels of a Linux console, with a font that the guest has shown us: it prints a line of known characters, and a cell that looks like one of them is that one.
//
//   +--------+--------+      cells of 8 x 16 pixels, the first at the first pixel of the picture
//   |   #    |  ####  |      a cell's look: which of its pixels are not as dark as the background
import type { Scanout } from '../../../src/devices/index.ts';

const WIDTH = 8;
const HEIGHT = 16;
const PIXEL_BYTES = 4;
const GREEN = 1;

/** Every character that has a look of its own, the space first. */
export const ALPHABET = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 32 + i));

function lookOf({ bytes, stride }: Scanout, row: number, column: number): string {
  let look = '';
  for (let y = 0; y < HEIGHT; y++) {
    let line = 0;
    const at = (row * HEIGHT + y) * stride + column * WIDTH * PIXEL_BYTES;
    for (let x = 0; x < WIDTH; x++) line = (line << 1) | (bytes[at + x * PIXEL_BYTES + GREEN]! > 0x40 ? 1 : 0);
    look += String.fromCharCode(line);
  }
  return look;
}

/** By look: the character. Learnt from a picture whose first row shows {@link ALPHABET}. */
export type Font = ReadonlyMap<string, string>;

/** @throws Error when two characters look the same: the row shows something else. */
export function learnFont(picture: Scanout): Font {
  const font = new Map([...ALPHABET].map((character, column) => [lookOf(picture, 0, column), character]));
  if (font.size !== ALPHABET.length) throw new Error(`the first row shows ${font.size} different cells; expected ${ALPHABET.length}`);
  return font;
}

/** The text of a picture: its rows without spaces at their ends, until the last that holds any. What is no character of the font is a question mark in a diamond. */
export function readText(picture: Scanout, font: Font): string {
  const rows = Math.floor(picture.height / HEIGHT);
  const columns = Math.floor(picture.width / WIDTH);
  const lines = Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => font.get(lookOf(picture, row, column)) ?? '\ufffd').join('').trimEnd());
  return lines.join('\n').trimEnd();
}
