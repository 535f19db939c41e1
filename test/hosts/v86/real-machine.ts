// v86 itself with the guest of guest-program.ts: no BIOS, no system, nothing loaded from anywhere but the package.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runInThisContext } from 'node:vm';
import type { Engine } from '../../../src/core/index.ts';
import { wasmFn } from '../../../src/hosts/v86/index.ts';
import type { V86Emulator } from '../../../src/hosts/v86/index.ts';
import { ACKNOWLEDGE, DONE, GO, OPERATIONS, RESULTS, SCRIPT, TAKEN, guestProgram } from './guest-program.ts';

type Operation = (typeof OPERATIONS)[number];
/** Operation, address, value; and what is stored, for 64 and 128 bits. */
export type Step = readonly [operation: Operation, address?: number, value?: number, wide?: readonly number[]];

interface Emulator extends V86Emulator {
  readonly v86: { readonly cpu: { readonly mem8: Uint8Array; readonly memory_map_read8: readonly unknown[]; readonly memory_map_read32: unknown[] } };
  add_listener(event: string, listener: (value: never) => void): void;
  remove_listener(event: string, listener: (value: never) => void): void;
  run(): Promise<void>;
  stop(): Promise<void>;
  restart(): void;
  destroy(): Promise<void>;
  save_state(): Promise<ArrayBuffer>;
  restore_state(state: ArrayBuffer): Promise<void>;
}

const folder = join(dirname(createRequire(__filename).resolve('v86/package.json')), 'build');
// What is used of WebAssembly, whose types are a browser's.
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: { compile(bytes: Uint8Array): Promise<object>; instantiate(module: object, imports: object): Promise<{ readonly exports: object }> };
};
let wasm: Promise<object> | undefined;

function emulatorClass(): new (options: object) => Emulator {
  const module = { exports: {} as { V86: new (options: object) => Emulator } };
  // The package's script is a module by its package.json only: it is run as the script that it is.
  (runInThisContext(`(function (module) { ${readFileSync(join(folder, 'libv86.js'), 'utf8')}\n})`) as (into: typeof module) => void)(module);
  return module.exports.V86;
}

/** A running v86. */
export class RealMachine {
  readonly emulator: Emulator;

  private constructor(emulator: Emulator) {
    this.emulator = emulator;
  }

  static async make(options: { readonly acpi?: boolean; readonly imports?: (env: Record<string, unknown>) => void; /** Linked to it. */ readonly engine?: Engine } = {}): Promise<RealMachine> {
    wasm ??= WebAssembly.compile(readFileSync(join(folder, 'v86.wasm')));
    const module = await wasm;
    const emulator = new (emulatorClass())({
      memory_size: 4 << 20,
      vga_memory_size: 1 << 20,
      bios: { buffer: guestProgram().buffer },
      net_device: { type: 'none' },
      autostart: false,
      disable_speaker: true,
      acpi: options.acpi ?? false,
      wasm_fn: async (imports: { readonly env: Record<string, unknown> }) => {
        options.imports?.(imports.env);
        if (options.engine !== undefined) return wasmFn(options.engine, module)(imports);
        return (await WebAssembly.instantiate(module, imports)).exports;
      },
    });
    await new Promise<void>((resolve) => emulator.add_listener('emulator-ready', () => resolve()));
    return new RealMachine(emulator);
  }

  dword(address: number): number {
    const bytes = this.emulator.read_memory(address, 4);
    return (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24)) >>> 0;
  }

  poke(address: number, ...values: number[]): void {
    const bytes = new Uint8Array(4 * values.length);
    const view = new DataView(bytes.buffer);
    values.forEach((value, i) => view.setUint32(4 * i, value >>> 0, true));
    this.emulator.write_memory(bytes, address);
  }

  /** Interrupts that the guest has taken at a vector. */
  taken(vector: number): number {
    return this.dword(TAKEN + 4 * vector);
  }

  /** What each interrupt handler writes before it ends the interrupt. */
  acknowledge(address: number, value: number): void {
    this.poke(ACKNOWLEDGE, address, value);
  }

  /** Has the processor do the steps; answers what the loads found. */
  async run(...steps: Step[]): Promise<number[]> {
    const script: number[] = [];
    for (const [operation, address = 0, value = 0, wide = []] of steps) script.push(OPERATIONS.indexOf(operation), address, value, ...wide);
    script.push(0, 0, 0);
    this.poke(SCRIPT, ...script);
    this.poke(DONE, 0);
    this.poke(GO, 1);
    await this.emulator.run();
    while (this.dword(DONE) === 0) await new Promise((resolve) => setImmediate(resolve));
    await this.emulator.stop();
    const loads = steps.filter(([operation]) => /^(read|in|loadMany)/.test(operation)).length;
    return Array.from({ length: loads }, (_, i) => this.dword(RESULTS + 4 * i));
  }

  /** Steps that read a dword of configuration space. */
  static configRead(devfn: number, offset: number): Step[] {
    return [['out32', 0xcf8, (0x8000_0000 | (devfn << 8) | offset) >>> 0], ['in32', 0xcfc]];
  }

  /** Steps that write to configuration space. */
  static configWrite(devfn: number, offset: number, value: number, width: 8 | 16 | 32 = 32): Step[] {
    return [['out32', 0xcf8, (0x8000_0000 | (devfn << 8) | (offset & 0xfc)) >>> 0], [`out${width}`, 0xcfc + (offset & 3), value]];
  }

  /** Steps that place a 32-bit memory BAR and have the card decode it and master the bus. */
  static place(devfn: number, bar: number, address: number): Step[] {
    return [...RealMachine.configWrite(devfn, 0x10 + 4 * bar, address), ...RealMachine.configWrite(devfn, 4, 0x6, 16)];
  }

  /** Steps that set the interrupt controllers up: vectors 20 and 28 on, all lines open, those of PCI level-triggered, all pins on line 11. */
  static controllers(): Step[] {
    const out = (port: number, value: number): Step => ['out8', port, value];
    return [
      ...[[0x20, 0x11], [0x21, 0x20], [0x21, 0x04], [0x21, 0x01], [0xa0, 0x11], [0xa1, 0x28], [0xa1, 0x02], [0xa1, 0x01]].map(([port, value]) => out(port!, value!)),
      out(0x4d1, 0x0e), out(0x21, 0xfb), out(0xa1, 0xf7),
      ...[0, 1, 2, 3].flatMap((pin) => RealMachine.configWrite(8, 0x60 + pin, 11, 8)),
    ];
  }

  async destroy(): Promise<void> {
    await this.emulator.destroy();
  }
}
