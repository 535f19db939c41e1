// Programs for an RP2040: ARMv6-M instructions from text, placed in SRAM behind a vector table, and run until they break.
//
//   2000_0000   stack pointer, reset vector, ...   48 words
//   2000_0100   the program, then its literals
//   2000_1000   results
//   2000_4000   the stack grows down from here

import { RP2040 } from 'rp2040js';

export const SRAM = 0x2000_0000;
export const RESULTS = 0x2000_1000;
const CODE = 0x2000_0100;
const STACK = 0x2000_4000;

const number = Number;
const word = (imm: string): number => number(imm) >> 2;
const half = (imm: string): number => number(imm) >> 1;
const memory = (code: number, offset: number, base: string, register: string): number => code | (offset << 6) | (number(base) << 3) | number(register);

// Encodings are those of the ARMv6-M Architecture Reference Manual, A6.7.
const TABLE: readonly (readonly [RegExp, (...operands: string[]) => number])[] = [
  [/^movs r(\d), #(\w+)$/, (d, imm) => 0x2000 | (number(d) << 8) | number(imm)],
  [/^adds r(\d), #(\w+)$/, (d, imm) => 0x3000 | (number(d) << 8) | number(imm)],
  [/^subs r(\d), #(\w+)$/, (d, imm) => 0x3800 | (number(d) << 8) | number(imm)],
  [/^tst r(\d), r(\d)$/, (n, m) => 0x4200 | (number(m) << 3) | number(n)],
  [/^str r(\d), \[r(\d), #(\w+)\]$/, (t, n, imm) => memory(0x6000, word(imm), n, t)],
  [/^ldr r(\d), \[r(\d), #(\w+)\]$/, (t, n, imm) => memory(0x6800, word(imm), n, t)],
  [/^strb r(\d), \[r(\d), #(\w+)\]$/, (t, n, imm) => memory(0x7000, number(imm), n, t)],
  [/^ldrb r(\d), \[r(\d), #(\w+)\]$/, (t, n, imm) => memory(0x7800, number(imm), n, t)],
  [/^strh r(\d), \[r(\d), #(\w+)\]$/, (t, n, imm) => memory(0x8000, half(imm), n, t)],
  [/^ldrh r(\d), \[r(\d), #(\w+)\]$/, (t, n, imm) => memory(0x8800, half(imm), n, t)],
  [/^bx lr$/, () => 0x4770],
  [/^bkpt #(\w+)$/, (imm) => 0xbe00 | number(imm)],
  [/^wfi$/, () => 0xbf30],
];
const BRANCH: Readonly<Record<string, readonly [code: number, bits: number]>> = { b: [0xe000, 11], beq: [0xd000, 8], bne: [0xd100, 8] };

/** The half-words of a text, and where its labels are. One instruction a line; `label:` before it, `; comment` behind. */
function assemble(text: string): { readonly code: readonly number[]; readonly labels: ReadonlyMap<string, number> } {
  const labels = new Map<string, number>();
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const [, label, instruction] = /^\s*(?:(\w+):)?\s*(.*?)\s*(?:;.*)?$/.exec(line)!;
    if (label !== undefined) labels.set(label, CODE + 2 * lines.length);
    if (instruction !== '') lines.push(instruction!.replace(/\s+/g, ' '));
  }
  const literals: number[] = [];
  const pool = Math.ceil(lines.length / 2) * 4;
  const code = lines.map((line, i) => {
    const literal = /^ldr r(\d), =(\w+)$/.exec(line);
    if (literal !== null) {
      // From the word that the instruction after the next one lies in.
      const offset = (pool + 4 * literals.length - ((2 * i + 4) & ~3)) >> 2;
      literals.push(number(literal[2]));
      return 0x4800 | (number(literal[1]) << 8) | offset;
    }
    const [, mnemonic, to] = /^(\w+) (\w+)$/.exec(line) ?? [];
    const branch = BRANCH[mnemonic ?? ''];
    if (branch !== undefined) return branch[0] | (((labels.get(to!)! - CODE - 2 * i - 4) >> 1) & ((1 << branch[1]) - 1));
    for (const [pattern, encode] of TABLE) {
      const found = pattern.exec(line);
      if (found !== null) return encode(...found.slice(1));
    }
    throw new Error(`no instruction: ${line}`);
  });
  if (code.length % 2 === 1) code.push(0xbf00); // nop
  return { code: [...code, ...literals.flatMap((value) => [value & 0xffff, value >>> 16])], labels };
}

/** An RP2040 that does not talk. */
export function quietChip(): RP2040 {
  const mcu = new RP2040();
  const silent = (): void => undefined;
  mcu.logger = { debug: silent, info: silent, warn: silent, error: silent };
  return mcu;
}

/** Loads a program that begins at `main`; `handlers` says which label each interrupt leads to. */
export function load(mcu: RP2040, text: string, handlers: Readonly<Record<number, string>> = {}): void {
  const { code, labels } = assemble(text);
  code.forEach((one, i) => mcu.writeUint16(CODE + 2 * i, one));
  const vector = (exception: number, label: string): void => mcu.writeUint32(SRAM + 4 * exception, labels.get(label)! | 1);
  mcu.writeUint32(SRAM, STACK);
  vector(1, 'main');
  for (const [irq, label] of Object.entries(handlers)) vector(16 + Number(irq), label);
  mcu.core.VTOR = SRAM;
  mcu.core.reset();
}

/** Runs to the next `bkpt`. While the processor waits, `waiting` is called: what happens outside meanwhile. */
export function run(mcu: RP2040, waiting: () => void = () => undefined): void {
  let stopped = false;
  mcu.onBreak = () => (stopped = true);
  for (let steps = 0; !stopped; steps++) {
    if (steps > 10_000) throw new Error(`the program does not end: it is at 0x${mcu.core.PC.toString(16)}`);
    if (mcu.core.waiting) waiting();
    else mcu.step();
  }
}

/** The first words of the results. */
export function results(mcu: RP2040, count: number): number[] {
  return Array.from({ length: count }, (_, i) => mcu.readUint32(RESULTS + 4 * i));
}
