// What a conformance table is made of: rows of calls with the bytes before and after, as JSON. docs/conformance.md draws one.
//
//   section --- rows --- before .. call .. after      each a step: one system call, or something that the device does, and what is expected of it
//                   \--- device, by name: devices.json; or host, or start, by name: host-table.ts

import type { HostData, Start } from './host-table.ts';

/** Bytes in hex, in groups as they read well: `18000000 aa*16`, `&block` or `&block+0x10` (an address in a block or mapping, 8 bytes), `#fd` (its number, 4 bytes), `=fd` (a new fd, 4 bytes), `%id` (an object's id, 4 bytes), `??` (any byte), `@times` (how often the step was made before, 4 bytes). */
export type Hex = string;

/** What a call returns: a number, the name of an errno, `fd`, `address`, or the signal that a load or store ends in. */
export type Returns = number | string;

/** An fd by its name, or as a number that no call has given. */
export type FdName = string | number;

/** One step of a row. What is left out is as its comment says. */
export interface Step {
  readonly do: 'open' | 'eventfd' | 'group' | 'ioctl' | 'read' | 'write' | 'pread' | 'pwrite' | 'lseek' | 'poll' | 'dup' | 'send' | 'close' | 'mmap' | 'munmap' | 'load' | 'store' | 'events' | 'device';
  /** The file. Default `dev`: the row's device, open. */
  readonly fd?: FdName;
  /** The process that makes the call. Default `main`. */
  readonly by?: string;
  /** send: the process that gets the fd. */
  readonly to?: string;
  /** Name of the fd, or of the mapping, that the call makes. */
  readonly as?: string;
  /** Default 0; for reads, writes, loads and stores their length; `fd` and `address` for calls that make one. */
  readonly returns?: Returns;
  /** How often it is made. Default once. */
  readonly times?: number;
  /** ioctl: name and number, or the number of a request without a name. */
  readonly request?: string;
  /** The argument's bytes, or what is written. Memory ends behind them. Default for ioctl: NULL. */
  readonly in?: Hex;
  /** The same bytes afterwards; of a read, the buffer. Default: as they were. */
  readonly out?: Hex;
  /** ioctl: the argument lies in a mapping, `name+0x10`, instead of memory of its own. */
  readonly argument?: string;
  /** ioctl: the argument is this text and a NUL. */
  readonly text?: string;
  /** Further blocks of memory that the argument points to. */
  readonly memory?: Readonly<Record<string, Hex>>;
  /** Those that are other bytes afterwards. */
  readonly memoryOut?: Readonly<Record<string, Hex>>;
  /** Bytes that are moved or mapped. */
  readonly length?: number | string;
  /** Bytes of memory that there really are for them. Default: as many. */
  readonly room?: number;
  /** pread, pwrite, mmap: in the file. */
  readonly offset?: string;
  /** mmap: PROT_ and MAP_ numbers. Default 3 and 1: to read and write, shared. */
  readonly protection?: number;
  readonly flags?: number;
  /** load, store, munmap: in the mapping `map`. */
  readonly map?: string;
  readonly at?: string;
  /** poll: what is asked for. */
  readonly events?: number;
  /** eventfd: what its counter starts with. group: its number. ioctl: the argument is this number itself. */
  readonly value?: Size;
  /** open: a device node of the row's host. `{group nic}` is the number of that function's group, `{cdev nic}` that of its character device. */
  readonly path?: string;
  /** open: another device of the set. Default: the row's. device: a function of the row's host. */
  readonly device?: string;
  readonly options?: OpenStep;
  /** device: what it does, or is asked. */
  readonly event?: string;
  /** device: what it answers, line by line. */
  readonly lines?: readonly string[];
}

/** How a row opens a device. */
export interface OpenStep {
  /** Through its character device, bound to an iommufd of this name, with this id. */
  readonly cdev?: { readonly iommufd: string; readonly devid: number };
  readonly readOnly?: boolean;
  /** A kernel with a proposal: `alias` for the vectors of ALIAS_REGION. */
  readonly profile?: 'v6.14' | 'cookie' | 'alias';
}

