// What a row runs in: a process with the row's device open, or the processes of its host; fds, mappings and objects by name, and blocks of memory that end where mapped memory ends.
//
//   address of a block            page border
//        |                             |
//   ...  [ aa aa aa aa aa aa aa aa aa ]|  nothing is mapped: the first byte too far is EFAULT

import type { Engine } from '../core/index.ts';
import { VfioError } from '../uapi/index.ts';
import { PAGE_SIZE, Process, VfioFault } from '../vfio/index.ts';
import type { OpenOptions, ProcessOptions } from '../vfio/index.ts';
import { makeDevices } from './devices.ts';
import type { TableDevice } from './devices.ts';
import { HostBench, processesOf } from './host-bench.ts';
import { DeviceBroke } from './stream-model.ts';
import type { FdName, OpenStep, Row, Size, Table } from './table.ts';

/** How a process is made for a row. A test of the runner makes one that answers wrongly. */
export type MakeProcess = (engine: Engine, options?: ProcessOptions) => Process;

const MAIN = 'main';

/** The host of a row: its own, or that of what it begins with. */
export function hostOf({ host, from }: Row, { starts }: Table): string | undefined {
  if (from === undefined) return host;
  const start = starts[from];
  if (start === undefined) throw new SyntaxError(`no start is called ${from}`);
  return start.host;
}

/** An address or a number as a call takes it. */
export function numberOf(size: Size): number | bigint {
  return typeof size === 'number' ? size : BigInt(size);
}

/** Where a row's calls happen. */
export class Bench {
  /** How often the step that runs now was made before. */
  round = 0;
  /** The row's host, if it has one. */
  readonly host: HostBench | undefined;
  private readonly key: string;
  private readonly devices: ReadonlyMap<string, TableDevice>;
  private readonly processes = new Map<string, Process>();
  private caller = MAIN;
  private readonly fds = new Map<string, number>();
  private readonly addresses = new Map<string, number>();
  private readonly iommufds = new Map<string, object>();
  private readonly ids = new Map<string, number>();

  constructor(engine: Engine, row: Row, table: Table, makeProcess: MakeProcess = (own, options) => new Process(own, options)) {
    const host = hostOf(row, table);
    this.key = row.device ?? '';
    if (host === undefined) {
      this.devices = makeDevices(engine, this.key, table.devices);
      this.processes.set(MAIN, makeProcess(engine));
      this.name('dev', this.open(row.open));
      return;
    }
    this.devices = new Map();
    const data = table.hosts[host];
    if (data === undefined) throw new SyntaxError(`no host is called ${host}`);
    this.host = new HostBench(engine, data, table.devices);
    for (const [name, one] of Object.entries(processesOf(data))) this.processes.set(name, makeProcess(engine, this.host.processOptions(name, one)));
  }

  /** The process that makes the calls of the step that runs now. */
  get process(): Process {
    return this.processCalled(this.caller);
  }

  /** Any process by its name. */
  processCalled(name: string): Process {
    const found = this.processes.get(name);
    if (found === undefined) throw new SyntaxError(`no process is called ${name}`);
    return found;
  }

  /** From now on another process calls. */
  calls(by = MAIN): void {
    this.caller = by;
  }

  /** The row's device, or another of its set; a function's of its host. */
  device(name?: string): TableDevice {
    return this.host === undefined ? this.ofSet(name) : this.ofHost(this.host, name);
  }

  private ofHost(host: HostBench, name?: string): TableDevice {
    const { device, description } = host.find(name);
    if (device === undefined) throw new SyntaxError(`${description.slot} has no device that could do something`);
    return device;
  }

  private ofSet(name = this.key): TableDevice {
    const found = this.devices.get(name);
    if (found === undefined) throw new SyntaxError(`device ${name} is not in the set of ${this.key}`);
    return found;
  }

  /** Opens a device node of the row's host. */
  openPath(path: string): number {
    if (this.host === undefined) throw new SyntaxError('the row has no host, and so no paths');
    return this.process.open(this.host.path(path));
  }

  open({ cdev, readOnly, profile }: OpenStep = {}, device?: string): number {
    const options: OpenOptions = {
      ...(readOnly !== undefined && { readOnly }),
      ...(profile !== undefined && { profile }),
      ...(cdev !== undefined && { cdev: { iommufd: this.iommufd(cdev.iommufd), devid: cdev.devid } }),
    };
    if (this.host !== undefined) throw new SyntaxError('devices of a host are opened by path');
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

  /** Whether an object was learnt. */
  knows(id: string): boolean {
    return this.ids.has(id);
  }

  id(name: string): number {
    const found = this.ids.get(name);
    if (found === undefined) throw new SyntaxError(`no id is called ${name}`);
    return found;
  }

  /** Whether another object of the same iommufd has a number: names of those of another begin otherwise, up to a dot. */
  isTaken(name: string, number: number): boolean {
    const iommufd = (one: string): string => (one.includes('.') ? one.split('.')[0]! : '');
    return [...this.ids].some(([other, known]) => known === number && iommufd(other) === iommufd(name));
  }

  learn(id: string, number: number): void {
    this.ids.set(id, number);
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

  /** Ends the processes and takes the devices away. */
  end(): void {
    for (const process of this.processes.values()) process.exit();
    this.host?.end();
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
