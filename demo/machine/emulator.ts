// Makes an emulator of v86 from files that this page's server has, and waits until it can be given cards.

import { V86 } from 'v86';
import type { Engine } from 'maplebar';
import { wasmFn } from 'maplebar/v86';

/** What a machine starts with; see v86's own options. */
export interface EmulatorParts {
  readonly memoryBytes: number;
  readonly bios: ArrayBuffer;
  readonly vgaBios?: ArrayBuffer;
  readonly kernel?: { readonly image: ArrayBuffer; readonly initrd?: ArrayBuffer | undefined; readonly commandLine: string };
  readonly state?: ArrayBuffer;
  readonly acpi: boolean;
  readonly screen: HTMLElement | null;
  /** The engine that v86's WebAssembly is linked to; null for memory accesses through v86's JavaScript. */
  readonly linkedTo: Engine | null;
}

interface Inside {
  readonly v86: { readonly cpu: { readonly devices: { readonly pci: { readonly devices: ({ readonly pci_bars: unknown[] } | undefined)[] } }; readonly io: {
    register_read(port: number, device: unknown, read8: () => number, read16: () => number, read32: () => number): void;
    register_write(port: number, device: unknown, write8: () => void, write16: () => void, write32: () => void): void;
  } } };
}

/** Ports of a hot-plug controller that the firmware tells of and v86 has not: all ones there would have Linux eject every card before ours are plugged in. */
function quietHotplugPorts(emulator: V86): void {
  const { io } = (emulator as unknown as Inside).v86.cpu;
  const zero = (): number => 0;
  const nothing = (): void => undefined;
  for (let port = 0xae00; port < 0xae20; port++) {
    io.register_read(port, undefined, zero, zero, zero);
    io.register_write(port, undefined, nothing, nothing, nothing);
  }
}

/** BARs of channels that its disk controller has not: v86 cannot restore its own states without a size for them. */
function sizeMissingBars(emulator: V86): void {
  for (const device of (emulator as unknown as Inside).v86.cpu.devices.pci.devices) {
    for (let bar = 0; bar < (device?.pci_bars.length ?? 0); bar++) device!.pci_bars[bar] ??= { size: 0, original_bar: 0, entries: [] };
  }
}

/** A file of the server. Error that names it where it is not there. */
export async function fetchFile(name: string): Promise<ArrayBuffer> {
  const response = await fetch(new URL(name, document.baseURI));
  if (!response.ok) throw new Error(`${name} is not on this server (${response.status})`);
  return response.arrayBuffer();
}

/** A file that was stored with gzip: browsers unpack it themselves. */
export async function fetchPacked(name: string): Promise<ArrayBuffer> {
  const response = await fetch(new URL(name, document.baseURI));
  if (!response.ok || response.body === null) throw new Error(`${name} is not on this server (${response.status})`);
  return new Response(response.body.pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}

/** An emulator that has told that it is ready; it does not run yet. */
export async function makeEmulator(parts: EmulatorParts): Promise<V86> {
  const { kernel, vgaBios, state, linkedTo } = parts;
  const wasm = new URL('v86.wasm', document.baseURI);
  const emulator = new V86({
    wasm_path: wasm.href,
    ...(linkedTo !== null && { wasm_fn: wasmFn(linkedTo, fetch(wasm)) as never }),
    memory_size: parts.memoryBytes,
    vga_memory_size: 8 << 20,
    bios: { buffer: parts.bios },
    ...(vgaBios !== undefined && { vga_bios: { buffer: vgaBios } }),
    ...(kernel !== undefined && {
      bzimage: { buffer: kernel.image },
      cmdline: kernel.commandLine,
      ...(kernel.initrd !== undefined && { initrd: { buffer: kernel.initrd } }),
    }),
    ...(state !== undefined && { initial_state: { buffer: state } }),
    acpi: parts.acpi,
    autostart: false,
    disable_speaker: true,
    disable_mouse: true,
    // Keys go to the guest while its screen has the focus, see console.ts.
    disable_keyboard: parts.screen === null,
    net_device: { type: 'none' } as never,
    ...(parts.screen !== null && { screen: { container: parts.screen } }),
  });
  await new Promise<void>((resolve, reject) => {
    emulator.add_listener('download-error', () => reject(new Error('v86.wasm could not be loaded')));
    emulator.add_listener('emulator-ready', () => {
      sizeMissingBars(emulator);
      if (parts.acpi) quietHotplugPorts(emulator);
    });
    emulator.add_listener('emulator-loaded', () => resolve());
  });
  return emulator;
}
