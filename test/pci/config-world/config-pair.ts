// One function on a testbench and its judge: every write goes to both, and everything that a guest can see is compared.

import { createEngine } from '../../../src/core/index.ts';
import { Testbench } from '../../../src/hosts/testbench/index.ts';
import type { Pluggable } from '../../../src/hosts/testbench/index.ts';
import { type PciFunction, configPorts } from '../../../src/pci/index.ts';
import { Process, VfioDevice } from '../../../src/vfio/index.ts';
import { ReferenceConfigSpace } from '../../reference/index.ts';
import type { GuestWrite } from './guest-writes.ts';
import type { MakeSubject } from './subjects.ts';

const CONFIG_INDEX = 7n;
const CONFIG_OFFSET = CONFIG_INDEX << 40n;
const ENABLE = 0x8000_0000;
const LAST_WRITES = 12;
const NAMES = ['BAR 0', 'BAR 1', 'BAR 2', 'BAR 3', 'BAR 4', 'BAR 5', 'the ROM'] as const;

const hex = (value: number | bigint, digits = 1): string => value.toString(16).padStart(digits, '0');

function judgeOf({ description, bars, rom }: PciFunction, bytes: Uint8Array): ReferenceConfigSpace {
  const sizes = [0, 1, 2, 3, 4, 5].map((index) => bars.find((bar) => bar.index === index)?.size ?? 0n);
  // What a device may choose for its own registers is said by its description, and only there.
  const registers = (description.registers ?? []).map(({ offset, bytes: width, writable, clears, reset, sticky }) => ({
    offset, width, writable: writable ?? 0, clearedByOne: clears ?? 0, start: reset ?? 0, sticky: sticky ?? 0,
  }));
  return new ReferenceConfigSpace({ bytes, bars: sizes, rom: rom?.size ?? 0n, registers });
}

export class ConfigPair {
  readonly judge: ReferenceConfigSpace;
  readonly function: PciFunction;
  /** Writes that changed a byte; changes of what is decoded: a run without them would prove nothing. */
  readonly changes = { bytes: 0, decoded: 0 };
  private readonly bench: Testbench;
  private readonly ports;
  private readonly process: Process;
  private readonly fd: number;
  private readonly dword: number;
  // Made into words when something differs, and not before.
  private readonly last: (GuestWrite | string)[] = [];
  private decodedBefore = '';
  private readonly idle: string;

  constructor(make: MakeSubject, build?: 'scalar' | 'simd') {
    this.bench = new Testbench({ engine: createEngine(build === undefined ? {} : { build }) });
    const subject: Pluggable = this.bench.plug(make);
    this.function = subject.function;
    this.judge = judgeOf(this.function, this.function.readConfig());
    this.ports = this.bench.engine.region(configPorts(() => [this.function]));
    this.process = new Process(this.bench.engine);
    // The registers themselves: what vfio-pci makes of them is another matter.
    this.fd = this.process.open(new VfioDevice({ name: 'registers', regions: { 7: { region: this.function.config } } }));
    this.dword = ENABLE + this.function.ecamOffset / 16;
    // A first reset writes the MSI-X table, which may need a page that stays.
    this.reset('power-on');
    this.idle = this.alive();
  }

  /** Configuration space's bytes. */
  get size(): number {
    return this.judge.bytes.length;
  }

  /** One write, by its way, and all that follows from it. */
  write(write: GuestWrite): void {
    const { way, offset, width, value } = write;
    this.note(write);
    const before = Buffer.from(this.judge.bytes.subarray(offset, offset + width));
    this.judge.write(offset, width, value);
    if (before.compare(this.judge.bytes, offset, offset + width) !== 0) this.changes.bytes++;
    const { config } = this.function;
    if (way === 'region') {
      if (width === 4) config.write32(offset, value);
      else if (width === 2) config.write16(offset, value);
      else config.write8(offset, value);
    } else if (way === 'ports') {
      const at = 4 + (offset & 3);
      this.ports.write32(0, (this.dword + (offset & 0xfc)) >>> 0);
      if (width === 4) this.ports.write32(at, value);
      else if (width === 2) this.ports.write16(at, value);
      else this.ports.write8(at, value);
    } else {
      this.process.pwrite(this.fd, new Uint8Array([value, value >>> 8, value >>> 16, value >>> 24]).subarray(0, width), CONFIG_OFFSET + BigInt(offset));
    }
    this.compare();
  }

  /** The reset of a function or of everything, as its owner makes it. */
  reset(kind: 'power-on' | 'function'): void {
    this.note(`reset ${kind}`);
    this.judge.reset(kind);
    if (kind === 'power-on') this.function.resetToPowerOn();
    else this.function.resetFunction();
    this.compare();
  }

