// `maplebar replay`: a recorded guest's accesses through the machine that its dumps describe.

import { createEngine } from '../core/index.ts';
import type { OffsetMode } from '../core/index.ts';
import { InferredMachine, Replay, buildMachine, readAccessBlocks, spaceTarget, vfioTarget } from '../trace/index.ts';
import type { Machine, ReplayResult, ReplayRow } from '../trace/index.ts';
import { fromFile, isRepeatable, readDumps, readStream } from './files.ts';
import { grouped, progress, table } from './terminal.ts';
import type { Output } from './terminal.ts';

/** The options of the command. */
export interface ReplayCommand {
  readonly iomem?: string;
  readonly lspci: readonly string[];
  readonly via: 'space' | 'vfio';
  readonly offsets: OffsetMode;
  readonly json?: boolean;
  readonly timing: boolean;
}

async function replayInto(machine: Machine, path: string, options: ReplayCommand, output: Output): Promise<{ result: ReplayResult; seconds: number }> {
  const target = options.via === 'space' ? spaceTarget(machine) : vfioTarget(machine, { offsets: options.offsets });
  const replay = new Replay(machine, target);
  const bar = progress(output, 'replaying');
  const started = performance.now();
  let seconds: number;
  try {
    // Recorders note what a device returned; the CPU saw its low bytes.
    for await (const block of fromFile(path, readAccessBlocks(readStream(path, bar.at), { wideReads: 'cut' }))) replay.run(block);
    seconds = (performance.now() - started) / 1000;
    if (options.timing) replay.measure(() => performance.now());
  } finally {
    bar.stop();
    target.close();
  }
  return { result: replay.result(), seconds };
}

async function infer(path: string, output: Output): Promise<InferredMachine> {
  if (!isRepeatable(path)) throw new Error(`${path}: is no regular file, and without --iomem and --lspci a trace is read twice`);
  const inferred = new InferredMachine();
  const bar = progress(output, 'reading');
  try {
    for await (const block of fromFile(path, readAccessBlocks(readStream(path, bar.at), { wideReads: 'cut' }))) inferred.add(block);
  } finally {
    bar.stop();
  }
  return inferred;
}

function hexRange({ start, size, bus }: ReplayRow): string {
  if (start === undefined || size === undefined) return '';
  const digits = bus === 'ports' ? 4 : 8;
  const hex = (address: bigint): string => address.toString(16).padStart(digits, '0');
  return `${hex(start)}-${hex(start + size - 1n)}`;
}

function widthsOf({ widths }: ReplayRow): string {
  return Object.entries(widths)
    .filter(([, n]) => n > 0)
    .map(([width, n]) => `${width}:${grouped(n)}`)
    .join(' ');
}

function share(matched: number, reads: number): string {
  if (reads === 0) return '';
  const percent = (100 * matched) / reads;
  return `${grouped(matched)} (${percent === 100 || percent === 0 ? percent.toString() : percent.toFixed(1)} %)`;
}

function text(result: ReplayResult, path: string, options: ReplayCommand, seconds: number): string {
  const head = ['region', 'bus', 'addresses', 'reads', 'writes', 'width:count', 'reads as recorded', 'ns/access'];
  const row = (each: ReplayRow): string[] => [
    each.name,
    each.bus,
    hexRange(each),
    grouped(each.reads),
    grouped(each.writes),
    widthsOf(each),
    share(each.matched, each.reads),
    each.nsPerAccess === undefined ? '' : each.nsPerAccess.toFixed(0),
  ];
  const total = ['total', '', '', grouped(result.reads), grouped(result.writes), '', share(result.matched, result.reads), ''];
  const how = options.via === 'space' ? 'by guest address' : `through VFIO device files, offsets ${options.offsets}`;
  const lines = table(head, [...result.rows.map(row), total], ['reads', 'writes', 'reads as recorded', 'ns/access']);
  return `${lines}\n\n${grouped(result.accesses)} accesses of ${path} replayed ${how} in ${seconds.toFixed(2)} s; values read have checksum ${result.checksum.toString(16).padStart(8, '0')}\n`;
}

function json(result: ReplayResult, path: string, options: ReplayCommand, seconds: number, notes: readonly string[]): string {
  const hex = (value: bigint | undefined): string | null => (value === undefined ? null : `0x${value.toString(16)}`);
  const rows = result.rows.map(({ start, size, nsPerAccess, ...row }) => ({ ...row, start: hex(start), size: hex(size), nsPerAccess: nsPerAccess ?? null }));
  const { accesses, reads, writes, matched, checksum } = result;
  return `${JSON.stringify({ trace: path, via: options.via, offsets: options.via === 'vfio' ? options.offsets : null, accesses, reads, writes, matched, checksum, seconds, notes, regions: rows }, undefined, 2)}\n`;
}

/** Runs the command; the exit code. */
export async function replayCommand(path: string, options: ReplayCommand, output: Output): Promise<number> {
  const engine = createEngine();
  const hasDumps = options.iomem !== undefined || options.lspci.length > 0;
  const machine = hasDumps ? buildMachine(engine, readDumps(options.iomem, options.lspci)) : (await infer(path, output)).build(engine);
  const { result, seconds } = await replayInto(machine, path, options, output);
  output.out(options.json === true ? json(result, path, options, seconds, machine.notes) : text(result, path, options, seconds));
  if (options.json !== true) for (const note of machine.notes) output.err(`note: ${note}\n`);
  machine.destroy();
  return 0;
}
