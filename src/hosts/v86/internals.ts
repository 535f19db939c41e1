// What is used of the inside of v86, none of which v86 promises: as types, and as a list that is checked before anything is changed.
//
//   emulator.v86            the machine: idle
//     .cpu                  memory tables, stores wider than 32 bits, flags, interrupt controllers, reset
//       .io                 64 Ki ports
//       .devices.pci        configuration mechanism #1, 256 functions of bus 0, interrupt routing
//
// Source: the package v86 0.5.462, build/libv86.mjs, and how it behaves.

/** The version of v86 that this was tried with. */
export const TRIED_VERSION = '0.5.462';

/** An emulator of v86: `new V86({ ... })`. What is needed beyond its public methods is looked for when a device is attached. */
export interface V86Emulator {
  read_memory(offset: number, length: number): Uint8Array;
  write_memory(blob: Uint8Array, offset: number): void;
}

/** One port. Handlers are called with `this` = device; those for writing are not told the port. */
export interface V86Port {
  readonly read8: (this: unknown, port: number) => number;
  readonly read16: (this: unknown, port: number) => number;
  readonly read32: (this: unknown, port: number) => number;
  readonly write8: (this: unknown, value: number) => void;
  readonly write16: (this: unknown, value: number) => void;
  readonly write32: (this: unknown, value: number) => void;
  readonly device: unknown;
}

/** `cpu.io` */
export interface V86Io {
  readonly ports: V86Port[];
  port_read8(port: number): number;
  port_write8(port: number, value: number): void;
  /** Needed by the linked path only. */
  mmap_register?: (address: number, size: number, ...handlers: unknown[]) => void;
}

/** A function as `pci.register_device` takes it. */
export interface V86PciDevice {
  readonly name: string;
  /** Device and function number. */
  readonly pci_id: number;
  readonly pci_space: readonly number[];
  readonly pci_bars: readonly unknown[];
}

/** `cpu.devices.pci`. Addresses are those of port 0xcf8, without its enable bit's meaning. */
export interface V86Pci {
  readonly device_spaces: (Int32Array | undefined)[];
  readonly devices: (V86PciDevice | undefined)[];
  /** The four bytes that were written to port 0xcf8. */
  readonly pci_addr: Uint8Array;
  register_device(device: V86PciDevice): Int32Array;
  pci_query(): void;
  pci_write8(address: number, value: number): void;
  pci_write16(address: number, value: number): void;
  pci_write32(address: number, value: number): void;
  raise_irq(id: number): void;
  lower_irq(id: number): void;
}

/** A handler of a block of 128 KiB. Addresses are signed. */
export type V86Read = (address: number) => number;
/** A handler of a block of 128 KiB. */
export type V86Write = (address: number, value: number) => void;

/** `emulator.v86.cpu` */
export interface V86Cpu {
  readonly io: V86Io;
  readonly devices: { readonly pci: V86Pci };
  /** By address >>> 17. */
  readonly memory_map_read8: V86Read[];
  readonly memory_map_write8: V86Write[];
  readonly memory_map_read32: V86Read[];
  readonly memory_map_write32: V86Write[];
  mmap_write16: (address: number, value: number) => void;
  mmap_write64: (address: number, low: number, high: number) => void;
  mmap_write128: (address: number, a: number, b: number, c: number, d: number) => void;
  readonly memory_size: Uint32Array;
  readonly flags: Int32Array;
  readonly acpi_enabled: Uint8Array;
  readonly wasm_memory: { readonly buffer: ArrayBuffer };
  handle_irqs(): void;
  get_pic_addr_master(): number;
  get_pic_addr_slave(): number;
  get_apic_addr(): number;
  reboot_internal: () => void;
  run_hardware_timers: (acpi: boolean, now: number) => number;
}

/** What {@link internalsOf} answers. */
export interface V86Internals {
  readonly emulator: V86Emulator;
  readonly machine: { readonly idle: boolean };
  readonly cpu: V86Cpu;
  readonly io: V86Io;
  readonly pci: V86Pci;
}

