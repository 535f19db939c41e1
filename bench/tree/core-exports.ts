// What the range-map module that was built can do: without batches there is no RangeMap yet, and the engine's RangeStore takes its place.

import { readFileSync } from 'node:fs';

// Node has it; the types of Node 20 do not.
const { WebAssembly } = globalThis as unknown as { WebAssembly: { Module: (new (bytes: Uint8Array) => object) & { exports(module: object): { readonly name: string }[] } } };
// Relative to build/bench/bench/tree/, where this module runs.
const binary = new URL('../../../range-map.wasm', import.meta.url);

export const coreHasBatches: boolean = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(binary))).some(({ name }) => name === 'treeBatch');
