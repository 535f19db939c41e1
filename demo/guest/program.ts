// The built-in guest: a BIOS of 64 KiB that goes to protected mode, sleeps, and does the scripts that the page puts into its memory. No other system is on the machine.
//
//   01000  go: a script waits         01004  address, value, width that quiet who interrupts (address 0: none)
//   03000  interrupts taken, one dword per vector
//   08000  script: steps of four dwords, operation | a | b | c        80000  results, one dword per load
//   f0000  this program                                               ffff0  where the processor begins
//
// The page wakes it by a byte on the serial line, whose interrupt ends `hlt`; the guest says `done` by a byte the other way.

import { Assembler } from './assembler.ts';

export const GO = 0x1000;
export const ACKNOWLEDGE = 0x1004;
export const TAKEN = 0x3000;
export const SCRIPT = 0x8000;
export const RESULTS = 0x80000;
/** Bytes on the serial line: a script is done; a loop that is to be measured begins, ends. */
export const SAYS = { done: 0x04, begins: 0x02, ends: 0x03 } as const;

/** Operations; a number in a script is the place in this list. */
export const OPERATIONS = [
  'end', 'read8', 'read16', 'read32', 'write8', 'write16', 'write32', 'in32', 'out8', 'out16', 'out32', 'fill', 'storeMany', 'loadMany', 'until', 'idle',
] as const;
export type Operation = (typeof OPERATIONS)[number];

const BASE = 0xf0000;
const BYTES = 0x10000;
const COM1 = 0x3f8;
const [BELOW, EQUAL, NOT_EQUAL] = [2, 4, 5] as const;

/** From real mode at the end of the image to protected mode, flat, with a gate per vector. */
function start(to: Assembler): void {
  to.origin(0xfff0).bytes(0xe9, 0x0d, 0x00); // jmp 0000, 16 bits: fff3 + 000d
  to.origin(0x0000).bytes(0xfa); // cli
  to.bytes(0x2e, 0x66, 0x0f, 0x01, 0x16, 0x00, 0x0f); // lgdt cs:[0f00]
  to.bytes(0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0); // cr0 |= 1
  to.bytes(0x66, 0xea).address('protected').bytes(0x08, 0x00); // jmp 08:protected
  to.origin(0x0f00).bytes(23, 0).dword(BASE + 0xf10);
  to.origin(0x0f10).dword(0).dword(0).dword(0x0000_ffff).dword(0x00cf_9a00).dword(0x0000_ffff).dword(0x00cf_9200);
  to.origin(0x0f40).bytes(0xff, 0x07).dword(BASE + 0x2000);
  for (let vector = 0; vector < 256; vector++) {
    const stub = BASE + 0x3000 + 16 * vector;
    to.origin(0x2000 + 8 * vector).bytes(stub & 0xff, (stub >> 8) & 0xff, 0x08, 0x00, 0x00, 0x8e, (stub >> 16) & 0xff, stub >>> 24);
    to.origin(0x3000 + 16 * vector).bytes(0x68).dword(vector).jump('interrupt');
  }
}

/** Counts the vector, quiets who asked, ends it at the controllers. */
function interrupt(to: Assembler): void {
  to.origin(0x1800).label('interrupt');
  to.bytes(0x60, 0x8b, 0x74, 0x24, 0x20); // pushad; esi = vector
  to.bytes(0xff, 0x04, 0xb5).dword(TAKEN); // inc [taken + 4 esi]
  to.bytes(0x83, 0xfe, 0x24).jumpIf(NOT_EQUAL, 'card'); // the serial line's: read the byte
  to.bytes(0x66, 0xba, COM1 & 0xff, COM1 >> 8, 0xec).jump('over'); // dx = 3f8; in al, dx
  to.label('card').bytes(0x8b, 0x1d).dword(ACKNOWLEDGE).bytes(0x85, 0xdb).jumpIf(EQUAL, 'over'); // ebx = address; none
  to.bytes(0x8b, 0x0d).dword(ACKNOWLEDGE + 4).bytes(0x83, 0x3d).dword(ACKNOWLEDGE + 8).bytes(0x04).jumpIf(EQUAL, 'wide'); // ecx = value; width 4
  to.bytes(0x88, 0x0b).jump('over').label('wide').bytes(0x89, 0x0b); // [ebx] = cl, ecx
  to.label('over').bytes(0xb0, 0x20, 0x83, 0xfe, 0x28).jumpIf(BELOW, 'master'); // al = 20; below 28 the second controller is not concerned
  to.bytes(0xe6, 0xa0); // out a0, al
  to.label('master').bytes(0xe6, 0x20, 0x61, 0x83, 0xc4, 0x04, 0xcf); // out 20, al; popad; esp += 4; iret
}

