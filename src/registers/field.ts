// Fields as a map describes them: plain objects, and short constructors for the usual ones.
//
//   rw(31, 16)              bits 31..16             rw(0)                        bit 0
//   rw(3, 2, 1)             with reset value 1      rw(3, 2, { reset: 1 })       the same, with room for more
//   rw(0, { sticky: true }) bit 0 with options      lock(rw(7, 0), 'KEY.OPEN')   writable only while KEY.OPEN is 1

import type { OnReadWord, OnWriteWord, SoftwareWord } from './words.ts';

/** A number of a field: a safe integer or a bigint, 0 to 2^64-1. */
export type FieldValue = number | bigint;

/** Names for values: `['copy', 'fill']` names 0 and 1; `{ copy: 0, crc: 4 }` names any. */
export type EnumSpec = readonly string[] | Readonly<Record<string, FieldValue>>;

/** Something that happens to another field when this one is written or read. Made by {@link sets}, {@link clears} and {@link copies}. */
export interface Effect {
  /** What is done to the other field: all of its bits 1, all 0, or this field's value as stored. */
  readonly do: 'set' | 'clear' | 'copy';
  /** The other field: `REGISTER.FIELD`, looked for in the same block first, or `FIELD` of the same register. */
  readonly to: string;
  /** `one`: only when a bit of this field was written with 1. `any`: at every write that touches it. An effect of a read is always `any`. */
  readonly when?: 'one' | 'any';
}

/** What a field counts (rule B-counter). */
export interface CounterSpec {
  /** The register or field whose accesses are counted. */
  readonly of: string;
  /** Which accesses. */
  readonly at: 'read' | 'write';
  /** `one`: only writes that write a bit of `of` with 1. Default: `any`. */
  readonly when?: 'one' | 'any';
  /** Added each time; negative counts down. An integer within 2^31 of zero, not 0. Default: 1. */
  readonly step?: number;
  /** Stops at the ends of the field; otherwise wraps around inside it. */
  readonly saturates?: boolean;
}

/** When a field is writable: while another field has a value. */
export interface LockSpec {
  /** The other field: `REGISTER.FIELD`, or `FIELD` of the same register. */
  readonly by: string;
  /** The value of the other field with which this one is writable. */
  readonly value: FieldValue;
}

/** What can be said of a field beside its bits and its access. */
export interface FieldOptions {
  /** Value after a reset. Default: 0. */
  readonly reset?: FieldValue;
  /** Names for values. */
  readonly enum?: EnumSpec;
  /** Keeps its value through a soft reset, as PCI Express says of sticky bits. */
  readonly sticky?: boolean;
  /** Is 0 again when the access that wrote it ends (SystemRDL: singlepulse). */
  readonly pulse?: boolean;
  /** When it is writable; several must all hold. */
  readonly locks?: readonly LockSpec[];
  /** What its writes do elsewhere. */
  readonly afterWrite?: readonly Effect[];
  /** What its reads do elsewhere. */
  readonly afterRead?: readonly Effect[];
  /** The FIFO whose oldest entry a read takes. */
  readonly pops?: string;
  /** The FIFO to which a write adds an entry. */
  readonly pushes?: string;
  /** What it counts. */
  readonly counter?: CounterSpec;
  /** One line about it. */
  readonly doc?: string;
}

/** A field as a map describes it: bits, the two axes, who may use it, and more. */
export interface FieldSpec extends FieldOptions {
  /** The highest bit. */
  readonly msb: number;
  /** The lowest bit. */
  readonly lsb: number;
  /** Who may use it. Default: `rw`. */
  readonly sw?: SoftwareWord;
  /** What becomes of the bits that were read. Default: nothing. */
  readonly onRead?: OnReadWord;
  /** What a written bit makes of the stored one. Default: it is stored. */
  readonly onWrite?: OnWriteWord;
  /** Known by name and not modelled: stores what is written, and is counted. */
  readonly tag?: boolean;
  /** Reads its reset value always; the device side does not set it either. */
  readonly constant?: boolean;
  /** Reserved bits: `zero` reads 0 and drops writes, `keep` stores. */
  readonly reserved?: 'zero' | 'keep';
  /** For reserved bits: what software should write; anything else is counted as a violation. */
  readonly expect?: FieldValue;
}

/** A field with its bits, its words and its options in its type. */
export type FieldOf<Msb extends number, Lsb extends number, Words, Options> = { readonly msb: Msb; readonly lsb: Lsb } & Words & Options;

/** Options that are a reset value alone, or a record. */
export type ResetOrOptions = FieldValue | FieldOptions;

/** What is in a field's type of its options: nothing of a reset value alone. */
export type OptionsIn<R> = R extends FieldOptions ? R : unknown;

/** A constructor of fields of one kind of access. */
export interface FieldConstructor<Words> {
  /** One bit. */
  <const Msb extends number, const Options extends FieldOptions>(bit: Msb, options: Options): FieldOf<Msb, Msb, Words, Options>;
  /** One bit that is 0 after a reset. */
  <const Msb extends number>(bit: Msb): FieldOf<Msb, Msb, Words, unknown>;
  /** Bits msb..lsb, with a reset value or options. */
  <const Msb extends number, const Lsb extends number, const R extends ResetOrOptions = 0>(msb: Msb, lsb: Lsb, resetOrOptions?: R): FieldOf<Msb, Lsb, Words, OptionsIn<R>>;
}

function optionsOf(options: ResetOrOptions | undefined): FieldOptions {
  if (options === undefined) return {};
  return typeof options === 'object' ? options : { reset: options };
}

