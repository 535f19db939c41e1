// Where a replay sends accesses: through the machine's spaces by guest address, or through VFIO device files by offset.

import type { Space } from '../core/index.ts';
import { Process, MAP_SHARED, PROT_READ, PROT_WRITE, VfioDevice } from '../vfio/index.ts';
import type { VfioRegionDescription } from '../vfio/index.ts';
import { VFIO_DEVICE_GET_REGION_INFO, vfio_region_info } from '../uapi/index.ts';
import type { BusName, Machine, MachineRegion } from './machine.ts';

/** A value of an access: a number for 1, 2 and 4 bytes, a bigint for 8. */
export type AccessValue = number | bigint;

/** Sends one access somewhere. `part` is what answers at its first address, undefined when nothing does. Addresses are numbers up to 2^53-1. */
export interface ReplayTarget {
  read(bus: BusName, address: number | bigint, size: number, part: MachineRegion | undefined): AccessValue;
  write(bus: BusName, address: number | bigint, size: number, value: AccessValue, part: MachineRegion | undefined): void;
  close(): void;
}

/** Through the address spaces. */
export function spaceTarget(machine: Machine): ReplayTarget {
  return {
    read: (bus, address, size) => readSpace(machine.space(bus), address, size),
    write: (bus, address, size, value) => writeSpace(machine.space(bus), address, size, value),
    close: () => undefined,
  };
}

function readSpace(space: Space, address: number | bigint, size: number): AccessValue {
  if (size === 4) return space.read32(address);
  if (size === 1) return space.read8(address);
  return size === 2 ? space.read16(address) : space.read64(address);
}

function writeSpace(space: Space, address: number | bigint, size: number, value: AccessValue): void {
  if (size === 4) space.write32(address, Number(value));
  else if (size === 1) space.write8(address, Number(value));
  else if (size === 2) space.write16(address, Number(value));
  else space.write64(address, value);
}

interface OpenRegion {
  readonly fd: number;
  readonly offset: bigint;
  readonly writable: boolean;
  /** Bytes of the region that pread leaves out and its mapping shows: the MSI-X table. */
  readonly table: { readonly from: bigint; readonly to: bigint; readonly address: bigint } | undefined;
}

/** A device without what its windows in a space do not have either: the memory gate and its shadow, and an MSI-X table that no mapping reaches. */
function ungated(device: VfioDevice): VfioDevice {
  const { msix, ...rest } = device.description;
  const isReachable = msix !== undefined && device.region(msix.bar)?.mmap === true;
  return new VfioDevice({ ...rest, reset: false, config: undefined, ...(isReachable && { msix }), msixMode: 'mappable', memoryEnabled: () => true });
}

/** The parts that share addresses with another one: what is visible there may change within an access. */
function overlapping(machine: Machine): ReadonlySet<MachineRegion> {
  const found = new Set<MachineRegion>();
  for (const bus of ['memory', 'ports'] as const) {
    const sorted = machine.regions.filter((part) => part.bus === bus).sort((a, b) => (a.window.start < b.window.start ? -1 : 1));
    let reach = -1n;
    sorted.forEach((part, i) => {
      const { start, last } = part.window;
      const next = sorted[i + 1];
      if (start <= reach || (next !== undefined && next.window.start <= last)) found.add(part);
      if (last > reach) reach = last;
    });
  }
  return found;
}

/**
 * Through device files: a PCI device per function, and the platform's ranges as the regions of one platform device. BARs and ranges go by pread and pwrite;
 * the MSI-X table, which those leave out, by a mapping. Answers what the spaces answer, so COMMAND.MEM closes nothing here.
 *
 * @throws VfioError EINVAL when a range is larger than the 2^40 bytes that the offset mode `index` has for it; ENOMEM when the core is full.
 */
