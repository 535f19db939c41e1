// The fake emulator with a processor of WebAssembly: a module that does with its imports what v86.wasm does, so that wasmFn has something to link.

import type { Engine } from '../../../src/core/index.ts';
import { wasmFn } from '../../../src/hosts/v86/index.ts';
import { FakeEmulator } from './fake-emulator.ts';

const IMPORTS = [['read8', 1, 1], ['read32', 1, 1], ['write8', 2, 0], ['write16', 2, 0], ['write32', 2, 0], ['write64', 3, 0], ['write128', 5, 0]] as const;

const section = (id: number, ...content: number[]): number[] => [id, content.length, ...content];
const name = (text: string): number[] => [text.length, ...Buffer.from(text)];

/** (module (import "env" "mmap_read8" ...) ... (memory (export "memory") 1) (export "read8" (func 0)) ...) */
export function processorModule(): Uint8Array {
  const types = IMPORTS.flatMap(([, parameters, results]) => [0x60, parameters, ...Array.from({ length: parameters }, () => 0x7f), results, ...Array.from({ length: results }, () => 0x7f)]);
  const imports = IMPORTS.flatMap(([what], i) => [...name('env'), ...name(`mmap_${what}`), 0, i]);
  const exports = [...name('memory'), 2, 0, ...IMPORTS.flatMap(([what], i) => [...name(what), 0, i])];
  const long = (id: number, content: number[]): number[] => [id, (content.length & 0x7f) | 0x80, content.length >> 7, ...content];
  return Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, IMPORTS.length, ...types), ...long(2, [IMPORTS.length, ...imports]), ...section(5, 1, 0, 1), ...section(7, IMPORTS.length + 1, ...exports),
  ]);
}

interface Processor {
  readonly memory: { readonly buffer: ArrayBuffer };
  read8(address: number): number;
  read32(address: number): number;
  write8(address: number, value: number): void;
  write16(address: number, value: number): void;
  write32(address: number, value: number): void;
  write64(address: number, low: number, high: number): void;
  write128(address: number, a: number, b: number, c: number, d: number): void;
}

/** A fake emulator whose loads and stores go from WebAssembly to an engine. */
export class LinkedEmulator extends FakeEmulator {
  private processor!: Processor;

  static async make(engine: Engine): Promise<LinkedEmulator> {
    const fake = new LinkedEmulator();
    const { cpu } = fake;
    const env = {
      mmap_read8: (address: number) => cpu.memory_map_read8[address >>> 17]!(address),
      mmap_read32: (address: number) => cpu.memory_map_read32[address >>> 17]!(address),
      mmap_write8: (address: number, value: number) => cpu.memory_map_write8[address >>> 17]!(address, value),
      mmap_write16: (address: number, value: number) => cpu.mmap_write16(address, value),
      mmap_write32: (address: number, value: number) => cpu.memory_map_write32[address >>> 17]!(address, value),
      mmap_write64: (address: number, low: number, high: number) => cpu.mmap_write64(address, low, high),
      mmap_write128: (address: number, ...words: number[]) => cpu.mmap_write128(address, ...words),
    };
    fake.processor = (await wasmFn(engine, processorModule())({ env })) as Processor;
    Object.assign(cpu, { wasm_memory: fake.processor.memory });
    return fake;
  }

  override load(address: number, bits: 8 | 32): number {
    return bits === 8 ? this.processor.read8(address | 0) : this.processor.read32(address | 0);
  }

  override store(address: number, bits: 8 | 16 | 32 | 64 | 128, ...values: number[]): void {
    const { processor } = this;
    const [a = 0, b = 0, c = 0, d = 0] = values;
    if (bits === 8) processor.write8(address, a);
    else if (bits === 16) processor.write16(address, a);
    else if (bits === 32) processor.write32(address, a);
    else if (bits === 64) processor.write64(address, a, b);
    else processor.write128(address, a, b, c, d);
  }
}
