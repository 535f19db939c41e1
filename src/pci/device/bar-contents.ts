// What lies behind the BARs of a device, as its author says it: a register map, memory, or functions.

import { hex, u64 } from '../../core/index.ts';
import type { BankRegion, Engine, HookHandlers, Region, U64 } from '../../core/index.ts';
import { registerBank } from '../../registers/index.ts';
import type { DoorbellEvent, HooksOf, RegisterBank, RegisterMap, RegisterSpecs } from '../../registers/index.ts';
import type { BarKind } from '../bars.ts';
import type { BarType } from './config-image.ts';
import type { InterruptLines } from './interrupt-lines.ts';

/** What every BAR can say of itself. */
export interface BarOptions {
  /** Ports, memory below 4 GiB, or memory anywhere (two registers). Default `mem32`. */
  readonly kind?: BarKind;
  /** Memory only: reads have no side effects. Default false. */
  readonly prefetchable?: boolean;
  /** Bytes, a power of two. Default: the least that holds the contents, and that PCI allows. */
  readonly size?: U64;
}

/** A BAR of registers, with what the device wants to be told of. Made by {@link registerBar}. */
export interface RegisterBar<Registers extends RegisterSpecs = RegisterSpecs> extends BarOptions {
  readonly registers: RegisterMap<Registers>;
  readonly hooks?: HooksOf<Registers>;
  readonly doorbell?: (event: DoorbellEvent) => void;
  /** Doorbells were dropped because nobody pumped for too long. */
  readonly doorbellsLost?: () => void;
  /** Added to the line numbers of the map. Default 0. */
  readonly firstLine?: number;
  /** Whether a hook of this BAR may access the BAR itself. Default false. */
  readonly reentrant?: boolean;
}

/** A BAR of plain bytes. */
export interface MemoryBar extends BarOptions {
  readonly memory: U64;
}

/** A BAR whose every access calls a function. */
export interface HookBar extends BarOptions, HookHandlers {
  readonly size: U64;
  /** Widest cycle in bytes that reaches the functions. Default 8. */
  readonly maxWidth?: 1 | 2 | 4 | 8;
}

/** One BAR: a register map alone, or with more words. */
export type BarContents = RegisterMap | RegisterBar | MemoryBar | HookBar;

/** The BARs of a device by index. `any` because hooks are contravariant: a bar of a certain map is no bar of any map. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type BarsDescription = Readonly<Partial<Record<0 | 1 | 2 | 3 | 4 | 5, RegisterMap<any> | RegisterBar<any> | MemoryBar | HookBar>>>;

/** What {@link PciDevice.bar} answers for one of them. */
export type BarHandle<Contents> = Contents extends RegisterMap<infer Registers> ? RegisterBank<Registers> : Contents extends RegisterBar<infer Registers> ? RegisterBank<Registers> : Region;

/** The type of a BAR of a map, for naming the type of a device: `PciDevice<{ 0: BarOf<typeof map> }>`. */
export type BarOf<Map> = Map extends RegisterMap<infer Registers> ? RegisterBar<Registers> : never;

/**
 * A BAR of registers with hooks, which are typed by the map.
 *
 * @example
 * ```ts
 * bars: { 0: registerBar(map, { hooks: { CTRL: { GO: () => start() } } }) }
 * ```
 */
export function registerBar<const Registers extends RegisterSpecs>(registers: RegisterMap<Registers>, options: Omit<RegisterBar<Registers>, 'registers'> = {}): RegisterBar<Registers> {
  return { ...options, registers };
}

/** Where a BAR's region comes to be: its name, its device, its size. */
export interface BarRequest {
  readonly name: string;
  readonly device: number;
  readonly size: bigint;
}

/** A BAR that is there: its region, and the registers when it has some. */
export interface MadeBar {
  readonly region: Region;
  readonly bank: RegisterBank | null;
}

const KINDS: readonly unknown[] = ['io', 'mem32', 'mem64'];

/**
 * Refuses what can be no BAR.
 *
 * @throws TypeError, RangeError that says which BAR it is.
 */