  /** Reads by every way, which answer what the judge holds; that they change nothing is the next comparison's. Returns the value. */
  read(offset: number, width: 1 | 2 | 4): number {
    const expected = Number(Buffer.from(this.judge.bytes).readUIntLE(offset, width));
    const { config } = this.function;
    const read = (from: typeof config, at: number): number => (width === 4 ? from.read32(at) : width === 2 ? from.read16(at) : from.read8(at));
    const buffer = Buffer.alloc(width);
    this.process.pread(this.fd, buffer, CONFIG_OFFSET + BigInt(offset));
    const found = [read(config, offset), buffer.readUIntLE(0, width)];
    if (offset < 0x100 && (offset & 3) + width <= 4) {
      this.ports.write32(0, (this.dword + (offset & 0xfc)) >>> 0);
      found.push(read(this.ports, 4 + (offset & 3)));
    }
    for (const value of found) if (value !== expected) this.fail(`${8 * width} bits at ${hex(offset, 2)} read ${found.map((one) => hex(one)).join(', ')}; the judge holds ${hex(expected)}`);
    this.compare();
    return expected;
  }

  /** Every byte, and what is decoded. */
  private compare(): void {
    const held = this.function.readConfig();
    if (Buffer.compare(held, this.judge.bytes) !== 0) {
      const at = held.findIndex((byte, offset) => byte !== this.judge.bytes[offset]);
      this.fail(`byte ${hex(at, 2)} (${this.function.registerAt(at)?.name ?? 'read-only'}) is ${hex(held[at]!, 2)}; the judge holds ${hex(this.judge.bytes[at]!, 2)}`);
    }
    const [decoded, expected] = [this.function.decoded, this.judge.decoded];
    let key = '';
    for (let index = 0; index < expected.length; index++) {
      const [is, should] = [decoded[index] ?? null, expected[index] ?? null];
      if (is === null && should === null) continue;
      if (is === null || should === null || is.start !== should.start || is.size !== should.size || is.bus !== should.bus) {
        const text = (range: typeof is): string => (range === null ? 'nothing' : `${range.bus} ${hex(range.start)} of ${hex(range.size)}`);
        this.fail(`${NAMES[index]!} decodes ${text(is)}; the judge says ${text(should)}`);
      }
      key += `${index}:${should.start.toString()} `;
    }
    if (key !== this.decodedBefore) this.changes.decoded++;
    this.decodedBefore = key;
  }

  /** Windows are where decoded says and nowhere else, and what is there can be read, whatever lies over what. */
  checkWindows(): void {
    const { bars, rom, decoded } = this.function;
    const regions = [...bars.map(({ index, region }) => ({ index, region })), ...(rom === undefined ? [] : [{ index: 6, region: rom.region }])];
    for (const { index, region } of regions) {
      const range = decoded[index] ?? null;
      const windows = [...region.windows].map(({ space, start, size }) => `${space.name} ${hex(start)} of ${hex(size)}`).join(', ');
      const space = range?.bus === 'ports' ? this.bench.ports : this.bench.memory;
      const expected = range === null ? '' : `${space.name} ${hex(range.start)} of ${hex(range.size)}`;
      if (windows !== expected) this.fail(`${NAMES[index]!} is shown at [${windows}]; it decodes [${expected}]`);
      if (range === null) continue;
      if (space.windowAt(range.start) === undefined) this.fail(`nothing is visible at ${hex(range.start)}, which ${NAMES[index]!} decodes`);
      for (const at of [range.start, range.start + range.size / 2n, range.start + range.size - 4n]) space.read32(at);
    }
    this.bench.memory.validate();
    this.bench.ports.validate();
  }

  /** Without anything decoded, the core has what it had at first. Ends with COMMAND 0. */
  checkAlive(): void {
    this.write({ way: 'region', offset: 0x04, width: 2, value: 0 });
    this.checkWindows();
    if (this.alive() !== this.idle) this.fail(`the core has ${this.alive()}; at first it had ${this.idle}`);
  }

  private alive(): string {
    return JSON.stringify(this.bench.engine.live());
  }

  /** Ends everything: nothing of it is left in the core. */
  close(): void {
    this.process.exit();
    this.bench.destroy();
    this.ports.destroy();
    const { nodes, pages, objects, backingBytes } = this.bench.engine.live();
    if (nodes + pages + objects + backingBytes !== 0) this.fail(`at the end the core has ${this.alive()}`);
  }

  private note(what: GuestWrite | string): void {
    this.last.push(what);
    if (this.last.length > LAST_WRITES) this.last.shift();
  }

  private fail(what: string): never {
    const words = this.last.map((one) => (typeof one === 'string' ? one : `${one.way} ${8 * one.width} bits at ${hex(one.offset, 2)}: ${hex(one.value, 2 * one.width)}`));
    throw new Error(`${what}\n    after ${words.join('\n          ')}`);
  }
}
