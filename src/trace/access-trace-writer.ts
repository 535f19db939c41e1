// Writes the access trace format that access-trace.ts reads (and draws): lower-case hex without leading zeros, LF line ends.

import { ACCESS_READ, ACCESS_MEMORY, ACCESS_TRACE_HEADER, type Access, type AccessBlock } from './access-trace.ts';

const LIMIT_64 = 1n << 64n;
/** What the reader refuses in a region name: white space and control characters. */
// eslint-disable-next-line no-control-regex -- control characters are what this looks for
const NOT_IN_NAME = /[\u0000-\u0020\u007f]/;

function checkName(region: string): void {
  if (region === '' || NOT_IN_NAME.test(region)) {
    throw new RangeError(`formatAccess: region ${JSON.stringify(region)} is empty or has white space or control characters`);
  }
}

/**
 * One access as a line without its end.
 *
 * @throws RangeError when the line would not be one that the reader takes: size not 1, 2, 4 or 8, a value that does not fit the
 * size, a last byte beyond 2^64-1, a region name that is empty or has white space.
 * @example
 * formatAccess({ op: 'W', space: 'M', size: 4, address: 0xfebf8014n, value: 0x460001n, region: 'nvme' });
 * // 'W M 4 febf8014 460001 nvme'
 */
export function formatAccess(access: Access): string {
  const { op, space, size, address, value, region } = access;
  if (size !== 1 && size !== 2 && size !== 4 && size !== 8) throw new RangeError(`formatAccess: size ${size} is not 1, 2, 4 or 8`);
  if (address < 0n || address + BigInt(size) > LIMIT_64) {
    throw new RangeError(`formatAccess: ${size} bytes at address ${address} are not inside 0..2^64-1`);
  }
  if (value < 0n || value >> BigInt(8 * size) !== 0n) {
    throw new RangeError(`formatAccess: value ${value} is not below 2^${8 * size}, as size ${size} wants`);
  }
  checkName(region);
  return `${op} ${space} ${size} ${address.toString(16)} ${value.toString(16)} ${region}`;
}

const hex64 = (high: number, low: number): string =>
  high === 0 ? low.toString(16) : high.toString(16) + low.toString(16).padStart(8, '0');

/**
 * A block as lines, each ended by LF; empty for an empty block. No header: see ACCESS_TRACE_HEADER.
 *
 * The block is taken as the reader makes it: its fields are not checked again.
 *
 * @example
 * const text = `${ACCESS_TRACE_HEADER}\n${blocks.map(formatAccessBlock).join('')}`;
 */
export function formatAccessBlock(block: AccessBlock): string {
  let text = '';
  for (let index = 0; index < block.length; index++) {
    const op = block.op[index] === ACCESS_READ ? 'R' : 'W';
    const space = block.space[index] === ACCESS_MEMORY ? 'M' : 'P';
    const address = hex64(block.addressHigh[index]!, block.addressLow[index]!);
    const value = hex64(block.valueHigh[index]!, block.valueLow[index]!);
    text += `${op} ${space} ${block.size[index]!} ${address} ${value} ${block.names[block.region[index]!]!}\n`;
  }
  return text;
}

/**
 * A whole trace as text: the header line, then one line per access.
 *
 * @throws RangeError as `formatAccess`.
 */
export function formatAccessTrace(accesses: Iterable<Access>): string {
  let text = `${ACCESS_TRACE_HEADER}\n`;
  for (const access of accesses) text += `${formatAccess(access)}\n`;
  return text;
}
