// The vectors of this directory: what a scenario is, and the configuration space of the function that a file describes.
//
//   ["write", offset, width, value]      a guest writes
//   ["read", offset, width, value]       a guest reads and must see value
//   ["decodes", { "0": "memory 0x..." }] exactly these BARs (6 is the ROM) are decoded there, for everyone who follows
//   ["shows", "memory 0x...", index]     what an access to that address reaches: a BAR, or null
//   ["refuse", "memory first-last"]      from now on a listener refuses to have a BAR there; "everything", or null for nothing
//   ["refusals", n], ["transactions", n] how often that listener has refused, and how many changes have been made, since the start
//   ["reset", "power-on" | "function"]
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type BarSizes, type BarKind } from '../../../src/pci/index.ts';

export type Step =
  | readonly ['write' | 'read', string, 1 | 2 | 4, string]
  | readonly ['decodes', Readonly<Record<string, string>>]
  | readonly ['shows', string, number | null]
  | readonly ['refuse', string | null]
  | readonly ['refusals' | 'transactions', number]
  | readonly ['reset', 'power-on' | 'function'];

/** A function as a vector file describes it. BARs are `[kind, size]` or `[kind, size, 'prefetchable']`. */
export interface FunctionVector {
  readonly bars: Readonly<Record<string, readonly [BarKind, string, 'prefetchable'?]>>;
  readonly rom?: string;
  /** Power management at 0x40; Express or AF with a function-level reset at 0x50. */
  readonly capabilities?: { readonly power?: 'soft-reset' | 'keeps'; readonly express?: 'flr'; readonly af?: 'flr' };
}

export interface Scenario {
  readonly file: string;
  readonly name: string;
  /** The public thread whose bug this would have caught. */
  readonly bug?: string;
  /** The rule of a specification, where no thread is known. */
  readonly rule?: string;
  readonly function: FunctionVector;
  readonly steps: readonly Step[];
}

/** Something with BARs that a scenario can be run against. Starts after power-on. */
export interface BarSubject {
  write(offset: number, width: 1 | 2 | 4, value: number): void;
  read(offset: number, width: 1 | 2 | 4): number;
  /** By index: `memory 0x...` or `ports 0x...`. */
  decodes(): Record<string, string>;
  /** Index of the BAR that an access reaches. */
  shows(bus: 'memory' | 'ports', address: bigint): number | null;
  refuse(isRefused: (bus: string, first: bigint, last: bigint) => boolean): void;
  refusals(): number;
  transactions(): number;
  reset(kind: 'power-on' | 'function'): void;
  close(): void;
}

/** Every scenario of every file. */
export function allScenarios(): Scenario[] {
  const files = readdirSync(__dirname).filter((file) => file.endsWith('.json'));
  return files.flatMap((file) => {
    const { function: described, scenarios } = JSON.parse(readFileSync(join(__dirname, file), 'utf8')) as { function: FunctionVector; scenarios: Scenario[] };
    return scenarios.map((scenario) => ({ ...scenario, file, function: described }));
  });
}

const TYPE_BITS: Readonly<Record<BarKind, number>> = { io: 1, mem32: 0, mem64: 4 };

/** The 256 bytes and the sizes of a described function. */
export function configOf({ bars, rom, capabilities }: FunctionVector): { config: Uint8Array; sizes: BarSizes } {
  const config = new Uint8Array(256);
  const view = new DataView(config.buffer);
  view.setUint32(0, 0x0001_1234, true);
  const sizes: number[] = [0, 0, 0, 0, 0, 0];
  for (const [index, [kind, size, prefetchable]] of Object.entries(bars)) {
    view.setUint32(0x10 + 4 * Number(index), TYPE_BITS[kind] | (prefetchable === undefined ? 0 : 8), true);
    sizes[Number(index)] = Number(size);
  }
  if (capabilities !== undefined) {
    view.setUint16(6, 0x10, true);
    view.setUint8(0x34, 0x40);
    // Power management version 3 without D1, D2 and PME.
    view.setUint32(0x40, 0x0003_5001, true);
    view.setUint16(0x44, capabilities.power === 'keeps' ? 8 : 0, true);
    if (capabilities.express !== undefined) {
      view.setUint32(0x50, 0x0002_0010, true);
      view.setUint32(0x54, 0x1000_0000, true);
    } else {
      view.setUint32(0x50, 0x0306_0013, true);
    }
  }
  return { config, sizes: { bars: sizes, rom: rom === undefined ? 0 : Number(rom) } };
}
