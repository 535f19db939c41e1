// One run: a host with its processes and functions, and the judge's idea of them. Each step is done by both, and must end the same in both.
//
//   step --> the real call, the judge's --> result, argument, memory that it points to --> what a device reaches no more is poisoned
//   transfer begun --> a call meanwhile --> landed --> bytes, or which fault at which address

import { createEngine } from '../../../src/core/index.ts';
import type { Engine } from '../../../src/core/index.ts';
import * as uapi from '../../../src/uapi/index.ts';
import { VfioHost } from '../../../src/vfio/index.ts';
import type { DmaFault } from '../../../src/vfio/index.ts';
import { ReferenceContainer } from '../../reference/iommu/container.ts';
import { ReferenceIoas, ReferencePageTable } from '../../reference/iommu/ioas.ts';
import { ReferenceIommufd } from '../../reference/iommu/iommufd.ts';
import type { ReferenceRun } from '../../reference/iommu/memory.ts';
import { rule } from '../broken.ts';
import type { Outcomes } from '../outcomes.ts';
import { CdevTwin, GroupTwin, ended } from './device-twin.ts';
import type { Answers } from './device-twin.ts';
import { describe, nameOf } from './describe.ts';
import { patternOf } from './operation.ts';
import type { Calls, IoctlOperation, Operation } from './operation.ts';
import { Poison } from './poison.ts';
import type { Scene } from './pools.ts';
import { STAGES } from './stages.ts';
import { Twin } from './twin.ts';

type Judge = ReferenceContainer | ReferenceIommufd;
type Transferring = Extract<Operation, { readonly kind: 'dma' }>;

/** Bytes behind a pointer that are compared after a call. */
const POINTED = 512;
/** Steps between two looks at all memory. */
const BETWEEN = 256;
const UNTOUCHED = 0xee;

export class Run {
  private readonly engine: Engine;
  private readonly outcomes: Outcomes;
  private readonly stage: number;
  private readonly host: VfioHost;
  private readonly twins: Twin[] = [];
  private readonly judges: Judge[] = [];
  private readonly devices: (GroupTwin | CdevTwin)[];
  private readonly poison: Poison;
  private readonly faults: DmaFault[] = [];
  private readonly messages: string[] = [];
  private readonly trace: ((line: string) => void) | undefined;
  private steps = 0;

  /** @param trace hears of each step as a line, in their order. */
  constructor(stage: number, outcomes: Outcomes, engine: Engine = createEngine(), trace?: (line: string) => void) {
    this.engine = engine;
    this.outcomes = outcomes;
    this.stage = stage;
    this.trace = trace;
    const { processes, devices, dmaEntryLimit } = STAGES[stage]!;
    this.host = new VfioHost(engine, { dmaEntryLimit, onMessage: ({ slot, address, data }) => void this.messages.push(`${slot}: ${data} at 0x${address.toString(16)}`) });
    this.host.onDmaFault((fault) => void this.faults.push(fault));
    this.poison = new Poison(this.twins, (run) => this.isReached(run));
    const released = (runs: readonly ReferenceRun[]): void => this.poison.released(runs);
    processes.forEach((process, i) => {
      this.twins.push(new Twin(engine, this.host, ['first', 'second'][i]!, process));
      this.judges.push(process.file === 'container' ? new ReferenceContainer(dmaEntryLimit, released) : new ReferenceIommufd(released));
    });
    for (const twin of this.twins) this.twins.forEach((other, number) => twin.share(number, other));
    this.devices = devices.map((device, i) => {
      const holder = { process: this.twins[device.by]!.process, fd: this.twins[device.by]!.fd, judge: this.judges[device.by]! };
      return processes[device.by]!.file === 'container' ? new GroupTwin(this.host, i, device, holder) : new CdevTwin(this.host, i, device, holder);
    });
    this.begin();
  }

  /** Groups join, containers get their IOMMU, emulated devices are opened; iommufds get an address space, and devices are attached to it. */
  private begin(): void {
    const { processes, devices } = STAGES[this.stage]!;
    const bytes = new Uint8Array(0);
    devices.forEach(({ joins }, device) => void (joins && this.devices[device] instanceof GroupTwin && this.call({ kind: 'join', device })));
    processes.forEach(({ file, version }, by) => void (file === 'container' && this.call({ kind: 'ioctl', by, file, request: uapi.VFIO_SET_IOMMU, bytes, pointers: [], value: version! })));
    for (const device of this.devices) if (device instanceof GroupTwin) device.open();
    processes.forEach(({ file }, by) => void (file === 'iommufd' && this.call({ kind: 'ioctl', by, file, request: uapi.IOMMU_IOAS_ALLOC, bytes: uapi.iommu_ioas_alloc.encode({ size: 12 }), pointers: [] })));
    devices.forEach(({ joins, by }, device) => void (joins && processes[by]!.file === 'iommufd' && this.call({ kind: 'attach', device, id: this.scene.ids(by, 'ioas')[0]! })));
  }

