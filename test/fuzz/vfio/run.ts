// One run: devices, two processes, a block of memory in each, and steps. Each step must answer what the kernel could answer, and touch no byte that it may not.
//
//   step --> the call --> its errno (errnos.ts) --> bytes that have changed, of both processes (written.ts, caller.ts) --> what is left of a device that was closed (leftovers.ts)

import { createEngine } from '../../../src/core/index.ts';
import type { Engine, Region } from '../../../src/core/index.ts';
import { createTestbench } from '../../../src/hosts/index.ts';
import type { Testbench } from '../../../src/hosts/index.ts';
import * as uapi from '../../../src/uapi/index.ts';
import { VfioError } from '../../../src/uapi/index.ts';
import { traceCalls } from '../../../src/vfio/index.ts';
import type { OpenFile } from '../../../src/vfio/files/open-file.ts';
import { rule } from '../broken.ts';
import { Caller } from './caller.ts';
import { STAGES } from './devices.ts';
import type { Subject } from './devices.ts';
import { mayAnswer, mayDo, mayOpen, word } from './errnos.ts';
import { OPENINGS } from './facts.ts';
import type { Facts, Opening } from './facts.ts';
import { actsOf, guestStep } from './guest.ts';
import { leftOf } from './leftovers.ts';
import { access, accessAt, mappingsOf } from './mappings.ts';
import type { Operation } from './operation.ts';
import { ioctlKey, withOffsets } from '../outcomes.ts';
import type { Outcomes } from '../outcomes.ts';
import { POINTED } from './scene.ts';
import type { Scene } from './scene.ts';
import { bitmapOf, written } from './written.ts';
import type { Span } from './written.ts';

/** The step of one kind or some kinds. */
type Of<K extends Operation['kind']> = Extract<Operation, { readonly kind: K }>;

/** Whether an ioctl that has succeeded may answer a number: a new dma-buf, or how many vectors there are for one that wants more; all others 0. */
function isAnswer(number: number, request: number, facts: Facts | undefined, given: Uint8Array, isNew: boolean): boolean {
  const [flags, index] = [word(given, 4) ?? 0, (word(given, 4) ?? 0) & uapi.VFIO_DEVICE_FEATURE_MASK];
  const isRun = (flags & uapi.VFIO_DEVICE_FEATURE_PROBE) === 0 && index === uapi.VFIO_DEVICE_FEATURE_DMA_BUF && facts?.opening?.later === true;
  if (request === uapi.VFIO_DEVICE_GET_GFX_DMABUF || (request === uapi.VFIO_DEVICE_FEATURE && isRun)) return isNew;
  if (request !== uapi.VFIO_DEVICE_SET_IRQS || number === 0) return number === 0;
  return number === facts?.device?.description.interrupts?.availableVectors && number < word(given, 12)! + word(given, 16)!;
}

/** How a call ended: its number, and `ok` or the errno's name. */
interface Ended {
  readonly code: string;
  readonly number: number;
}

function ending(make: () => number): Ended {
  try {
    return { code: 'ok', number: make() };
  } catch (error) {
    if (!(error instanceof VfioError)) throw error;
    return { code: error.code, number: -1 };
  }
}

/** A run of one stage. */
export class Run {
  private readonly outcomes: Outcomes;
  private readonly engine: Engine;
  private readonly bench: Testbench;
  private readonly subjects: readonly Subject[];
  private readonly wereOpen: boolean[];
  private readonly regions: Region[] = [];
  private readonly callers: Caller[];
  private readonly told = new WeakMap<OpenFile, Pick<Facts, 'device' | 'opening' | 'told'>>();
  private readonly buffers: number[] = [];
  private readonly iommufd = {};
  private readonly trace: ((line: string) => void) | undefined;
  private tellsReinit = false;

  /** @param trace hears of each step as a line, in their order. */
  constructor(stage: number, outcomes: Outcomes, engine: Engine = createEngine(), trace?: (line: string) => void) {
    this.outcomes = outcomes;
    this.engine = engine;
    this.trace = trace;
    this.bench = createTestbench({ engine, ramBytes: 1 << 16 });
    this.subjects = STAGES[stage]!.make(this.bench, (region) => (this.regions.push(region), region));
    this.wereOpen = this.subjects.map(() => false);
    this.callers = [this.start(0), this.start(1)];
  }

  private start(by: number): Caller {
    const caller = new Caller(this.engine, ['first', 'second'][by]!);
    const { trace } = this;
    if (trace !== undefined) traceCalls(caller.process, (line) => trace(`${caller.process.name}: ${line}`), { why: true });
    return caller;
  }

