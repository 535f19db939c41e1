// One function of a run, twice: plugged into the real host, and as the judge knows it, with the file by which its process moves it.
//
//   a process with a container     group file:  SET_CONTAINER, UNSET_CONTAINER; of an emulated one the device file too, for its driver needs an open device
//   a process with an iommufd      character device:  ATTACH, DETACH

import * as uapi from '../../../src/uapi/index.ts';
import { VfioDevice } from '../../../src/vfio/index.ts';
import type { HostFunction, IommuDescription, Process, VfioHost } from '../../../src/vfio/index.ts';
import type { ReferenceDevice } from '../../reference/iommu/attachments.ts';
import type { ReferenceContainer } from '../../reference/iommu/container.ts';
import type { ReferenceIommufd } from '../../reference/iommu/iommufd.ts';
import type { ReferenceIommu } from '../../reference/iommu/iova-list.ts';
import type { Answer } from '../../reference/iommu/memory.ts';
import type { ReferenceFault, Transfer } from '../../reference/iommu/transfer.ts';
import type { ReferenceGroup } from '../../reference/iommu/type1.ts';
import { DEFAULT_IOMMU } from './stages.ts';
import type { StageDevice } from './stages.ts';

const MESSAGE_BYTES = 4;

/** How a call ends: `ok` stands for 0. */
export type CallEnd = string | number;

/** What a real call answers. */
export function ended(call: () => number): CallEnd {
  try {
    const number = call();
    return number === 0 ? 'ok' : number;
  } catch (error) {
    if (!(error instanceof uapi.VfioError)) throw error;
    return error.code;
  }
}

export interface Answers {
  readonly real: CallEnd;
  readonly judged: CallEnd;
}

const settled = new Map<IommuDescription | undefined, ReferenceIommu>();

/** The judge's idea of an IOMMU: one for each that a stage describes. */
function iommuOf(description: IommuDescription | undefined): ReferenceIommu {
  let iommu = settled.get(description);
  if (iommu === undefined) {
    const { pageSizes = 0n, lastAddress = 0n, reserved = [] } = { ...DEFAULT_IOMMU, ...description };
    iommu = { pageSizes: BigInt(pageSizes), lastAddress: BigInt(lastAddress), reserved: reserved.map(({ kind, first, last }) => ({ kind, first: BigInt(first), last: BigInt(last) })) };
    settled.set(description, iommu);
  }
  return iommu;
}

/** Who has the file. */
export interface Holder {
  readonly process: Process;
  readonly fd: number;
  readonly judge: ReferenceContainer | ReferenceIommufd;
}

const word = (value: number): Uint8Array => new Uint8Array(new Int32Array([value]).buffer);

export abstract class DeviceTwin {
  readonly one: HostFunction;
  readonly iommu: ReferenceIommu;
  protected readonly kind: StageDevice['kind'];

  constructor(host: VfioHost, number: number, { kind, iommu }: StageDevice) {
    const slot = kind === 'emulated' ? `mediated-${number}` : `0000:0${number + 1}:00.0`;
    const device = new VfioDevice({ name: slot, regions: {} });
    this.kind = kind;
    this.iommu = iommuOf(iommu);
    this.one = host.plug({ slot, device, ...(iommu !== undefined && { iommu }), ...(kind === 'emulated' && { emulated: {} }) });
  }

  /** Where the judge's transfer leads. */
  abstract transfer(asked: Transfer): ReferenceFault | undefined;

  /** Whether a transfer is a message, which no address space sees. */
  isMessage({ access, iova, bytes }: Transfer): boolean {
    if (this.kind !== 'physical' || access !== 'write' || bytes.length !== MESSAGE_BYTES || iova % 4n !== 0n) return false;
    return this.iommu.reserved.some(({ kind, first, last }) => kind === 'msi' && iova >= first && iova <= last);
  }
}

/** A function whose group is set to a container. */
export class GroupTwin extends DeviceTwin {
  private readonly process: Process;
  private readonly container: number;
  private readonly judge: ReferenceContainer;
  private readonly file: number;
  private readonly group: ReferenceGroup;

  constructor(host: VfioHost, number: number, description: StageDevice, { process, fd, judge }: Holder) {
    super(host, number, description);
    this.process = process;
    this.container = fd;
    this.judge = judge as ReferenceContainer;
    this.file = process.open(`/dev/vfio/${this.one.group.id}`);
    this.group = { kind: this.kind, iommu: this.iommu };
  }

  join(): Answers {
    const real = ended(() => this.process.ioctl(this.file, uapi.VFIO_GROUP_SET_CONTAINER, word(this.container)));
    return { real, judged: this.judge.groups.includes(this.group) ? 'EINVAL' : this.judge.add(this.group) };
  }

  leave(): Answers {
    const real = ended(() => this.process.ioctl(this.file, uapi.VFIO_GROUP_UNSET_CONTAINER));
    if (!this.judge.groups.includes(this.group)) return { real, judged: 'EINVAL' };
    // Its device is open.
    if (this.kind === 'emulated') return { real, judged: 'EBUSY' };
    this.judge.remove(this.group);
    return { real, judged: 'ok' };
  }

  /** Opens the device of an emulated function: its driver reaches memory only then. */
  open(): void {
    if (this.kind === 'emulated') this.process.ioctl(this.file, uapi.VFIO_GROUP_GET_DEVICE_FD, new TextEncoder().encode(`${this.one.slot}\0`));
  }

  transfer(asked: Transfer): ReferenceFault | undefined {
    const { iommu } = this.judge;
    if (iommu === undefined || !iommu.groups.includes(this.group)) return { iova: asked.iova, reason: 'blocked' };
    return this.kind === 'emulated' ? iommu.emulated(asked) : iommu.transfer(asked);
  }
}

/** A function that is bound to an iommufd. */
export class CdevTwin extends DeviceTwin {
  readonly device: ReferenceDevice;
  private readonly process: Process;
  private readonly judge: ReferenceIommufd;
  private readonly file: number;

  constructor(host: VfioHost, number: number, description: StageDevice, { process, fd, judge }: Holder) {
    super(host, number, description);
    this.process = process;
    this.judge = judge as ReferenceIommufd;
    this.file = process.open(`/dev/vfio/devices/vfio${this.one.cdev}`);
    this.device = this.judge.attachments.bind(this.iommu);
    process.ioctl(this.file, uapi.VFIO_DEVICE_BIND_IOMMUFD, uapi.vfio_device_bind_iommufd.encode({ argsz: 16, iommufd: fd }));
  }

  attach(id: number): Answers {
    const bytes = uapi.vfio_device_attach_iommufd_pt.encode({ argsz: 12, pt_id: id });
    const real = ended(() => this.process.ioctl(this.file, uapi.VFIO_DEVICE_ATTACH_IOMMUFD_PT, bytes));
    const judged: number | Answer = this.judge.attachments.attach(this.device, id);
    const told = uapi.vfio_device_attach_iommufd_pt.decode(bytes).pt_id;
    return { real: real === 'ok' ? `page table ${told}` : told === id ? real : `${real}, and pt_id ${told}`, judged: typeof judged === 'number' ? `page table ${judged}` : judged };
  }

  detach(): Answers {
    const real = ended(() => this.process.ioctl(this.file, uapi.VFIO_DEVICE_DETACH_IOMMUFD_PT, uapi.vfio_device_detach_iommufd_pt.encode({ argsz: 8 })));
    this.judge.attachments.detach(this.device);
    return { real, judged: 'ok' };
  }

  transfer(asked: Transfer): ReferenceFault | undefined {
    return this.judge.attachments.transfer(this.device, asked);
  }
}
