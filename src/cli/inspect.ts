// `maplebar inspect`: a device as people know it from `lspci -vv`, and as a VFIO program sees it.

import { createEngine } from '../core/index.ts';
import type { Engine, OffsetMode } from '../core/index.ts';
import { PciFunction, formatPciAddress, parsePciAddress } from '../pci/index.ts';
import type { PciFunctionDescription } from '../pci/index.ts';
import { describeFunctions, isEndpoint } from '../trace/index.ts';
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
import { readDumps } from './files.ts';
import { bytes, table } from './terminal.ts';
import type { Output } from './terminal.ts';

/** The options of the command. */
export interface InspectCommand {
  readonly lspci: readonly string[];
  readonly slot?: string;
  readonly offsets: OffsetMode;
  readonly msix: 'mappable' | 'sparse';
  readonly json?: boolean;
}

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

/** What a VFIO program learns of a device by asking. */
function see(engine: Engine, device: VfioDevice, offsets: OffsetMode): { flags: string[]; regions: RegionSeen[]; irqs: IrqSeen[] } {
  const process = new Process(engine, { name: 'inspect' });
  const fd = process.open(device, { offsets });
  const info = vfio_device_info.encode({ argsz: vfio_device_info.size });
  process.ioctl(fd, VFIO_DEVICE_GET_INFO, info);
  const { flags, num_regions, num_irqs } = vfio_device_info.decode(info);
  const indices = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
  const regions = indices(num_regions).map((index) => seeRegion(process, fd, device, index)).filter((region) => region !== undefined);
  const irqs = indices(num_irqs).map((index) => seeIrq(process, fd, index)).filter((irq) => irq !== undefined);
  process.exit();
  return { flags: names(flags, DEVICE_FLAGS), regions, irqs };
}

function capabilityText(capability: RegionInfoCapability): string {
  if (capability.kind === 'SPARSE_MMAP') return `SPARSE_MMAP ${capability.areas.map(({ offset, size }) => `0x${offset.toString(16)}+0x${size.toString(16)}`).join(' ')}`;
  if (capability.kind === 'TYPE') return `TYPE 0x${capability.type.toString(16)}/${capability.subtype}`;
  return capability.kind;
}

function text(one: PciFunction, seen: ReturnType<typeof see>): string {
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
  return [one.lspci().trimEnd(), '', `VFIO device ${one.device.name}: ${seen.flags.join(' ')}`, regions, ...holes, irqs, ''].join('\n');
}

function json(one: PciFunction, seen: ReturnType<typeof see>): unknown {
  const plain = (value: unknown): unknown => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value instanceof Uint8Array ? [...value] : value);
  const view = { slot: one.slot, device: one.device.name, lspci: one.lspci(), ...seen };
  return JSON.parse(JSON.stringify(view, (_, value: unknown) => plain(value)));
}

/** The described functions that were asked for: one slot, with or without its domain, or all. */
function choose(options: InspectCommand): PciFunctionDescription[] {
  const described = describeFunctions(readDumps(undefined, options.lspci));
  if (described.length === 0) throw new Error('no lspci -xxxx text was given: a device needs its bytes');
  if (options.slot === undefined) return described;
  const key = (slot: string): string => {
    const address = parsePciAddress(slot);
    return address === null ? slot : formatPciAddress(address);
  };
  const wanted = key(options.slot);
  const chosen = described.filter(({ slot }) => key(slot) === wanted);
  if (chosen.length === 0) throw new Error(`no function ${options.slot} in the dump; it has ${described.map(({ slot }) => slot).join(', ')}`);
  return chosen;
}

/** Runs the command; the exit code. */
export function inspectCommand(options: InspectCommand, output: Output): number {
  const all = choose(options);
  const chosen = all.filter(isEndpoint);
  if (chosen.length === 0) throw new Error(`${all.map(({ slot }) => slot).join(', ')}: a bridge, and this is for other functions`);
  const notes = all.filter((one) => !isEndpoint(one)).map(({ slot }) => `${slot} is a bridge: it is left out`);
  if (chosen.some(({ sizes }) => sizes === undefined)) notes.push('without lspci -vv text the sizes of BARs are unknown, and they are left out');
  const engine = createEngine();
  const seen = chosen.map((description) => {
    const one = new PciFunction(engine, { ...description, msixMode: options.msix });
    const told = see(engine, one.device, options.offsets);
    const shown = options.json === true ? json(one, told) : text(one, told);
    one.destroy();
    return shown;
  });
  output.out(options.json === true ? `${JSON.stringify(seen, undefined, 2)}\n` : seen.join('\n'));
  for (const note of notes) output.err(`note: ${note}\n`);
  return 0;
}
