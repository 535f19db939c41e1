// From a map to the bytes that the core takes: header, registers, actions, FIFOs, interrupts, one row after another, little-endian.
//
//   0        64            + 192 n       + 32 n    + 32 n  + 32 n
//   | header | registers   | actions     | FIFOs   | interrupts |
//
// A register's actions lie together: locks, write-once, whole-field words, then what follows accesses, in the order of the map.

import type { FlatHooks } from './hooks.ts';
import type { ActionModel, BankModel, FieldModel, FifoModel, InterruptModel, RegisterModel } from './model.ts';
import { widthOf } from './references.ts';
import { ACTION, ACTION_FLAG, BANK_FLAG, FIFO, HEADER, HOOK, INTERRUPT, INTERRUPT_FLAG, NO_REGISTER, OPERATION, REGISTER, REGISTER_FLAG, ROWS, TEAR, WHEN } from './table.ts';
import { isOnce, isReadable, isWritable } from './words.ts';

const MAX_ACTIONS = 65534;

interface ActionRow {
  readonly operation: number;
  readonly when?: number;
  readonly flags?: number;
  readonly target?: number;
  readonly own: bigint;
  readonly a?: bigint;
  readonly b?: bigint;
}

interface InterruptRow {
  readonly status: number;
  readonly enable: number;
  readonly line: number;
  readonly flags: number;
  readonly shift: number;
  bits: bigint;
}

function rowOf(action: ActionModel): ActionRow {
  const row = { when: WHEN[action.at], own: action.own };
  if (action.kind === 'pop' || action.kind === 'push') return { ...row, operation: OPERATION.fifo, target: action.fifo };
  const { target } = action;
  const saturates = action.kind === 'count' && action.saturates ? ACTION_FLAG.saturates : 0;
  const b = action.kind === 'count' ? BigInt.asUintN(64, BigInt(action.step)) : 0n;
  return { ...row, operation: OPERATION[action.kind], flags: (action.ifOne ? ACTION_FLAG.whenOne : 0) | saturates, target: target.register, a: target.mask, b };
}

function actionRows(register: RegisterModel): ActionRow[] {
  const { fields, port } = register;
  if (port !== undefined) {
    const window = (BigInt(port.count) << 32n) | BigInt(port.stride);
    return [{ operation: OPERATION.dataPort, target: port.index.register, own: port.index.mask, a: BigInt(port.from), b: window }];
  }
  const locks = fields.flatMap((field) => field.locks.map((lock) => ({ operation: OPERATION.lock, target: lock.register, own: field.mask, a: lock.mask, b: lock.value << BigInt(lock.lsb) })));
  const once = fields.filter((field) => isOnce(field.sw)).map((field) => ({ operation: OPERATION.once, own: field.mask }));
  const whole = fields.filter((field) => field.onWrite === 'wclr' || field.onWrite === 'wset').map((field) => ({ operation: field.onWrite === 'wclr' ? OPERATION.fieldClear : OPERATION.fieldSet, own: field.mask }));
  return [...locks, ...once, ...whole, ...register.actions.map(rowOf)];
}

/** One row for each distance between status and mask bits: the core shifts a row's mask bits as one. */
function interruptRows(interrupt: InterruptModel): InterruptRow[] {
  const rows: InterruptRow[] = [];
  const flags = (interrupt.disables ? INTERRUPT_FLAG.disables : 0) | (interrupt.edge ? INTERRUPT_FLAG.edge : 0);
  for (const { status, mask } of interrupt.pairs) {
    const shift = mask === undefined ? 0 : mask.lsb - status.lsb;
    const row = rows.find((one) => one.shift === shift);
    if (row !== undefined) row.bits |= status.mask;
    else rows.push({ status: status.register, enable: mask?.register ?? NO_REGISTER, line: interrupt.line, flags, shift, bits: status.mask });
  }
  return rows.map((row, i) => (i === rows.length - 1 ? row : { ...row, flags: row.flags | INTERRUPT_FLAG.more }));
}

/** Registers that interrupts depend on. */
function watched(map: BankModel): ReadonlySet<number> {
  return new Set(map.interrupts.flatMap((interrupt) => interrupt.pairs.flatMap((pair) => [pair.status.register, ...(pair.mask === undefined ? [] : [pair.mask.register])])));
}

function maskOf(register: RegisterModel, has: (field: FieldModel) => boolean): bigint {
  return register.fields.reduce((mask, field) => (has(field) ? mask | field.mask : mask), 0n);
}

