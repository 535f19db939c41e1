// What each kind of step does: the call, and the bytes that it must leave behind.

import * as uapi from '../uapi/index.ts';
import type { Bench } from './bench.ts';
import { numberOf, outcome } from './bench.ts';
import { bytesDiffer } from './difference.ts';
import { deviceStep } from './device-steps.ts';
import { bytesOfHex, hexOfText, placesOf } from './hex-text.ts';
import { HOST_EVENTS, hostStep } from './host-steps.ts';
import type { Returns, Step } from './table.ts';

const FILLER = 'aa';
const EVENT_BYTES = 8;
const SHARED = 1;
const READ_WRITE = 3;

/** Tells that something was not as expected. */
export type Report = (what: string, expected: string, found: string) => void;

/** One block of memory of a step: where it is, what it is to hold afterwards. */
interface Block {
  readonly name: string;
  readonly address: number;
  readonly length: number;
  readonly after: string;
}

/** The memory of one step: made before the call, looked at after it. */
class StepMemory {
  private readonly bench: Bench;
  private readonly blocks: Block[] = [];
  private readonly addresses = new Map<string, bigint>();

  constructor(bench: Bench) {
    this.bench = bench;
  }

  private readonly names = {
    address: (name: string): bigint => {
      const found = this.addresses.get(name);
      if (found !== undefined) return found;
      if (!this.bench.hasMapping(name)) throw new SyntaxError(`no block or mapping is called ${name}`);
      return BigInt(this.bench.address(name));
    },
    fd: (name: string): number => this.bench.fd(name),
    id: (name: string): number => this.bench.id(name),
    times: (): number => this.bench.round,
  };

  /** A block that holds bytes: its address. */
  add(name: string, before: string, after = before): number {
    const bytes = bytesOfHex(before, this.names);
    const address = this.bench.block(bytes.length);
    this.bench.process.memory.writeBytes(BigInt(address), bytes);
    this.blocks.push({ name, address, length: bytes.length, after });
    this.addresses.set(name, BigInt(address));
    return address;
  }

  private read({ address, length }: Block): Uint8Array {
    return this.bench.process.memory.readBytes(BigInt(address), new Uint8Array(length));
  }

  /** Fds and ids that the call has written get their names. `before`: the fds that were open. */
  learn(before: readonly number[], report: Report): void {
    for (const block of this.blocks) {
      for (const { name, at } of placesOf(block.after, '=')) {
        const fd = new DataView(this.read(block).buffer).getInt32(at, true);
        if (before.includes(fd) || !this.bench.process.fds.includes(fd)) report(`fd at byte ${at} of ${block.name}`, 'a new fd', String(fd));
        this.bench.name(name, fd);
      }
      this.learnIds(block, report);
    }
  }

  /** A known id is compared with the other bytes. */
  private learnIds(block: Block, report: Report): void {
    for (const { name, at } of placesOf(block.after, '%')) {
      if (this.bench.knows(name)) continue;
      const id = new DataView(this.read(block).buffer).getUint32(at, true);
      if (id === 0 || this.bench.isTaken(name, id)) report(`id at byte ${at} of ${block.name}`, 'a new id', String(id));
      this.bench.learn(name, id);
    }
  }

  compare(report: Report): void {
    for (const block of this.blocks) {
      const found = this.read(block);
      const differ = bytesDiffer(bytesOfHex(block.after, this.names, found), found);
      if (differ !== undefined) report(`bytes of ${block.name}`, differ.expected, differ.found);
    }
  }
}

function lengthOf(step: Step): number {
  return Number(step.length ?? 0);
}

/** Bytes of a text outside of a step's memory: it may name mappings and fds. */
function bytesFor(bench: Bench, text: string, found?: Uint8Array): Uint8Array {
  return bytesOfHex(text, { address: (name) => BigInt(bench.address(name)), fd: (name) => bench.fd(name), id: (name) => bench.id(name), times: () => bench.round }, found);
}

/** A call that makes an fd or an address gets a name for it. */
function named(bench: Bench, step: Step, number: number, kind: 'fd' | 'address'): string {
  if (step.as !== undefined && kind === 'fd') bench.name(step.as, number);
  if (step.as !== undefined && kind === 'address') bench.nameMapping(step.as, number);
  return kind;
}

/** A step's call, made; what it comes to, and what it should. */
interface Made {
  readonly found: Returns;
  readonly expected: Returns;
}

/** The argument of an ioctl: a number by itself, or where its bytes are. */
function argumentOf(bench: Bench, step: Step, memory: StepMemory): number | bigint | undefined {
  if (step.value !== undefined) return numberOf(step.value);
  if (step.text !== undefined) return memory.add('argument', hexOfText(step.text));
  if (step.argument !== undefined) return bench.address(step.argument);
  return step.in === undefined ? undefined : memory.add('argument', step.in, step.out);
}

function ioctl(bench: Bench, step: Step, memory: StepMemory): Made {
  const [name = '', written = ''] = (step.request ?? '').split(' ');
  const number = Number(written === '' ? name : written);
  if (written !== '' && (uapi as Readonly<Record<string, unknown>>)[name] !== number) throw new SyntaxError(`${name} is not ${written}`);
  for (const [block, bytes] of Object.entries(step.memory ?? {})) memory.add(block, bytes, step.memoryOut?.[block]);
  const argument = argumentOf(bench, step, memory);
  const before = bench.process.fds;
  const found = outcome(() => {
    const result = bench.process.ioctl(bench.fd(step.fd ?? 'dev'), number, argument);
    return result !== 0 && !before.includes(result) && bench.process.fds.includes(result) ? named(bench, step, result, 'fd') : result;
  });
  return { found, expected: step.returns ?? 0 };
}

