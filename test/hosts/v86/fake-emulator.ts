// As much of v86 as the adapter touches, without a processor: tables, ports, configuration mechanism, interrupt controllers, memory. What v86 does at each place, this does.

import type { V86Emulator } from '../../../src/hosts/v86/index.ts';

interface Port {
  read8: (this: unknown, port: number) => number;
  read16: (this: unknown, port: number) => number;
  read32: (this: unknown, port: number) => number;
  write8: (this: unknown, value: number) => void;
  write16: (this: unknown, value: number) => void;
  write32: (this: unknown, value: number) => void;
  device: unknown;
}

interface Device {
  readonly name: string;
  readonly pci_id: number;
  readonly pci_space: readonly number[];
  readonly pci_bars: readonly unknown[];
}

export const RAM = 1 << 21;
const PIC = { master: 0x100, slave: 0x110 } as const;
const APIC = 0x200;

class FakePci {
  readonly device_spaces: (Int32Array | undefined)[] = Array.from({ length: 256 });
  readonly devices: (Device | undefined)[] = Array.from({ length: 256 });
  readonly pci_addr = new Uint8Array(4);
  response = -1;
  readonly lines: string[] = [];

  register_device(device: Device): Int32Array {
    const space = new Int32Array(64);
    space.set(new Int32Array(new Uint8Array(device.pci_space).buffer).subarray(0, 64));
    this.device_spaces[device.pci_id] = space;
    this.devices[device.pci_id] = device;
    return space;
  }

  pci_query(): void {
    const space = this.device_spaces[(this.pci_addr[2]! << 8) | this.pci_addr[1]!];
    this.response = space === undefined ? -1 : space[(this.pci_addr[0]! & 0xfc) >> 2]!;
  }

  private bytes(address: number): Uint8Array {
    // As v86: a function that is not there is a failure.
    return new Uint8Array(this.device_spaces[(address >> 8) & 0xffff]!.buffer);
  }

  pci_write8(address: number, value: number): void {
    this.bytes(address)[address & 0xff] = value;
  }

  pci_write16(address: number, value: number): void {
    new DataView(this.bytes(address).buffer).setUint16(address & 0xff, value, true);
  }

  pci_write32(address: number, value: number): void {
    const space = this.device_spaces[(address >> 8) & 0xffff];
    if (space !== undefined) space[(address & 0xff) >> 2] = value;
  }

  raise_irq(id: number): void {
    if (this.device_spaces[id] === undefined) throw new Error('no such function');
    this.lines.push(`raise ${id.toString(16)}`);
  }

  lower_irq(id: number): void {
    if (this.device_spaces[id] === undefined) throw new Error('no such function');
    this.lines.push(`lower ${id.toString(16)}`);
  }
}

class FakeIo {
  readonly ports: Port[];

  constructor() {
    const empty: Port = { read8: () => 0xff, read16: () => 0xffff, read32: () => -1, write8: () => undefined, write16: () => undefined, write32: () => undefined, device: undefined };
    this.ports = new Array<Port>(0x10000).fill(empty);
  }

  port_read8(port: number): number {
    const entry = this.ports[port]!;
    return entry.read8.call(entry.device, port);
  }

  port_read16(port: number): number {
    const entry = this.ports[port]!;
    return entry.read16.call(entry.device, port);
  }

  port_read32(port: number): number {
    const entry = this.ports[port]!;
    return entry.read32.call(entry.device, port);
  }

  port_write8(port: number, value: number): void {
    const entry = this.ports[port]!;
    entry.write8.call(entry.device, value);
  }

  port_write16(port: number, value: number): void {
    const entry = this.ports[port]!;
    entry.write16.call(entry.device, value);
  }

  port_write32(port: number, value: number): void {
    const entry = this.ports[port]!;
    entry.write32.call(entry.device, value);
  }
}

class FakeCpu {
  readonly io = new FakeIo();
  readonly devices = { pci: new FakePci() };
  readonly memory_map_read8: ((address: number) => number)[] = [];
  readonly memory_map_write8: ((address: number, value: number) => void)[] = [];
  readonly memory_map_read32: ((address: number) => number)[] = [];
  readonly memory_map_write32: ((address: number, value: number) => void)[] = [];
  readonly memory_size = new Uint32Array([RAM]);
  readonly flags = new Int32Array([0x202]);
  readonly acpi_enabled: Uint8Array;
  readonly wasm_memory = { buffer: new ArrayBuffer(0x1000) };
  readonly mem8 = new Uint8Array(RAM);
  /** What the platform's own handler was asked, oldest first. */
  readonly stray: string[] = [];
  handled = 0;
  reboots = 0;
  timers = 0;

  constructor(acpi: boolean) {
    this.acpi_enabled = new Uint8Array([acpi ? 1 : 0]);
    const read8 = (address: number): number => this.note(`r8 ${address}`, 0x11);
    const write8 = (address: number, value: number): void => void this.note(`w8 ${address} ${value}`, 0);
    const read32 = (address: number): number => this.note(`r32 ${address}`, 0x2222_2222);
    const write32 = (address: number, value: number): void => void this.note(`w32 ${address} ${value}`, 0);
    for (let block = 0; block < 32768; block++) {
      if (block * 0x2_0000 < RAM && block !== 5) continue;
      this.memory_map_read8[block] = read8;
      this.memory_map_write8[block] = write8;
      this.memory_map_read32[block] = read32;
      this.memory_map_write32[block] = write32;
    }
    const { pci } = this.devices;
    const byte = (at: number): number => (pci.response >>> (8 * at)) & 0xff;
    for (let at = 0; at < 4; at++) {
      this.io.ports[0xcfc + at] = {
        read8: () => byte(at),
        read16: () => byte(at) | (byte(at + 1) << 8),
        read32: () => pci.response,
        write8: (value) => pci.pci_write8(this.address | at, value),
        write16: (value) => pci.pci_write16(this.address | at, value),
        write32: (value) => pci.pci_write32(this.address, value),
        device: pci,
      };
    }
    pci.register_device({ name: 'host', pci_id: 0, pci_space: Array.from({ length: 64 }, () => 0), pci_bars: [] });
    pci.register_device({ name: 'bridge', pci_id: 8, pci_space: Array.from({ length: 256 }, () => 0), pci_bars: [] });
  }

