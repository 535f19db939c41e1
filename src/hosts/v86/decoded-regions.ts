// Follows what a card decodes: a run of v86's addresses per region, which comes, moves and goes with the registers, and keeps its counts.
//
//   BAR register, COMMAND  -> decode of the function -> run in MemoryBlocks or PortRuns          trapped: every access comes here
//                                                    -> bytes in the guest's RAM (direct-bar.ts)   direct: none does

import type { DecodeChange, DecodeListener, DecodeRange, PciFunction } from '../../pci/index.ts';
import type { V86Machine } from './machine.ts';
import type { DecodedRun, RegionCounts, V86TraceSink } from './region-counts.ts';

const TOP = 0xffff_ffffn;

/** A region of a card as it is now. */
export interface V86Region {
  /** 0..5 for a BAR, 6 for the expansion ROM. */
  readonly index: number;
  readonly bus: 'memory' | 'ports';
  /** Bytes that are decoded, or that there are. */
  readonly size: bigint;
  /** Where the guest has put it; null while it is not decoded. */
  readonly address: bigint | null;
  readonly manner: 'trapped' | 'direct';
  readonly counts: Readonly<RegionCounts>;
}

/** Who keeps the bytes of regions that are not trapped. */
export interface DirectRegions {
  has(index: number): boolean;
  /** Throws to refuse. */
  prepare(index: number, to: DecodeRange): void;
  shown(index: number): void;
  hidden(index: number): void;
}

/** What a {@link DecodedRegions} tells of its card. */
export interface DecodedRegionsOptions {
  readonly slot: string;
  readonly trace: V86TraceSink | undefined;
  readonly failed: (error: unknown) => void;
}

/** The regions of one card in v86's tables. */
export class DecodedRegions implements DecodeListener {
  private readonly machine: V86Machine;
  private readonly function: PciFunction;
  private readonly direct: DirectRegions;
  private options: DecodedRegionsOptions;
  private readonly counts = new Map<number, RegionCounts>();
  private readonly runs = new Map<number, { readonly bus: DecodeRange['bus']; readonly run: DecodedRun }>();

  constructor(machine: V86Machine, one: PciFunction, direct: DirectRegions, options: DecodedRegionsOptions) {
    this.machine = machine;
    this.function = one;
    this.direct = direct;
    this.options = options;
    for (const { index } of one.bars) this.counts.set(index, { reads: 0, writes: 0, bytes: 0 });
    if (one.rom !== undefined) this.counts.set(6, { reads: 0, writes: 0, bytes: 0 });
  }

  prepare(changes: readonly DecodeChange[]): void {
    for (const { index, to } of changes) if (to !== null && this.direct.has(index)) this.direct.prepare(index, to);
  }

  commit(changes: readonly DecodeChange[]): void {
    for (const { index, from } of changes) {
      if (this.direct.has(index)) {
        if (from !== null) this.direct.hidden(index);
      } else this.remove(index);
    }
    for (const { index, to } of changes) {
      if (to === null) continue;
      if (this.direct.has(index)) this.direct.shown(index);
      else this.add(index, to);
    }
  }

  private add(index: number, { bus, start, size }: DecodeRange): void {
    // The processor has 32 bits of physical addresses.
    if (start > TOP) return;
    const first = Number(start);
    const last = Number(start + size - 1n > TOP ? TOP : start + size - 1n);
    const run: DecodedRun = { first, last, start: first | 0, bytes: last - first + 1, bar: index, counts: this.counts.get(index)!, ...this.options };
    this.runs.set(index, { bus, run });
    if (bus === 'memory') this.machine.blocks.add(run);
    else this.machine.portRuns.add(run);
  }

  private remove(index: number): void {
    const found = this.runs.get(index);
    if (found === undefined) return;
    this.runs.delete(index);
    if (found.bus === 'memory') this.machine.blocks.remove(found.run);
    else this.machine.portRuns.remove(found.run);
  }

  /** Who hears of accesses from now on. A link serves what nobody hears of. */
  retrace(trace: V86TraceSink | undefined): void {
    this.options = { ...this.options, trace };
    for (const { run } of this.runs.values()) run.trace = trace;
    this.machine.blocks.showLink();
  }

  /** The card is gone. */
  close(): void {
    for (const index of [...this.runs.keys()]) this.remove(index);
  }

  /** The regions as they are now. */
  list(): V86Region[] {
    this.machine.collectCounts();
    const { decoded, bars, rom } = this.function;
    const all = [
      ...bars.map(({ index, kind, size }) => ({ index, bus: kind === 'io' ? ('ports' as const) : ('memory' as const), size: size ?? 0n })),
      ...(rom === undefined ? [] : [{ index: 6, bus: 'memory' as const, size: rom.region.size }]),
    ];
    return all.map(({ index, bus, size }) => ({
      index,
      bus,
      size: decoded[index]?.size ?? size,
      address: decoded[index]?.start ?? null,
      manner: this.direct.has(index) ? 'direct' : 'trapped',
      counts: { ...this.counts.get(index)! },
    }));
  }
}
