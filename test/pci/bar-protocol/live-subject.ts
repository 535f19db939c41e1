// A PciFunction as a scenario sees it: followed by a listener before and one behind the one that refuses, and shown in two spaces.
import { type Engine, createEngine } from '../../../src/core/index.ts';
import { type DecodeChange, type DecodeRange, PciFunction } from '../../../src/pci/index.ts';
import { type BarSubject, type FunctionVector, configOf } from './scenario.ts';

const text = ({ bus, start }: DecodeRange): string => `${bus} 0x${start.toString(16)}`;

/** Someone who only follows. `prepared` counts what was prepared and neither committed nor aborted. */
class Follower {
  readonly seen = new Map<number, DecodeRange>();
  commits = 0;
  prepared = 0;

  prepare(): void {
    this.prepared++;
  }

  commit(changes: readonly DecodeChange[]): void {
    this.prepared--;
    this.commits++;
    for (const { index, from, to } of changes) {
      if ((this.seen.get(index) ?? null) !== from) throw new Error(`BAR ${index} moves from where it was not`);
      if (to === null) this.seen.delete(index);
      else this.seen.set(index, to);
    }
  }

  abort(): void {
    this.prepared--;
  }

  list(): Record<string, string> {
    return Object.fromEntries([...this.seen].sort(([a], [b]) => a - b).map(([index, range]) => [index, text(range)]));
  }
}

export class LiveSubject implements BarSubject {
  readonly engine: Engine = createEngine();
  readonly one: PciFunction;
  private readonly memory = this.engine.space('memory');
  private readonly ports = this.engine.space('ports');
  private readonly before = new Follower();
  private readonly behind = new Follower();
  private isRefused: (bus: string, first: bigint, last: bigint) => boolean = () => false;

  constructor(vector: FunctionVector) {
    this.one = new PciFunction(this.engine, { slot: '00:03.0', ...configOf(vector) });
    this.one.onDecode(this.before);
    this.one.onDecode({
      prepare: (changes) => {
        for (const { to } of changes) if (to !== null && this.isRefused(to.bus, to.start, to.start + to.size - 1n)) throw new Error(`${text(to)} is refused`);
      },
      commit: () => undefined,
    });
    this.one.onDecode(this.behind);
    this.one.mapInto({ memory: this.memory, ports: this.ports });
  }

  write(offset: number, width: 1 | 2 | 4, value: number): void {
    if (width === 1) this.one.config.write8(offset, value);
    else if (width === 2) this.one.config.write16(offset, value);
    else this.one.config.write32(offset, value);
  }

  read(offset: number, width: 1 | 2 | 4): number {
    const { config } = this.one;
    return width === 1 ? config.read8(offset) : width === 2 ? config.read16(offset) : config.read32(offset);
  }

  decodes(): Record<string, string> {
    const found = Object.fromEntries(this.one.decoded.flatMap((range, index) => (range === null ? [] : [[index, text(range)]])));
    // Everyone who follows agrees, and nobody is left in between.
    for (const follower of [this.before, this.behind]) {
      if (JSON.stringify(follower.list()) !== JSON.stringify(found) || follower.prepared !== 0) return { follower: JSON.stringify(follower.list()) };
    }
    return found;
  }

  shows(bus: 'memory' | 'ports', address: bigint): number | null {
    const region = (bus === 'memory' ? this.memory : this.ports).windowAt(address)?.region;
    if (region === undefined) return null;
    return region === this.one.rom?.region ? 6 : this.one.bars.find((bar) => bar.region === region)!.index;
  }

  refuse(isRefused: (bus: string, first: bigint, last: bigint) => boolean): void {
    this.isRefused = isRefused;
  }

  refusals = (): number => this.one.refusals.count;
  transactions = (): number => this.before.commits;

  reset(kind: 'power-on' | 'function'): void {
    if (kind === 'power-on') this.one.resetToPowerOn();
    else this.one.resetFunction();
  }

  close(): void {
    this.memory.validate();
    this.one.destroy();
    this.memory.destroy();
    this.ports.destroy();
    const left = this.engine.live();
    if (left.objects + left.pages + left.nodes + left.backingBytes !== 0) throw new Error(`left: ${JSON.stringify(left)}`);
  }
}