  get scene(): Scene {
    return {
      devices: this.subjects.length,
      buffers: this.buffers,
      guest: (device) => actsOf(this.subjects[device]!),
      ended: (by) => this.callers[by]!.ended,
      has: (by, kind) => this.callers[by]!.process.fds.some((fd) => this.callers[by]!.process.fileOf(fd)?.kind === kind),
      block: (by) => this.callers[by]!.block,
      fd: (by, kind, random) => {
        const { process } = this.callers[by]!;
        const { fds } = process;
        const wanted = kind === undefined ? fds : fds.filter((fd) => process.fileOf(fd)?.kind === kind);
        return wanted.length > 0 ? random.pick(wanted) : fds.length > 0 ? random.pick(fds) : 3;
      },
      facts: (by, fd) => this.facts(this.callers[by]!, fd),
      mappings: (by) => mappingsOf(this.callers[by]!).length,
    };
  }

  private facts({ process, ended }: Caller, fd: number): Facts | undefined {
    const file = ended ? undefined : process.fileOf(fd);
    if (file === undefined) return undefined;
    const { kind, readOnly, writeOnly } = file;
    return { kind, readOnly, writeOnly, ...(this.told.get(file) ?? { told: new Map() }) };
  }

  /** A call of an fd: what may come of it, counted. */
  private call(caller: Caller, call: string, fd: number, make: () => number, more: { readonly key?: string; readonly request?: number; readonly given?: Uint8Array; readonly facts?: Facts | undefined } = {}): Ended {
    const facts = 'facts' in more ? more.facts : this.facts(caller, fd);
    const { fds } = caller.process;
    // Before the call, which may write there.
    const given = more.given?.slice(0, 512);
    const ended = ending(make);
    const { code } = ended;
    rule(
      mayAnswer(code, { call, facts, isOpen: (other) => !caller.ended && fds.includes(other), ...(more.request !== undefined && { request: more.request }), ...(given !== undefined && { given }) }),
      () => `${more.key ?? call} of ${facts === undefined ? 'an fd that is not open' : `a ${facts.kind} file`}: ${code}, which the kernel does not give for it`,
    );
    this.outcomes.add(more.key ?? (facts === undefined ? `${call} of no fd` : call), code);
    return ended;
  }

  /** Nobody's memory has changed but for that. */
  private verify(caller: Caller, spans: readonly Span[] = [], bitmap?: readonly [bigint, bigint]): void {
    for (const one of this.callers) {
      if (one === caller) one.verify(spans, bitmap);
      else one.verify();
    }
  }

  private ioctl({ by, fd, request, bytes, place, pointed }: Of<'ioctl'>): void {
    const caller = this.callers[by]!;
    caller.put(POINTED, pointed);
    const facts = this.facts(caller, fd);
    const { pointer, given } = caller.hand(bytes, place);
    const before = given.slice(0, 512);
    const { fds } = caller.process;
    const { code, number } = this.call(caller, 'ioctl', fd, () => caller.process.ioctl(fd, request, pointer), { key: ioctlKey(facts, request, word(given, 4)), request, given, facts });
    const isNew = !fds.includes(number) && caller.process.fileOf(number)?.kind === 'dma-buf';
    rule(code !== 'ok' || isAnswer(number, request, facts, before, isNew), () => `ioctl 0x${request.toString(16)} answers ${number}`);
    const after = caller.after();
    const about = { request, facts, given: before };
    const bitmap = bitmapOf(about);
    if (bitmap !== undefined && caller.differs(bitmap)) this.outcomes.add('bits of a report', 'ok');
    this.verify(caller, written({ ...about, code, after, tellsReinit: this.tellsReinit }), bitmap);
    if (code === 'ok' && facts !== undefined) this.learn(request, facts, after);
  }

  /** What a program now knows. */
  private learn(request: number, facts: Facts, after: Uint8Array): void {
    if (request === uapi.VFIO_DEVICE_GET_REGION_INFO) {
      const { index, offset, size, flags } = uapi.vfio_region_info.decode(after.subarray(0, 32));
      facts.told.set(index, { index, offset, size, flags });
    }
    if (request === uapi.VFIO_DEVICE_GET_REGION_MMAP) {
      const { region_index: index, mmap_flags, fd_offset: offset, region_size: size } = uapi.vfio_region_mmap.decode(after.subarray(0, 32));
      facts.told.set(1000 * mmap_flags + index, { index, offset, size, flags: uapi.VFIO_REGION_INFO_FLAG_MMAP });
    }
    const buffer = request === uapi.VFIO_DEVICE_QUERY_GFX_PLANE && facts.device?.description.display?.kind === 'dma-buf' ? word(after, 56)! : 0;
    // With PROBE it is the caller's own.
    if (buffer > 0 && buffer < 100 && !this.buffers.includes(buffer)) this.buffers.push(buffer);
    if (request === uapi.VFIO_DEVICE_FEATURE && word(after, 4) === (uapi.VFIO_DEVICE_FEATURE_SET | uapi.VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2)) this.tellsReinit = true;
  }

