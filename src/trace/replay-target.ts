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
  /** Bytes of the region that pread leaves out and its mapping shows: the MSI-X table. */
  readonly table: { readonly from: bigint; readonly to: bigint; readonly address: bigint } | undefined;
}

/**
 * Through device files: a PCI device per function, and the platform's ranges as the regions of one platform device. BARs and ranges go by pread and pwrite;
 * the MSI-X table, which those leave out, by a mapping.
 */
export function vfioTarget(machine: Machine, options: Parameters<Process['open']>[1] = {}): ReplayTarget {
  const process = new Process(machine.engine, { name: 'replay' });
  const platformParts = machine.regions.filter(({ owner }) => owner === undefined);
  const regions = Object.fromEntries(platformParts.map(({ window }, index): [number, VfioRegionDescription] => [index, { region: window.region }]));
  const platform = new VfioDevice({ name: 'platform', kind: 'platform', regions });
  const platformFd = process.open(platform, options);
  const fds = new Map(machine.functions.map((one) => [one, process.open(one.device, options)]));
  const open = new Map<MachineRegion, OpenRegion>();
  for (const part of machine.regions) {
    const { owner } = part;
    open.set(part, owner === undefined ? openRegion(process, platformFd, platformParts.indexOf(part), undefined) : openRegion(process, fds.get(owner.function)!, owner.index, owner.function.device));
  }
  const buffers = [1, 2, 4, 8].map((size) => new Uint8Array(size));
  const bufferOf = (size: number): Uint8Array => buffers[Math.log2(size)]!;
  const isInside = (address: number | bigint, size: number, part: MachineRegion | undefined): part is MachineRegion =>
    part !== undefined && BigInt(address) + BigInt(size) - 1n <= part.window.last;
  const readPart = (part: MachineRegion | undefined, address: number | bigint, size: number): AccessValue => {
    const buffer = bufferOf(size);
    if (part === undefined) buffer.fill(0xff);
    else readFile(process, open.get(part)!, positionIn(part, address), buffer);
    return fromBytes(buffer);
  };
  const writePart = (part: MachineRegion | undefined, address: number | bigint, size: number, value: AccessValue): void => {
    if (part !== undefined) writeFile(process, open.get(part)!, positionIn(part, address), toBytes(bufferOf(size), value));
  };
  return {
    read(bus, address, size, part) {
      if (isInside(address, size, part)) return readPart(part, address, size);
      // What reaches beyond a part, or into one, goes byte by byte to whatever answers there.
      const bytes = new Uint8Array(size).map((_, i) => Number(readPart(machine.at(bus, BigInt(address) + BigInt(i)), BigInt(address) + BigInt(i), 1)));
      return fromBytes(bytes);
    },
    write(bus, address, size, value, part) {
      if (isInside(address, size, part)) {
        writePart(part, address, size, value);
        return;
      }
      toBytes(new Uint8Array(size), value).forEach((byte, i) => writePart(machine.at(bus, BigInt(address) + BigInt(i)), BigInt(address) + BigInt(i), 1, byte));
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
  const table = device?.region(index)?.msixTable;
  if (table === undefined || device?.region(index)?.mmap !== true) return { fd, offset, table: undefined };
  const address = BigInt(process.mmap(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset));
  return { fd, offset, table: { from: table.offset, to: table.offset + table.bytes, address } };
}

function inTable({ table }: OpenRegion, position: bigint): boolean {
  return table !== undefined && position >= table.from && position < table.to;
}

function readFile(process: Process, file: OpenRegion, position: bigint, buffer: Uint8Array): void {
  if (inTable(file, position)) process.memory.readBytes(file.table!.address + position, buffer);
  else process.pread(file.fd, buffer, file.offset + position);
}

function writeFile(process: Process, file: OpenRegion, position: bigint, buffer: Uint8Array): void {
  if (inTable(file, position)) process.memory.writeBytes(file.table!.address + position, buffer);
  else process.pwrite(file.fd, buffer, file.offset + position);
}
