// The BARs that one writes first: each register is 32 bits of its own, masked with its size as it is written, and moved as it is written. What goes wrong with them is
// what the vectors are for.
import { type BarSubject, type FunctionVector, configOf } from './scenario.ts';

const COMMAND = 4;

export class NaiveSubject implements BarSubject {
  private readonly config: Uint8Array;
  private readonly sizes: readonly number[];
  private readonly placed = new Map<number, { bus: 'memory' | 'ports'; start: bigint; size: bigint }>();
  private moves = 0;

  constructor(vector: FunctionVector) {
    const { config, sizes } = configOf(vector);
    this.config = config;
    this.sizes = [...(sizes.bars as number[]), sizes.rom as number];
  }

  private view(): DataView {
    return new DataView(this.config.buffer);
  }

  private static index(offset: number): number {
    if (offset >= 0x30 && offset < 0x34) return 6;
    return offset >= 0x10 && offset < 0x28 ? (offset - 0x10) >> 2 : -1;
  }

  write(offset: number, width: 1 | 2 | 4, value: number): void {
    for (let i = 0; i < width; i++) this.config[offset + i] = value >>> (8 * i);
    const index = NaiveSubject.index(offset);
    if (index >= 0) this.move(index);
  }

  private move(index: number): void {
    const at = index === 6 ? 0x30 : 0x10 + 4 * index;
    const size = this.sizes[index]!;
    const type = index === 6 ? this.config[at]! & 1 : this.typeOf(index);
    const masked = size === 0 ? this.view().getUint32(at, true) : ((this.view().getUint32(at, true) & -size) | type) >>> 0;
    this.view().setUint32(at, masked, true);
    if (size === 0) return;
    const isPort = index < 6 && (type & 1) === 1;
    this.placed.delete(index);
    this.placed.set(index, { bus: isPort ? 'ports' : 'memory', start: BigInt(masked & ~0xf) & 0xffff_fff0n, size: BigInt(size) });
    this.moves++;
  }

  private readonly types = new Map<number, number>();
  private typeOf(index: number): number {
    return this.types.get(index) ?? 0;
  }

  /** Notes the type bits before anything is written. */
  start(): this {
    for (let index = 0; index < 6; index++) this.types.set(index, this.config[0x10 + 4 * index]! & 0xf);
    return this;
  }

  read(offset: number, width: 1 | 2 | 4): number {
    const view = this.view();
    return width === 1 ? view.getUint8(offset) : width === 2 ? view.getUint16(offset, true) : view.getUint32(offset, true);
  }

  private visible(): [number, { bus: 'memory' | 'ports'; start: bigint; size: bigint }][] {
    const command = this.config[COMMAND]!;
    return [...this.placed].filter(([, { bus }]) => (command & (bus === 'ports' ? 1 : 2)) !== 0);
  }

  decodes(): Record<string, string> {
    return Object.fromEntries(this.visible().sort(([a], [b]) => a - b).map(([index, { bus, start }]) => [index, `${bus} 0x${start.toString(16)}`]));
  }

  shows(bus: 'memory' | 'ports', address: bigint): number | null {
    return this.visible().findLast(([, range]) => range.bus === bus && address >= range.start && address < range.start + range.size)?.[0] ?? null;
  }

  refuse(): void {}
  refusals = (): number => 0;
  transactions = (): number => this.moves;

  reset(): void {
    this.config.fill(0, 4, 6);
    for (let at = 0x10; at < 0x28; at += 4) this.view().setUint32(at, this.typeOf((at - 0x10) / 4), true);
    this.view().setUint32(0x30, 0, true);
    this.config[0x3c] = 0;
    this.placed.clear();
  }

  close(): void {}
}