/** Sleeps until there is a script, then does its steps: eax = operation, ebx = a, ecx = b, edx = c. */
function interpreter(to: Assembler): void {
  to.origin(0x1000).label('protected');
  to.bytes(0x66, 0xb8, 0x10, 0x00, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0); // ds = es = ss = 10
  to.bytes(0xbc).dword(0x7000); // esp
  to.bytes(0x0f, 0x01, 0x1d).dword(BASE + 0xf40); // lidt
  to.label('sleep').bytes(0xfa, 0x83, 0x3d).dword(GO).bytes(0x00).jumpIf(NOT_EQUAL, 'script'); // cli; [go] != 0
  to.bytes(0xfb, 0xf4).jump('sleep'); // sti; hlt
  to.label('script').bytes(0xc7, 0x05).dword(GO).dword(0).bytes(0xfb); // [go] = 0; sti
  to.bytes(0xbe).dword(SCRIPT).bytes(0xbf).dword(RESULTS); // esi, edi
  to.label('step');
  to.bytes(0x8b, 0x06, 0x8b, 0x5e, 0x04, 0x8b, 0x4e, 0x08, 0x8b, 0x6e, 0x0c, 0x83, 0xc6, 0x10); // eax, ebx, ecx, ebp; esi += 16
  to.bytes(0x8b, 0xd3, 0xff, 0x24, 0x85).address('table'); // edx = ebx; jmp [table + 4 eax]
  to.label('table');
  for (const name of OPERATIONS) to.address(name);
}

/** What says a byte on the serial line; changes eax and edx. */
function says(to: Assembler, byte: number): Assembler {
  return to.bytes(0x66, 0xba, COM1 & 0xff, COM1 >> 8, 0xb0, byte, 0xee);
}

function operations(to: Assembler): void {
  const step = (name: Operation, ...bytes: number[]): void => void to.label(name).bytes(...bytes).jump('step');
  const STOSD = 0xab;
  says(to.label('end'), SAYS.done).jump('sleep');
  step('read8', 0x0f, 0xb6, 0x03, STOSD); // eax = [ebx]; [edi] = eax
  step('read16', 0x0f, 0xb7, 0x03, STOSD);
  step('read32', 0x8b, 0x03, STOSD);
  step('write8', 0x88, 0x0b); // [ebx] = cl
  step('write16', 0x66, 0x89, 0x0b);
  step('write32', 0x89, 0x0b);
  step('in32', 0xed, STOSD);
  step('out8', 0x8b, 0xc1, 0xee);
  step('out16', 0x8b, 0xc1, 0x66, 0xef);
  step('out32', 0x8b, 0xc1, 0xef);
  step('fill', 0x57, 0x8b, 0xfb, 0x8b, 0xc5, 0xf3, STOSD, 0x5f); // push edi; edi = a; eax = c; rep stosd of b dwords; pop edi
  says(to.label('storeMany'), SAYS.begins).label('store').bytes(0x89, 0x2b, 0x49).jumpIf(NOT_EQUAL, 'store'); // [ebx] = ebp, b times
  says(to, SAYS.ends).jump('step');
  says(to.label('loadMany'), SAYS.begins).label('load').bytes(0x03, 0x03, 0x49).jumpIf(NOT_EQUAL, 'load'); // eax += [ebx], b times
  says(to, SAYS.ends).jump('step');
  // Until ([a] & b) == c, at most 2^20 times; the last value is the result.
  to.label('until').bytes(0xba).dword(1 << 20);
  to.label('look').bytes(0x8b, 0x03, 0x50, 0x21, 0xc8, 0x39, 0xe8, 0x58).jumpIf(EQUAL, 'seen'); // eax = [ebx]; eax & ecx == ebp
  to.bytes(0x4a).jumpIf(NOT_EQUAL, 'look');
  to.label('seen').bytes(STOSD).jump('step');
  step('idle', 0x90);
}

/** The program as an image for v86's `bios`. */
export function guestProgram(): Uint8Array {
  const to = new Assembler(BASE, BYTES);
  start(to);
  interrupt(to);
  interpreter(to);
  operations(to);
  return to.finish();
}
