// The face of this room: loading Wasm modules, and numbers on their way over the border.

export { Builds } from './builds.ts';
export type { Build } from './builds.ts';
export { bytesOf, hex, integer, refuseU64, shown, u64 } from './number.ts';
export type { U64 } from './number.ts';
export { compile, fromBase64, hasSimd, instantiate, instantiateLarge, sharedMemory } from './webassembly.ts';
export type { WasmMemory, WasmModule, WasmSource } from './webassembly.ts';