  private get address(): number {
    const { pci_addr } = this.devices.pci;
    return pci_addr[0]! | (pci_addr[1]! << 8) | (pci_addr[2]! << 16);
  }

  private note(what: string, value: number): number {
    this.stray.push(what);
    return value;
  }

  mmap_write16(address: number, value: number): void {
    const write = this.memory_map_write8[address >>> 17]!;
    write(address, value & 0xff);
    write((address + 1) | 0, value >> 8);
  }

  mmap_write64(address: number, low: number, high: number): void {
    const write = this.memory_map_write32[address >>> 17]!;
    write(address, low);
    write(address + 4, high);
  }

  mmap_write128(address: number, ...words: number[]): void {
    words.forEach((word, i) => this.memory_map_write32[address >>> 17]!(address + 4 * i, word));
  }

  handle_irqs(): void {
    this.handled++;
  }

  get_pic_addr_master(): number {
    return PIC.master;
  }

  get_pic_addr_slave(): number {
    return PIC.slave;
  }

  get_apic_addr(): number {
    return APIC;
  }

  reboot_internal(): void {
    this.reboots++;
  }

  run_hardware_timers(): number {
    this.timers++;
    return 1;
  }
}

/** The emulator, with the accesses that its guest would make. */
export class FakeEmulator implements V86Emulator {
  readonly v86: { idle: boolean; readonly cpu: FakeCpu };

  constructor(options: { readonly acpi?: boolean } = {}) {
    this.v86 = { idle: true, cpu: new FakeCpu(options.acpi ?? false) };
  }

  get cpu(): FakeCpu {
    return this.v86.cpu;
  }

  get pci(): FakePci {
    return this.cpu.devices.pci;
  }

  read_memory(offset: number, length: number): Uint8Array {
    return this.cpu.mem8.subarray(offset, offset + length);
  }

  write_memory(blob: Uint8Array, offset: number): void {
    this.cpu.mem8.set(blob, offset);
  }

  /** A guest's load from memory that is not RAM. */
  load(address: number, bits: 8 | 32): number {
    const { cpu } = this;
    return (bits === 8 ? cpu.memory_map_read8 : cpu.memory_map_read32)[address >>> 17]!(address | 0);
  }

  /** A guest's store to memory that is not RAM. */
  store(address: number, bits: 8 | 16 | 32 | 64 | 128, ...values: number[]): void {
    const { cpu } = this;
    const at = address | 0;
    const words = values.map((value) => value | 0);
    if (bits === 8) cpu.memory_map_write8[address >>> 17]!(at, values[0]!);
    else if (bits === 16) cpu.mmap_write16(at, values[0]!);
    else if (bits === 32) cpu.memory_map_write32[address >>> 17]!(at, words[0]!);
    else if (bits === 64) cpu.mmap_write64(at, words[0]!, words[1]!);
    else cpu.mmap_write128(at, words[0]!, words[1]!, words[2]!, words[3]!);
  }

  private select(devfn: number, offset: number): void {
    this.pci.pci_addr.set([offset & 0xfc, devfn & 0xff, devfn >> 8, 0x80]);
    this.pci.pci_query();
  }

  configRead(devfn: number, offset: number): number {
    this.select(devfn, offset);
    return this.cpu.io.port_read32(0xcfc) >>> 0;
  }

  configWrite(devfn: number, offset: number, bits: 8 | 16 | 32, value: number): void {
    this.select(devfn, offset);
    const port = 0xcfc + (offset & 3);
    if (bits === 8) this.cpu.io.port_write8(port, value);
    else if (bits === 16) this.cpu.io.port_write16(port, value);
    else this.cpu.io.port_write32(port, value | 0);
  }

  /** Requests that stand in the interrupt controllers. */
  controller(which: 'master' | 'slave'): Uint8Array {
    return new Uint8Array(this.cpu.wasm_memory.buffer, PIC[which], 13);
  }

  /** Vectors that the local APIC has been asked for. */
  requested(): number[] {
    const bits = new Uint32Array(this.cpu.wasm_memory.buffer, APIC + 64, 8);
    return Array.from({ length: 256 }, (_, vector) => vector).filter((vector) => ((bits[vector >> 5]! >>> (vector & 31)) & 1) === 1);
  }

  /** How much of what an adapter could change is another thing than it was. */
  changedSince(before: readonly unknown[]): number {
    const now = this.parts();
    return now.filter((part, i) => part !== before[i]).length + Math.abs(now.length - before.length);
  }

  /** What {@link FakeEmulator.changedSince} compares. */
  parts(): unknown[] {
    const { cpu, pci } = this;
    return [
      ...['mmap_write16', 'mmap_write64', 'mmap_write128', 'reboot_internal', 'run_hardware_timers'].map((name) => Object.hasOwn(cpu, name)),
      ...['pci_write8', 'pci_write16', 'pci_write32', 'pci_query'].map((name) => Object.hasOwn(pci, name)),
      ...cpu.memory_map_read8, ...cpu.memory_map_write8, ...cpu.memory_map_read32, ...cpu.memory_map_write32, ...cpu.io.ports, ...pci.devices, ...pci.device_spaces,
    ];
  }
}
