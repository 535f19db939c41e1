// The guest: a BIOS of 64 KiB without a system, whose processor does what the host asks, a loop of many accesses at a time.
//
//   01000  which loop to run, 0: none   01004  its address   01008  how many times
//   10000  a page of RAM that blocks are copied from and to
//   f0000  this program                 ffff0  where the processor begins
//
// A byte written to port 500 says that a loop begins, and that it has ended: time is taken there, inside the run.

export const ORDER = 0x1000;
export const PORT = 0x500;
const BASE = 0xf0000;
const PAGE = 0x1_0000;
const LOOPS_AT = 0x1100;

const dword = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];

/** `body`, then down with ecx and again. */
const counted = (...body: number[]): number[] => [...body, 0x49, 0x75, -(body.length + 3) & 0xff, 0xc3];

/** 4 KiB at a time: edx = ecx / 1024; esi and edi set, ecx = 1024, `rep` and the instruction. */
function blocks(setup: readonly number[], instruction: number): number[] {
  const body = [...setup, 0xb9, ...dword(1024), 0xf3, instruction, 0x4a];
  return [0x8b, 0xd1, 0xc1, 0xea, 0x0a, ...body, 0x75, -(body.length + 2) & 0xff, 0xc3];
}

/** The loops by name: ebx is the address, ecx the number of accesses. */
export const LOOPS = {
  'read 32': counted(0x8b, 0x03),
  'write 32': counted(0x89, 0x03),
  'read 8': counted(0x0f, 0xb6, 0x03),
  'write 8': counted(0x88, 0x03),
  'read 16': counted(0x0f, 0xb7, 0x03),
  'write 16': counted(0x66, 0x89, 0x03),
  'rep movsd to': blocks([0xbe, ...dword(PAGE), 0x8b, 0xfb], 0xa5),
  'rep movsd from': blocks([0x8b, 0xf3, 0xbf, ...dword(PAGE)], 0xa5),
} as const;

/** One of the loops. */
export type LoopName = keyof typeof LOOPS;
export const LOOP_NAMES = Object.keys(LOOPS) as LoopName[];

/** The program as an image for `bios`. */
export function benchProgram(): Uint8Array {
  const image = new Uint8Array(0x1_0000).fill(0xf4);
  const put = (at: number, ...bytes: number[]): void => image.set(bytes, at);
  put(0, 0xfa, 0x2e, 0x66, 0x0f, 0x01, 0x16, 0x00, 0x0f); // cli; lgdt cs:[0f00]
  put(8, 0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0x66, 0xea, ...dword(BASE + 0x1000), 0x08, 0x00); // cr0 |= 1; jmp 08:1000
  put(0xf00, 23, 0, ...dword(BASE + 0xf10));
  put(0xf10, ...dword(0), ...dword(0), ...dword(0xffff), ...dword(0x00cf_9a00), ...dword(0xffff), ...dword(0x00cf_9200));
  put(0xfff0, 0xe9, 0x0d, 0x00); // jmp 0000
  const program = [
    0x66, 0xb8, 0x10, 0x00, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, // ds = es = ss = 10
    0xbc, ...dword(0x7000), // esp
    0x83, 0x3d, ...dword(ORDER), 0x00, 0x74, 0xf7, // while [order] == 0
    0xa1, ...dword(ORDER), 0xc7, 0x05, ...dword(ORDER), ...dword(0), // eax = [order]; [order] = 0
    0x8b, 0x1d, ...dword(ORDER + 4), 0x8b, 0x0d, ...dword(ORDER + 8), // ebx, ecx
    0x8b, 0xe8, 0x66, 0xba, PORT & 0xff, PORT >> 8, 0xb0, 1, 0xee, // ebp = eax; out 500, 1
    0xff, 0x14, 0xad, ...dword(BASE + LOOPS_AT), // call [loops + 4 ebp]
    0x66, 0xba, PORT & 0xff, PORT >> 8, 0xb0, 2, 0xee, // out 500, 2
  ];
  put(0x1000, ...program, 0xeb, (0x0f - (program.length + 2)) & 0xff);
  LOOP_NAMES.forEach((name, i) => {
    const at = 0x2000 + 0x100 * i;
    put(LOOPS_AT + 4 * (i + 1), ...dword(BASE + at));
    put(at, ...LOOPS[name]);
  });
  return image;
}
