// A driver that does what Linux's does: reset, enable, identify, ask for queues, make them, and move blocks with PRP lists. It looks at phase tags, as an interrupt handler would.
//
// Its memory is handed out page by page from 1 MiB of the testbench's RAM on.

import type { NvmeLite } from '../../../src/devices/index.ts';
import type { Testbench } from '../../../src/hosts/index.ts';

export const PAGE = 4096;
export const REG = { CAP: 0x00, VS: 0x08, INTMS: 0x0c, INTMC: 0x10, CC: 0x14, CSTS: 0x1c, AQA: 0x24, ASQ: 0x28, ACQ: 0x30, DOORBELL: 0x1000 } as const;
export const CC_DISABLED = 0x46_0060;
export const CC_ENABLED = 0x46_0061;
const READY_MS = 7500;

export interface SubmissionEntry {
  readonly opcode: number;
  readonly namespace?: number;
  readonly flags?: number;
  readonly prp1?: number | bigint;
  readonly prp2?: number | bigint;
  readonly dwords?: Readonly<Record<number, number>>;
}

export interface CompletionEntry {
  readonly result: number;
  readonly head: number;
  readonly queue: number;
  readonly id: number;
  /** Without the phase tag. */
  readonly status: number;
}

/** One pair of queues. */
export interface QueuePair {
  readonly id: number;
  readonly depth: number;
  readonly submissions: number;
  readonly completions: number;
  tail: number;
  head: number;
  phase: number;
  nextId: number;
  /** Commands in flight, and where their ends go. */
  readonly inFlight: Map<number, (entry: CompletionEntry) => void>;
}

export class NvmeDriver {
  readonly bench: Testbench;
  readonly card: NvmeLite;
  readonly bar: number;
  admin!: QueuePair;
  private nextPage = 1 << 20;
  private readonly pairs: QueuePair[] = [];

  constructor(bench: Testbench, card: NvmeLite) {
    this.bench = bench;
    this.card = card;
    this.bar = bench.addressOf(card, 0);
  }

  read32(register: number): number {
    return this.bench.memory.read32(this.bar + register);
  }

  write32(register: number, value: number): void {
    this.bench.memory.write32(this.bar + register, value);
  }

  /** Pages of memory, one behind the other. */
  pages(count: number): number {
    const at = this.nextPage;
    this.nextPage += count * PAGE;
    if (this.nextPage > Number(this.bench.ram.size)) throw new Error('the driver has no memory left');
    return at;
  }

  private pair(id: number, depth: number): QueuePair {
    const submissions = this.pages(Math.ceil((64 * depth) / PAGE));
    const completions = this.pages(Math.ceil((16 * depth) / PAGE));
    this.bench.memory.writeBytes(completions, new Uint8Array(16 * depth));
    return { id, depth, submissions, completions, tail: 0, head: 0, phase: 1, nextId: 0, inFlight: new Map() };
  }

  /** Waits, as long as CAP.TO says, until CSTS has `value` under `mask`. */
  async waitFor(mask: number, value: number): Promise<void> {
    for (let ms = 0; ms < READY_MS; ms++) {
      if ((this.read32(REG.CSTS) & mask) === value) return;
      await this.bench.run(1_000_000);
    }
    throw new Error(`CSTS is ${this.read32(REG.CSTS).toString(16)}`);
  }

  async disable(): Promise<void> {
    this.write32(REG.CC, CC_DISABLED);
    await this.waitFor(1, 0);
    this.pairs.length = 0;
  }

  async enable(depth = 32, completionDepth = depth): Promise<void> {
    await this.disable();
    this.admin = { ...this.pair(0, Math.max(depth, completionDepth)), depth };
    this.pairs.push(this.admin);
    this.write32(REG.AQA, ((depth - 1) << 16) | (depth - 1));
    for (const [register, address] of [[REG.ASQ, this.admin.submissions], [REG.ACQ, this.admin.completions]] as const) {
      this.write32(register, address);
      this.write32(register + 4, 0);
    }
    this.write32(REG.CC, CC_DISABLED);
    this.write32(REG.CC, CC_ENABLED);
    await this.waitFor(1, 1);
  }

  /** Puts a command into the ring without telling. */
  put(pair: QueuePair, { opcode, namespace = 0, flags = 0, prp1 = 0, prp2 = 0, dwords = {} }: SubmissionEntry, id = pair.nextId++ & 0xffff): Promise<CompletionEntry> {
    const entry = new Uint8Array(64);
    const data = new DataView(entry.buffer);
    data.setUint8(0, opcode);
    data.setUint8(1, flags);
    data.setUint16(2, id, true);
    data.setUint32(4, namespace, true);
    data.setBigUint64(24, BigInt(prp1), true);
    data.setBigUint64(32, BigInt(prp2), true);
    for (const [n, value] of Object.entries(dwords)) data.setUint32(4 * Number(n), value >>> 0, true);
    this.bench.memory.writeBytes(pair.submissions + 64 * pair.tail, entry);
    pair.tail = (pair.tail + 1) % pair.depth;
    return new Promise((resolve) => void pair.inFlight.set(id, resolve));
  }

  ringTail(pair: QueuePair): void {
    this.write32(REG.DOORBELL + 8 * pair.id, pair.tail);
  }

  ringHead(pair: QueuePair): void {
    this.write32(REG.DOORBELL + 8 * pair.id + 4, pair.head);
  }

  submit(pair: QueuePair, entry: SubmissionEntry, id?: number): Promise<CompletionEntry> {
    const ended = this.put(pair, entry, id);
    this.ringTail(pair);
    return ended;
  }

