// What a row runs in: a process with the row's device open, fds and mappings by name, and blocks of memory that end where mapped memory ends.
//
//   address of a block            page border
//        |                             |
//   ...  [ aa aa aa aa aa aa aa aa aa ]|  nothing is mapped: the first byte too far is EFAULT

import type { Engine } from '../core/index.ts';
import { VfioError } from '../uapi/index.ts';
import { PAGE_SIZE, Process, VfioFault } from '../vfio/index.ts';
import type { OpenOptions } from '../vfio/index.ts';
import { makeDevices } from './devices.ts';
import type { TableDevice } from './devices.ts';
import { DeviceBroke } from './stream-model.ts';
import type { DeviceData, FdName, OpenStep, Row } from './table.ts';

/** How a process is made for a row. A test of the runner makes one that answers wrongly. */
export type MakeProcess = (engine: Engine) => Process;

/** Where a row's calls happen. */
export class Bench {
  readonly process: Process;
  /** How often the step that runs now was made before. */
  round = 0;
  private readonly key: string;
  private readonly devices: ReadonlyMap<string, TableDevice>;
  private readonly fds = new Map<string, number>();
  private readonly addresses = new Map<string, number>();
  private readonly iommufds = new Map<string, object>();

  constructor(engine: Engine, row: Row, table: Readonly<Record<string, DeviceData>>, makeProcess: MakeProcess = (own) => new Process(own)) {
    this.key = row.device;
    this.devices = makeDevices(engine, row.device, table);
    this.process = makeProcess(engine);
    this.name('dev', this.open(row.open));
  }

  /** The row's device, or another of its set. */
  device(name = this.key): TableDevice {
    const found = this.devices.get(name);
    if (found === undefined) throw new SyntaxError(`device ${name} is not in the set of ${this.key}`);
    return found;
  }

  open({ cdev, readOnly, profile }: OpenStep = {}, device?: string): number {
    const options: OpenOptions = {
      ...(readOnly !== undefined && { readOnly }),
      ...(profile !== undefined && { profile }),
      ...(cdev !== undefined && { cdev: { iommufd: this.iommufd(cdev.iommufd), devid: cdev.devid } }),
    };
    const one = this.device(device);
    const fd = this.process.open(one.device, options);
    // What opening does of itself is no answer to a row's calls.
    one.resets = 0;
    return fd;
  }

  private iommufd(name: string): object {
    const found = this.iommufds.get(name) ?? {};
    this.iommufds.set(name, found);
    return found;
  }

  name(fd: string, number: number): void {
    this.fds.set(fd, number);
  }

  /** The number of an fd. A closed one keeps its name. */
  fd(name: FdName): number {
    if (typeof name === 'number') return name;
    const found = this.fds.get(name);
    if (found === undefined) throw new SyntaxError(`no fd is called ${name}`);
    return found;
  }

  nameMapping(mapping: string, address: number): void {
    this.addresses.set(mapping, address);
  }

  hasMapping(name: string): boolean {
    return this.addresses.has(name);
  }

  /** An address in a mapping: `name`, or `name+0x10`. */
  address(text: string): number {
    const [mapping = '', offset = '0'] = text.split('+');
    const found = this.addresses.get(mapping);
    if (found === undefined) throw new SyntaxError(`no mapping is called ${mapping}`);
    return found + Number(offset);
  }

  /** Memory of `length` bytes, behind which nothing is mapped. Its address. */
  block(length: number): number {
    const pages = Math.ceil(length / PAGE_SIZE);
    const start = this.process.allocate((pages + 1) * PAGE_SIZE);
    const end = start + pages * PAGE_SIZE;
    this.process.munmap(end, PAGE_SIZE);
    return end - length;
  }

  /** Ends the process and takes the devices away. */
  end(): void {
    this.process.exit();
    for (const device of this.devices.values()) device.destroy();
  }
}

/** What a call comes to: its result, an errno's name, a signal, or `address` and `fd` for numbers that are the kernel's to choose. */
export function outcome(call: () => number | string): number | string {
  try {
    return call();
  } catch (error) {
    if (error instanceof VfioError) return error.code;
    if (error instanceof VfioFault) return error.signal;
    if (error instanceof DeviceBroke) return 'EIO';
    throw error;
  }
}