  /** What devices of a process reach, space by space. */
  private spaces(by: number): readonly { readonly id: number; readonly areas: readonly { readonly first: bigint; readonly last: bigint; readonly runs: readonly ReferenceRun[] | undefined }[] }[] {
    const judge = this.judges[by]!;
    if (judge instanceof ReferenceContainer) return [{ id: 0, areas: judge.iommu?.mappings ?? [] }];
    return [...judge.objects].flatMap(([id, object]) => (object instanceof ReferenceIoas ? [{ id, areas: object.areas }] : []));
  }

  private isReached({ backing, position, bytes }: ReferenceRun): boolean {
    const meets = (run: ReferenceRun): boolean => run.backing === backing && run.position < position + bytes && position < run.position + run.bytes;
    const judged = this.judges.flatMap((_, by) => this.spaces(by).flatMap(({ areas }) => areas));
    return judged.some(({ runs }) => runs?.some(meets) === true) || this.isEmulated({ backing, position, bytes });
  }

  /** Emulated functions reach what is mapped where their mappings say. */
  private isEmulated({ backing, position, bytes }: ReferenceRun): boolean {
    for (const judge of this.judges) {
      if (!(judge instanceof ReferenceContainer)) continue;
      for (const { runs, process, vaddr, bytes: size } of judge.iommu?.mappings ?? []) {
        if (runs !== undefined || size > 0x100_0000n) continue;
        const reached = process.runs(vaddr, size, false) ?? [];
        if (reached.some((run) => run.backing === backing && run.position < position + bytes && position < run.position + run.bytes)) return true;
      }
    }
    return false;
  }

  get scene(): Scene {
    const iommufd = (by: number): ReferenceIommufd | undefined => {
      const judge = this.judges[by]!;
      return judge instanceof ReferenceIommufd ? judge : undefined;
    };
    const kindOf = (object: unknown): 'ioas' | 'table' | 'device' => (object instanceof ReferenceIoas ? 'ioas' : object instanceof ReferencePageTable ? 'table' : 'device');
    return {
      stage: STAGES[this.stage]!,
      ranges: (by, ioas) => this.spaces(by).flatMap(({ id, areas }) => (ioas === undefined || ioas === id ? areas : [])),
      ids: (by, kind) => [...(iommufd(by)?.objects ?? [])].filter(([, object]) => kindOf(object) === kind).map(([id]) => id),
      tracked: (by) => {
        const tracking = [...(iommufd(by)?.objects ?? [])].filter(([, object]) => object instanceof ReferencePageTable && object.tracks);
        const [table, object] = tracking[this.steps % Math.max(1, tracking.length)] ?? [];
        return table === undefined ? undefined : { table, ranges: (object as ReferencePageTable).ioas.areas };
      },
      tracksDirty: (by) => (this.judges[by] as Partial<ReferenceContainer>).iommu?.dirty.isOn === true,
      hasIommu: (by) => (this.judges[by] as Partial<ReferenceContainer>).iommu !== undefined,
    };
  }

  private ioctl({ by, caller = by, request, bytes, pointers, value, given }: IoctlOperation): Answers {
    const twin = this.twins[caller]!;
    const fd = this.twins[by]!.fdOf(caller);
    const judge = this.judges[by]!;
    const [argument, judged] = [bytes.slice(), bytes.slice()];
    if (given !== undefined) twin.store(twin.address(given.to), given.bytes);
    for (const { at, to } of pointers) {
      if (at + 8 > bytes.length) continue;
      for (const side of [argument, judged]) new DataView(side.buffer).setBigUint64(at, twin.address(to), true);
    }
    const real = ended(() => twin.process.ioctl(fd, request, value ?? argument));
    const number = request & 0xff;
    const wanted = judge instanceof ReferenceContainer ? judge.ioctl(twin.reference, number - 100, judged, BigInt(value ?? 0)) : judge.ioctl(twin.reference, number, judged);
    if (real === (wanted === 0 ? 'ok' : wanted)) {
      const at = judged.findIndex((byte, i) => byte !== argument[i]);
      rule(at < 0, () => `${nameOf(request)}: byte ${at} of the argument is 0x${argument[at]!.toString(16)}; expected 0x${judged[at]!.toString(16)}\n  found    ${Buffer.from(argument).toString('hex')}\n  expected ${Buffer.from(judged).toString('hex')}`);
      for (const { to } of pointers) if (to.block === 0) twin.compare(nameOf(request), twin.address(to), POINTED);
    }
    return { real, judged: wanted === 0 ? 'ok' : wanted };
  }

