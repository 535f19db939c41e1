// A device as a VFIO program sees it: what the ioctls tell of its regions and interrupts, as rows of a table and as a document.

import type { Engine, OffsetMode } from '../core/index.ts';
import type { PciFunction } from '../pci/index.ts';
import {
  VFIO_DEVICE_GET_INFO,
  VFIO_DEVICE_GET_IRQ_INFO,
  VFIO_DEVICE_GET_REGION_INFO,
  readRegionInfoCapabilities,
  vfio_device_info,
  vfio_irq_info,
  vfio_region_info,
} from '../uapi/index.ts';
import type { RegionInfoCapability } from '../uapi/index.ts';
import { Process } from '../vfio/index.ts';
import type { VfioDevice } from '../vfio/index.ts';
import { bytes, table } from './terminal.ts';

interface RegionSeen {
  readonly index: number;
  readonly name: string;
  readonly flags: readonly string[];
  readonly size: bigint;
  readonly offset: bigint;
  readonly capabilities: readonly RegionInfoCapability[];
  readonly areas: readonly { readonly offset: bigint; readonly size: bigint }[];
  readonly holes: readonly { readonly offset: bigint; readonly size: bigint; readonly reason: string }[];
}

interface IrqSeen {
  readonly index: number;
  readonly name: string;
  readonly flags: readonly string[];
  readonly count: number;
}

const REGION_NAMES = ['BAR 0', 'BAR 1', 'BAR 2', 'BAR 3', 'BAR 4', 'BAR 5', 'ROM', 'CONFIG', 'VGA'];
const REGION_FLAGS = ['READ', 'WRITE', 'MMAP', 'CAPS'];
const IRQ_NAMES = ['INTx', 'MSI', 'MSI-X', 'ERR', 'REQ'];
const IRQ_FLAGS = ['EVENTFD', 'MASKABLE', 'AUTOMASKED', 'NORESIZE'];
const DEVICE_FLAGS = ['RESET', 'PCI', 'PLATFORM', 'AMBA', 'CCW', 'AP', 'FSL_MC', 'CAPS', 'CDX'];

function names(bits: number, all: readonly string[]): string[] {
  return all.filter((_, bit) => (bits & (1 << bit)) !== 0);
}

function seeRegion(process: Process, fd: number, device: VfioDevice, index: number): RegionSeen | undefined {
  const info = new Uint8Array(4096);
  vfio_region_info.encode({ argsz: info.length, index }, info);
  if (process.raw.ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, info) < 0) return undefined;
  const { flags, size, offset } = vfio_region_info.decode(info);
  const region = device.region(index);
  const { areas, holes } = region === undefined ? { areas: [], holes: [] } : device.mappable(region);
  return { index, name: REGION_NAMES[index] ?? `region ${index}`, flags: names(flags, REGION_FLAGS), size, offset, capabilities: readRegionInfoCapabilities(info), areas, holes };
}

function seeIrq(process: Process, fd: number, index: number): IrqSeen | undefined {
  const info = vfio_irq_info.encode({ argsz: vfio_irq_info.size, index });
  if (process.raw.ioctl(fd, VFIO_DEVICE_GET_IRQ_INFO, info) < 0) return undefined;
  const { flags, count } = vfio_irq_info.decode(info);
  return { index, name: IRQ_NAMES[index] ?? String(index), flags: names(flags, IRQ_FLAGS), count };
}

/** What the ioctls tell. */
export interface DeviceSeen {
  /** What `lspci -vv` printed before it was opened: opening resets a function. */
  readonly lspci: string;
  readonly flags: readonly string[];
  readonly regions: readonly RegionSeen[];
  readonly irqs: readonly IrqSeen[];
}

/** What a VFIO program learns of a function by asking. */
export function seeDevice(engine: Engine, one: PciFunction, offsets: OffsetMode): DeviceSeen {
  const { device } = one;
  const lspci = one.lspci();
  const process = new Process(engine, { name: 'inspect' });
  const fd = process.open(device, { offsets });
  const info = vfio_device_info.encode({ argsz: vfio_device_info.size });
  process.ioctl(fd, VFIO_DEVICE_GET_INFO, info);
  const { flags, num_regions, num_irqs } = vfio_device_info.decode(info);
  const indices = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
  const regions = indices(num_regions).map((index) => seeRegion(process, fd, device, index)).filter((region) => region !== undefined);
  const irqs = indices(num_irqs).map((index) => seeIrq(process, fd, index)).filter((irq) => irq !== undefined);
  process.exit();
  return { lspci, flags: names(flags, DEVICE_FLAGS), regions, irqs };
}

function capabilityText(capability: RegionInfoCapability): string {
  if (capability.kind === 'SPARSE_MMAP') return `SPARSE_MMAP ${capability.areas.map(({ offset, size }) => `0x${offset.toString(16)}+0x${size.toString(16)}`).join(' ')}`;
  if (capability.kind === 'TYPE') return `TYPE 0x${capability.type.toString(16)}/${capability.subtype}`;
  return capability.kind;
}

/** A function as `lspci -vv` prints it, then what VFIO says of it. */
export function deviceText(one: PciFunction, seen: DeviceSeen): string {
  const present = seen.regions.filter(({ size }) => size > 0n);
  const regions = table(
    ['  index', 'region', 'size', 'offset', 'flags', 'capabilities'],
    present.map(({ index, name, size, offset, flags, capabilities }) => [`  ${index}`, name, bytes(size), `0x${offset.toString(16)}`, flags.join(' '), capabilities.map(capabilityText).join(', ')]),
    ['size', 'offset'],
  );
  const irqs = table(['  index', 'interrupt', 'count', 'flags'], seen.irqs.map(({ index, name, count, flags }) => [`  ${index}`, name, String(count), flags.join(' ')]), ['count']);
  const holes = present
    .filter(({ flags }) => flags.includes('MMAP'))
    .flatMap(({ name, holes: left }) => left.map(({ offset, size, reason }) => `  ${name}: 0x${offset.toString(16)}+0x${size.toString(16)} cannot be mapped: ${reason}`));
  return [seen.lspci.trimEnd(), '', `VFIO device ${one.device.name}: ${seen.flags.join(' ')}`, regions, ...holes, irqs, ''].join('\n');
}

/** The same as a document. */
export function deviceDocument(one: PciFunction, seen: DeviceSeen): Record<string, unknown> {
  const plain = (value: unknown): unknown => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value instanceof Uint8Array ? [...value] : value);
  const view = { slot: one.slot, device: one.device.name, ...seen };
  return JSON.parse(JSON.stringify(view, (_, value: unknown) => plain(value))) as Record<string, unknown>;
}
