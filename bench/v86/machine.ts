// v86 from its package with the guest of guest.ts.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runInThisContext } from 'node:vm';
import type { V86Emulator } from '../../src/hosts/v86/index.ts';
import { LOOP_NAMES, ORDER, PORT, benchProgram } from './guest.ts';
import type { LoopName } from './guest.ts';

type Handler = (address: number) => number;
type Store = (address: number, value: number) => void;

interface Emulator extends V86Emulator {
  readonly v86: {
    readonly cpu: {
      readonly io: {
        mmap_register(address: number, size: number, read8: Handler, write8: Store, read32: Handler, write32: Store): void;
        register_write(port: number, device: object, write8: (value: number) => void): void;
        port_write32(port: number, value: number): void;
        port_write16(port: number, value: number): void;
      };
    };
  };
  add_listener(event: string, listener: () => void): void;
  run(): Promise<void>;
  stop(): Promise<void>;
}

declare const WebAssembly: { compile(bytes: Uint8Array): Promise<object>; instantiate(module: object, imports: object): Promise<{ readonly exports: object }> };

const folder = join(dirname(createRequire(import.meta.url).resolve('v86/package.json')), 'build');

// What others on the machine take away does not count.
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** v86.wasm, compiled. */
export function v86Wasm(): Promise<object> {
  return WebAssembly.compile(readFileSync(join(folder, 'v86.wasm')));
}

/** An emulator with the guest. */
export class BenchMachine {
  readonly emulator: Emulator;
  private begun = 0;
  private ended: ((microseconds: number) => void) | undefined;

  private constructor(emulator: Emulator) {
    this.emulator = emulator;
    emulator.v86.cpu.io.register_write(PORT, this, (value) => {
      if (value === 1) this.begun = processorTime();
      else this.ended?.(processorTime() - this.begun);
    });
  }

  static async make(wasm_fn?: (imports: { readonly env: object }) => Promise<object>): Promise<BenchMachine> {
    const module = { exports: {} as { V86: new (options: object) => Emulator } };
    // The package's script is a module by its package.json only: it is run as the script that it is.
    (runInThisContext(`(function (module) { ${readFileSync(join(folder, 'libv86.js'), 'utf8')}\n})`) as (into: typeof module) => void)(module);
    const compiled = await v86Wasm();
    const emulator = new module.exports.V86({
      memory_size: 16 << 20, vga_memory_size: 1 << 20, bios: { buffer: benchProgram().buffer }, net_device: { type: 'none' }, autostart: false, disable_speaker: true,
      wasm_fn: wasm_fn ?? (async (imports: object) => (await WebAssembly.instantiate(compiled, imports)).exports),
    });
    await new Promise<void>((resolve) => emulator.add_listener('emulator-ready', resolve));
    const machine = new BenchMachine(emulator);
    return machine;
  }

  /** A guest's write to configuration space, without the guest. */
  configWrite(devfn: number, offset: number, value: number, bits: 16 | 32): void {
    const { io } = this.emulator.v86.cpu;
    io.port_write32(0xcf8, (0x8000_0000 | (devfn << 8) | offset) | 0);
    if (bits === 32) io.port_write32(0xcfc, value | 0);
    else io.port_write16(0xcfc, value);
  }

  /** Nanoseconds for an access of a loop. */
  async sample(loop: LoopName, address: number, accesses: number): Promise<number> {
    const order = new Uint8Array(12);
    const view = new DataView(order.buffer);
    view.setUint32(0, LOOP_NAMES.indexOf(loop) + 1, true);
    view.setUint32(4, address, true);
    view.setUint32(8, accesses, true);
    const microseconds = await new Promise<number>((resolve) => {
      this.ended = resolve;
      this.emulator.write_memory(order, ORDER);
    });
    return (microseconds * 1e3) / accesses;
  }
}