type Kind = 'function' | 'object' | 'boolean' | 'array';

/** What is to be there: where, from the emulator on, and what it is. */
export type Expected = readonly (readonly [path: string, kind: Kind])[];

const EXPECTED: Expected = [
  ['read_memory', 'function'],
  ['write_memory', 'function'],
  ['v86', 'object'],
  ['v86.idle', 'boolean'],
  ['v86.cpu', 'object'],
  ...(['read8', 'write8', 'read32', 'write32'] as const).map((name) => [`v86.cpu.memory_map_${name}`, 'array'] as const),
  ...['mmap_write16', 'mmap_write64', 'mmap_write128', 'handle_irqs', 'get_pic_addr_master', 'get_pic_addr_slave', 'get_apic_addr', 'reboot_internal', 'run_hardware_timers'].map(
    (name) => [`v86.cpu.${name}`, 'function'] as const,
  ),
  ...['memory_size', 'flags', 'acpi_enabled'].map((name) => [`v86.cpu.${name}`, 'array'] as const),
  ['v86.cpu.wasm_memory', 'object'],
  ['v86.cpu.wasm_memory.buffer', 'object'],
  ['v86.cpu.io', 'object'],
  ['v86.cpu.io.ports', 'array'],
  ['v86.cpu.io.port_read8', 'function'],
  ['v86.cpu.io.port_write8', 'function'],
  ['v86.cpu.devices', 'object'],
  ['v86.cpu.devices.pci', 'object'],
  ...['register_device', 'pci_query', 'pci_write8', 'pci_write16', 'pci_write32', 'raise_irq', 'lower_irq'].map((name) => [`v86.cpu.devices.pci.${name}`, 'function'] as const),
  ...['device_spaces', 'devices', 'pci_addr'].map((name) => [`v86.cpu.devices.pci.${name}`, 'array'] as const),
];

const ARTICLED: Readonly<Record<Kind, string>> = { function: 'a function', object: 'an object', boolean: 'a boolean', array: 'an array' };

function isKind(value: unknown, kind: Kind): boolean {
  // Views of v86's memory are proxies, which make a new view when the memory has grown.
  if (kind === 'array') return Array.isArray(value) || typeof (value as readonly unknown[] | null | undefined)?.[0] === 'number';
  return kind === 'object' ? typeof value === 'object' && value !== null : typeof value === kind;
}

function valueAt(root: unknown, path: string): unknown {
  let value: unknown = root;
  for (const name of path.split('.')) value = (value as Readonly<Record<string, unknown>> | null | undefined)?.[name];
  return value;
}

/** Refuses an emulator that lacks something. TypeError that names the first thing missing, what was found in its place and what was expected. */
export function checkInside(call: string, emulator: unknown, expected: Expected): void {
  if (typeof emulator !== 'object' || emulator === null) throw new TypeError(`${call}: the emulator is ${emulator === null ? 'null' : typeof emulator}; expected a V86`);
  for (const [path, kind] of expected) {
    const found = valueAt(emulator, path);
    if (isKind(found, kind)) continue;
    const hint = path === 'v86' || path === 'v86.cpu.io' || path === 'v86.cpu.devices.pci' ? ": has 'emulator-ready' been told yet?" : '';
    throw new TypeError(`${call}: emulator.${path} is ${found === null ? 'null' : typeof found}; expected ${ARTICLED[kind]}, as in v86 ${TRIED_VERSION}${hint}`);
  }
}

/**
 * The inside of an emulator, once all that is used of it is known to be there. Changes nothing.
 *
 * @throws TypeError that names the first thing missing, what was found in its place and what was expected.
 */
export function internalsOf(call: string, emulator: unknown): V86Internals {
  checkInside(call, emulator, EXPECTED);
  const { v86: machine } = emulator as { readonly v86: { readonly idle: boolean; readonly cpu: V86Cpu } };
  return { emulator: emulator as V86Emulator, machine, cpu: machine.cpu, io: machine.cpu.io, pci: machine.cpu.devices.pci };
}
