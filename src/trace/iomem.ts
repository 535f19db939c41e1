// /proc/iomem (and /proc/ioports): the kernel's tree of address ranges as text.
//
//     c0000000-febfffff : PCI Bus 0000:00
//       febf8000-febfbfff : 0000:00:01.0          two spaces of indentation per level
//         febf8000-febfbfff : nvme
//     |        |          |
//     start    last       name                    hex; both ends are inside the range
//
// A reader that is not root sees every address as 00000000.

import { TraceFormatError } from './format-error.ts';
import { type Chunk, type ChunkSource, type LineParser, parseAll, parseStream } from './lines.ts';

/** A range and the ranges inside it. */
export interface IomemRange {
  /** First address. */
  start: bigint;
  /** Last address, inclusive. */
  last: bigint;
  /** What the kernel calls it; two ranges may have one name. */
  name: string;
  /** Ranges inside this one, in the order of the text. */
  children: IomemRange[];
}

const FORMAT = 'iomem';
const LINE = /^( *)([0-9a-f]{1,16})-([0-9a-f]{1,16}) : (.+)$/i;

const range = ({ start, last }: IomemRange): string => `${start.toString(16)}-${last.toString(16)}`;

/** Hands over a top-level range when the next one starts: only then is it known to be complete. */
function createParser(): LineParser<IomemRange> {
  // The chain of open ranges: path[0] is the top-level one, the last one is the latest line's.
  let path: IomemRange[] = [];
  const finish = (): IomemRange | undefined => {
    const top = path[0];
    path = [];
    return top;
  };
  return {
    line(text, number) {
      const malformed = (expected: string): never => {
        throw new TraceFormatError(FORMAT, number, text, expected);
      };
      if (text.trim() === '') return undefined;
      const match = LINE.exec(text) ?? malformed('"start-last : name" with 1 to 16 hex digits for each end');
      const indent = match[1]!.length;
      const node: IomemRange = { start: BigInt(`0x${match[2]!}`), last: BigInt(`0x${match[3]!}`), name: match[4]!, children: [] };
      if (node.start > node.last) malformed('a start that is not above the last address');
      if (indent % 2 !== 0) malformed(`two spaces of indentation per level, found ${indent}`);
      const depth = indent / 2;
      if (depth > path.length) malformed(`at most ${path.length * 2} spaces of indentation below the line above, found ${indent}`);
      if (depth === 0) {
        const finished = finish();
        path = [node];
        return finished;
      }
      const parent = path[depth - 1]!;
      if (node.start < parent.start || node.last > parent.last) malformed(`a range inside its parent ${range(parent)} ${parent.name}`);
      parent.children.push(node);
      path.length = depth;
      path.push(node);
      return undefined;
    },
    end: finish,
  };
}

/**
 * Reads a whole text. Empty lines are skipped.
 *
 * @returns the top-level ranges in the order of the text.
 * @throws TraceFormatError for a line of another form, a start above its last address, indentation that skips a level, a range
 * that is not inside its parent.
 * @example
 * parseIomem('a0000-bffff : PCI Bus 0000:00\n'); // [{ start: 0xa0000n, last: 0xbffffn, name: 'PCI Bus 0000:00', children: [] }]
 */
export function parseIomem(text: Chunk): IomemRange[] {
  return parseAll(FORMAT, createParser(), text);
}

/** Reads a stream: each top-level range as soon as it is complete. Errors as `parseIomem`. */
export function readIomem(source: ChunkSource): AsyncGenerator<IomemRange, void, undefined> {
  return parseStream(FORMAT, createParser(), source);
}

/**
 * Writes a tree as the kernel does: at least eight digits per address.
 *
 * @example
 * formatIomem(parseIomem(text)) === text;
 */
export function formatIomem(ranges: readonly IomemRange[]): string {
  let text = '';
  // A stack of its own instead of recursion: depth is the caller's data.
  const open = ranges.map((node) => ({ node, depth: 0 })).reverse();
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const { node, depth } = entry;
    const digits = (address: bigint): string => address.toString(16).padStart(8, '0');
    text += `${'  '.repeat(depth)}${digits(node.start)}-${digits(node.last)} : ${node.name}\n`;
    for (const child of node.children.toReversed()) open.push({ node: child, depth: depth + 1 });
  }
  return text;
}