/** One statement, as calls. */
export interface Row {
  /** `1.5-07`. */
  readonly id: string;
  readonly statement: string;
  /** Where in the text it stands, if that is not its section's head: `appendix B, V2a`. */
  readonly cites?: string;
  /** The text leaves it open, or says nothing of such a device: what this library does. */
  readonly choice?: true;
  /** What `dev` is open of at the start. One of `device`, `host` and `from`. */
  readonly device?: string;
  /** Where nothing is open at the start. */
  readonly host?: string;
  /** The start whose steps come first; it names the host. */
  readonly from?: string;
  /** Of a `device`. */
  readonly open?: OpenStep;
  /** Brings about the state. */
  readonly before?: readonly Step[];
  readonly call: Step;
  /** Shows what the call has done. */
  readonly after?: readonly Step[];
}

/** The rows of one section. */
export interface Section {
  readonly section: string;
  readonly title: string;
  readonly rows: readonly Row[];
}

/** A number in hex, or as it is. */
export type Size = string | number;

/** One region of a device. */
export interface RegionData {
  readonly size: Size;
  /** Byte `i` is `(i + fill) mod 256`. Default 0. */
  readonly fill?: number;
  /** All bytes are 0 instead, but for these: offset to hex. */
  readonly bytes?: Readonly<Record<string, string>>;
  readonly ports?: boolean;
  readonly writable?: boolean;
  /** Bytes of a ROM's image. */
  readonly image?: Size;
  /** Its cycles are written down: event `cycles`. */
  readonly logged?: boolean;
  /** Type and subtype of a device-specific region. */
  readonly type?: readonly [Size, Size];
  /** Areas of a SPARSE_MMAP capability: offset, size. */
  readonly sparse?: readonly (readonly [Size, Size])[];
}

/** One device. */
export interface DeviceData {
  /** What it is for. */
  readonly about: string;
  readonly name?: string;
  readonly kind?: 'pci' | 'platform' | 'cdx';
  /** Function reset works. What it does to configuration space: devices.ts. */
  readonly reset?: boolean;
  readonly regions: Readonly<Record<string, RegionData>>;
  readonly virtualFunction?: { readonly vendor: Size; readonly device: Size };
  /** Vital product data: address to dword. */
  readonly vpd?: Readonly<Record<string, Size>>;
  readonly msix?: { readonly bar: number; readonly offset: Size; readonly count: number };
  readonly msixMode?: 'mappable' | 'sparse';
  readonly interrupts?: { readonly intx?: boolean; readonly msi?: number; readonly dynamicMsix?: boolean; readonly express?: boolean; readonly availableVectors?: number };
  readonly atomics?: number;
  readonly physicalFunction?: boolean;
  readonly suspends?: boolean;
  readonly busMaster?: boolean;
  readonly dmaLogging?: boolean;
  readonly migration?: MigrationData;
  readonly display?: DisplayData;
  /** What a reset of its bus hits. `device`: a name of this table, and `self` for the device itself. */
  readonly hotReset?: readonly { readonly bus: number; readonly devfn: number; readonly group?: number; readonly device?: string }[];
}

/** A stream of migration: chunks of the first pass, what changes after it, and what is left when the device has stopped. */
export interface MigrationData {
  readonly flags: number;
  readonly manner?: 'mlx5' | 'mtty';
  readonly size: Size;
  readonly first?: readonly string[];
  readonly changed?: readonly string[];
  /** `null`: not ready when it is first asked for. */
  readonly last?: readonly (string | null)[];
  /** Bytes that a stream which is loaded has. Fewer are EINVAL at its end. */
  readonly loads: number;
  /** What such a stream begins with: anything else is EFAULT when its last byte arrives. Default: not looked at. */
  readonly header?: string;
  /** A byte that no stream of the device has: a write with it is EFAULT. Default: none. */
  readonly rejects?: string;
  /** Arcs that the device refuses: `STOP>RESUMING` and the errno. */
  readonly refuses?: Readonly<Record<string, string>>;
}

/** A plane: a region of the device, or a buffer in one. */
export interface DisplayData {
  readonly kind: 'region' | 'dma-buf';
  readonly region: number;
  readonly position?: Size;
  readonly format: Size;
  readonly width: number;
  readonly height: number;
  readonly stride: number;
  readonly size: Size;
  /** Nothing is shown until the event `show`. */
  readonly off?: boolean;
}

/** All that a run needs. */
export interface Table {
  readonly devices: Readonly<Record<string, DeviceData>>;
  readonly hosts: Readonly<Record<string, HostData>>;
  readonly starts: Readonly<Record<string, Start>>;
  readonly sections: readonly Section[];
}
