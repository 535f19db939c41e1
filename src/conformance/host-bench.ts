// A host of a table, made of its data: functions by name, each with what it has told, and options with every number as such.

import type { Engine } from '../core/index.ts';
import { VfioError } from '../uapi/index.ts';
import { VfioHost } from '../vfio/index.ts';
import type { HostFunction, HostFunctionDescription, IommuDescription, ProcessOptions, VfioHostOptions } from '../vfio/index.ts';
import { TableDevice } from './devices.ts';
import type { HostData, HostFunctionData, HostOptionsData, IommuData, ProcessData } from './host-table.ts';
import type { DeviceData, Size } from './table.ts';

/** A function of a table's host. */
export interface TableFunction {
  /** As it is plugged in, or was last. */
  one: HostFunction;
  readonly description: HostFunctionDescription;
  readonly device: TableDevice | undefined;
  /** Faults of its DMA, messages that it has sent, and what its driver was told goes, since they were last asked for. */
  readonly faults: string[];
  readonly messages: string[];
  readonly unmapped: string[];
}

const hex = (value: number | bigint): string => `0x${value.toString(16)}`;

function iommu({ pageSizes, lastAddress, reserved, ...rest }: IommuData): IommuDescription {
  const number = (size: Size): bigint => BigInt(size);
  return {
    ...rest,
    ...(pageSizes !== undefined && { pageSizes: number(pageSizes) }),
    ...(lastAddress !== undefined && { lastAddress: number(lastAddress) }),
    ...(reserved !== undefined && { reserved: reserved.map(({ first, last, kind }) => ({ first: number(first), last: number(last), kind })) }),
  };
}

function options({ iommu: ofHost, messageWindow, ...rest }: HostOptionsData): VfioHostOptions {
  const { size, alignment } = messageWindow ?? {};
  return {
    ...rest,
    ...(ofHost !== undefined && { iommu: iommu(ofHost) }),
    ...(messageWindow !== undefined && { messageWindow: { ...(size !== undefined && { size: BigInt(size) }), ...(alignment !== undefined && { alignment: BigInt(alignment) }) } }),
  };
}

/** The processes of a host, or the one that there is without any. */
export function processesOf({ processes }: HostData): Readonly<Record<string, ProcessData>> {
  return processes ?? { main: {} };
}

/** A host, with what a table knows of its functions. */
export class HostBench {
  private readonly host: VfioHost;
  private readonly functions = new Map<string, TableFunction>();

  constructor(engine: Engine, data: HostData, devices: Readonly<Record<string, DeviceData>>) {
    this.host = new VfioHost(engine, {
      ...(data.options !== undefined && options(data.options)),
      ...(data.bridges !== undefined && { bridges: data.bridges }),
      onMessage: ({ slot, address, data: message }) => this.at(slot)?.messages.push(`${hex(address)} ${hex(message)}`),
    });
    this.host.onDmaFault(({ slot, access, iova, reason }) => this.at(slot)?.faults.push(`${access} ${hex(iova)} ${reason}`));
    for (const [name, one] of Object.entries(data.functions)) this.functions.set(name, this.make(engine, one, data, devices));
  }

  private make(engine: Engine, { device: key, iommu: own, emulated, physicalFunction, ...rest }: HostFunctionData, data: HostData, devices: Readonly<Record<string, DeviceData>>): TableFunction {
    const device = key === undefined ? undefined : new TableDevice(engine, key, devices[key]!);
    const unmapped: string[] = [];
    const description: HostFunctionDescription = {
      ...rest,
      ...(device !== undefined && { device: device.device }),
      ...(own !== undefined && { iommu: own === 'none' ? own : iommu(own) }),
      ...(physicalFunction !== undefined && { physicalFunction: data.functions[physicalFunction]!.slot }),
      ...(emulated === true && {
        emulated: {
          unmapped: (iova: bigint, bytes: bigint) => {
            unmapped.push(`${hex(iova)} ${hex(bytes)}`);
            this.at(rest.slot)?.one.access?.unpin(iova, bytes);
          },
        },
      }),
    };
    return { one: this.host.plug(description), description, device, faults: [], messages: [], unmapped };
  }

  private at(slot: string): TableFunction | undefined {
    return [...this.functions.values()].find(({ description }) => description.slot === slot);
  }

  /** A function by its name. Without one: the host's only one. */
  find(name?: string): TableFunction {
    const found = name === undefined && this.functions.size === 1 ? [...this.functions.values()][0] : this.functions.get(name ?? '');
    if (found === undefined) throw new SyntaxError(name === undefined ? 'the host has more than one function: say which' : `no function of the host is called ${name}`);
    return found;
  }

  /** A path with numbers for `{group nic}` and `{cdev nic}`. */
  path(text: string): string {
    return text.replace(/\{(group|cdev) ([\w-]+)\}/g, (_, kind, name: string) => {
      const { one } = this.find(name);
      const number = kind === 'group' ? one.group.id : one.cdev;
      if (number === undefined) throw new SyntaxError(`${name} has no character device`);
      return String(number);
    });
  }

  processOptions(name: string, data: ProcessData): ProcessOptions {
    return { name, host: this.host, ...data };
  }

  /** Takes a function out; `surprise`: whether anybody has it open or not. */
  unplug(each: TableFunction, surprise: boolean): void {
    this.host.unplug(each.one, { surprise });
  }

  /** Puts a function back that was taken out. */
  plug(each: TableFunction): void {
    each.one = this.host.plug(each.description);
  }

  /** What a function's driver does to the memory of its user. VfioError EINVAL while there is none. */
  access({ one }: TableFunction): NonNullable<HostFunction['access']> {
    if (one.access === undefined) throw new VfioError('EINVAL', 'vfio_pin_pages', `${one.slot} is not open, or has no memory`);
    return one.access;
  }

  end(): void {
    for (const { device } of this.functions.values()) device?.destroy();
  }
}
