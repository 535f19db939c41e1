// Flags as text: bits by name, and the flags of open(2).
//
//   0x9 -> EVENTFD|NORESIZE     a bit without a name: its hex

import { hex, integerOf } from './value-text.ts';

/** Names of bits, by value. */
export function bitNames(names: Readonly<Record<string, number>>): ReadonlyMap<bigint, string> {
  return new Map(Object.entries(names).map(([name, value]) => [BigInt(value), name]));
}

function isBit(value: bigint): boolean {
  return value > 0n && (value & (value - 1n)) === 0n;
}

function joinBits(all: bigint, names: ReadonlyMap<bigint, string>): string {
  const parts: string[] = [];
  let rest = all;
  for (const [value, name] of [...names].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!isBit(value) || (rest & value) === 0n) continue;
    parts.push(name);
    rest &= ~value;
  }
  if (rest !== 0n || parts.length === 0) parts.push(hex(rest));
  return parts.join('|');
}

/** Bits by name, joined by `|`; what has no name follows in hex. */
export function flagsText(value: unknown, names: ReadonlyMap<bigint, string>): string {
  const bits = integerOf(value);
  return bits === undefined || bits < 0n ? hex(value) : joinBits(bits, names);
}

const openFlags = bitNames({ O_CREAT: 0x40, O_NONBLOCK: 0x800, O_CLOEXEC: 0x8_0000 });
const ACCESS_MODES = ['O_RDONLY', 'O_WRONLY', 'O_RDWR', 'O_ACCMODE'];

/** The flags of open(2): how the file is accessed, then the bits. */
export function openText(flags: unknown): string {
  const value = integerOf(flags);
  if (value === undefined || value < 0n) return hex(flags);
  const mode = ACCESS_MODES[Number(value & 3n)]!;
  return (value & ~3n) === 0n ? mode : `${mode}|${flagsText(value & ~3n, openFlags)}`;
}
