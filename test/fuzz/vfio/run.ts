// One run: devices, two processes, a block of memory in each, and steps. Each step must answer what the kernel could answer, and touch no byte that it may not.
//
//   block of 4096 bytes, at the very end of what is mapped     | argument .. | .. pointed to ...... |  nothing
//   mirror: what it held before; every byte that differs after a call lies in what the call may write

import { createEngine } from '../../../src/core/index.ts';
import type { Engine, Region } from '../../../src/core/index.ts';
import { createTestbench } from '../../../src/hosts/index.ts';
import type { Testbench } from '../../../src/hosts/index.ts';
import * as uapi from '../../../src/uapi/index.ts';
import { VfioError } from '../../../src/uapi/index.ts';
import { Process, VfioFault, traceCalls } from '../../../src/vfio/index.ts';
import type { OpenOptions } from '../../../src/vfio/index.ts';
import type { Random } from '../random.ts';
import { STAGES } from './devices.ts';
import type { Subject } from './devices.ts';
import { isKnown } from './errnos.ts';
import { BLOCK, POINTED } from './operation.ts';
import type { Operation, Place, Scene } from './operation.ts';

/** A rule that a step has broken. */
export class Broken extends Error {}

const OPTIONS: readonly OpenOptions[] = [
  {}, {}, { profile: 'cookie' }, { profile: 'alias' }, { offsets: 'scattered', seed: 7 }, { readOnly: true },
  { offsets: 'cookie', proposals: { mmapAttributes: true, aliasRegions: 'strict' } }, { proposals: { regionFlags: true } },
  { uapi: 'v7.2' }, { uapi: 'v7.2', proposals: { aliasRegions: { feature: 13 } } }, { offsets: 'cookie', offsetLimit: 1n << 16n, proposals: { regionMmap: true } },
];
const FILLER = 0xa5;
const FEATURE_ROOM: Readonly<Record<number, number>> = { 1: 8, 2: 8, 6: 24, 9: 8, 11: 24, 13: 24 };

/** First and last byte + 1 that an ioctl may write, from the start of its argument. */
function writable(request: number, given: Uint8Array, failed: string | undefined): readonly [number, number] {
  const view = new DataView(given.buffer, given.byteOffset, given.byteLength);
  const word = (at: number): number => (at + 4 <= given.length ? view.getUint32(at, true) : 0);
  const argsz = word(0);
  switch (request) {
    case uapi.VFIO_DEVICE_GET_INFO:
      // The last copy may fail behind one that did not.
      return failed === undefined || failed === 'EFAULT' ? [0, argsz] : [0, 0];
    case uapi.VFIO_DEVICE_GET_REGION_INFO:
    case uapi.VFIO_DEVICE_GET_REGION_CAPS:
    case uapi.VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
      if (failed === 'ENOSPC') return [0, 12];
      return failed === undefined || failed === 'EFAULT' ? [0, argsz] : [0, 0];
    case uapi.VFIO_DEVICE_GET_IRQ_INFO:
      return failed === undefined ? [0, 16] : [0, 0];
    case uapi.VFIO_DEVICE_QUERY_GFX_PLANE:
      return failed === undefined ? [0, 60] : [0, 0];
    case uapi.VFIO_DEVICE_GET_REGION_MMAP:
      return failed === undefined ? [0, 32] : [0, 0];
    case uapi.VFIO_MIG_GET_PRECOPY_INFO:
      return failed === undefined ? [0, 24] : [0, 0];
    case uapi.VFIO_DEVICE_FEATURE: {
      const index = word(4) & uapi.VFIO_DEVICE_FEATURE_MASK;
      const writesAnyway = index === uapi.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE;
      return failed === undefined || writesAnyway ? [8, 8 + (FEATURE_ROOM[index] ?? 0)] : [0, 0];
    }
    default:
      return [0, 0];
  }
}

/** Answers with a number that means something; all others are 0. */
const POSITIVE: readonly number[] = [uapi.VFIO_DEVICE_SET_IRQS, uapi.VFIO_DEVICE_GET_GFX_DMABUF, uapi.VFIO_DEVICE_FEATURE];

