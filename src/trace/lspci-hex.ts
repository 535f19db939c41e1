// `lspci -x`, `-xxx` and `-xxxx`: configuration space as text, one function after another.
//
//     00:01.0 Ethernet controller [0200]: Intel Corporation 82574L Gigabit Network Connection [8086:10d3]
//     00: 86 80 d3 10 07 05 10 00 00 00 00 02 00 00 00 00     rows of 16 bytes: 4 rows for -x, 16 for -xxx, 256 for -xxxx
//     10: 00 00 b8 fe 00 00 ba fe 41 c0 00 00 00 00 bc fe     offset in hex, at least two digits
//     ...
//                                                             an empty line after each function

import { type PciAddress, parsePciAddress } from '../pci/index.ts';
import { TraceFormatError } from './format-error.ts';
import { type Chunk, type ChunkSource, type LineParser, parseAll, parseStream } from './lines.ts';

/** One function of a dump. */
export interface LspciHexFunction {
  address: PciAddress;
  /** The address as the dump has it, with or without a domain. */
  slot: string;
  /** What follows the address on its line. */
  headline: string;
  /** 64, 256 or 4096 bytes of configuration space. */
  bytes: Uint8Array;
}

const FORMAT = 'lspci-hex';
const HEADLINE = /^(\S+) (.+)$/;
const ROW = /^([0-9a-f]{2,3}):((?: [0-9a-f]{2}){16})$/;
const LENGTHS = [64, 256, 4096];

interface OpenFunction {
  address: PciAddress;
  slot: string;
  headline: string;
  rows: string[];
  line: number;
}

function createParser(): LineParser<LspciHexFunction> {
  let open: OpenFunction | undefined;

  const finish = (): LspciHexFunction | undefined => {
    if (open === undefined) return undefined;
    const { address, slot, headline, rows, line } = open;
    open = undefined;
    const length = rows.length * 16;
    if (!LENGTHS.includes(length)) {
      throw new TraceFormatError(FORMAT, line, `${slot} ${headline}`, `64, 256 or 4096 bytes after the headline, found ${length}`);
    }
    const bytes = new Uint8Array(length);
    rows.forEach((row, index) => {
      for (let at = 0; at < 16; at++) bytes[16 * index + at] = parseInt(row.slice(3 * at + 1, 3 * at + 3), 16);
    });
    return { address, slot, headline, bytes };
  };

  return {
    line(text, number) {
      if (text === '') return finish();
      const row = ROW.exec(text);
      if (row !== null) {
        const offset = (open?.rows.length ?? 0) * 16;
        const wanted = offset.toString(16).padStart(2, '0');
        if (open === undefined) throw new TraceFormatError(FORMAT, number, text, 'a headline "bb:dd.f text" before the first row');
        if (row[1] !== wanted || offset >= 4096) {
          throw new TraceFormatError(FORMAT, number, text, offset < 4096 ? `row ${wanted}` : 'no row after 4096 bytes');
        }
        open.rows.push(row[2]!);
        return undefined;
      }
      const match = HEADLINE.exec(text);
      const address = match === null ? null : parsePciAddress(match[1]!);
      if (match === null || address === null) {
        throw new TraceFormatError(FORMAT, number, text, 'a headline "bb:dd.f text", or a row "00:" and 16 bytes of two hex digits');
      }
      // lspci puts an empty line between functions; a dump that lost them is still clear.
      const finished = finish();
      open = { address, slot: match[1]!, headline: match[2]!, rows: [], line: number };
      return finished;
    },
    end: finish,
  };
}

/**
 * Reads a whole dump.
 *
 * @throws TraceFormatError for a line that is neither headline nor row, a row out of order, a function with another number of bytes
 * than 64, 256 or 4096.
 * @example
 * parseLspciHex(text)[0]?.bytes.length; // 4096
 */
export function parseLspciHex(text: Chunk): LspciHexFunction[] {
  return parseAll(FORMAT, createParser(), text);
}

/** Reads a stream: each function as soon as it is complete. Errors as `parseLspciHex`. */
export function readLspciHex(source: ChunkSource): AsyncGenerator<LspciHexFunction, void, undefined> {
  return parseStream(FORMAT, createParser(), source);
}

/**
 * Writes functions as lspci does, an empty line between them.
 *
 * @param options `emptyLineAtEnd`: lspci itself puts an empty line after the last function too; dumps kept in files have often
 * lost it. False when left out.
 * @throws RangeError when a function has another number of bytes than 64, 256 or 4096.
 * @example
 * formatLspciHex(parseLspciHex(text)) === text;
 */
export function formatLspciHex(functions: readonly LspciHexFunction[], options: { emptyLineAtEnd?: boolean } = {}): string {
  const texts = functions.map(({ slot, headline, bytes }) => {
    if (!LENGTHS.includes(bytes.length)) throw new RangeError(`formatLspciHex: ${slot} has ${bytes.length} bytes, not 64, 256 or 4096`);
    let text = `${slot} ${headline}\n`;
    for (let offset = 0; offset < bytes.length; offset += 16) {
      const row = Array.from(bytes.subarray(offset, offset + 16), (byte) => byte.toString(16).padStart(2, '0'));
      text += `${offset.toString(16).padStart(2, '0')}: ${row.join(' ')}\n`;
    }
    return text;
  });
  return texts.join('\n') + (options.emptyLineAtEnd === true && texts.length > 0 ? '\n' : '');
}
