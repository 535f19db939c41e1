// The lines that lspci prints of base addresses:
//
//     Region 0: Memory at febf8000 (64-bit, non-prefetchable) [disabled] [size=16K]
//     Region 4: I/O ports at c040 [size=32]
//     Region 2: Memory at <unassigned> (32-bit, prefetchable) [virtual] [size=1M]
//     Region 0: [virtual] Memory at 000001f0 (32-bit, non-prefetchable) [size=8]        older pciutils
//     Expansion ROM at feb40000 [disabled] [size=256K]

/** A BAR as printed. */
export interface LspciRegion {
  /** 0..5 */
  index: number;
  kind: 'memory' | 'io';
  /** `null` for `<unassigned>` and `<ignored>`. */
  address: bigint | null;
  /** Bytes; `null` when the line has no size. */
  size: bigint | null;
  /** Address bits: 32 or 64. I/O ports are 32; `low-1M` memory is 32. */
  width: 32 | 64;
  prefetchable: boolean;
  /** Whether the command register keeps it from answering. */
  disabled: boolean;
  /** True for a region that the kernel knows of and no register holds, such as an IDE controller's legacy ports; else absent. */
  virtual?: true;
}

/** The expansion ROM as printed. */
export interface LspciRom {
  /** `null` for `<unassigned>` and `<ignored>`. */
  address: bigint | null;
  /** Bytes; `null` when the line has no size. */
  size: bigint | null;
  disabled: boolean;
  /** True for one at a place that no register holds: the copy of a VGA ROM at 000c0000; else absent. */
  virtual?: true;
}

const WHERE = '([0-9a-f]{1,16}|<unassigned>|<ignored>)';
const NOTES = '((?: \\[[^\\]]*\\])*)';
const MEMORY = new RegExp(`^Memory at ${WHERE} \\((32-bit|64-bit|low-1M|type 3), (non-)?prefetchable\\)${NOTES}$`);
const PORTS = new RegExp(`^I/O ports at ${WHERE}${NOTES}$`);
const ROM = new RegExp(`^${WHERE}${NOTES}$`);
const VIRTUAL = '[virtual] ';
const SIZE = /^size=([0-9]{1,19})([KMGT]?)$/;
const SHIFTS: Record<string, bigint> = { '': 0n, K: 10n, M: 20n, G: 30n, T: 40n };

const parseAddress = (text: string): bigint | null => (text.startsWith('<') ? null : BigInt(`0x${text}`));

/** Reads ` [disabled] [size=16K]`; `null` when a size is not one. Other notes (`enhanced`) are passed over. */
function parseNotes(text: string): { size: bigint | null; disabled: boolean; virtual?: true } | null {
  let virtual = false;
  let size: bigint | null = null;
  let disabled = false;
  for (const [, note = ''] of text.matchAll(/\[([^\]]*)\]/g)) {
    if (note.startsWith('size=')) {
      const match = SIZE.exec(note);
      if (match === null) return null;
      size = BigInt(match[1]!) << SHIFTS[match[2]!]!;
    }
    if (note === 'disabled' || note === 'disabled by cmd') disabled = true;
    if (note === 'virtual') virtual = true;
  }
  return { size, disabled, ...(virtual && { virtual }) };
}

/** Reads what stands around the colon of a `Region` line; `null` when it is none. */
export function parseRegion(index: string, text: string): LspciRegion | null {
  if (!/^[0-5]$/.test(index)) return null;
  if (text.startsWith(VIRTUAL)) text = `${text.slice(VIRTUAL.length)} [virtual]`;
  const memory = MEMORY.exec(text);
  if (memory !== null) {
    const notes = parseNotes(memory[4]!);
    if (notes === null) return null;
    const width = memory[2] === '64-bit' ? 64 : 32;
    return { index: Number(index), kind: 'memory', address: parseAddress(memory[1]!), width, prefetchable: memory[3] === undefined, ...notes };
  }
  const ports = PORTS.exec(text);
  const notes = ports === null ? null : parseNotes(ports[2]!);
  if (ports === null || notes === null) return null;
  return { index: Number(index), kind: 'io', address: parseAddress(ports[1]!), width: 32, prefetchable: false, ...notes };
}

/** Reads what follows `Expansion ROM at `; `null` when it is none. */
export function parseRom(text: string): LspciRom | null {
  const match = ROM.exec(text);
  const notes = match === null ? null : parseNotes(match[2]!);
  if (match === null || notes === null) return null;
  return { address: parseAddress(match[1]!), ...notes };
}
