// `maplebar trace`: a program against simulated devices, and a line for each system call that it makes, as strace prints them. Or the lines of calls that a file keeps.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createTestbench } from '../hosts/index.ts';
import type { Testbench } from '../hosts/index.ts';
import { Process, callLine, decodeCall, readRecordedCall, recordCall, shownJson, traceCalls } from '../vfio/index.ts';
import type { SystemCall, VfioDevice } from '../vfio/index.ts';
import { readText } from './files.ts';
import { referenceDevice } from './reference-devices.ts';
import type { Output } from './terminal.ts';

/** The options of the command. */
export interface TraceCommand {
  readonly json?: boolean;
  readonly why?: boolean;
  readonly decode?: string;
}

/** What a program module exports: by default, or as `main`. */
export type TracedProgram = (process: Process, devices: readonly VfioDevice[], bench: Testbench) => unknown;

/** How a module is loaded: its exports. */
export type LoadModule = (path: string) => Promise<Readonly<Record<string, unknown>>>;

/** As Node does. */
export const importModule: LoadModule = async (path) => (await import(pathToFileURL(resolve(path)).href)) as Readonly<Record<string, unknown>>;

/** What is printed of a call: its line, or one JSON object with the line, the call as it can be decoded again, and what its arguments say. */
function printed(call: SystemCall, { json, why = false }: TraceCommand): string {
  const line = callLine(call, { why });
  if (json !== true) return `${line}\n`;
  const { name, arguments: given, result } = decodeCall(call);
  return `${JSON.stringify({ line, ...recordCall(call), decoded: { name, arguments: given.map(shownJson), result } })}\n`;
}

function programOf(path: string, exported: Readonly<Record<string, unknown>>): TracedProgram {
  const found = [exported['default'], exported['main']].find((one) => typeof one === 'function');
  if (found === undefined) throw new Error(`${path}: exports no function, neither as default nor as main`);
  return found as TracedProgram;
}

/**
 * Runs a program against devices where a testbench's firmware has put them; each call is printed when it has ended.
 *
 * @param load how modules are loaded. Default: as Node does.
 * @returns the exit code.
 */
export async function traceCommand(path: string, names: readonly string[], options: TraceCommand, output: Output, load: LoadModule = importModule): Promise<number> {
  const makers = names.map(referenceDevice);
  // In our words where the file is none.
  readText(path);
  const program = programOf(path, await load(path));
  const bench = createTestbench();
  const process = new Process(bench.engine, { name: 'program' });
  try {
    const devices = makers.map((make) => bench.plug(make).vfio);
    traceCalls(process, (_, call) => output.out(printed(call, options)));
    await program(process, devices, bench);
  } finally {
    process.exit();
    bench.destroy();
  }
  return 0;
}

function parse(path: string, text: string, line: number): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`${path}: line ${line}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Prints the calls that a file keeps, one JSON object a line as `--json` prints them. The exit code. */
export function decodeCommand(path: string, options: TraceCommand, output: Output): number {
  readText(path)
    .split('\n')
    .forEach((text, i) => {
      if (text.trim() !== '') output.out(printed(callIn(path, parse(path, text, i + 1), i + 1), options));
    });
  return 0;
}

function callIn(path: string, value: unknown, line: number): SystemCall {
  if (typeof value !== 'object' || value === null || typeof (value as { readonly call?: unknown }).call !== 'string') throw new Error(`${path}: line ${line}: expected an object with a call`);
  // What the decoder found is found again.
  const kept = Object.entries(value).filter(([key]) => key !== 'line' && key !== 'decoded');
  return readRecordedCall(Object.fromEntries(kept));
}