  /** The entry at the head, when it is new. */
  peek(pair: QueuePair): CompletionEntry | undefined {
    const at = pair.completions + 16 * pair.head;
    const { memory } = this.bench;
    if ((memory.read16(at + 14) & 1) !== pair.phase) return undefined;
    return { result: memory.read32(at), head: memory.read16(at + 8), queue: memory.read16(at + 10), id: memory.read16(at + 12), status: memory.read16(at + 14) >> 1 };
  }

  /** What an interrupt handler does: takes what is new, then says how far. Answers what was taken. */
  reap(pair: QueuePair, most = Infinity): CompletionEntry[] {
    const taken: CompletionEntry[] = [];
    for (let entry = this.peek(pair); entry !== undefined && taken.length < most; entry = this.peek(pair)) {
      const resolve = pair.inFlight.get(entry.id);
      if (resolve === undefined) throw new Error(`queue ${pair.id}: ${JSON.stringify(entry)} ends a command that is not in flight`);
      pair.inFlight.delete(entry.id);
      resolve(entry);
      taken.push(entry);
      pair.head = (pair.head + 1) % pair.depth;
      if (pair.head === 0) pair.phase ^= 1;
    }
    if (taken.length > 0) this.ringHead(pair);
    return taken;
  }

  /** Lets the controller work and reaps, until nothing comes any more. */
  async drain(): Promise<void> {
    let taken: number;
    do {
      await this.bench.settle();
      taken = this.pairs.reduce((sum, pair) => sum + this.reap(pair).length, 0);
    } while (taken > 0);
  }

  /** One command, to its end. */
  async run(pair: QueuePair, entry: SubmissionEntry): Promise<CompletionEntry> {
    let ended: CompletionEntry | undefined;
    void this.submit(pair, entry).then((found) => (ended = found));
    await this.drain();
    await Promise.resolve();
    if (ended === undefined) throw new Error(`queue ${pair.id}: opcode ${entry.opcode} did not end; ${this.bench.guestErrors.join('; ')}`);
    return ended;
  }

  /** Identify, or what else answers one page. */
  async page(opcode: number, dwords: Readonly<Record<number, number>>, namespace = 0): Promise<DataView> {
    const at = this.pages(1);
    this.bench.memory.writeBytes(at, new Uint8Array(PAGE).fill(0xee));
    const { status } = await this.run(this.admin, { opcode, namespace, prp1: at, dwords });
    if (status !== 0) throw new Error(`opcode ${opcode} ended with 0x${status.toString(16)}`);
    return new DataView(this.bench.memory.readBytes(at, new Uint8Array(PAGE)).buffer);
  }

  async createPair(id: number, depth: number, { vector = this.card.function.msixVectors?.enabled === true ? id : 0, interrupts = true } = {}): Promise<QueuePair> {
    const pair = this.pair(id, depth);
    const size = ((depth - 1) << 16) | id;
    const made = [
      await this.run(this.admin, { opcode: 0x05, prp1: pair.completions, dwords: { 10: size, 11: (vector << 16) | (interrupts ? 2 : 0) | 1 } }),
      await this.run(this.admin, { opcode: 0x01, prp1: pair.submissions, dwords: { 10: size, 11: (id << 16) | 1 } }),
    ];
    for (const { status } of made) if (status !== 0) throw new Error(`queue ${id}: 0x${status.toString(16)}`);
    this.pairs.push(pair);
    return pair;
  }

  async deletePair(pair: QueuePair): Promise<void> {
    for (const opcode of [0x00, 0x04]) {
      const { status } = await this.run(this.admin, { opcode, dwords: { 10: pair.id } });
      if (status !== 0) throw new Error(`delete ${pair.id}: 0x${status.toString(16)}`);
    }
    this.pairs.splice(this.pairs.indexOf(pair), 1);
  }

  /** Data pointers for `bytes` bytes at `address`, with lists where they are needed. */
  pointers(address: number, bytes: number, listOffset = 0): { readonly prp1: number; readonly prp2: number } {
    const first = Math.min(bytes, PAGE - (address % PAGE));
    const rest: number[] = [];
    for (let at = address + first; at < address + bytes; at += PAGE) rest.push(at);
    if (rest.length <= 1) return { prp1: address, prp2: rest[0] ?? 0 };
    return { prp1: address, prp2: this.list(rest, listOffset) };
  }

  /** A list of pages, from an offset in a page on; what does not fit goes on in the next. */
  list(entries: readonly number[], offset = 0): number {
    const start = this.pages(1) + offset;
    const there = (PAGE - offset) / 8;
    const here = entries.length <= there ? entries : entries.slice(0, there - 1);
    here.forEach((entry, i) => this.bench.memory.write64(start + 8 * i, BigInt(entry)));
    if (here.length < entries.length) this.bench.memory.write64(start + 8 * here.length, BigInt(this.list(entries.slice(here.length))));
    return start;
  }

  /** A command on blocks, its data at `address`. */
  blocks(opcode: number, block: number, count: number, address: number, options: { readonly blockSize?: number; readonly listOffset?: number; readonly dw12?: number } = {}): SubmissionEntry {
    const { blockSize = 512, listOffset = 0, dw12 = 0 } = options;
    return { opcode, namespace: 1, ...this.pointers(address, count * blockSize, listOffset), dwords: { 10: block, 11: Math.floor(block / 2 ** 32), 12: (count - 1) | dw12 } };
  }
}
