// Runs the tree fuzzer's driver against a build of the range store: whole chunks by checksum, and a chunk that differed once more, operation by operation.

import { readFileSync } from 'node:fs';
import { WebAssembly, type Memory } from './webassembly.ts';

/** Operations between two comparisons. Every chunk starts from empty stores and a seed of its own. */
export const CHUNK = 100_000;
const ROOM = 8192;
const STEPS_BETWEEN_CONTENT = 1000;
/** Leaves, inner nodes and objects: liveCount() of these is 0 when nothing lives. */
const LIVE_COUNTS = [0, 1, 3];

type Call = (...args: unknown[]) => number;
/** The module under test; the newer exports may be missing. */
export type TreeExports = Record<string, Call> & { readonly memory: Memory };

interface Global<T> {
  readonly value: T;
}

export interface DriverExports {
  bytesNeeded(room: number): number;
  prepare(buffer: number, cells: number): void;
  start(seed: bigint, complete: number, room: number): void;
  run(operations: number): void;
  finish(): void;
  faultInContent(): number;
  readonly answered: Global<bigint>;
  readonly expected: Global<bigint>;
  readonly lastAnswer: Global<bigint>;
  readonly lastExpected: Global<bigint>;
  readonly operation: Global<number>;
  readonly rangeFirst: Global<bigint>;
  readonly rangeLast: Global<bigint>;
}

export interface Bench {
  readonly core: TreeExports;
  readonly driver: DriverExports;
  /** Whether the build has every export that the driver can call. */
  readonly complete: boolean;
}

export interface Difference {
  readonly chunk: number;
  /** The first operation of the chunk after which something differed; without it, only the end of the chunk shows it. */
  readonly operation?: number;
  readonly message: string;
}

const host = { hookRead: () => -1, hookWrite: () => -1, registerHook: () => -1, settle: () => undefined };

/** An instance of a module with a range store, which may be the engine's core or the range store alone. */
export function instantiateTree(path: string): TreeExports {
  return new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)), { host }).exports as unknown as TreeExports;
}

/** Links the driver to a module under test, and gives it memory there. */
export function createBench(core: TreeExports, driverPath: string, room = ROOM): Bench {
  const module = new WebAssembly.Module(readFileSync(driverPath));
  const wanted = WebAssembly.Module.imports(module).filter(({ kind }) => kind === 'function');
  const missing = wanted.filter(({ name }) => core[name] === undefined);
  const imports: Record<string, Record<string, unknown>> = { env: { memory: core.memory } };
  for (const { module: from, name } of wanted) (imports[from] ??= {})[name] = core[name] ?? (() => 0);
  const driver = new WebAssembly.Instance(module, imports).exports as unknown as DriverExports;
  const buffer = core.takeBuffer!(driver.bytesNeeded(room)) >>> 0;
  if (buffer === 0) throw new Error('no memory for the reference');
  driver.prepare(buffer, core.resultCells!() >>> 0);
  return { core, driver, complete: missing.length === 0 };
}

function seedOf(seed: number, chunk: number): bigint {
  return (BigInt(seed) << 32n) + BigInt(chunk);
}

/** What differs now, if anything does. */
function difference({ driver }: Bench, content: boolean): string | undefined {
  if (driver.answered.value !== driver.expected.value) {
    return `answers differ: ${BigInt.asIntN(64, driver.lastAnswer.value)} instead of ${BigInt.asIntN(64, driver.lastExpected.value)}`;
  }
  const fault = content ? driver.faultInContent() : 0;
  if (fault === 0) return undefined;
  return fault < 100 ? `store ${fault - 1} holds something else` : `store ${(fault % 100) - 1}: structural check ${Math.floor(fault / 100)}`;
}

function leftBehind({ core }: Bench): string | undefined {
  const live = LIVE_COUNTS.map((what) => core.liveCount!(what));
  return live.every((n) => n === 0) ? undefined : `left behind: ${live[0]} leaves, ${live[1]} inner nodes, ${live[2]} objects`;
}

/** Runs one chunk at full speed; answers what differs at its end. A trap is a difference. */
export function runChunk(bench: Bench, seed: number, chunk: number, operations = CHUNK): string | undefined {
  const { driver } = bench;
  try {
    driver.start(seedOf(seed, chunk), Number(bench.complete), ROOM);
    driver.run(operations);
    const found = difference(bench, true);
    driver.finish();
    return found ?? leftBehind(bench);
  } catch (error) {
    return `trap: ${(error as Error).message}`;
  }
}

/** Runs a chunk again on a fresh bench and names the first operation after which something differs. */
export function replayChunk(bench: Bench, seed: number, chunk: number, operations = CHUNK, between = STEPS_BETWEEN_CONTENT): Difference | undefined {
  const { driver } = bench;
  try {
    driver.start(seedOf(seed, chunk), Number(bench.complete), ROOM);
    for (let i = 0; i < operations; i++) {
      try {
        driver.run(1);
        const message = difference(bench, between === 1 || i % between === between - 1 || i === operations - 1);
        if (message === undefined) continue;
        const range = `latest range ${driver.rangeFirst.value}..${driver.rangeLast.value}`.replace(/-\d+/g, (n) => String(BigInt.asUintN(64, BigInt(n))));
        return { chunk, operation: i, message: `${message} (kind ${driver.operation.value}, ${range})` };
      } catch (error) {
        return { chunk, operation: i, message: `trap: ${(error as Error).message}` };
      }
    }
    driver.finish();
  } catch (error) {
    return { chunk, message: `trap: ${(error as Error).message}` };
  }
  const left = leftBehind(bench);
  return left === undefined ? undefined : { chunk, message: left };
}
