// The machine whose boot is replayed: its windows from its memory map, its accesses from its trace.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { ACCESS_MEMORY, ACCESS_WRITE, parseAccessBlocks, parseIomem } from '../src/trace/index.ts';
import type { IomemRange } from '../src/trace/index.ts';

// Relative to build/bench/bench/, where this module runs.
const traces = new URL('../../../test/fixtures/traces/', import.meta.url);

/** A window of the machine. */
export interface MachineWindow {
  readonly name: string;
  readonly kind: 'ram' | 'demand' | 'rom';
  readonly start: number;
  readonly size: number;
  readonly priority: number;
}

/** Accesses of the CPU to memory. */
export interface MachineAccesses {
  readonly length: number;
  /** 1 for a write. */
  readonly writes: Uint8Array;
  readonly widths: Uint8Array;
  readonly addressHigh: Uint32Array;
  readonly addressLow: Uint32Array;
  readonly valueHigh: Uint32Array;
  readonly valueLow: Uint32Array;
}

// How the ranges of /proc/iomem are backed. Devices are RAM here: what is measured is the way to a register, not what a register does.
const BACKING: readonly (readonly [RegExp, MachineWindow['kind']])[] = [
  [/^System RAM$/, 'demand'],
  [/^PCI MMCONFIG/, 'demand'],
  [/^System ROM$/, 'rom'],
  [/^(nvme|ahci|IOAPIC 0|HPET 0)$/, 'ram'],
];

/** The windows of the NVMe machine. */
export function machineWindows(): MachineWindow[] {
  const windows: MachineWindow[] = [];
  const visit = ({ start, last, name, children }: IomemRange): void => {
    const backing = BACKING.find(([pattern]) => pattern.test(name));
    if (backing !== undefined) windows.push({ name, kind: backing[1], start: Number(start), size: Number(last - start) + 1, priority: 0 });
    for (const child of children) visit(child);
  };
  for (const range of parseIomem(readFileSync(new URL('nvme.iomem', traces), 'utf8'))) visit(range);
  // The local APIC's page is all that the kernel lists of the megabyte that interrupt messages go to.
  windows.push({ name: 'APIC and MSI', kind: 'ram', start: 0xfee0_0000, size: 0x10_0000, priority: 0 });
  // lspci: MSI-X of 65 vectors, table at BAR 0 + 0x2000. It lies over the BAR and cuts it in two.
  const bar = windows.find(({ name }) => name === 'nvme');
  if (bar === undefined || bar.size !== 0x4000) throw new Error('nvme.iomem has no 16 KiB BAR of nvme');
  windows.push({ name: 'MSI-X table', kind: 'ram', start: bar.start + 0x2000, size: 65 * 16, priority: 1 });
  return windows;
}

/** All accesses to memory in the NVMe machine's trace. */
export function machineAccesses(): MachineAccesses {
  const [block] = parseAccessBlocks(gunzipSync(readFileSync(new URL('nvme.trace.gz', traces))), { wideReads: 'cut', blockLength: 2 ** 20 });
  if (block === undefined) throw new Error('nvme.trace.gz is empty');
  const rows = Array.from(block.space.keys()).filter((i) => block.space[i] === ACCESS_MEMORY);
  const pick = (field: ArrayLike<number>): number[] => rows.map((i) => field[i]!);
  return {
    length: rows.length,
    writes: Uint8Array.from(pick(block.op), (op) => (op === ACCESS_WRITE ? 1 : 0)),
    widths: Uint8Array.from(pick(block.size)),
    addressHigh: Uint32Array.from(pick(block.addressHigh)),
    addressLow: Uint32Array.from(pick(block.addressLow)),
    valueHigh: Uint32Array.from(pick(block.valueHigh)),
    valueLow: Uint32Array.from(pick(block.valueLow)),
  };
}

/** Hashes 32-bit numbers, for comparing what two sides answered. */
export function createDigest(): { add(value: number): void; readonly value: number } {
  let hash = 0x811c_9dc5;
  return {
    add(value) {
      hash = Math.imul(hash ^ (value & 0xffff), 0x0100_0193);
      hash = Math.imul(hash ^ (value >>> 16), 0x0100_0193);
    },
    get value() {
      return hash >>> 0;
    },
  };
}
