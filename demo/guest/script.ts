// Scripts for the built-in guest: steps made by name, and as the dwords that its program reads.

import { OPERATIONS } from './program.ts';
import type { Operation } from './program.ts';

/** One step: an operation and up to three numbers, see program.ts. */
export type Step = readonly [operation: Operation, a?: number, b?: number, c?: number];

const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
/** Steps of a script at most: what fits between SCRIPT and RESULTS. */
export const MOST_STEPS = (0x80000 - 0x8000) / 16 - 1;

const at = (devfn: number, offset: number): Step => ['out32', CONFIG_ADDRESS, (0x8000_0000 | (devfn << 8) | (offset & 0xfc)) >>> 0];

/** Reads a dword of configuration space. */
export const configRead = (devfn: number, offset: number): Step[] => [at(devfn, offset), ['in32', CONFIG_DATA]];

/** Writes to configuration space: 32 or 16 bits. */
export const configWrite = (devfn: number, offset: number, value: number, bits: 16 | 32 = 32): Step[] => [at(devfn, offset), [bits === 16 ? 'out16' : 'out32', CONFIG_DATA + (offset & 3), value]];

/** Interrupt controllers: vectors 20 and 28 on, the serial line's and PCI's line 11 open, that one by level, all pins routed to it. */
export function setUp(): Step[] {
  const out = (port: number, value: number): Step => ['out8', port, value];
  return [
    ...([[0x20, 0x11], [0x21, 0x20], [0x21, 0x04], [0x21, 0x01], [0xa0, 0x11], [0xa1, 0x28], [0xa1, 0x02], [0xa1, 0x01]] as const).map(([port, value]) => out(port, value)),
    out(0x4d1, 0x08), out(0x21, 0xeb), out(0xa1, 0xf7),
    at(8, 0x60), ...[0, 1, 2, 3].map((pin) => out(CONFIG_DATA + pin, 11)),
    out(0x3fb, 0x03), out(0x3f9, 0x01), out(0x3fc, 0x0b),
  ];
}

/** Whether a step leaves a result. */
export const hasResult = ([operation]: Step): boolean => /^(read|in|until)/.test(operation);

/** The steps, and their end, as dwords. RangeError for more than fit. */
export function scriptBytes(steps: readonly Step[]): Uint8Array {
  if (steps.length > MOST_STEPS) throw new RangeError(`a script of ${steps.length} steps; expected up to ${MOST_STEPS}`);
  const words = new Int32Array(4 * (steps.length + 1));
  steps.forEach(([operation, ...numbers], i) => words.set([OPERATIONS.indexOf(operation), ...numbers.map((number) => number ?? 0)], 4 * i));
  return new Uint8Array(words.buffer);
}