  private done(operation: Calls): Answers {
    switch (operation.kind) {
      case 'ioctl':
        return this.ioctl(operation);
      case 'join':
        return (this.devices[operation.device] as GroupTwin).join();
      case 'leave':
        return (this.devices[operation.device] as GroupTwin).leave();
      case 'attach':
        return (this.devices[operation.device] as CdevTwin).attach(operation.id);
      case 'detach':
        return (this.devices[operation.device] as CdevTwin).detach();
      case 'mmap':
        this.twins[operation.by]!.remap(operation.block);
        break;
      case 'munmap':
        this.twins[operation.by]!.unmap(operation.block, operation.page, operation.pages);
        break;
      case 'store': {
        const twin = this.twins[operation.by]!;
        twin.store(twin.address(operation.to), patternOf(operation.seed, operation.length));
      }
    }
    return { real: 'ok', judged: 'ok' };
  }

  private call(operation: Calls): void {
    let answers: Answers | undefined;
    try {
      answers = this.done(operation);
    } finally {
      this.trace?.(`${describe(operation)}${answers === undefined ? '' : `: ${answers.real}${answers.real === answers.judged ? '' : `; expected ${answers.judged}`}`}`);
    }
    const { real, judged } = answers;
    const name = operation.kind === 'ioctl' ? nameOf(operation.request) : operation.kind;
    rule(real === judged, () => `${name}: ${real}; expected ${judged}`);
    this.outcomes.add(name, typeof real === 'number' ? 'a number' : real.startsWith('page table') ? 'ok' : real);
    this.poison.settle();
  }

  private async transfer(operation: Transferring): Promise<void> {
    const { device, access, iova, length, seed, meanwhile } = operation;
    const twin = this.devices[device]!;
    const bytes = access === 'write' ? patternOf(seed, length) : new Uint8Array(length).fill(UNTOUCHED);
    this.faults.length = this.messages.length = 0;
    const begun = twin.one.dma[access](iova, bytes).then(
      () => 'ok',
      (error: unknown) => {
        if (!(error instanceof uapi.VfioError)) throw error;
        return error.code as string;
      },
    );
    if (meanwhile !== undefined) this.call(meanwhile);
    const real = await begun;
    const asked = { access, iova, bytes: access === 'write' ? bytes : new Uint8Array(length).fill(UNTOUCHED) };
    const isMessage = twin.isMessage(asked);
    const fault = isMessage ? undefined : twin.transfer(asked);
    const wanted = fault === undefined ? (isMessage ? 'message' : 'ok') : `${fault.reason} at 0x${fault.iova.toString(16)}`;
    const [told] = this.faults;
    const found = told !== undefined && real === 'EFAULT' ? `${told.reason} at 0x${told.iova.toString(16)}` : real === 'ok' && this.messages.length > 0 ? 'message' : real;
    this.trace?.(`${describe(operation)}: ${found}${found === wanted ? '' : `; expected ${wanted}`}`);
    rule(found === wanted, () => `DMA ${access}: ${found}; expected ${wanted}`);
    rule(this.faults.length === (fault === undefined ? 0 : 1) && (told === undefined || (told.access === access && told.slot === twin.one.slot)), () => `DMA ${access}: ${this.faults.length} faults were told`);
    if (isMessage) rule(this.messages.length === 1 && this.messages[0] === `${twin.one.slot}: ${new DataView(bytes.buffer).getUint32(0, true)} at 0x${iova.toString(16)}`, () => `the message is ${this.messages[0]}`);
    if (access === 'read' && Buffer.compare(bytes, asked.bytes) !== 0) {
      const at = asked.bytes.findIndex((byte, i) => byte !== bytes[i]);
      rule(false, () => `DMA read: byte ${at} is 0x${bytes[at]!.toString(16)}; expected 0x${asked.bytes[at]!.toString(16)}`);
    }
    this.outcomes.add(`DMA ${access}${meanwhile === undefined ? '' : ' with a call meanwhile'}`, fault?.reason ?? wanted);
  }

  /** One step. Broken, or whatever else was thrown, when the two differ. */
  step(operation: Operation): void | Promise<void> {
    if (++this.steps % BETWEEN === 0) this.look();
    if (operation.kind === 'dma') return this.transfer(operation);
    this.call(operation);
  }

  private look(): void {
    this.poison.check();
    for (const twin of this.twins) twin.compareAll();
  }

  /** Ends all processes: then nothing is left. How many poisoned pages were looked at. */
  end(): number {
    this.look();
    for (const { process } of this.twins) process.exit();
    for (const { one } of this.devices) this.host.unplug(one);
    const live = this.engine.live();
    rule(Object.values(live).every((count) => count === 0), () => `after the end there live ${JSON.stringify(live)}`);
    return this.poison.checked;
  }
}