function transfer(bench: Bench, step: Step, memory: StepMemory): Made {
  const { process } = bench;
  const isRead = step.do === 'read' || step.do === 'pread';
  const length = isRead ? lengthOf(step) : Number(step.length ?? bytesFor(bench, step.in ?? '').length);
  const room = step.room ?? Math.min(length, 0x10000);
  const before = isRead ? `${FILLER}*${room}` : (step.in ?? '');
  const address = room === 0 ? 0 : memory.add('buffer', before, isRead ? (step.out ?? before) : before);
  const fd = bench.fd(step.fd ?? 'dev');
  const buffer = { address, length };
  const found = outcome(() => {
    if (step.do === 'read') return process.read(fd, buffer);
    if (step.do === 'write') return process.write(fd, buffer);
    const offset = BigInt(step.offset ?? 0);
    return step.do === 'pread' ? process.pread(fd, buffer, offset) : process.pwrite(fd, buffer, offset);
  });
  return { found, expected: step.returns ?? length };
}

/** A load or store of the program itself: bytes of a mapping, or a signal. */
function touch(bench: Bench, step: Step, report: Report): Made {
  const at = BigInt(bench.address(`${step.map ?? ''}+${step.at ?? '0'}`));
  const space = bench.process.memory;
  const isLoad = step.do === 'load';
  const bytes = isLoad ? new Uint8Array(lengthOf(step)) : bytesFor(bench, step.in ?? '');
  const found = outcome(() => {
    if (isLoad) space.readBytes(at, bytes);
    else space.writeBytes(at, bytes);
    return bytes.length;
  });
  if (isLoad && found === bytes.length) {
    const differ = bytesDiffer(bytesFor(bench, step.out ?? '', bytes), bytes);
    if (differ !== undefined) report('bytes', differ.expected, differ.found);
  }
  return { found, expected: step.returns ?? bytes.length };
}

/** What an eventfd's counter holds: read, and so 0 afterwards. */
function events(bench: Bench, step: Step): Made {
  const bytes = new Uint8Array(EVENT_BYTES);
  const found = outcome(() => {
    if (bench.process.poll(bench.fd(step.fd ?? 'dev'), 1) === 0) return 0;
    bench.process.read(bench.fd(step.fd ?? 'dev'), bytes);
    return Number(new DataView(bytes.buffer).getBigUint64(0, true));
  });
  return { found, expected: step.returns ?? 0 };
}

function simple(bench: Bench, step: Step): Made {
  const { process } = bench;
  const fd = (): number => bench.fd(step.fd ?? 'dev');
  const made = (kind: 'fd' | 'address', call: () => number): Made => ({ found: outcome(() => named(bench, step, call(), kind)), expected: step.returns ?? kind });
  const plain = (call: () => number): Made => ({ found: outcome(call), expected: step.returns ?? 0 });
  switch (step.do) {
    case 'open':
      return made('fd', () => (step.path !== undefined ? bench.openPath(step.path) : bench.open(step.options, step.device)));
    case 'eventfd':
      return made('fd', () => process.eventfd(Number(step.value ?? 0)));
    case 'group':
      return made('fd', () => process.openGroup(Number(step.value ?? 0)));
    case 'dup':
      return made('fd', () => process.dup(fd()));
    case 'send':
      return made('fd', () => process.sendFd(fd(), bench.processCalled(step.to ?? '')));
    case 'mmap':
      return made('address', () => process.mmap(BigInt(step.length ?? 0), step.protection ?? READ_WRITE, step.flags ?? SHARED, fd(), BigInt(step.offset ?? 0)));
    case 'munmap':
      return plain(() => (process.munmap(bench.address(`${step.map ?? ''}+${step.at ?? '0'}`), BigInt(step.length ?? 0)), 0));
    case 'close':
      return plain(() => (process.close(fd()), 0));
    case 'lseek':
      return plain(() => process.lseek(fd()));
    default:
      return plain(() => process.poll(fd(), step.events ?? 0));
  }
}

/** What a device does of itself: one of the row's, or a function of its host. */
function event(bench: Bench, step: Step, report: Report): Returns {
  const isHosts = HOST_EVENTS.includes((step.event ?? '').split(' ')[0]!);
  if (isHosts && bench.host === undefined) throw new SyntaxError(`${step.event!} is for functions of a host`);
  return isHosts ? hostStep(bench.host!, step, report) : deviceStep(bench.device(step.device), step, report);
}

function make(bench: Bench, step: Step, memory: StepMemory, report: Report): Made {
  switch (step.do) {
    case 'ioctl':
      return ioctl(bench, step, memory);
    case 'read':
    case 'write':
    case 'pread':
    case 'pwrite':
      return transfer(bench, step, memory);
    case 'load':
    case 'store':
      return touch(bench, step, report);
    case 'events':
      return events(bench, step);
    case 'device':
      return { found: event(bench, step, report), expected: step.returns ?? 0 };
    default:
      return simple(bench, step);
  }
}

function runOnce(bench: Bench, step: Step, report: Report): void {
  bench.calls(step.by);
  const memory = new StepMemory(bench);
  const before = bench.process.fds;
  const { found, expected } = make(bench, step, memory, report);
  if (found !== expected) report('result', String(expected), String(found));
  memory.learn(before, report);
  memory.compare(report);
}

/** Runs a step, as often as it says, and reports what is not as it says. */
export function runStep(bench: Bench, step: Step, report: Report): void {
  for (bench.round = 0; bench.round < (step.times ?? 1); bench.round++) runOnce(bench, step, report);
}
