// A device as a VFIO program sees it: what the ioctls tell of its regions, interrupts and features, as rows of tables and as a document.

import type { Engine } from '../core/index.ts';
import type { PciFunction } from '../pci/index.ts';
import { VfioError } from '../uapi/index.ts';
import type { DeviceInfoCapability, RegionInfoCapability } from '../uapi/index.ts';
import { VfioClient } from '../vfio-client/index.ts';
import type { GfxPlaneKind } from '../vfio-client/index.ts';
import { Process } from '../vfio/index.ts';
import type { DeviceFileOptions, VfioDevice } from '../vfio/index.ts';
import { deviceCapabilityText, regionCapabilityText } from './capability-text.ts';
import { featureTable, seeFeatures } from './feature-view.ts';
import type { FeatureSeen } from './feature-view.ts';
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
const IRQ_NAMES = ['INTx', 'MSI', 'MSI-X', 'ERR', 'REQ'];
const PLANE_KINDS: readonly GfxPlaneKind[] = ['region', 'dma-buf'];

/** What a device does not have is no row: VGA, ERR without PCI Express. */
function unlessRefused<T>(see: () => T): T | undefined {
  try {
    return see();
  } catch (error) {
    if (error instanceof VfioError) return undefined;
    throw error;
  }
}

function seeRegion(client: VfioClient, device: VfioDevice, index: number): RegionSeen {
  const { flagNames: flags, size, offset, capabilities } = client.region(index);
  const region = device.region(index);
  const { areas, holes } = region === undefined ? { areas: [], holes: [] } : device.mappable(region);
  return { index, name: REGION_NAMES[index] ?? `region ${index}`, flags, size, offset, capabilities, areas, holes };
}

function seeIrq(client: VfioClient, index: number): IrqSeen {
  const { flagNames: flags, count } = client.interrupts.at(index).info();
  return { index, name: IRQ_NAMES[index] ?? String(index), flags, count };
}

/** What the ioctls tell. */
export interface DeviceSeen {
  /** What `lspci -vv` prints of it before it is opened. */
  readonly lspci: string;
  readonly flags: readonly string[];
  readonly capabilities: readonly DeviceInfoCapability[];
  readonly regions: readonly RegionSeen[];
  readonly irqs: readonly IrqSeen[];
  readonly features: readonly FeatureSeen[];
  /** Of a display: how it hands out its planes. Empty for other devices. */
  readonly planes: readonly GfxPlaneKind[];
}

/** What a VFIO program learns of a function by asking. */
export function seeDevice(engine: Engine, one: Pick<PciFunction, 'device' | 'lspci'>, options: DeviceFileOptions): DeviceSeen {
  const { device } = one;
  const lspci = one.lspci();
  const process = new Process(engine, { name: 'inspect' });
  const client = new VfioClient(process, process.open(device, options));
  const { flagNames: flags, capabilities, numRegions, numIrqs } = client.info();
  const each = <T>(count: number, see: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, index) => unlessRefused(() => see(index))).filter((seen) => seen !== undefined);
  const regions = each(numRegions, (index) => seeRegion(client, device, index));
  const irqs = each(numIrqs, (index) => seeIrq(client, index));
  const features = seeFeatures(client, options.uapi);
  const planes = PLANE_KINDS.filter((kind) => client.display.probe(kind) === true);
  process.exit();
  return { lspci, flags, capabilities, regions, irqs, features, planes };
}

/** A function as `lspci -vv` prints it, then what VFIO says of it. */
export function deviceText(one: PciFunction, seen: DeviceSeen): string {
  const present = seen.regions.filter(({ size }) => size > 0n);
  const regions = table(
    ['  index', 'region', 'size', 'offset', 'flags', 'capabilities'],
    present.map(({ index, name, size, offset, flags, capabilities }) => [`  ${index}`, name, bytes(size), `0x${offset.toString(16)}`, flags.join(' '), capabilities.map(regionCapabilityText).join(', ')]),
    ['size', 'offset'],
  );
  const irqs = table(['  index', 'interrupt', 'count', 'flags'], seen.irqs.map(({ index, name, count, flags }) => [`  ${index}`, name, String(count), flags.join(' ')]), ['count']);
  const holes = present
    .filter(({ flags }) => flags.includes('MMAP'))
    .flatMap(({ name, holes: left }) => left.map(({ offset, size, reason }) => `  ${name}: 0x${offset.toString(16)}+0x${size.toString(16)} cannot be mapped: ${reason}`));
  const capabilities = seen.capabilities.map((capability) => `  Capability: ${deviceCapabilityText(capability)}`);
  const display = seen.planes.map((kind) => `  Display: planes of kind ${kind}`);
  const head = `VFIO device ${one.device.name}: ${seen.flags.join(' ')}`;
  return [seen.lspci.trimEnd(), '', head, ...capabilities, ...display, regions, ...holes, irqs, featureTable(seen.features), ''].join('\n');
}

/** The same as a document. */
export function deviceDocument(one: PciFunction, seen: DeviceSeen): Record<string, unknown> {
  const plain = (value: unknown): unknown => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value instanceof Uint8Array ? [...value] : value);
  const view = { slot: one.slot, device: one.device.name, ...seen };
  return JSON.parse(JSON.stringify(view, (_, value: unknown) => plain(value))) as Record<string, unknown>;
}