function hookBits(hooks: FlatHooks | undefined): number {
  if (hooks === undefined) return 0;
  const after = hooks.afterWrite !== undefined || hooks.fields.size > 0;
  return (hooks.beforeRead ? HOOK.beforeRead : 0) | (hooks.afterRead ? HOOK.afterRead : 0) | (hooks.beforeWrite ? HOOK.beforeWrite : 0) | (after ? HOOK.afterWrite : 0);
}

/** Whether a read is what is stored and readable, and a write is stored where it may be: nothing else follows, and no byte changes its place. */
function isPlain(map: BankModel, register: RegisterModel, hooks: FlatHooks | undefined, isWatched: boolean): boolean {
  const quiet = !isWatched && register.tear === 'none' && !register.notify && register.port === undefined && register.actions.length === 0 && hookBits(hooks) === 0;
  const simple = (field: FieldModel): boolean =>
    field.onRead === undefined && field.onWrite === undefined && !field.pulse && !field.tag && field.expect === undefined && field.locks.length === 0 && !isOnce(field.sw);
  return quiet && (map.endian === 'little' || register.bytes === 1) && register.fields.every(simple);
}

function registerFlags(map: BankModel, register: RegisterModel, hooks: FlatHooks | undefined, isWatched: boolean): number {
  return (
    (isPlain(map, register, hooks, isWatched) ? REGISTER_FLAG.plain : 0) |
    (register.fields.some((field) => field.locks.length > 0) ? REGISTER_FLAG.locked : 0) |
    (isWatched ? REGISTER_FLAG.interrupts : 0) |
    (register.port !== undefined ? REGISTER_FLAG.dataPort : 0) |
    (register.actions.some((action) => action.kind === 'pop') ? REGISTER_FLAG.fifoPort : 0)
  );
}

function writeRegister(view: DataView, row: number, register: RegisterModel, hooks: FlatHooks | undefined, flags: number, firstAction: number, actions: number): void {
  const mask = (at: number, bits: bigint): void => view.setBigUint64(row + at, bits, true);
  view.setUint32(row + REGISTER.position, register.position, true);
  view.setUint8(row + REGISTER.size, register.bytes);
  view.setUint8(row + REGISTER.flags, flags);
  view.setUint8(row + REGISTER.hooks, hookBits(hooks));
  view.setUint8(row + REGISTER.tear, TEAR[register.tear]);
  view.setUint16(row + REGISTER.firstAction, firstAction, true);
  view.setUint16(row + REGISTER.actions, actions, true);
  view.setUint8(row + REGISTER.notify, register.notify ? 1 : 0);
  mask(REGISTER.readable, maskOf(register, (field) => isReadable(field.sw)));
  mask(REGISTER.writable, maskOf(register, (field) => isWritable(field.sw) && field.onWrite === undefined));
  for (const word of ['woclr', 'woset', 'wot', 'wzc', 'wzs', 'wzt'] as const) mask(REGISTER[word], maskOf(register, (field) => field.onWrite === word));
  for (const word of ['rclr', 'rset'] as const) mask(REGISTER[word], maskOf(register, (field) => field.onRead === word));
  mask(REGISTER.pulse, maskOf(register, (field) => field.pulse));
  mask(REGISTER.reset, register.reset);
  mask(REGISTER.kept, maskOf(register, (field) => field.sticky));
  mask(REGISTER.hooked, hooks?.afterWrite !== undefined ? (1n << BigInt(register.bits)) - 1n : maskOf(register, (field) => hooks?.fields.has(field.name) === true));
  mask(REGISTER.tagged, maskOf(register, (field) => field.tag));
  mask(REGISTER.expectMask, maskOf(register, (field) => field.expect !== undefined));
  mask(REGISTER.expectValue, register.fields.reduce((value, field) => value | ((field.expect ?? 0n) << BigInt(field.lsb)), 0n));
}

function writeAction(view: DataView, row: number, action: ActionRow): void {
  view.setUint8(row + ACTION.operation, action.operation);
  view.setUint8(row + ACTION.when, action.when ?? 0);
  view.setUint16(row + ACTION.flags, action.flags ?? 0, true);
  view.setUint16(row + ACTION.target, action.target ?? 0, true);
  view.setBigUint64(row + ACTION.own, action.own, true);
  view.setBigUint64(row + ACTION.a, action.a ?? 0n, true);
  view.setBigUint64(row + ACTION.b, action.b ?? 0n, true);
}

