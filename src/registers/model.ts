// A register map, checked and flat: every element of every array is a register with a number, in rising position, and names have become numbers.

import type { AccessBytes, BankOptions, RegisterBits, Tear } from './description.ts';
import type { OnRead, OnWrite, Software } from './words.ts';

/** Some bits of a register. */
export interface BitsRef {
  /** `REGISTER.FIELD`, or `REGISTER` when it is all of them. */
  readonly path: string;
  /** The register's number. */
  readonly register: number;
  /** The bits, in place. */
  readonly mask: bigint;
  /** The lowest of them. */
  readonly lsb: number;
}

/** A lock, resolved: the field is writable while `(register & mask) >> lsb` is `value`. */
export interface LockModel extends BitsRef {
  /** The value that opens it, in the numbers of the lock's field. */
  readonly value: bigint;
}

/** One field of one register. */
export interface FieldModel {
  /** Its key in the map. */
  readonly name: string;
  /** Where it is: `QUEUE[2].TAIL.value`. */
  readonly path: string;
  /** The highest bit. */
  readonly msb: number;
  /** The lowest bit. */
  readonly lsb: number;
  /** Its bits, in place. */
  readonly mask: bigint;
  /** Who may use it. */
  readonly sw: Software;
  /** What becomes of the bits that were read. */
  readonly onRead: OnRead | undefined;
  /** What a written bit makes of the stored one; without a word it is stored. */
  readonly onWrite: OnWrite | undefined;
  /** Value after a reset, in the field's own numbers. */
  readonly reset: bigint;
  /** Is 0 again when the access ends. */
  readonly pulse: boolean;
  /** Keeps its value through a soft reset. */
  readonly sticky: boolean;
  /** Known by name and not modelled. */
  readonly tag: boolean;
  /** Reads its reset value always. */
  readonly constant: boolean;
  /** Reserved, and how. */
  readonly reserved: 'zero' | 'keep' | undefined;
  /** What software should write, in the field's own numbers. */
  readonly expect: bigint | undefined;
  /** Names for values, in the order of the map. */
  readonly names: readonly (readonly [name: string, value: bigint])[];
  /** When it is writable. */
  readonly locks: readonly LockModel[];
  /** One line about it. */
  readonly doc: string | undefined;
}

/** Something that follows a read or a write. `own`: the bits that must be touched. `ifOne`: one of them must be written with 1. */
export type ActionModel =
  | { readonly kind: 'set' | 'clear'; readonly at: 'read' | 'write'; readonly own: bigint; readonly ifOne: boolean; readonly target: BitsRef }
  | { readonly kind: 'copy'; readonly at: 'read' | 'write'; readonly own: bigint; readonly ifOne: false; readonly target: BitsRef }
  | { readonly kind: 'count'; readonly at: 'read' | 'write'; readonly own: bigint; readonly ifOne: boolean; readonly target: BitsRef; readonly step: number; readonly saturates: boolean }
  | { readonly kind: 'pop'; readonly at: 'read'; readonly own: bigint; readonly ifOne: false; readonly fifo: number }
  | { readonly kind: 'push'; readonly at: 'write'; readonly own: bigint; readonly ifOne: false; readonly fifo: number };

/** A data port, resolved. */
export interface PortModel {
  /** The bits that are the index. */
  readonly index: BitsRef;
  /** Byte position of the register that index 0 means. */
  readonly from: number;
  /** Bytes from one index to the next. */
  readonly stride: number;
  /** How many indices there are. */
  readonly count: number;
}

/** One register. */
export interface RegisterModel {
  /** Its key in the map. */
  readonly name: string;
  /** Where it is: `QUEUE[2].TAIL`. */
  readonly path: string;
  /** The path of the map's entry it comes from, without indices: `QUEUE[].TAIL`. */
  readonly entry: string;
  /** Its indices in the arrays around it, the outermost first. */
  readonly indices: readonly number[];
  /** Its number: registers are numbered in rising position. */
  readonly number: number;
  /** Byte position in the bank. */
  readonly position: number;
  /** Its size in bits. */
  readonly bits: RegisterBits;
  /** Its size in bytes. */
  readonly bytes: AccessBytes;
  /** Its fields, in the order of their bits. */
  readonly fields: readonly FieldModel[];
  /** Value after a reset. */
  readonly reset: bigint;
  /** What becomes of halves. */
  readonly tear: Tear;
  /** Whether each write leaves a record. */
  readonly notify: boolean;
  /** What follows reads and writes, in order: fields in the order of the map, then the counters that count this register. */
  readonly actions: readonly ActionModel[];
  /** Whether it is a data port, and onto what. */
  readonly port: PortModel | undefined;
  /** One line about it. */
  readonly doc: string | undefined;
}

/** A FIFO. */
export interface FifoModel {
  /** Its name. */
  readonly name: string;
  /** How many entries it holds. */
  readonly depth: number;
  /** The field that shows how many there are. */
  readonly level: BitsRef | undefined;
}

/** A status field and the mask field of its name. */
export interface InterruptPair {
  /** The name of both. */
  readonly name: string;
  /** The status bits. */
  readonly status: BitsRef;
  /** The mask bits, as many; none means always enabled. */
  readonly mask: BitsRef | undefined;
}

/** An interrupt. */
export interface InterruptModel {
  /** Its name. */
  readonly name: string;
  /** Its line, 0 to 63. */
  readonly line: number;
  /** A mask bit disables. */
  readonly disables: boolean;
  /** Gives events for rising bits instead of a level. */
  readonly edge: boolean;
  /** What it is made of. */
  readonly pairs: readonly InterruptPair[];
}

/** A checked map without its type: what the core's table, the generated texts and the tests are made from. */
export interface BankModel {
  /** The map's name. */
  readonly name: string;
  /** Size of the bank in bytes. */
  readonly bytes: number;
  /** The legal sizes of an access, rising. */
  readonly access: readonly AccessBytes[];
  /** What becomes of an access that is not exactly one register. */
  readonly split: NonNullable<BankOptions['split']>;
  /** Byte order of registers. */
  readonly endian: NonNullable<BankOptions['endian']>;
  /** One line about it. */
  readonly doc: string | undefined;
  /** Every register, in rising position: the place in this list is its number. */
  readonly registers: readonly RegisterModel[];
  /** The FIFOs, in the order of the map. */
  readonly fifos: readonly FifoModel[];
  /** The interrupts, in the order of the map. */
  readonly interrupts: readonly InterruptModel[];
}