function constructor<const Words extends Omit<FieldSpec, 'msb' | 'lsb'>>(words: Words): FieldConstructor<Words> {
  const make = (msb: number, second?: number | FieldOptions, third?: ResetOrOptions): FieldSpec =>
    typeof second === 'object' ? { ...second, ...words, msb, lsb: msb } : { ...optionsOf(third), ...words, msb, lsb: second ?? msb };
  return make as FieldConstructor<Words>;
}

/** Software reads and writes it: what is written is stored. */
export const rw = constructor({ sw: 'rw' });
/** Software reads it; the device side sets it. */
export const ro = constructor({ sw: 'r' });
/** Software writes it, and reads 0. */
export const wo = constructor({ sw: 'w' });
/** As `rw` for the first write after a reset, then read-only. */
export const rw1 = constructor({ sw: 'rw1' });
/** As `wo` for the first write after a reset; later ones are dropped. */
export const w1 = constructor({ sw: 'w1' });
/** Out of software's reach: state of the device that lies in a register's bits. */
export const na = constructor({ sw: 'na' });
/** Writing 1 clears the bit (woclr). */
export const w1c = constructor({ sw: 'rw', onWrite: 'woclr' });
/** Writing 1 sets the bit (woset). */
export const w1s = constructor({ sw: 'rw', onWrite: 'woset' });
/** Writing 1 toggles the bit (wot). */
export const w1t = constructor({ sw: 'rw', onWrite: 'wot' });
/** Writing 0 clears the bit (wzc). */
export const w0c = constructor({ sw: 'rw', onWrite: 'wzc' });
/** Writing 0 sets the bit (wzs). */
export const w0s = constructor({ sw: 'rw', onWrite: 'wzs' });
/** Writing 0 toggles the bit (wzt). */
export const w0t = constructor({ sw: 'rw', onWrite: 'wzt' });
/** Any write clears the whole field. */
export const wclr = constructor({ sw: 'rw', onWrite: 'wclr' });
/** Any write sets the whole field. */
export const wset = constructor({ sw: 'rw', onWrite: 'wset' });
/** Reading clears the bits that are read (rclr); writes are dropped. */
export const rc = constructor({ sw: 'r', onRead: 'rclr' });
/** Reading sets the bits that are read (rset); writes are dropped. */
export const rs = constructor({ sw: 'r', onRead: 'rset' });
/** Software writes it, actions and hooks see it, and it is 0 again when the access ends. */
export const pulse = constructor({ sw: 'w', pulse: true });
/** Reads its reset value always. */
export const constant = constructor({ sw: 'r', constant: true });
/** Known by name and not modelled: stores what is written, and counts the writes. */
export const tag = constructor({ sw: 'rw', tag: true });

/** What can be said of reserved bits. */
export interface ReservedOptions {
  /** `zero` (the default) reads 0 and drops writes, `keep` stores. */
  readonly policy?: 'zero' | 'keep';
  /** What software should write; anything else is counted as a violation. Default: nothing is counted. */
  readonly expect?: FieldValue;
  /** For `keep`: the value after a reset. */
  readonly reset?: FieldValue;
  /** One line about it. */
  readonly doc?: string;
}

/** The type of reserved bits. */
export type ReservedField<Msb extends number, Lsb extends number> = FieldOf<Msb, Lsb, { readonly reserved: 'zero' | 'keep' }, unknown>;

/**
 * Reserved bits.
 *
 * @example
 * ```ts
 * reserved(31, 16); // reads 0, writes are dropped
 * reserved(7, 4, 'keep');
 * reserved(3, { expect: 0 }); // a write of 1 is counted
 * ```
 */
export function reserved<const Msb extends number>(bit: Msb, options?: ReservedOptions): ReservedField<Msb, Msb>;
export function reserved<const Msb extends number, const Lsb extends number>(msb: Msb, lsb: Lsb, options?: 'zero' | 'keep' | ReservedOptions): ReservedField<Msb, Lsb>;
export function reserved(msb: number, second?: number | ReservedOptions, third?: 'zero' | 'keep' | ReservedOptions): ReservedField<number, number> {
  const given = typeof second === 'object' ? second : third;
  const { policy = 'zero', ...rest } = typeof given === 'string' ? { policy: given } : (given ?? {});
  return { ...rest, msb, lsb: typeof second === 'number' ? second : msb, sw: policy === 'keep' ? 'rw' : 'na', reserved: policy } as ReservedField<number, number>;
}

/**
 * The field, writable only while another one has a value (SystemRDL: swwe). Around a field that has a lock already, it adds one.
 *
 * @param field - A field that software can write.
 * @param by - The other field: `REGISTER.FIELD`, or `FIELD` of the same register.
 * @param value - The value with which `field` is writable. Default: 1.
 */
export function lock<const F extends FieldSpec>(field: F, by: string, value: FieldValue = 1): F {
  return { ...field, locks: [...(field.locks ?? []), { by, value }] };
}

/** All bits of another field become 1 when this one is written with a 1, or, with `any`, at every access. */
export function sets(to: string, when: 'one' | 'any' = 'one'): Effect {
  return { do: 'set', to, when };
}

/** All bits of another field become 0 when this one is written with a 1, or, with `any`, at every access. */
export function clears(to: string, when: 'one' | 'any' = 'one'): Effect {
  return { do: 'clear', to, when };
}

/** Another field takes this field's stored value at every access that touches it. */
export function copies(to: string): Effect {
  return { do: 'copy', to, when: 'any' };
}