function firstDifference(before: Uint8Array, after: Uint8Array, from: number, to: number): number {
  if (Buffer.compare(before.subarray(0, from), after.subarray(0, from)) !== 0) return before.subarray(0, from).findIndex((byte, i) => byte !== after[i]);
  const [a, b] = [before.subarray(Math.max(from, to)), after.subarray(Math.max(from, to))];
  if (Buffer.compare(a, b) === 0) return -1;
  return Math.max(from, to) + a.findIndex((byte, i) => byte !== b[i]);
}

interface Caller {
  readonly process: Process;
  readonly block: number;
  readonly mirror: Uint8Array;
  ended: boolean;
}

/** A run of one stage. */
export class Run {
  readonly stage: number;
  /** How calls ended: by errno, and `ok`. */
  readonly outcomes: Map<string, number>;
  private readonly engine: Engine;
  private readonly bench: Testbench;
  private readonly subjects: readonly Subject[];
  private readonly regions: Region[] = [];
  private readonly callers: readonly Caller[];
  private readonly scratch = new Uint8Array(BLOCK);

  /** @param trace hears of each call as a line. */
  constructor(stage: number, outcomes: Map<string, number>, engine: Engine = createEngine(), trace?: (line: string) => void) {
    this.stage = stage;
    this.outcomes = outcomes;
    this.engine = engine;
    this.bench = createTestbench({ engine, ramBytes: 1 << 16 });
    this.subjects = STAGES[stage]!.make(this.bench, (region) => (this.regions.push(region), region));
    this.callers = [0, 1].map(() => {
      const process = new Process(engine, { maxFds: 20 });
      if (trace !== undefined) traceCalls(process, trace, { why: true });
      // The first mapping ends where no other can begin.
      const block = process.allocate(BLOCK);
      const mirror = new Uint8Array(BLOCK).fill(FILLER);
      process.memory.writeBytes(block, mirror);
      return { process, block, mirror, ended: false };
    });
    this.callers[0]!.process.open(this.subjects[0]!.device);
  }

  get scene(): Scene {
    const slots = [0, 0, 0, 1, 2, 3, 5, 6, 7, 8, 9].map((index) => BigInt(index) << 40n);
    return {
      devices: this.subjects.length,
      options: OPTIONS.length,
      block: (by) => this.callers[by]!.block,
      fd: (by, kind, random) => {
        const { process } = this.callers[by]!;
        const { fds } = process;
        const wanted = kind === undefined ? fds : fds.filter((fd) => process.fileOf(fd)?.kind === kind);
        return wanted.length > 0 ? random.pick(wanted) : fds.length > 0 ? random.pick(fds) : 3;
      },
      offset: (random: Random) => (random.once(6) ? BigInt(random.below(16)) << 12n : random.pick(slots)),
    };
  }

  private expect(isRight: boolean, what: string): void {
    if (!isRight) throw new Broken(what);
  }

  /** Runs a call; the errno's name, or the number. */
  private call(name: string, make: () => number, request = 0, feature?: number): number | string {
    let result: number | string;
    try {
      result = make();
    } catch (error) {
      if (!(error instanceof VfioError)) throw error;
      result = error.code;
      this.expect(isKnown(error.code, name, request, feature), `${error.message}: an errno that the kernel does not give for it`);
    }
    const key = typeof result === 'string' ? result : 'ok';
    this.outcomes.set(key, (this.outcomes.get(key) ?? 0) + 1);
    return result;
  }

  /** Hands bytes over as the place says; afterwards only [from, to) of them may differ. */
  private hand(caller: Caller, bytes: Uint8Array, place: Place, make: (pointer: Uint8Array | number) => number | string, may: (result: number | string) => readonly [number, number], isPointed = false): void {
    if (place.in === 'nowhere') {
      make(place.address);
      this.unchanged(caller, 0, 0);
      return;
    }
    if (place.in === 'bytes' || caller.ended) {
      const canary = new Uint8Array(bytes.length + 32).fill(FILLER);
      canary.set(bytes, 16);
      const before = canary.slice();
      const result = make(canary.subarray(16, 16 + bytes.length));
      const [from, to] = may(result);
      const at = firstDifference(before, canary, 16 + from, 16 + Math.min(bytes.length, Math.max(from, to)));
      this.expect(at < 0, `byte ${at - 16} of the argument has changed; the call may change ${from} to ${to}`);
      this.unchanged(caller, isPointed ? POINTED : 0, isPointed ? BLOCK : 0);
      return;
    }
    const { process, block, mirror } = caller;
    const inside = bytes.subarray(0, BLOCK - place.at);
    mirror.set(inside, place.at);
    process.memory.writeBytes(block + place.at, inside);
    const result = make(block + place.at);
    const [from, to] = may(result);
    this.unchanged(caller, place.at + from, place.at + to);
  }