  private transfer({ kind, by, fd, length, place, offset, fill }: Of<'read' | 'write' | 'pread' | 'pwrite'>): void {
    const caller = this.callers[by]!;
    const { process } = caller;
    const facts = this.facts(caller, fd);
    const { pointer } = caller.hand(Uint8Array.from({ length }, (_, i) => fill >>> (8 * (i & 3))), place);
    const buffer = typeof pointer === 'number' ? { address: pointer, length } : pointer;
    const key = facts === undefined ? `${kind} of no fd` : facts.kind === 'device' ? withOffsets(kind, facts) : `${kind} of ${facts.kind}`;
    const { code, number } = this.call(caller, kind, fd, () => (kind === 'pread' || kind === 'pwrite' ? process[kind](fd, buffer, offset) : process[kind](fd, buffer)), { key, facts });
    rule(code !== 'ok' || (number >= 0 && number <= length), () => `${kind} of ${length} bytes answers ${number}`);
    const isRead = kind === 'read' || kind === 'pread';
    // Cycles before the one that failed have reached the caller.
    const moved = code === 'ok' ? number : facts?.kind !== 'eventfd' && ['EFAULT', 'EIO'].includes(code) ? length : 0;
    this.verify(caller, isRead ? [[0, moved]] : []);
  }

  private open({ by, device, opening: which }: Of<'open'>): void {
    const caller = this.callers[by]!;
    const { process, ended } = caller;
    const opening: Opening = OPENINGS[which]!;
    const opened = this.subjects[device]!.device;
    const isBound = opening.cdev === true;
    const options = isBound ? { ...opening.options, cdev: { iommufd: this.iommufd, devid: device + 1 } } : opening.options;
    this.trace?.(`${process.name}: # the next open is that of OPENINGS[${which}]`);
    const openness = { isLockable: opened.description.resetBusy !== undefined, isTaken: isBound ? opened.openFiles > 0 : opened.binding !== undefined };
    const { code, number: fd } = ending(() => process.open(opened, options));
    rule(mayOpen(code, ended, openness), () => `open: ${code}, which the kernel does not give for it`);
    // A device has one file of its character device that is bound.
    if (isBound && openness.isTaken) rule(code !== 'ok', () => 'open: bound to an iommufd twice');
    this.outcomes.add(isBound ? 'open (cdev)' : 'open', code);
    const file = code === 'ok' ? process.fileOf(fd) : undefined;
    if (file !== undefined) this.told.set(file, { device: opened, opening, told: new Map() });
  }

  /** Calls that make an fd or end one, and take no argument. */
  private own(by: number, call: 'openGroup' | 'eventfd'): void {
    const { process, ended } = this.callers[by]!;
    const { code } = ending(() => (call === 'openGroup' ? process.openGroup(7) : process.eventfd()));
    rule(mayDo(code, call, ended), () => `${call}: ${code}, which the kernel does not give for it`);
    this.outcomes.add(call, code);
  }

  private simple({ kind, by, fd }: Of<'close' | 'dup' | 'lseek'>): void {
    const caller = this.callers[by]!;
    const { process } = caller;
    const facts = this.facts(caller, fd);
    const { code, number } = this.call(caller, kind, fd, () => (kind === 'close' ? (process.close(fd), 0) : process[kind](fd)), { facts });
    if (kind === 'dup' && code === 'ok') rule(number >= 3 && process.fileOf(number) === process.fileOf(fd), () => `dup answers ${number}`);
  }

  private poll({ by, fd }: Of<'poll'>): void {
    const caller = this.callers[by]!;
    const { code, number } = ending(() => caller.process.poll(fd, 0xffff));
    rule(code === (caller.ended ? 'EBADF' : 'ok'), () => `poll: ${code}`);
    if (code === 'ok') rule((number === 0x20) === (fd >= 0 && this.facts(caller, fd) === undefined), () => `poll of fd ${fd} answers 0x${number.toString(16)}`);
    this.outcomes.add('poll', code);
  }