export function vfioTarget(machine: Machine, options: Parameters<Process['open']>[1] = {}): ReplayTarget {
  const process = new Process(machine.engine, { name: 'replay', maxFds: machine.functions.length + 1024 });
  const open = new Map<MachineRegion, OpenRegion>();
  try {
    const platformParts = machine.regions.filter(({ owner }) => owner === undefined);
    const regions = Object.fromEntries(platformParts.map(({ window }, index): [number, VfioRegionDescription] => [index, { region: window.region }]));
    const platformFd = process.open(new VfioDevice({ name: 'platform', kind: 'platform', regions }), options);
    platformParts.forEach((part, index) => open.set(part, openRegion(process, platformFd, index, undefined)));
    for (const one of machine.functions) {
      const device = ungated(one.device);
      const fd = process.open(device, options);
      for (const part of machine.regions) if (part.owner?.function === one) open.set(part, openRegion(process, fd, part.owner.index, device));
    }
  } catch (error) {
    process.exit();
    throw error;
  }
  const shared = overlapping(machine);
  const buffers = [1, 2, 4, 8].map((size) => new Uint8Array(size));
  const isInside = (address: number | bigint, size: number, part: MachineRegion | undefined): part is MachineRegion =>
    part !== undefined && !shared.has(part) && BigInt(address) + BigInt(size) - 1n <= part.window.last;
  /** Cuts an access wherever another part answers (rule A-cut). */
  const cut = (bus: BusName, address: number | bigint, bytes: Uint8Array, serve: (part: MachineRegion, address: bigint, piece: Uint8Array) => void): void => {
    const first = BigInt(address);
    for (let from = 0; from < bytes.length; ) {
      const part = machine.at(bus, first + BigInt(from));
      let to = from + 1;
      while (to < bytes.length && machine.at(bus, first + BigInt(to)) === part) to++;
      if (part !== undefined) serve(part, first + BigInt(from), bytes.subarray(from, to));
      from = to;
    }
  };
  const read = (part: MachineRegion, address: number | bigint, bytes: Uint8Array): void => readFile(process, open.get(part)!, positionIn(part, address), bytes);
  const write = (part: MachineRegion, address: number | bigint, bytes: Uint8Array): void => writeFile(process, open.get(part)!, positionIn(part, address), bytes);
  return {
    read(bus, address, size, part) {
      const bytes = buffers[Math.log2(size)]!;
      if (isInside(address, size, part)) read(part, address, bytes);
      else cut(bus, address, bytes.fill(0xff), read);
      return fromBytes(bytes);
    },
    write(bus, address, size, value, part) {
      const bytes = toBytes(buffers[Math.log2(size)]!, value);
      if (isInside(address, size, part)) write(part, address, bytes);
      else cut(bus, address, bytes, write);
    },
    close: () => process.exit(),
  };
}

function positionIn({ window }: MachineRegion, address: number | bigint): bigint {
  return BigInt(address) - window.start + window.position;
}

function fromBytes(bytes: Uint8Array): AccessValue {
  const view = new DataView(bytes.buffer);
  if (bytes.length === 8) return view.getBigUint64(0, true);
  return bytes.length === 4 ? view.getUint32(0, true) : bytes.length === 2 ? view.getUint16(0, true) : bytes[0]!;
}

function toBytes(bytes: Uint8Array, value: AccessValue): Uint8Array {
  const view = new DataView(bytes.buffer);
  if (bytes.length === 8) view.setBigUint64(0, BigInt(value), true);
  else if (bytes.length === 4) view.setUint32(0, Number(value), true);
  else if (bytes.length === 2) view.setUint16(0, Number(value), true);
  else view.setUint8(0, Number(value));
  return bytes;
}

function openRegion(process: Process, fd: number, index: number, device: VfioDevice | undefined): OpenRegion {
  const info = new Uint8Array(vfio_region_info.size);
  vfio_region_info.encode({ argsz: info.length, index }, info);
  process.ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, info);
  const { offset, size } = vfio_region_info.decode(info);
  const region = device?.region(index);
  const writable = region?.writable ?? true;
  const table = region?.msixTable;
  if (table === undefined) return { fd, offset, writable, table: undefined };
  const address = BigInt(process.mmap(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset));
  return { fd, offset, writable, table: { from: table.offset, to: table.offset + table.bytes, address } };
}

function touchesTable({ table }: OpenRegion, position: bigint, bytes: number): boolean {
  return table !== undefined && position < table.to && position + BigInt(bytes) > table.from;
}

function readFile(process: Process, file: OpenRegion, position: bigint, buffer: Uint8Array): void {
  if (touchesTable(file, position, buffer.length)) process.memory.readBytes(file.table!.address + position, buffer);
  else process.pread(file.fd, buffer, file.offset + position);
}

function writeFile(process: Process, file: OpenRegion, position: bigint, buffer: Uint8Array): void {
  // A ROM has no write at all; a space drops what is written there.
  if (!file.writable) return;
  if (touchesTable(file, position, buffer.length)) process.memory.writeBytes(file.table!.address + position, buffer);
  else process.pwrite(file.fd, buffer, file.offset + position);
}