function writeFifo(view: DataView, row: number, { depth, level }: FifoModel): void {
  view.setUint32(row + FIFO.capacity, depth, true);
  view.setUint16(row + FIFO.level, level?.register ?? NO_REGISTER, true);
  view.setUint8(row + FIFO.levelLsb, level?.lsb ?? 0);
  view.setUint8(row + FIFO.levelBits, level === undefined ? 0 : widthOf(level));
}

function writeInterrupt(view: DataView, row: number, { status, enable, line, flags, shift, bits }: InterruptRow): void {
  view.setUint16(row + INTERRUPT.status, status, true);
  view.setUint16(row + INTERRUPT.enable, enable, true);
  view.setUint16(row + INTERRUPT.line, line, true);
  view.setUint8(row + INTERRUPT.flags, flags);
  view.setInt8(row + INTERRUPT.shift, shift);
  view.setBigUint64(row + INTERRUPT.bits, bits, true);
}

/** Bytes that the core's index covers: to the end of the last register, and of what data ports reach. */
function extentOf(map: BankModel): number {
  const ends = map.registers.map(({ position, bytes, port }) => Math.max(position + bytes, port === undefined ? 0 : port.from + port.stride * (port.count - 1) + bytes));
  return ends.reduce((end, one) => Math.max(end, one), 0);
}

/**
 * The rows that the core makes a bank from. They are what `assembly/registers/bank.ts` draws; the map has been checked, so the core takes them.
 *
 * @param map - A map.
 * @param hooks - Which registers call JavaScript, from {@link flatHooks}. Default: none does.
 * @throws RangeError when the map has more than 65534 actions.
 */
export function compileBank(map: BankModel, hooks: ReadonlyMap<number, FlatHooks> = new Map()): Uint8Array {
  const actions = map.registers.map(actionRows);
  const flat = actions.flat();
  const interrupts = map.interrupts.flatMap(interruptRows);
  if (flat.length > MAX_ACTIONS) throw new RangeError(`${map.name} has ${flat.length} actions; expected at most ${MAX_ACTIONS}`);
  const firstAction = ROWS.header + map.registers.length * ROWS.register;
  const firstFifo = firstAction + flat.length * ROWS.action;
  const firstInterrupt = firstFifo + map.fifos.length * ROWS.fifo;
  const bytes = new Uint8Array(firstInterrupt + interrupts.length * ROWS.interrupt);
  const view = new DataView(bytes.buffer);
  view.setUint32(HEADER.registers, map.registers.length, true);
  view.setUint32(HEADER.actions, flat.length, true);
  view.setUint32(HEADER.fifos, map.fifos.length, true);
  view.setUint32(HEADER.interrupts, interrupts.length, true);
  view.setUint32(HEADER.extent, extentOf(map), true);
  view.setUint8(HEADER.flags, (map.endian === 'big' ? BANK_FLAG.bigEndian : 0) | (map.split === 'fault' ? BANK_FLAG.wholeRegisters : 0));
  view.setUint8(HEADER.widths, map.access.reduce((sum, size) => sum + size, 0));
  const watch = watched(map);
  let next = 0;
  map.registers.forEach((register, i) => {
    const hooked = hooks.get(i);
    writeRegister(view, ROWS.header + i * ROWS.register, register, hooked, registerFlags(map, register, hooked, watch.has(i)), next, actions[i]!.length);
    next += actions[i]!.length;
  });
  flat.forEach((action, i) => writeAction(view, firstAction + i * ROWS.action, action));
  map.fifos.forEach((fifo, i) => writeFifo(view, firstFifo + i * ROWS.fifo, fifo));
  interrupts.forEach((interrupt, i) => writeInterrupt(view, firstInterrupt + i * ROWS.interrupt, interrupt));
  return bytes;
}

/** Names of a bank's registers and fields, for traces and tools: numbers to paths and back. */
export interface BankNames {
  /** Path of each register, by its number. */
  readonly registers: readonly string[];
  /** Number of a register, by its path. */
  readonly numbers: ReadonlyMap<string, number>;
  /** Names of the lines: of each, its interrupts'. */
  readonly lines: ReadonlyMap<number, readonly string[]>;
  /** Names of the FIFOs, by number. */
  readonly fifos: readonly string[];
}

/** The names of a map's registers, lines and FIFOs. */
export function namesOf(map: BankModel): BankNames {
  const registers = map.registers.map((register) => register.path);
  const lines = new Map<number, string[]>();
  for (const { name, line } of map.interrupts) lines.set(line, [...(lines.get(line) ?? []), name]);
  return { registers, numbers: new Map(registers.map((path, number) => [path, number])), lines, fifos: map.fifos.map((fifo) => fifo.name) };
}