  /** Nothing of a block differs from its mirror, but for [from, to). */
  private unchanged(caller: Caller, from: number, to: number): void {
    if (caller.ended) return;
    caller.process.memory.readBytes(caller.block, this.scratch);
    const at = firstDifference(caller.mirror, this.scratch, Math.min(BLOCK, from), Math.min(BLOCK, to));
    this.expect(at < 0, `byte ${at} of the caller's memory has changed; the call may change ${from} to ${to}`);
    caller.mirror.set(this.scratch);
  }

  private ioctl(operation: Extract<Operation, { kind: 'ioctl' }>): void {
    const caller = this.callers[operation.by]!;
    const { fd, request, bytes, place } = operation;
    let given = bytes;
    if (place.in === 'memory' && !caller.ended) given = Buffer.concat([bytes, caller.mirror.subarray(place.at + bytes.length)]).subarray(0, BLOCK - place.at);
    const flags = given.length >= 8 ? new DataView(given.buffer, given.byteOffset).getUint32(4, true) : 0;
    const feature = flags & uapi.VFIO_DEVICE_FEATURE_MASK;
    // The bits of a report land where the caller said: in the half that pointers lead to.
    const reports = request === uapi.VFIO_DEVICE_FEATURE && feature === uapi.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT;
    const make = (pointer: Uint8Array | number): number | string => {
      const result = this.call('ioctl', () => caller.process.ioctl(fd, request, pointer), request, place.in === 'nowhere' ? undefined : feature);
      if (typeof result === 'number') this.expect(result === 0 || (result > 0 && POSITIVE.includes(request)), `ioctl 0x${request.toString(16)} answers ${result}`);
      return result;
    };
    this.hand(caller, bytes, place, make, (result) => {
      if (reports) return place.in === 'memory' ? [POINTED - place.at, BLOCK] : [0, 0];
      return writable(request, given, typeof result === 'string' ? result : undefined);
    }, reports);
  }

  private transfer({ kind, by, fd, length, place, offset, fill }: Extract<Operation, { kind: 'read' | 'write' | 'pread' | 'pwrite' }>): void {
    const caller = this.callers[by]!;
    const { process } = caller;
    const isRead = kind === 'read' || kind === 'pread';
    const bytes = Uint8Array.from({ length }, (_, i) => fill >>> (8 * (i & 3)));
    const make = (pointer: Uint8Array | number): number | string => {
      const buffer = typeof pointer === 'number' ? { address: pointer, length } : pointer;
      const result = this.call(kind, () => (kind === 'pread' || kind === 'pwrite' ? process[kind](fd, buffer, offset) : process[kind](fd, buffer)));
      if (typeof result === 'number') this.expect(result >= 0 && result <= length, `${kind} of ${length} bytes answers ${result}`);
      return result;
    };
    this.hand(caller, bytes, place, make, (result) => (!isRead ? [0, 0] : typeof result === 'number' ? [0, result] : ['EFAULT', 'EIO'].includes(result) ? [0, length] : [0, 0]));
  }

  /** An access of the program to what it has mapped. */
  private touch({ by, which, offset, length, value }: Extract<Operation, { kind: 'munmap' | 'touch' }>, unmaps: boolean): void {
    const { process, block, ended } = this.callers[by]!;
    if (ended) return;
    const others = process.maps().filter(({ address }) => address !== block);
    const found = others[which];
    if (found === undefined) return;
    if (unmaps) {
      this.call('munmap', () => (process.munmap(found.address + offset, Math.max(0, Math.min(length, block - found.address - offset))), 0));
      return;
    }
    const at = found.address + (offset % found.length);
    if ((at % 4096) + length > 4096) return;
    try {
      if ((value & 1) === 0) process.memory.readBytes(at, new Uint8Array(length));
      else process.memory.writeBytes(at, new Uint8Array(length).fill(value >>> 8));
    } catch (error) {
      if (!(error instanceof VfioFault || error instanceof VfioError)) throw error;
    }
  }

