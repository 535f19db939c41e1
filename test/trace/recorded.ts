// The recorded machines of the tests: their dumps, and their traces as blocks and as lines of text.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type AccessBlock, type MachineDumps, parseAccessBlocks, parseIomem, parseLspciHex, parseLspciVerbose } from '../../src/trace/index.ts';

export type Recorded = 'nvme' | 'e1000e';
export const RECORDED: readonly Recorded[] = ['nvme', 'e1000e'];
export const ACCESSES: Readonly<Record<Recorded, number>> = { nvme: 128_316, e1000e: 157_886 };

export const fixture = (file: string): string => join(__dirname, '../fixtures/traces', file);
export const textOf = (file: string): string => readFileSync(fixture(file), 'utf8');

export function dumpsOf(name: Recorded): Required<MachineDumps> {
  return {
    iomem: parseIomem(textOf(`${name}.iomem`)),
    lspciHex: parseLspciHex(textOf(`${name}.lspci-xxxx`)),
    lspciVerbose: parseLspciVerbose(textOf(`${name}.lspci-vv`)),
  };
}

const traces = new Map<Recorded, string>();

/** The trace's text; unzipped once. */
export function traceText(name: Recorded): string {
  let text = traces.get(name);
  if (text === undefined) traces.set(name, (text = gunzipSync(readFileSync(fixture(`${name}.trace.gz`))).toString()));
  return text;
}

export const blocksOf = (name: Recorded): AccessBlock[] => parseAccessBlocks(traceText(name), { wideReads: 'cut' });

/** Blocks of a trace that a test writes itself. */
export const blocksFrom = (lines: readonly string[]): AccessBlock[] => parseAccessBlocks(`${lines.join('\n')}\n`);

/** A header with the given fields set: 64, 256 or 4096 bytes. Values of more than two bytes are 32-bit. */
export function configBytes(fields: Readonly<Record<number, number>>, size = 256): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0x0001_1234, true);
  view.setUint16(4, 3, true);
  for (const [offset, value] of Object.entries(fields)) view.setUint32(Number(offset), value, true);
  return bytes;
}
