// Tests that follow from any map: reset values, bits, who may use a field, locks, lanes, widths, holes. What UVM calls its built-in register sequences.
// Source: UVM 1.2, 19.6 (uvm_reg_hw_reset_seq, uvm_reg_bit_bash_seq, uvm_reg_access_seq).

import type { BankModel, FieldModel, RegisterModel } from './model.ts';
import { accessesIn, coverOf, dataIn, lanesOf, stepsOf, valueFor, writtenInSteps } from './reach.ts';
import { hexText } from './generate/text.ts';
import { isOnce, isReadable, isWritable } from './words.ts';

/** What a battery runs on: a bank, or a whole model of a device around one. Its hooks, if it has some, must not change what the map says. */
export interface BatteryTarget {
  /** Software reads `width` bytes at a position in the bank. */
  read(position: number, width: number): bigint;
  /** Software writes. */
  write(position: number, width: number, value: bigint): void;
  /** The stored bits of a register, by its number. */
  peek(register: number): bigint;
  /** Changes the stored bits under `mask`. */
  poke(register: number, mask: bigint, value: bigint): void;
  /** Resets the bank; `soft` leaves sticky fields. */
  reset(soft?: boolean): void;
}

/** One check of a battery. */
export interface BatteryCheck {
  /** What is checked, and of what: `bit bash CTRL.MODE`. */
  readonly name: string;
  /** Runs it, from a reset on. Throws an Error with what was expected and what was found. */
  run(target: BatteryTarget): void;
}

const PATTERN = 0xa5c3_3c5a_0ff0_9669n;

function expectBits(what: string, found: bigint, expected: bigint): void {
  if (found !== expected) throw new Error(`${what}: found ${hexText(found)}, expected ${hexText(expected)}`);
}

function allOf(register: RegisterModel): bigint {
  return (1n << BigInt(register.bits)) - 1n;
}

/** Bits of each register that something else than its own fields' words changes: effects, counters, levels, entries. */
function volatileBits(map: BankModel): bigint[] {
  const bits = map.registers.map(() => 0n);
  for (const register of map.registers) {
    for (const action of register.actions) {
      if (action.kind === 'pop') bits[register.number] = bits[register.number]! | action.own;
      else if (action.kind !== 'push') bits[action.target.register] = bits[action.target.register]! | action.target.mask;
    }
  }
  for (const { level } of map.fifos) if (level !== undefined) bits[level.register] = bits[level.register]! | level.mask;
  return bits;
}

/** Everything that the checks of one register need. */
class Bench {
  readonly map: BankModel;
  readonly register: RegisterModel;
  readonly moving: bigint;
  readonly accesses: ReturnType<typeof coverOf>;
  readonly steps: readonly bigint[];

  constructor(map: BankModel, register: RegisterModel, moving: bigint) {
    this.map = map;
    this.register = register;
    this.moving = moving;
    this.accesses = coverOf(map, register);
    this.steps = stepsOf(map, register, this.accesses);
  }

  read(target: BatteryTarget): bigint {
    return this.accesses.reduce((data, access) => data | dataIn(this.map, this.register, access, target.read(access.position, access.width)), 0n);
  }

  write(target: BatteryTarget, data: bigint): void {
    for (const access of this.accesses) target.write(access.position, access.width, valueFor(this.map, this.register, access, data));
  }

  /** A reset, the field's locks open, its stored bits as given. */
  prepare(target: BatteryTarget, field: FieldModel, stored: bigint): void {
    target.reset();
    for (const lock of field.locks) target.poke(lock.register, lock.mask, lock.value << BigInt(lock.lsb));
    target.poke(this.register.number, field.mask, stored & field.mask);
  }

  stored(target: BatteryTarget, field: FieldModel): bigint {
    return target.peek(this.register.number) & field.mask;
  }

  /** Whether nothing but its own words changes a field, and no access of the bench changes its locks on the way. */
  isStill(field: FieldModel): boolean {
    const clash = field.locks.some((lock) => field.locks.some((other) => other.path === lock.path && other.value !== lock.value));
    const isOnTheWay = (register: number): boolean => (register === this.register.number ? this.accesses.length > 1 : this.accesses.some((access) => lanesOf(this.map, this.map.registers[register]!, access) !== 0n));
    const isShared = field.locks.some((lock) => isOnTheWay(lock.register));
    return (field.mask & this.moving) === 0n && !clash && !isShared;
  }
}

