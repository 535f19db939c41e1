// Devices at work that are migrated in the middle of it, beside twins that are not: whatever the twin answers, the migrated one has to answer.
//
//   twin      | operations .......................................... |
//   migrated  | operations ..... pre-copy ..... switch | .... another device |
//
// Everything follows from a seed.
import { nvmeLite, serial } from '../../src/devices/index.ts';
import type { NvmeLite, Serial } from '../../src/devices/index.ts';
import { createTestbench } from '../../src/hosts/index.ts';
import type { Testbench } from '../../src/hosts/index.ts';
import { type CompletionEntry, NvmeDriver, PAGE, type QueuePair } from '../devices/nvme-lite/driver.ts';
import { ReferenceXorshift } from '../reference/xorshift.ts';
import { MigrationUser, STATE } from './user.ts';

/** What a run did. */
export interface Report {
  readonly operations: number;
  /** Before which operation pre-copy began, and the device changed. */
  readonly preCopyAt: number;
  readonly switchedAt: number;
  /** What was under way at the switch: commands, or bytes. */
  readonly underWay: number;
  readonly streamBytes: number;
}

/** The migrated device is not as its twin: where, and how. Any other error is one of the test's own code. */
export class Difference extends Error {
  override readonly name = 'Difference';
}

/** The numbers of one run. */
class Dice {
  private readonly random: ReferenceXorshift;

  constructor(seed: number) {
    this.random = new ReferenceXorshift((Math.imul(seed, 0x9e37_79b1) >>> 0) || 1);
    for (let i = 0; i < 8; i++) this.random.next();
  }

  /** 0 to below - 1. */
  below(below: number): number {
    return this.random.next() % below;
  }

  /** When pre-copy begins, and when the device changes. */
  moments(operations: number): { readonly preCopyAt: number; readonly switchedAt: number } {
    const switchedAt = this.below(operations);
    return { preCopyAt: this.below(switchedAt + 1), switchedAt };
  }
}

function same(what: string, found: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Difference(`${what}: ${a}; the twin has ${b}`);
}

/** What the source has read of its stream while it worked. */
class Migration {
  private readonly pieces: Uint8Array[] = [];
  private readonly source: MigrationUser;

  constructor(source: MigrationUser) {
    this.source = source;
    source.set(STATE.PRE_COPY);
  }

  copy(most: number): void {
    this.pieces.push(this.source.read(4096, most));
  }

  /** The source stops, the target takes over: how many bytes that took. */
  finish(target: MigrationUser): number {
    this.source.set(STATE.PRE_COPY_P2P);
    this.source.set(STATE.STOP_COPY);
    this.pieces.push(this.source.read());
    const stream = new Uint8Array(Buffer.concat(this.pieces));
    target.load(stream, 5000);
    // Its last close resets it.
    this.source.exit();
    return stream.length;
  }
}

const BLOCK = 512;
const LANES = 4;
const LANE_BLOCKS = 64;
const MOST_BLOCKS = (2 * PAGE) / BLOCK;
const OPCODES = [0x01, 0x02, 0x05, 0x08, 0x00] as const;
const [WRITE, READ, COMPARE, , FLUSH] = OPCODES;
const GET_LOG_PAGE = 0x02;

/** One NVMe machine: a driver with two queues, a buffer for each lane. */
class NvmeMachine {
  readonly bench: Testbench = createTestbench({ ramBytes: 4 << 20 });
  readonly cards: NvmeLite[];
  readonly disks: Uint8Array[];
  driver!: NvmeDriver;
  pairs: QueuePair[] = [];
  buffers: number[] = [];
  private current = 0;

  constructor(devices: number) {
    this.disks = Array.from({ length: devices }, () => new Uint8Array(LANES * LANE_BLOCKS * BLOCK));
    this.cards = this.disks.map((store) => this.bench.plug((engine, host) => nvmeLite(engine, host, { store, serial: 'twin' })));
  }

  async start(): Promise<void> {
    this.driver = new NvmeDriver(this.bench, this.cards[0]!);
    this.bench.enableMessages(this.cards[0]!);
    await this.driver.enable(4);
    this.pairs = [await this.driver.createPair(1, 8), await this.driver.createPair(2, 6)];
    this.buffers = Array.from({ length: LANES + 1 }, () => this.driver.pages(2));
  }

  /** The guest goes on with another device. */
  switchTo(index: number): void {
    this.current = index;
    const { driver } = this;
    Object.assign(driver, { card: this.cards[index]!, bar: this.bench.addressOf(this.cards[index]!, 0) });
  }

  get disk(): Uint8Array {
    return this.disks[this.current]!;
  }

  /** A few turns of what is under way. */
  async turns(count: number): Promise<void> {
    this.bench.engine.pump();
    for (let i = 0; i < count; i++) await null;
  }

