// The few names of the WebAssembly JavaScript interface that the rooms use, declared here because only lib.dom has them.

import { instantiateSync } from '@assemblyscript/loader';

/** The linear memory of an instance. */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

/** A compiled `WebAssembly.Module`: opaque. */
export type WasmModule = object & { readonly __wasmModule?: never };

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Memory: new (descriptor: { initial: number; maximum: number; shared: boolean }) => WasmMemory;
  validate(bytes: Uint8Array): boolean;
  compile(bytes: Uint8Array): Promise<WasmModule>;
  instantiate(module: WasmModule, imports: object): Promise<{ readonly exports: object }>;
};

/** Compiles bytes. Browsers allow this on the main thread up to 8 MB; the modules here are far below. */
export function compile(bytes: Uint8Array): WasmModule {
  return new WebAssembly.Module(bytes);
}

/** A compiled module from anywhere: itself, its bytes, or the response that brings them. */
export type WasmSource = WasmModule | Uint8Array | ArrayBuffer | { arrayBuffer(): Promise<ArrayBuffer> };

/** Compiles a module that may be large, and makes an instance of it: its exports. TypeError for what is no module, WebAssembly.CompileError and LinkError as the engine has them. */
export async function instantiateLarge(call: string, source: WasmSource, imports: object): Promise<object> {
  if (typeof source !== 'object' || (source as unknown) === null) throw new TypeError(`${call}: ${typeof source} given; expected a WebAssembly.Module, its bytes, or a Response`);
  return (await WebAssembly.instantiate(await compileLarge(source), imports)).exports;
}

async function compileLarge(source: WasmSource): Promise<WasmModule> {
  if ('arrayBuffer' in source) return WebAssembly.compile(new Uint8Array(await source.arrayBuffer()));
  if (ArrayBuffer.isView(source)) return WebAssembly.compile(source);
  return Object.prototype.toString.call(source) === '[object ArrayBuffer]' ? WebAssembly.compile(new Uint8Array(source as ArrayBuffer)) : source;
}

declare const SharedArrayBuffer: unknown;

/**
 * A memory that several threads can see, with room to grow. Error where the engine keeps shared memory from this program; a page must be cross-origin isolated.
 */
export function sharedMemory(call: string, initialPages: number, maximumPages: number): WasmMemory {
  if (typeof SharedArrayBuffer === 'undefined') {
    throw new Error(`${call}: there is no SharedArrayBuffer here; a page needs the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp`);
  }
  return new WebAssembly.Memory({ initial: initialPages, maximum: maximumPages, shared: true });
}

/**
 * Instantiates with the loader and answers the raw exports: its wrappers cost three times a call in some engines.
 */
export function instantiate(module: WasmModule, imports: Record<string, Record<string, unknown>>): unknown {
  // The loader's own types name lib.dom's.
  const instantiateWith = instantiateSync as unknown as (source: WasmModule, imports: unknown) => { instance: { exports: unknown } };
  return instantiateWith(module, imports).instance.exports;
}

declare const atob: (text: string) => string;

/** Decodes base64 with what every engine has. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

// (module (func (drop (v128.const i64x2 0 0)))): the least that needs v128.
const SIMD_PROBE = [
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, // magic, version
  0x01, 0x04, 0x01, 0x60, 0x00, 0x00, // one type: () -> ()
  0x03, 0x02, 0x01, 0x00, // one function of that type
  0x0a, 0x17, 0x01, 0x15, 0x00, 0xfd, 0x0c, // code: v128.const
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // its 16 bytes
  0x1a, 0x0b, // drop, end
];

let simd: boolean | undefined;

/** Whether this engine has the 128-bit vectors of WebAssembly SIMD. */
export function hasSimd(): boolean {
  return (simd ??= WebAssembly.validate(Uint8Array.from(SIMD_PROBE)));
}