  private guest({ device, what, at, value }: Extract<Operation, { kind: 'guest' }>): void {
    const { card, log, device: open } = this.subjects[device]!;
    if (what === 'log') log?.written(BigInt(at) * 512n, 1 + (value & 0x1fff));
    if (card === undefined) return;
    const one = card.function;
    try {
      if (what === 'config') one.config.write8(at & 0xff, value & 0xff);
      if (what === 'pulse') card.interrupts.pulse(value & 3);
      if (what === 'bar') {
        const bar = one.bars[value % one.bars.length];
        const position = at & ~3;
        if (bar !== undefined && BigInt(position) + 4n <= bar.region.size) bar.region.write32(position, (value >>> 4) & 0xff);
      }
      if (what === 'dma') void card.dma.write(BigInt(at), new Uint8Array(8)).catch(() => undefined);
    } catch (error) {
      if (!(error instanceof VfioError)) throw error;
    }
    this.expect(open.openFiles >= 0, 'fewer than no files are open');
  }

  /** One step. Broken, or whatever else was thrown, when a rule does not hold. */
  step(operation: Operation): void | Promise<void> {
    switch (operation.kind) {
      case 'ioctl':
        return this.ioctl(operation);
      case 'read':
      case 'write':
      case 'pread':
      case 'pwrite':
        return this.transfer(operation);
      case 'mmap': {
        const { process } = this.callers[operation.by]!;
        this.call('mmap', () => process.mmap(operation.length, operation.protection, operation.flags & 3, operation.fd, operation.offset));
        return;
      }
      case 'munmap':
      case 'touch':
        return this.touch(operation, operation.kind === 'munmap');
      case 'guest':
        return this.guest(operation);
      case 'settle':
        return this.bench.run(1000);
      case 'exit':
        this.callers[operation.by]!.process.exit();
        this.callers[operation.by]!.ended = true;
        return;
      case 'open':
        this.call('open', () => this.callers[operation.by]!.process.open(this.subjects[operation.device]!.device, OPTIONS[operation.options]));
        return;
      case 'openGroup':
        this.call('openGroup', () => this.callers[operation.by]!.process.openGroup(7));
        return;
      case 'eventfd':
        this.call('eventfd', () => this.callers[operation.by]!.process.eventfd());
        return;
      case 'poll':
        if (!this.callers[operation.by]!.ended) this.callers[operation.by]!.process.poll(operation.fd, 0xffff);
        return;
      default: {
        const { process } = this.callers[operation.by]!;
        const { kind, fd } = operation;
        this.call(kind, () => (kind === 'close' ? (process.close(fd), 0) : process[kind](fd)));
      }
    }
  }

  /** Closes everything: then nothing is open, mapped, alive or under way. */
  async end(): Promise<void> {
    for (const { process } of this.callers) process.exit();
    for (const { device, log } of this.subjects) {
      const { interrupts, ioeventfds, aliases, dmaBufs, migration, lowPower, openFiles, name } = device;
      const left = [openFiles, dmaBufs.count, interrupts.vectors, ioeventfds.count, aliases.list.length, lowPower.engaged ? 1 : 0, log?.active === true ? 1 : 0];
      this.expect(left.every((one) => one === 0) && (migration?.state ?? uapi.VFIO_DEVICE_STATE_RUNNING) === uapi.VFIO_DEVICE_STATE_RUNNING, `${name}: after the last close there are left: ${left.join(' ')}, state ${migration?.state ?? ''}`);
    }
    await this.bench.settle();
    this.bench.destroy();
    for (const region of this.regions) region.destroy();
    const live = this.engine.live();
    this.expect(Object.values(live).every((count) => count === 0), `after the end there live ${JSON.stringify(live)}`);
  }
}