  /** Until all commands have ended. */
  async drain(): Promise<void> {
    const queues = [this.driver.admin, ...this.pairs];
    for (let round = 0; queues.some(({ inFlight }) => inFlight.size > 0); round++) {
      if (round === 200) throw new Difference(`lost: ${queues.map(({ id, inFlight }) => `queue ${id}: ${[...inFlight.keys()].join(' ')}`).join('; ')}; ${this.bench.guestErrors.join('; ')}`);
      await this.turns(12);
      // Whatever comes twice ends a command that is not in flight: the driver throws.
      for (const pair of queues) this.driver.reap(pair);
    }
  }

  get underWay(): number {
    return this.pairs.reduce((sum, { inFlight }) => sum + inFlight.size, this.driver.admin.inFlight.size);
  }
}

interface Batch {
  readonly ends: readonly Promise<CompletionEntry>[];
  readonly reads: readonly (readonly [address: number, bytes: number])[];
}

/** Puts the same commands, up to one a lane, into a machine. */
function put(machine: NvmeMachine, seed: number, count: number): Batch {
  const dice = new Dice(seed);
  const { driver, bench, pairs, buffers, disk } = machine;
  const ends: Promise<CompletionEntry>[] = [];
  const reads: (readonly [number, number])[] = [];
  const rotation = dice.below(LANES);
  for (let i = 0; i < count; i++) {
    const lane = (i + rotation) % LANES;
    const at = buffers[lane]!;
    const kind = dice.below(OPCODES.length + 1);
    const pair = pairs[dice.below(2)]!;
    const blocks = 1 + dice.below(MOST_BLOCKS);
    const first = lane * LANE_BLOCKS + dice.below(LANE_BLOCKS - blocks);
    const fill = dice.below(256);
    const opcode = OPCODES[kind];
    if (opcode === undefined) {
      // The health page of the device: it counts what was done.
      bench.memory.writeBytes(buffers[LANES]!, new Uint8Array(512).fill(0xee));
      if (driver.admin.inFlight.size < 2) ends.push(driver.put(driver.admin, { opcode: GET_LOG_PAGE, prp1: buffers[LANES]!, dwords: { 10: (127 << 16) | 0x02 } }));
      continue;
    }
    if (opcode === WRITE) bench.memory.writeBytes(at, new Uint8Array(blocks * BLOCK).map((_, n) => n * 13 + fill));
    if (opcode === COMPARE) bench.memory.writeBytes(at, fill < 128 ? disk.subarray(first * BLOCK, (first + blocks) * BLOCK) : new Uint8Array(blocks * BLOCK).fill(fill));
    if (opcode === READ) {
      bench.memory.writeBytes(at, new Uint8Array(blocks * BLOCK).fill(0xee));
      reads.push([at, blocks * BLOCK]);
    }
    ends.push(driver.put(pair, opcode === FLUSH ? { opcode, namespace: 1 } : driver.blocks(opcode, first, blocks, at)));
  }
  for (const pair of [driver.admin, ...pairs]) if (pair.inFlight.size > 0) driver.ringTail(pair);
  return { ends, reads };
}

async function answers(machine: NvmeMachine, { ends, reads }: Batch): Promise<unknown> {
  await machine.drain();
  const ended = (await Promise.all(ends)).map(({ id, queue, status, result }) => [queue, id, status, result]);
  return [ended, reads.map(([at, bytes]) => Buffer.from(machine.bench.memory.readBytes(at, new Uint8Array(bytes))).toString('base64'))];
}

