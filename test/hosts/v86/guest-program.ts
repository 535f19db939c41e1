// A guest for tests, assembled here: a BIOS of 64 KiB that goes to protected mode, then does what a script in memory says, one access after the other.
//
//   01000  done    01004  go      02000  address and value that each interrupt handler writes first (address 0: none)
//   03000  interrupts taken, one count per vector         08000  script        40000  results, one dword per load
//   f0000  this program           ffff0  where the processor begins
//
// A step of a script: operation, address, value; stores of 64 and 128 bits have their bytes behind it.

import { Assembler } from '../../../demo/guest/assembler.ts';

export const DONE = 0x1000;
export const GO = 0x1004;
export const ACKNOWLEDGE = 0x2000;
export const TAKEN = 0x3000;
export const SCRIPT = 0x8000;
export const RESULTS = 0x40000;

/** Operations by name; numbers are their places in the program's table. */
export const OPERATIONS = [
  'end', 'read8', 'read16', 'read32', 'write8', 'write16', 'write32', 'in8', 'in16', 'in32', 'out8', 'out16', 'out32', 'write64', 'write128', 'sti', 'cli', 'halt', 'storeMany', 'loadMany', 'waitFor',
] as const;

const BASE = 0xf0000;
const IMAGE = 0x10000;

function prologue(to: Assembler): void {
  to.origin(0).bytes(0xfa); // cli
  to.bytes(0x2e, 0x66, 0x0f, 0x01, 0x16, 0x00, 0x0f); // lgdt cs:[0f00]
  to.bytes(0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0); // cr0 |= 1
  to.bytes(0x66, 0xea).address('protected').bytes(0x08, 0x00); // jmp 08:protected
  to.origin(0xf00).bytes(23, 0).dword(BASE + 0xf10);
  to.origin(0xf10).dword(0).dword(0).dword(0x0000_ffff).dword(0x00cf_9a00).dword(0x0000_ffff).dword(0x00cf_9200);
  to.origin(0xf40).bytes(0xff, 0x07).dword(BASE + 0x2000);
  to.origin(0xfff0).bytes(0xe9, 0x0d, 0x00); // jmp 0000, 16 bits: fff3 + 000d
}

function interrupts(to: Assembler): void {
  // A stub per vector: push vector; jmp common. A gate per vector.
  for (let vector = 0; vector < 256; vector++) {
    to.origin(0x3000 + 16 * vector).bytes(0x68).dword(vector).jump('common');
    const stub = BASE + 0x3000 + 16 * vector;
    to.origin(0x2000 + 8 * vector).bytes(stub & 0xff, (stub >> 8) & 0xff, 0x08, 0x00, 0x00, 0x8e, (stub >> 16) & 0xff, stub >>> 24);
  }
  to.origin(0x1800).label('common');
  to.bytes(0x60, 0x8b, 0x44, 0x24, 0x20); // pushad; eax = vector
  to.bytes(0xff, 0x04, 0x85).dword(TAKEN); // inc [taken + 4 eax]
  to.bytes(0x8b, 0x1d).dword(ACKNOWLEDGE).bytes(0x85, 0xdb, 0x74, 0x08); // ebx = address; none: over
  to.bytes(0x8b, 0x0d).dword(ACKNOWLEDGE + 4).bytes(0x89, 0x0b); // [ebx] = value
  to.bytes(0x83, 0xf8, 0x30, 0x73, 0x0f); // from vector 30 on: the APIC's
  to.bytes(0x83, 0xf8, 0x28, 0xb0, 0x20, 0x72, 0x02); // al = 20; below 28: not the second controller's
  to.bytes(0xe6, 0xa0, 0xe6, 0x20); // out a0, al; out 20, al
  to.bytes(0xeb, 0x0b, 0x90, 0x90); // over
  to.bytes(0x90, 0xc7, 0x05).dword(0xfee0_00b0).dword(0); // [fee000b0] = 0
  to.bytes(0x61, 0x83, 0xc4, 0x04, 0xcf); // popad; esp += 4; iret
}

function interpreter(to: Assembler): void {
  to.origin(0x1000).label('protected');
  to.bytes(0x66, 0xb8, 0x10, 0x00, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0); // ds = es = ss = 10
  to.bytes(0xbc).dword(0x7000); // esp
  to.bytes(0x0f, 0x20, 0xe0, 0x66, 0x0d, 0x00, 0x06, 0x0f, 0x22, 0xe0); // cr4: SSE
  to.bytes(0x0f, 0x01, 0x1d).dword(BASE + 0xf40); // lidt
  to.label('wait');
  to.bytes(0x83, 0x3d).dword(GO).bytes(0x00, 0x74, 0xf7); // while [go] == 0
  to.bytes(0xc7, 0x05).dword(GO).dword(0);
  to.bytes(0xbe).dword(SCRIPT).bytes(0xbf).dword(RESULTS); // esi, edi
  to.label('step');
  to.bytes(0x8b, 0x06, 0x8b, 0x5e, 0x04, 0x8b, 0x4e, 0x08, 0x83, 0xc6, 0x0c); // eax, ebx, ecx = operation, address, value
  to.bytes(0x8b, 0xd3, 0xff, 0x24, 0x85).address('table'); // edx = ebx; jmp [table + 4 eax]
  to.label('table');
  for (const name of OPERATIONS) to.address(name);

  const step = (name: (typeof OPERATIONS)[number], ...bytes: number[]): void => void to.label(name).bytes(...bytes).jump('step');
  const STOSD = 0xab;
  to.label('end').bytes(0xc7, 0x05).dword(DONE).dword(1).jump('wait');
  step('read8', 0x0f, 0xb6, 0x03, STOSD);
  step('read16', 0x0f, 0xb7, 0x03, STOSD);
  step('read32', 0x8b, 0x03, STOSD);
  step('write8', 0x88, 0x0b);
  step('write16', 0x66, 0x89, 0x0b);
  step('write32', 0x89, 0x0b);
  step('in8', 0x31, 0xc0, 0xec, STOSD);
  step('in16', 0x31, 0xc0, 0x66, 0xed, STOSD);
  step('in32', 0xed, STOSD);
  step('out8', 0x8b, 0xc1, 0xee);
  step('out16', 0x8b, 0xc1, 0x66, 0xef);
  step('out32', 0x8b, 0xc1, 0xef);
  step('write64', 0x0f, 0x6f, 0x06, 0x83, 0xc6, 0x08, 0x0f, 0x7f, 0x03, 0x0f, 0x77);
  step('write128', 0xf3, 0x0f, 0x6f, 0x06, 0x83, 0xc6, 0x10, 0xf3, 0x0f, 0x7f, 0x03);
  step('sti', 0xfb, 0x90);
  step('cli', 0xfa);
  step('halt', 0xfb, 0xf4, 0x90);
  step('storeMany', 0x89, 0x0b, 0x49, 0x75, 0xfb);
  step('loadMany', 0x31, 0xc0, 0x03, 0x03, 0x49, 0x75, 0xfb, STOSD);
  step('waitFor', 0x39, 0x0b, 0x75, 0xfc);
}

/** The program as an image for `bios`. */
export function guestProgram(): Uint8Array {
  const to = new Assembler(BASE, IMAGE);
  prologue(to);
  interpreter(to);
  interrupts(to);
  return to.finish();
}
