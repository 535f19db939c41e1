// VFIO_DEVICE_IOEVENTFD: a value that is written to a BAR each time an eventfd is signalled. Behaviour text, sections 1.11 and 5.6.
//
//   argsz flags offset data fd | reserved     flags: the width in bytes, 1, 2, 4 or 8
//   0     4     8      16   24   28 (never read)
//
//   eventfd --- signal ---> entry (BAR, position, data, width) --- memory gate ---> one write of `width` bytes
//
// An entry is known by its four values, whoever's eventfd it has. Closing the eventfd leaves an entry that nothing fires any more, and that is still there to be
// removed, or to be in the way.
//
// Source: drivers/vfio/pci/vfio_pci_rdwr.c vfio_pci_ioeventfd; drivers/vfio/virqfd.c

import { hex } from '../core/index.ts';
import { VFIO_DEVICE_IOEVENTFD_SIZE_MASK, VfioError, vfio_device_ioeventfd } from '../uapi/index.ts';
import type { VfioDevice, VfioRegion } from './device.ts';
import type { EventFd } from './files/eventfd.ts';
import { askModel } from './model-error.ts';
import type { UserMemory } from './user-memory.ts';

const CALL = 'VFIO_DEVICE_IOEVENTFD';
/** What the kernel reads: all but the reserved word. */
const HEADER = vfio_device_ioeventfd.fields.fd.end;
const MAX_ENTRIES = 1000;

type Width = 1 | 2 | 4 | 8;

function refuse(code: 'EINVAL' | 'EEXIST' | 'ENODEV' | 'ENOSPC', what: string): never {
  throw new VfioError(code, CALL, what);
}

/** What a write to a BAR is made of. */
interface BarWrite {
  readonly region: VfioRegion;
  readonly position: bigint;
  /** All 64 bits as given: they are compared, the low `width` bytes are written. */
  readonly data: bigint;
  readonly width: Width;
}

/** Entries whose writes led to the one that is made now: devices may signal in the middle of it. */
let chain: ReadonlySet<object> = new Set();

/** One entry: waits for its eventfd. */
class Entry {
  private readonly device: VfioDevice;
  private readonly write: BarWrite;
  private stopListening: (() => void) | undefined;

  constructor(device: VfioDevice, write: BarWrite) {
    this.device = device;
    this.write = write;
  }

  is({ region, position, data, width }: BarWrite): boolean {
    const own = this.write;
    return own.region.index === region.index && own.position === position && own.data === data && own.width === width;
  }

  listen(event: EventFd): void {
    this.stopListening = event.onSignal(
      () => {
        event.consume();
        this.fire();
      },
      () => this.stop(),
    );
    // What is there already fires once, and stays.
    if (event.count > 0n) this.fire();
  }

  stop(): void {
    this.stopListening?.();
    this.stopListening = undefined;
  }

  /** Signalled by a device in the middle of an access, as an interrupt, the write follows when that has ended. */
  private fire(): void {
    // Devices whose interrupts ask for the writes that raise them would never come to an end.
    if (chain.has(this)) return;
    const longer = new Set([...chain, this]);
    this.write.region.region.core.change(() => this.writeOnce(longer));
  }

  private writeOnce(own: ReadonlySet<object>): void {
    const { region, position, data, width } = this.write;
    if (this.stopListening === undefined || region.region.gone) return;
    const before = chain;
    chain = own;
    try {
      askModel(() => {
        if (region.ioPorts !== true && !this.device.memoryEnabled()) return;
        const value = BigInt.asUintN(8 * width, data);
        if (width === 8 && region.ioPorts === true) {
          // No port is 64 bits wide.
          region.region.write32(position, Number(value & 0xffff_ffffn));
          region.region.write32(position + 4n, Number(value >> 32n));
        } else if (width === 8) region.region.write64(position, value);
        else if (width === 4) region.region.write32(position, Number(value));
        else if (width === 2) region.region.write16(position, Number(value));
        else region.region.write8(position, Number(value));
      });
    } finally {
      chain = before;
    }
  }
}