  private mmap({ by, fd, length, protection, flags, offset }: Of<'mmap'>): void {
    const caller = this.callers[by]!;
    const facts = this.facts(caller, fd);
    const key = facts === undefined ? 'mmap of no fd' : facts.kind === 'device' ? withOffsets('mmap', facts) : `mmap of ${facts.kind}`;
    this.call(caller, 'mmap', fd, () => caller.process.mmap(length, protection, flags & 3, fd, offset), { key, facts });
  }

  private munmap({ by, which, offset, length }: Of<'munmap'>): void {
    const { process, block, ended } = this.callers[by]!;
    const mapping = mappingsOf(this.callers[by]!)[which];
    if (mapping === undefined || ended) return;
    const at = mapping.address + offset;
    const { code } = ending(() => (process.munmap(at, Math.max(0, Math.min(length, block - at))), 0));
    rule(mayDo(code, 'munmap', ended), () => `munmap: ${code}`);
    this.outcomes.add('munmap', code);
  }

  /** An access of the program to what it has mapped. */
  private touch({ by, which, offset, length, value }: Of<'touch'>): void {
    const one = accessAt(this.callers[by]!, which, offset, length, value);
    if (one === undefined) return;
    const subject = this.subjects.find(({ device }) => device.name === one.mapping.device);
    const what = `${one.isStore ? 'store' : 'load'} of ${length} bytes at 0x${one.at.toString(16)}`;
    try {
      const found = access(this.callers[by]!, one, subject);
      this.trace?.(`${this.callers[by]!.process.name}: # ${what}: ${found}`);
      this.outcomes.add(one.isStore ? 'store' : 'load', found);
    } catch (error) {
      this.trace?.(`${this.callers[by]!.process.name}: # ${what}: ${String(error)}`);
      throw error;
    }
  }

  private lived(operation: Operation): void | Promise<void> {
    switch (operation.kind) {
      case 'ioctl':
        return this.ioctl(operation);
      case 'read':
      case 'write':
      case 'pread':
      case 'pwrite':
        return this.transfer(operation);
      case 'mmap':
        return this.mmap(operation);
      case 'munmap':
        return this.munmap(operation);
      case 'touch':
        return this.touch(operation);
      case 'guest':
        this.trace?.(`# guest of device ${operation.device}: ${operation.what} at ${operation.at} value ${operation.value}`);
        return guestStep(this.subjects[operation.device]!, operation);
      case 'settle':
        this.trace?.('# settle');
        return this.bench.run(1000);
      case 'exit':
        this.outcomes.add('exit', 'ok');
        return this.callers[operation.by]!.exit();
      case 'start':
        if (this.callers[operation.by]!.ended) this.callers[operation.by] = this.start(operation.by);
        return;
      case 'open':
        return this.open(operation);
      case 'openGroup':
      case 'eventfd':
        return this.own(operation.by, operation.kind);
      case 'poll':
        return this.poll(operation);
      default:
        return this.simple(operation);
    }
  }

  private closedDevices(): void {
    this.subjects.forEach((subject, i) => {
      const { openFiles, name } = subject.device;
      rule(openFiles >= 0, () => `${name}: ${openFiles} files are open`);
      const isOpen = openFiles > 0;
      if (this.wereOpen[i] === true && !isOpen) {
        const left = leftOf(subject, this.callers);
        rule(left.length === 0, () => `${name}: after the last close there are left: ${left.join(', ')}`);
        this.outcomes.add('last close', 'ok');
      }
      this.wereOpen[i] = isOpen;
    });
    if (this.wereOpen.includes(true)) return;
    this.tellsReinit = false;
    this.buffers.length = 0;
  }

  /** One step. Broken, or whatever else was thrown, when a rule does not hold. */
  step(operation: Operation): void | Promise<void> {
    const checks = (): void => {
      if (operation.kind !== 'ioctl' && operation.kind !== 'read' && operation.kind !== 'pread' && operation.kind !== 'write' && operation.kind !== 'pwrite') for (const caller of this.callers) caller.verify();
      this.closedDevices();
    };
    const pending = this.lived(operation);
    if (pending !== undefined) return pending.then(checks);
    checks();
  }

  /** Closes everything: then nothing is open, mapped, alive or under way. */
  async end(): Promise<void> {
    for (const caller of this.callers) caller.exit();
    this.closedDevices();
    for (const { device } of this.subjects) rule(device.openFiles === 0, () => `${device.name}: ${device.openFiles} files are open when all processes have ended`);
    await this.bench.settle();
    this.bench.destroy();
    for (const region of this.regions) region.destroy();
    const live = this.engine.live();
    rule(Object.values(live).every((count) => count === 0), () => `after the end there live ${JSON.stringify(live)}`);
  }
}