function bitBash(bench: Bench, field: FieldModel, target: BatteryTarget): void {
  for (let bit = field.lsb; bit <= field.msb; bit++) {
    const one = 1n << BigInt(bit);
    for (const stored of [0n, field.mask]) {
      for (const data of [one, field.mask & ~one]) {
        bench.prepare(target, field, stored);
        bench.write(target, data);
        expectBits(`${field.path} stored ${hexText(stored)}, bit ${bit}, after a write of ${hexText(data)}`, bench.stored(target, field), writtenInSteps(field, stored, data, bench.steps));
      }
    }
  }
}

function readPolicy(bench: Bench, field: FieldModel, target: BatteryTarget): void {
  const stored = PATTERN & field.mask;
  bench.prepare(target, field, stored);
  expectBits(`${field.path} stored ${hexText(stored)}, read`, bench.read(target) & field.mask, isReadable(field.sw) ? stored : 0n);
  const after = field.onRead === undefined ? stored : field.onRead === 'rclr' ? 0n : field.mask;
  expectBits(`${field.path} stored ${hexText(stored)}, after a read`, bench.stored(target, field), after);
}

function writePolicy(bench: Bench, field: FieldModel, target: BatteryTarget): void {
  const stored = PATTERN & field.mask;
  bench.prepare(target, field, stored);
  bench.write(target, ~stored & field.mask);
  const once = writtenInSteps(field, stored, ~stored & field.mask, bench.steps);
  expectBits(`${field.path} stored ${hexText(stored)}, after a write`, bench.stored(target, field), once);
  if (!isOnce(field.sw)) return;
  for (const data of [0n, field.mask]) {
    bench.write(target, data);
    expectBits(`${field.path}, after a second write of ${hexText(data)}`, bench.stored(target, field), once);
  }
}

function lockPolicy(bench: Bench, field: FieldModel, target: BatteryTarget): void {
  const stored = PATTERN & field.mask;
  for (const lock of field.locks) {
    for (const data of [0n, field.mask]) {
      bench.prepare(target, field, stored);
      target.poke(lock.register, lock.mask, (lock.value ^ 1n) << BigInt(lock.lsb));
      bench.write(target, data);
      expectBits(`${field.path} stored ${hexText(stored)}, locked by ${lock.path}, after a write of ${hexText(data)}`, bench.stored(target, field), stored);
    }
  }
}

/** Fields are checked one by one in each lane; those that belong together as a field are where the lane touches them. */
function lanePolicy(bench: Bench, target: BatteryTarget): void {
  const { map, register, moving } = bench;
  for (const access of accessesIn(map, register)) {
    if (register.tear !== 'none' && access.width === 4) continue;
    const lanes = lanesOf(map, register, access);
    const where = `${register.path}, ${access.width} bytes at ${hexText(access.position)}`;
    target.reset();
    target.poke(register.number, allOf(register), PATTERN & allOf(register) & ~moving);
    const before = target.peek(register.number);
    const readable = register.fields.reduce((mask, field) => (isReadable(field.sw) ? mask | field.mask : mask), 0n);
    const read = dataIn(map, register, access, target.read(access.position, access.width));
    expectBits(`${where}, read`, read & ~moving, before & readable & lanes & ~moving);
    expectBits(`${where}, outside of the lanes, after a read`, target.peek(register.number) & ~lanes & ~moving, before & ~lanes & ~moving);
    target.reset();
    target.poke(register.number, allOf(register), before);
    target.write(access.position, access.width, valueFor(map, register, access, ~before & lanes));
    const whole = register.fields.reduce((mask, field) => ((field.mask & lanes) !== 0n && (field.onWrite === 'wclr' || field.onWrite === 'wset') ? mask | field.mask : field.pulse ? mask | field.mask : mask), moving);
    expectBits(`${where}, outside of the lanes, after a write`, target.peek(register.number) & ~lanes & ~whole, before & ~lanes & ~whole);
  }
}

function resetPolicy(bench: Bench, target: BatteryTarget): void {
  const { register, moving } = bench;
  const isShown = (field: FieldModel): boolean => isReadable(field.sw);
  const readable = register.fields.reduce((mask, field) => (isShown(field) ? mask | field.mask : mask), 0n);
  target.reset();
  target.poke(register.number, allOf(register), ~register.reset & allOf(register));
  target.reset();
  expectBits(`${register.path}, stored after a reset`, target.peek(register.number), register.reset);
  expectBits(`${register.path}, peeked again`, target.peek(register.number), register.reset);
  if (bench.accesses.length > 0) expectBits(`${register.path}, read after a reset`, bench.read(target) & ~moving, register.reset & readable & ~moving);
}

