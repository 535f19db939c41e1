// A program for Linux on i386 that times a loop of loads or stores: an executable of a few hundred bytes, assembled here and typed into the guest's shell.
//
//   08048000  ELF header, one segment      08048060  code      080481bc  what to do: address, accesses, 1 for loads
//   08049000  least, rounds, two times     0804a000  a page of RAM of its own
//
// It opens /dev/mem, maps the page of the address (or takes its own), runs the loop some times, and prints the least nanoseconds of one run in hexadecimal.

import { Assembler } from './assembler.ts';

const BASE = 0x0804_8000;
const [LEAST, ROUNDS, BEGAN, ENDED, TEXT] = [0x1000, 0x1004, 0x1008, 0x1010, 0x1020].map((at) => BASE + at) as [number, number, number, number, number];
const RAM = BASE + 0x2000;
const BYTES = 0x1c8;
/** Bytes at the end of the program that say what to do; all before them is the same for every task. */
export const TASK_BYTES = 12;
const MEMORY = 0x3000;
const CODE = 0x60;
const LOOPS = 10;
const SYSTEM = { exit: 1, write: 4, open: 5, mmap2: 192, clock_gettime: 265 } as const;
const MONOTONIC = 1;
const [EQUAL, NOT_EQUAL, NOT_SIGNED, NOT_BELOW, BELOW_OR_EQUAL] = [4, 5, 9, 3, 6] as const;

/** What the program is to do. */
export interface LoopTask {
  readonly operation: 'store' | 'load';
  /** A physical address; null for RAM of the program. */
  readonly address: number | null;
  readonly accesses: number;
}

function headers(to: Assembler): void {
  to.origin(0).bytes(0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, 0).dword(0).dword(0);
  to.bytes(2, 0, 3, 0).dword(1).address('start').dword(52).dword(0).dword(0); // executable, 386; program headers at 52
  to.bytes(52, 0, 32, 0, 1, 0, 0, 0, 0, 0, 0, 0);
  to.origin(52).dword(1).dword(0).dword(BASE).dword(BASE).dword(BYTES).dword(MEMORY).dword(7).dword(0x1000); // all of the file; read, write, run
}

function call(to: Assembler, number: number): Assembler {
  return to.bytes(0xb8).dword(number).bytes(0xcd, 0x80); // eax = number; int 80
}

function timeInto(to: Assembler, place: number): void {
  to.bytes(0xbb).dword(MONOTONIC).bytes(0xb9).dword(place); // ebx, ecx
  call(to, SYSTEM.clock_gettime);
}

/** ebp = the page of the task's address, and the offset in it. */
function mapped(to: Assembler): void {
  to.bytes(0xbd).dword(RAM).bytes(0x83, 0x3d).address('address').bytes(0).jumpIf(EQUAL, 'there'); // ebp = RAM; address == 0
  to.bytes(0xbb).address('path').bytes(0xb9).dword(2).bytes(0x31, 0xd2); // ebx = path; ecx = read and write; edx = 0
  call(to, SYSTEM.open).bytes(0x89, 0xc7); // edi = eax
  to.bytes(0x31, 0xdb, 0xb9).dword(0x1000).bytes(0xba).dword(3).bytes(0xbe).dword(1); // any place; one page; read and write; shared
  to.bytes(0x8b, 0x2d).address('address').bytes(0xc1, 0xed, 0x0c); // ebp = address >> 12
  call(to, SYSTEM.mmap2).bytes(0x3d).dword(0xffff_f000).jumpIf(NOT_BELOW, 'failed');
  to.bytes(0x8b, 0x2d).address('address').bytes(0x81, 0xe5).dword(0xfff).bytes(0x01, 0xc5); // ebp = (address & fff) + eax
  to.label('there');
}

function rounds(to: Assembler): void {
  to.bytes(0xc7, 0x05).dword(LEAST).dword(0xffff_ffff).bytes(0xc7, 0x05).dword(ROUNDS).dword(LOOPS);
  to.label('round');
  timeInto(to, BEGAN);
  to.bytes(0x8b, 0x0d).address('accesses').bytes(0x83, 0x3d).address('loads').bytes(0).jumpIf(NOT_EQUAL, 'load'); // ecx = accesses
  to.label('store').bytes(0x89, 0x5d, 0x00, 0x49).jumpIf(NOT_EQUAL, 'store').jump('done'); // [ebp] = ebx; ecx--
  to.label('load').bytes(0x03, 0x45, 0x00, 0x49).jumpIf(NOT_EQUAL, 'load'); // eax += [ebp]
  to.label('done');
  timeInto(to, ENDED);
  to.bytes(0xa1).dword(ENDED + 4).bytes(0x2b, 0x05).dword(BEGAN + 4).jumpIf(NOT_SIGNED, 'positive').bytes(0x05).dword(1e9); // eax = nanoseconds between
  to.label('positive').bytes(0x3b, 0x05).dword(LEAST).jumpIf(NOT_BELOW, 'more').bytes(0xa3).dword(LEAST);
  to.label('more').bytes(0xff, 0x0d).dword(ROUNDS).jumpIf(NOT_EQUAL, 'round'); // [rounds]--
}

/** Prints eax in eight digits, and ends. */
function told(to: Assembler): void {
  to.bytes(0xa1).dword(LEAST).label('tells').bytes(0xbf).dword(TEXT).bytes(0xb9).dword(8); // edi = text; ecx = 8
  to.label('digit').bytes(0xc1, 0xc0, 0x04, 0x88, 0xc3, 0x80, 0xe3, 0x0f, 0x80, 0xc3, 0x30, 0x80, 0xfb, 0x39); // eax rol 4; bl = '0' + (al & f); '9'
  to.jumpIf(BELOW_OR_EQUAL, 'decimal').bytes(0x80, 0xc3, 0x27);
  to.label('decimal').bytes(0x88, 0x1f, 0x47, 0x49).jumpIf(NOT_EQUAL, 'digit'); // [edi++] = bl
  to.bytes(0xbb).dword(1).bytes(0xb9).dword(TEXT).bytes(0xba).dword(8);
  call(to, SYSTEM.write).bytes(0x31, 0xdb);
  call(to, SYSTEM.exit);
  to.label('failed').bytes(0xb8).dword(0xffff_ffff).jump('tells');
}

/** The program, with its task in it. */
export function linuxLoop({ operation, address, accesses }: LoopTask): Uint8Array {
  const to = new Assembler(BASE, BYTES);
  headers(to);
  to.origin(CODE).label('start');
  mapped(to);
  rounds(to);
  told(to);
  to.label('path').bytes(...new TextEncoder().encode('/dev/mem'), 0);
  if (to.at > BYTES - TASK_BYTES) throw new Error(`the program has ${to.at} bytes before its task; expected up to ${BYTES - TASK_BYTES}`);
  to.origin(BYTES - TASK_BYTES).label('address').dword(address ?? 0).label('accesses').dword(accesses).label('loads').dword(operation === 'load' ? 1 : 0);
  return to.finish();
}
