// What a register map is written as: registers, arrays and blocks of them, FIFOs and interrupts. Plain data; names come from the keys.
//
//   { CTRL:  { at: 0x04, fields: { EN: rw(0) } },                                one register, 32 bits
//     DATA:  { at: 0x40, count: 8, fields: { byte: rw(7, 0) }, bits: 8 },        DATA[0] .. DATA[7], one after another
//     QUEUE: { at: 0x100, count: 4, stride: 0x10, block: { TAIL: { at: 0, .. } } }   QUEUE[0].TAIL at 0x100, QUEUE[1].TAIL at 0x110 }

import type { FieldSpec } from './field.ts';

/** Bits of a register. */
export type RegisterBits = 8 | 16 | 32 | 64;

/** Bytes of an access. */
export type AccessBytes = 1 | 2 | 4 | 8;

/** How a 64-bit register behaves that is accessed in halves (rule B-tear). */
export type Tear = 'none' | 'latch-low' | 'latch-high';

/** A window onto other registers: the register itself holds nothing (rule B-index). */
export interface PortSpec {
  /** The register or field that says which register is meant. */
  readonly index: string;
  /** Byte position, in the bank, of the register that index 0 means. */
  readonly from: number;
  /** Bytes from one index to the next. */
  readonly stride: number;
  /** How many indices there are; one beyond is a hole. */
  readonly count: number;
}

/** One register, or an array of them. */
export interface RegisterSpec {
  /** Byte position in the bank; inside a block, from the block's start. */
  readonly at: number;
  /** Its size in bits. Default: 32. */
  readonly bits?: RegisterBits;
  /** Its fields by name. Bits of no field read 0 and drop writes. */
  readonly fields?: Readonly<Record<string, FieldSpec>>;
  /** Makes it an array of so many registers. */
  readonly count?: number;
  /** Bytes from one of the array to the next. Default: its size. */
  readonly stride?: number;
  /** For 64 bits: what becomes of halves. Default: `none`. */
  readonly tear?: Tear;
  /** `ring`: each write leaves a record, and no JavaScript runs (rule B-notify). */
  readonly notify?: 'ring';
  /** Makes it a data port; then it has no fields. */
  readonly port?: PortSpec;
  /** Allows a position that is no multiple of its size (of 4, for 64 bits). */
  readonly unaligned?: boolean;
  /** One line about it. */
  readonly doc?: string;
}

/** Registers that belong together, once or several times. */
export interface BlockSpec {
  /** Byte position in the bank, or in the block around it. */
  readonly at: number;
  /** The registers, at positions from the block's start. */
  readonly block: RegisterSpecs;
  /** Makes it an array of so many blocks. */
  readonly count?: number;
  /** Bytes from one block of the array to the next. Needed with `count`. */
  readonly stride?: number;
  /** One line about it. */
  readonly doc?: string;
}

/** Registers and blocks by name. */
export interface RegisterSpecs {
  readonly [name: string]: RegisterSpec | BlockSpec;
}

/** What is said of the bank as a whole. */
export interface BankOptions {
  /** Its size in bytes: that of the region. */
  readonly bytes: number;
  /** The legal sizes of an access in bytes. Default: 1, 2, 4 and 8. */
  readonly access?: readonly AccessBytes[];
  /** What becomes of an access that is not exactly one register: `lanes` serves its pieces, `fault` refuses it. Default: `lanes`. */
  readonly split?: 'lanes' | 'fault';
  /** Byte order of registers. Default: `little`. */
  readonly endian?: 'little' | 'big';
  /** One line about it. */
  readonly doc?: string;
}

/** A FIFO that ports take from and add to (rule B-fifo). */
export interface FifoSpec {
  /** How many entries it holds, 1 to 65534. */
  readonly depth: number;
  /** The field that shows how many there are: `REGISTER.FIELD`. */
  readonly level?: string;
}

/** An interrupt: a line that is up while a status bit and its mask bit are (rule B-irq). */
export interface InterruptSpec {
  /** Its name. */
  readonly name: string;
  /** The line, 0 to 63: a vector of the function. Several interrupts may share one. */
  readonly line: number;
  /** The register with the status bits. */
  readonly status: string;
  /** The register with the mask bits: fields of the same names as those of `status`. Without one all status bits are enabled. */
  readonly mask?: string;
  /** Which fields are paired. Default: those of `mask`, or all of `status` without one; never tags and reserved bits. */
  readonly fields?: readonly string[];
  /** A mask bit disables instead of enabling. */
  readonly disables?: boolean;
  /** Gives an event each time a bit rises while enabled, instead of a level. */
  readonly edge?: boolean;
}

/** What a map has beside registers. */
export interface BankParts {
  /** Interrupts. */
  readonly irq?: readonly InterruptSpec[];
  /** FIFOs by name. */
  readonly fifos?: Readonly<Record<string, FifoSpec>>;
}

/**
 * An interrupt for a map's `irq`.
 *
 * @param name - Its name.
 * @param spec - Its line, and the registers whose bits make it.
 * @example
 * ```ts
 * irq('copy', { line: 0, status: 'STATUS', mask: 'MASK' });
 * ```
 */
export function irq(name: string, spec: Omit<InterruptSpec, 'name'>): InterruptSpec {
  return { name, ...spec };
}

/** Whether an entry of a map is a block. @internal */
export function isBlock(spec: RegisterSpec | BlockSpec): spec is BlockSpec {
  return 'block' in spec;
}