/** An NVMe controller that is migrated with commands in flight. */
export async function nvmeRun(seed: number, operations: number, progress: (done: number) => void = () => undefined): Promise<Report> {
  const dice = new Dice(seed);
  const { preCopyAt, switchedAt } = dice.moments(operations);
  const [twin, other] = [new NvmeMachine(1), new NvmeMachine(2)];
  // Opened first: that resets a device.
  const source = new MigrationUser(other.bench.engine, other.cards[0]!.vfio);
  const target = new MigrationUser(other.bench.engine, other.cards[1]!.vfio);
  await twin.start();
  await other.start();
  let migration: Migration | undefined;
  let underWay = 0;
  let streamBytes = -1;
  for (let done = 0; done < operations; ) {
    const count = 1 + dice.below(Math.min(LANES, operations - done));
    const batchSeed = 1 + dice.below(1 << 30);
    const turns = dice.below(40);
    if (migration === undefined && done + count > preCopyAt) migration = new Migration(source);
    const batches = [twin, other].map((machine) => put(machine, batchSeed, count)) as [Batch, Batch];
    await other.turns(turns);
    if (streamBytes < 0) migration?.copy(dice.below(3 * PAGE));
    if (streamBytes < 0 && done + count > switchedAt) {
      for (const pair of [other.driver.admin, ...other.pairs]) if (dice.below(2) === 0) other.driver.reap(pair);
      underWay = other.underWay;
      other.bench.enableMessages(other.cards[1]!);
      streamBytes = migration!.finish(target);
      other.switchTo(1);
    }
    done += count;
    same(`nvme, seed ${seed}, operations up to ${done}`, await answers(other, batches[1]), await answers(twin, batches[0]));
    progress(done);
  }
  // What it remembers of itself, and the blocks.
  const health = (machine: NvmeMachine): string => Buffer.from(machine.bench.memory.readBytes(machine.buffers[LANES]!, new Uint8Array(512))).toString('hex');
  for (const machine of [twin, other]) {
    void machine.driver.submit(machine.driver.admin, { opcode: GET_LOG_PAGE, prp1: machine.buffers[LANES]!, dwords: { 10: (127 << 16) | 0x02 } });
    await machine.drain();
  }
  same(`nvme, seed ${seed}, health`, health(other), health(twin));
  if (Buffer.compare(other.disk, twin.disk) !== 0) throw new Difference(`nvme, seed ${seed}: the blocks differ`);
  same(`nvme, seed ${seed}, guest errors`, other.bench.guestErrors, twin.bench.guestErrors);
  target.exit();
  for (const { bench } of [twin, other]) {
    await bench.settle();
    bench.destroy();
    same('left in the core', bench.engine.live(), { nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  }
  return { operations, preCopyAt, switchedAt, underWay, streamBytes };
}

/** One machine with a serial card, and everything that leaves it with its time. */
class SerialMachine {
  readonly bench = createTestbench({ ramBytes: 4096 });
  readonly cards: Serial[];
  readonly log: (readonly [time: string, byte: number])[] = [];
  port: number;
  private current = 0;

  constructor(devices: number) {
    this.cards = Array.from({ length: devices }, () => this.bench.plug((engine, host) => serial(engine, host, { messages: false, onTransmit: (byte) => this.log.push([String(this.bench.clock.now()), byte]) })));
    this.port = this.bench.addressOf(this.cards[0]!, 0);
  }

  switchTo(index: number): void {
    this.current = index;
    this.port = this.bench.addressOf(this.cards[index]!, 0);
  }

  get card(): Serial {
    return this.cards[this.current]!;
  }

  /** One operation; what the guest sees of it. */
  operate(kind: number, value: number): unknown {
    const { memory, clock } = this.bench;
    const { port } = this;
    switch (kind) {
      case 0:
      case 1:
        return memory.write8(port, value & 0xff);
      case 2:
      case 3:
        return memory.read8(port);
      case 4:
        return memory.read8(port + 5);
      case 5:
        return memory.read8(port + 2);
      case 6:
        return memory.read8(port + 6);
      case 7:
        return memory.write8(port + 1, value & 0x0f);
      case 8:
        return this.card.receive(new Uint8Array([value, value >> 8]), value % 7 === 0 ? 'framing' : undefined);
      case 9:
        return memory.write8(port + 7, value & 0xff);
      case 10:
        // Seldom: the FIFOs on or off, and other levels.
        return value % 50 === 0 ? memory.write8(port + 2, (value >> 8) & 0xc1) : memory.read8(port + 7);
      case 11:
        return value % 20 === 0 ? memory.write8(port + 4, (value >> 8) & 0x1f) : memory.read8(port + 4);
      default:
        return clock.advance(value % 700_000);
    }
  }

  setUp(): void {
    const { memory } = this.bench;
    for (const [register, value] of [[3, 0x83], [0, 4], [1, 0], [3, 0x03], [2, 0x41], [1, 0x0f], [4, 0x0b]] as const) memory.write8(this.port + register, value);
  }
}

/** A serial card that is migrated with bytes on the line. */
export function serialRun(seed: number, operations: number, progress: (done: number) => void = () => undefined): Report {
  const dice = new Dice(seed);
  const { preCopyAt, switchedAt } = dice.moments(operations);
  const [twin, other] = [new SerialMachine(1), new SerialMachine(2)];
  twin.setUp();
  other.setUp();
  const source = new MigrationUser(other.bench.engine, other.cards[0]!.vfio);
  const target = new MigrationUser(other.bench.engine, other.cards[1]!.vfio);
  let migration: Migration | undefined;
  let streamBytes = -1;
  for (let done = 0; done < operations; done++) {
    if (done === preCopyAt) migration = new Migration(source);
    if (done === switchedAt) {
      streamBytes = migration!.finish(target);
      other.switchTo(1);
    }
    const [kind, value] = [dice.below(15), dice.below(1 << 30)];
    same(`serial, seed ${seed}, operation ${done} (${kind}, ${value}), switched at ${switchedAt}`, other.operate(kind, value), twin.operate(kind, value));
    if (done % 1000 === 0) progress(done);
  }
  for (const { bench } of [twin, other]) bench.clock.advance(1e9);
  same(`serial, seed ${seed}, switched at ${switchedAt}, what was sent`, other.log, twin.log);
  target.exit();
  for (const { bench } of [twin, other]) {
    bench.destroy();
    same('left in the core', bench.engine.live(), { nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  }
  // The plain data of a port have 60 bytes.
  return { operations, preCopyAt, switchedAt, underWay: streamBytes - 60, streamBytes };
}