export function checkBar(where: string, given: unknown): asserts given is BarContents {
  const expected = 'expected a register map, registerBar(map), { memory }, or { size, read, write }';
  if (typeof given !== 'object' || given === null) throw new TypeError(`${where} is ${String(given)}; ${expected}`);
  const contents = given as Partial<RegisterBar & MemoryBar & HookBar>;
  const map: unknown = Array.isArray(contents.registers) ? given : contents.registers;
  const isBank = 'registers' in contents;
  if (isBank && !Array.isArray((map as Partial<RegisterMap> | undefined)?.registers)) throw new TypeError(`${where}: registers are no register map; expected what registerMap() answers`);
  if (!isBank && contents.memory === undefined && contents.size === undefined) throw new TypeError(`${where} has neither registers, memory nor a size; ${expected}`);
  if (!isBank && contents.memory !== undefined) u64(`${where}: memory`, contents.memory);
  if (contents.size !== undefined && !Array.isArray(contents.registers)) u64(`${where}: size`, contents.size);
  const { kind = 'mem32', prefetchable = false } = optionsOf(given as BarContents);
  if (!KINDS.includes(kind)) throw new TypeError(`${where}: kind is ${JSON.stringify(kind)}; expected 'io', 'mem32' or 'mem64'`);
  if (kind === 'io' && prefetchable) throw new RangeError(`${where}: a BAR of ports cannot be prefetchable`);
}

const isMap = (contents: BarContents): contents is RegisterMap => 'registers' in contents && Array.isArray(contents.registers);
const LEAST: Readonly<Record<BarKind, bigint>> = { io: 4n, mem32: 16n, mem64: 16n };
// Up to here memory is contiguous, above it pages that exist once they are written.
const CONTIGUOUS_BYTES = 1n << 20n;

function optionsOf(contents: BarContents): BarOptions {
  return isMap(contents) ? {} : contents;
}

/** The type bits of a BAR. */
export function typeOf(contents: BarContents): BarType {
  const { kind = 'mem32', prefetchable = false } = optionsOf(contents);
  return { kind, prefetchable };
}

function contentBytes(contents: BarContents): bigint {
  if (isMap(contents)) return BigInt(contents.bytes);
  if ('registers' in contents) return BigInt(contents.registers.bytes);
  return u64('BAR', 'memory' in contents ? contents.memory : contents.size);
}

/**
 * Bytes of a BAR.
 *
 * @throws RangeError when its contents are larger than the size asked for.
 */
export function sizeOf(where: string, contents: BarContents): bigint {
  const bytes = contentBytes(contents);
  const { size } = optionsOf(contents);
  if (size === undefined) {
    let least = LEAST[typeOf(contents).kind];
    while (least < bytes) least <<= 1n;
    return least;
  }
  const asked = u64(`${where}: size`, size);
  if (asked < bytes) throw new RangeError(`${where}: size is ${hex(asked)}, and the contents have ${hex(bytes)} bytes`);
  return asked;
}

function bankOf(engine: Engine, contents: RegisterMap | RegisterBar, { name, device, size }: BarRequest, lines: () => InterruptLines): RegisterBank {
  const bar: RegisterBar = isMap(contents) ? { registers: contents } : contents;
  const { registers, hooks, doorbell, doorbellsLost, firstLine = 0, reentrant = false } = bar;
  const bank: RegisterBank = registerBank(engine, registers, {
    name,
    device,
    size,
    reentrant,
    ...(hooks !== undefined && { hooks }),
    ...(doorbell !== undefined && { doorbell }),
    ...(doorbellsLost !== undefined && { doorbellsLost }),
    level: (line, high) => lines().set(firstLine + line, high, bank),
    edge: (line) => lines().pulse(firstLine + line),
  });
  return bank;
}

/** Makes the region of a BAR. VfioError ENOMEM when the core is full. */
export function makeBar(engine: Engine, contents: BarContents, request: BarRequest, lines: () => InterruptLines): MadeBar {
  if (isMap(contents) || 'registers' in contents) {
    const bank = bankOf(engine, contents, request, lines);
    return { bank, region: bank.region satisfies BankRegion };
  }
  const { size, name, device } = request;
  if ('memory' in contents) return { bank: null, region: engine.region({ kind: size <= CONTIGUOUS_BYTES ? 'ram' : 'demand', size, name, device }) };
  return {
    bank: null,
    region: engine.region({
      kind: 'hook',
      size,
      name,
      device,
      maxWidth: contents.maxWidth ?? 8,
      ...(contents.read !== undefined && { read: (position, width) => contents.read!(position, width) }),
      ...(contents.write !== undefined && { write: (position, width, value) => contents.write!(position, width, value) }),
    }),
  };
}
