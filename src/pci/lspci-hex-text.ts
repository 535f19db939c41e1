// One function as `lspci -xxxx` prints it: what `lspci -F` reads, and everyone's bug reports hold.
//
//   00:01.0 Ethernet controller [0200]: Intel Corporation 82574L Gigabit Network Connection [8086:10d3]
//   00: 86 80 d3 10 07 05 10 00 00 00 00 02 00 00 00 00      16 bytes a row
//   ...
//   ff0: 00 00 ..

import { decodeConfigHeader } from './config-space.ts';
import { hex } from './little-endian.ts';
import { lspciHeadline } from './lspci-text.ts';
import type { LspciInput } from './lspci-text.ts';

const ROW = 16;

/**
 * Prints one function as `lspci -xxxx -nn` does, every line ended by a newline; put an empty line between functions.
 *
 * @param input slot and names, and configuration space of 64, 256 or 4096 bytes.
 * @throws RangeError for another number of bytes, or the bytes of a bridge.
 * @example
 * ```ts
 * writeFileSync('card.txt', formatLspciHex({ slot: '00:01.0', config })); // lspci -F card.txt -vv
 * ```
 */
export function formatLspciHex(input: Pick<LspciInput, 'slot' | 'names' | 'config'>): string {
  const { config } = input;
  if (![64, 256, 4096].includes(config.length)) throw new RangeError(`formatLspciHex: config has ${config.length} bytes; expected 64, 256 or 4096`);
  const lines = [lspciHeadline(input, decodeConfigHeader(config))];
  for (let at = 0; at < config.length; at += ROW) lines.push(`${hex(at, 2)}: ${[...config.subarray(at, at + ROW)].map((byte) => hex(byte, 2)).join(' ')}`);
  return lines.map((line) => `${line}\n`).join('');
}