function softResetPolicy(register: RegisterModel, target: BatteryTarget): void {
  const sticky = register.fields.reduce((mask, field) => (field.sticky ? mask | field.mask : mask), 0n);
  const other = ~register.reset & allOf(register);
  target.reset();
  target.poke(register.number, allOf(register), other);
  target.reset(true);
  expectBits(`${register.path}, after a soft reset`, target.peek(register.number), (other & sticky) | (register.reset & ~sticky));
}

function registerChecks(bench: Bench): BatteryCheck[] {
  const { register } = bench;
  const checks: BatteryCheck[] = [{ name: `reset ${register.path}`, run: (target) => resetPolicy(bench, target) }];
  // A level of a FIFO is what the FIFO says, also after a soft reset.
  if (register.fields.some((field) => field.sticky) && bench.moving === 0n) checks.push({ name: `soft reset ${register.path}`, run: (target) => softResetPolicy(register, target) });
  if (bench.accesses.length === 0) return checks;
  for (const field of register.fields.filter((one) => bench.isStill(one))) {
    if (isWritable(field.sw)) checks.push({ name: `bit bash ${field.path}`, run: (target) => bitBash(bench, field, target) });
    checks.push({ name: `read ${field.path}`, run: (target) => readPolicy(bench, field, target) });
    checks.push({ name: `write ${field.path}`, run: (target) => writePolicy(bench, field, target) });
    if (field.locks.length > 0) checks.push({ name: `lock ${field.path}`, run: (target) => lockPolicy(bench, field, target) });
  }
  if (register.bytes > 1 && accessesIn(bench.map, register).length > 1) checks.push({ name: `lanes ${register.path}`, run: (target) => lanePolicy(bench, target) });
  return checks;
}

function widthChecks(map: BankModel): BatteryCheck[] {
  // Wider ones are cut into cycles by the region's width rule (A-split) before they come here.
  const illegal = [1, 2, 4].filter((width) => width < map.access.at(-1)! && !map.access.some((size) => size === width));
  return illegal.map((width) => ({
    name: `width ${width}`,
    run: (target: BatteryTarget): void => {
      for (const register of map.registers.filter((one) => one.position + width <= map.bytes)) {
        target.reset();
        expectBits(`${register.path}, ${width} bytes, refused`, target.read(register.position, width), (1n << BigInt(8 * width)) - 1n);
        target.write(register.position, width, PATTERN & ((1n << BigInt(8 * width)) - 1n));
        expectBits(`${register.path}, after a write that is refused`, target.peek(register.number), register.reset);
      }
    },
  }));
}

/** Aligned accesses that lie in holes: between registers, and once behind the last one. */
function holesOf(map: BankModel): { position: number; width: number }[] {
  const width = map.access[0]!;
  const holes: { position: number; width: number }[] = [];
  let end = 0;
  for (const { position, bytes } of [...map.registers, { position: map.bytes, bytes: 0 }]) {
    const first = Math.ceil(end / width) * width;
    if (first + width <= position) holes.push({ position: first, width });
    end = position + bytes;
  }
  return holes;
}

function holeCheck(map: BankModel): BatteryCheck[] {
  const holes = holesOf(map);
  if (holes.length === 0) return [];
  const run = (target: BatteryTarget): void => {
    target.reset();
    for (const { position, width } of holes) {
      target.write(position, width, (1n << BigInt(8 * width)) - 1n);
      expectBits(`a hole at ${hexText(position)}`, target.read(position, width), 0n);
    }
  };
  return [{ name: 'holes', run }];
}

/**
 * The checks that follow from a map. Fields that actions, counters or FIFOs change are left out where they would; data ports are checked as what lies behind them.
 *
 * @param map - A map.
 * @example
 * ```ts
 * const target = batteryTarget(registerBank(engine, map));
 * for (const { name, run } of batteryOf(map)) test(name, () => run(target));
 * ```
 */
export function batteryOf(map: BankModel): BatteryCheck[] {
  const moving = volatileBits(map);
  const benches = map.registers.filter((register) => register.port === undefined).map((register) => new Bench(map, register, moving[register.number]!));
  return [...benches.flatMap(registerChecks), ...widthChecks(map), ...holeCheck(map)];
}