/** The entries of one device, shared by all of its open files. @internal */
export class DeviceIoEventFds {
  private readonly entries = new Set<Entry>();

  /** How many there are. */
  get count(): number {
    return this.entries.size;
  }

  /** Adds an entry, or removes it where fd is -1. `eventfd` finds the caller's: VfioError EBADF, EINVAL. */
  set(device: VfioDevice, write: BarWrite, fd: number, eventfd: (fd: number) => EventFd): void {
    const found = [...this.entries].find((entry) => entry.is(write));
    const what = `${write.width} bytes ${hex(write.data)} at ${hex(write.position)} of BAR ${write.region.index}`;
    if (found !== undefined) {
      if (fd !== -1) refuse('EEXIST', `there is an entry for ${what}: remove it first, with fd -1`);
      found.stop();
      this.entries.delete(found);
      return;
    }
    if (fd === -1) refuse('ENODEV', `there is no entry for ${what}`);
    if (this.entries.size >= MAX_ENTRIES) refuse('ENOSPC', `${device.name} has ${this.entries.size} entries; expected fewer than ${MAX_ENTRIES}`);
    const event = eventfd(fd);
    const entry = new Entry(device, write);
    this.entries.add(entry);
    // A model that throws at a write made now leaves the entry, as one made later does.
    entry.listen(event);
  }

  /** The last file has been closed. */
  release(): void {
    for (const entry of this.entries) entry.stop();
    this.entries.clear();
  }
}

function barWrite(region: VfioRegion | undefined, index: number, position: bigint, data: bigint, width: Width): BarWrite {
  if (index > 5 || (region !== undefined && region.kind !== 'bar')) refuse('EINVAL', `region ${index} is no BAR`);
  const size = region?.size ?? 0n;
  const end = position + BigInt(width);
  if (region === undefined || end > size) refuse('EINVAL', `${width} bytes at ${hex(position)} pass the end of BAR ${index}, ${hex(size)} bytes`);
  const table = region.msixTable;
  if (table !== undefined && position < table.offset + table.bytes && end > table.offset) {
    refuse('EINVAL', `${width} bytes at ${hex(position)} touch the MSI-X table at ${hex(table.offset)} of BAR ${index}`);
  }
  return { region, position, data, width };
}

/** What the ioctl needs of the file that it came through. */
export interface IoEventFdFile {
  readonly device: VfioDevice;
  /** Whose an offset of this file is. VfioError when it is nobody's. */
  readonly resolve: (call: string, offset: bigint) => { readonly index: number; readonly region: VfioRegion | undefined; readonly position: bigint };
}

/** VFIO_DEVICE_IOEVENTFD. Nothing is written back. */
export function setIoEventFd({ device, resolve }: IoEventFdFile, user: UserMemory, eventfd: (call: string, fd: number) => EventFd): number {
  const bytes = new Uint8Array(vfio_device_ioeventfd.size);
  bytes.set(user.copyIn(0, HEADER));
  const { argsz, flags, offset, data, fd } = vfio_device_ioeventfd.decode(bytes);
  if (argsz < HEADER) refuse('EINVAL', `argsz ${argsz} is below ${HEADER}`);
  if ((flags & ~VFIO_DEVICE_IOEVENTFD_SIZE_MASK) !== 0) refuse('EINVAL', `flags 0x${flags.toString(16)} has bits beyond 0xf`);
  if (flags !== 1 && flags !== 2 && flags !== 4 && flags !== 8) refuse('EINVAL', `flags 0x${flags.toString(16)}: expected one of the four widths`);
  if (fd < -1) refuse('EINVAL', `fd ${fd}; expected -1 or an eventfd`);
  const { index, region, position } = resolve(CALL, offset);
  device.ioeventfds.set(device, barWrite(region, index, position, data, flags), fd, (number) => eventfd(CALL, number));
  return 0;
}
