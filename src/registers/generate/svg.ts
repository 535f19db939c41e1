// A register as a drawing of its bits: rows of at most 32, the highest on the left, each field a box with its name, its bits and its access.
//
//   31        24 23  20                8                   1   0
//   +-----------+------+---------------+-------------------+---+
//   |   debug   | mode |               |       count       |EN |
//   +-----------+------+---------------+-------------------+---+
//        tag       rw                           ro           rw

import type { FieldModel, RegisterModel } from '../model.ts';
import { accessText, escaped, hexText } from './text.ts';

const BIT = 24;
const MARGIN = 16;
const TITLE = 30;
const NUMBERS = 16;
const BOX = 34;
const ACCESS = 18;
const GAP = 14;
const MAX_ROW = 32;
/** Width of a letter at font size 11: the fonts asked for are all about as wide. */
const LETTER = 6.7;

const STYLE = [
  'text{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:11px;fill:#1f2328;text-anchor:middle}',
  '.title{font-size:13px;font-weight:600;text-anchor:start}',
  '.bit,.access{font-size:9px;fill:#59636e}',
  'rect{stroke:#59636e;stroke-width:1;fill:#fff}',
  '.field{fill:#ddf4ff}.reserved{fill:#eaeef2}.none{fill:#f6f8fa;stroke-dasharray:2 2}',
].join('');

/** A run of bits in one row: of a field, or of none. */
interface Run {
  readonly field: FieldModel | undefined;
  readonly msb: number;
  readonly lsb: number;
}

function runsOf(register: RegisterModel, high: number, low: number): Run[] {
  const runs: Run[] = [];
  for (let bit = high; bit >= low; ) {
    const field = register.fields.find((one) => one.lsb <= bit && bit <= one.msb);
    const below = register.fields.filter((one) => one.msb < bit).map((one) => one.msb);
    const lsb = Math.max(low, field?.lsb ?? Math.max(-1, ...below) + 1);
    runs.push({ field, msb: bit, lsb });
    bit = lsb - 1;
  }
  return runs;
}

/** A text at a size with which it fits into so many pixels; shortened when even the smallest does not. */
function fitted(text: string, width: number): { text: string; size: number } {
  const size = Math.floor(Math.min(11, (width - 4) / (text.length * LETTER / 11)));
  if (size >= 7) return { text, size };
  const letters = Math.max(1, Math.floor((width - 4) / ((LETTER * 7) / 11)) - 1);
  return { text: `${text.slice(0, letters)}…`, size: 7 };
}

function label(x: number, y: number, text: string, width: number, kind = ''): string {
  const { text: short, size } = fitted(text, width);
  const style = size === 11 || kind !== '' ? '' : ` style="font-size:${size}px"`;
  const title = short === text ? '' : `<title>${escaped(text)}</title>`;
  return `<text${kind === '' ? '' : ` class="${kind}"`} x="${x}" y="${y}"${style}>${title}${escaped(short)}</text>`;
}

function runLines(run: Run, high: number, y: number): string[] {
  const x = MARGIN + (high - run.msb) * BIT;
  const width = (run.msb - run.lsb + 1) * BIT;
  const { field } = run;
  const kind = field === undefined ? 'none' : field.reserved === undefined ? 'field' : 'reserved';
  const tip = field === undefined ? '' : `<title>${escaped(`${field.name} ${field.msb}:${field.lsb} ${accessText(field)}${field.doc === undefined ? '' : `: ${field.doc}`}`)}</title>`;
  const lines = [`<rect class="${kind}" x="${x}" y="${y + NUMBERS}" width="${width}" height="${BOX}">${tip}</rect>`];
  lines.push(label(x + BIT / 2, y + NUMBERS - 4, `${run.msb}`, BIT, 'bit'));
  if (run.msb !== run.lsb) lines.push(label(x + width - BIT / 2, y + NUMBERS - 4, `${run.lsb}`, BIT, 'bit'));
  if (field === undefined) return lines;
  lines.push(label(x + width / 2, y + NUMBERS + BOX / 2 + 4, field.reserved === undefined ? field.name : 'reserved', width));
  const access = field.reserved === undefined ? accessText(field) : field.reserved;
  // Words that do not fit below their box stand in its title alone.
  const words = [access, access.split(' ').at(-1)!, access.split(' ')[0]!].find((text) => text.length * 5.5 <= width - 2);
  if (words !== undefined) lines.push(label(x + width / 2, y + NUMBERS + BOX + 12, words, width, 'access'));
  return lines;
}

/**
 * A register as an SVG drawing of its fields.
 *
 * @param register - A register of a map, as {@link registerNamed} finds it.
 */
export function svgOf(register: RegisterModel): string {
  const rowBits = Math.min(register.bits, MAX_ROW);
  const rows = register.bits / rowBits;
  const rowHeight = NUMBERS + BOX + ACCESS;
  const title = `${register.path}  ${hexText(register.position, 2)}  ${register.bits} bits  reset ${hexText(register.reset)}`;
  const width = Math.max(rowBits * BIT, Math.ceil(title.length * 8)) + 2 * MARGIN;
  const height = TITLE + rows * rowHeight + (rows - 1) * GAP + 8;
  const lines = [`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`, `<title>${escaped(register.doc === undefined ? register.path : `${register.path}: ${register.doc}`)}</title>`, `<style>${STYLE}</style>`, `<rect x="0" y="0" width="${width}" height="${height}" style="fill:#fff;stroke:none"/>`];
  lines.push(`<text class="title" x="${MARGIN}" y="20" xml:space="preserve">${escaped(title)}</text>`);
  for (let row = 0; row < rows; row++) {
    const high = register.bits - 1 - row * rowBits;
    for (const run of runsOf(register, high, high - rowBits + 1)) lines.push(...runLines(run, high, TITLE + row * (rowHeight + GAP)));
  }
  return `${[...lines, '</svg>'].join('\n')}\n`;
}
