// The few names of the WebAssembly JavaScript interface that this room uses, declared here because only lib.dom has them.

import { instantiateSync } from '@assemblyscript/loader';

/** The linear memory of an instance. @internal */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

/** A compiled module: opaque. @internal */
export type WasmModule = object & { readonly __wasmModule?: never };

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
};

/** Compiles bytes. Browsers allow this on the main thread up to 8 MB; the core is far below. @internal */
export function compile(bytes: Uint8Array): WasmModule {
  return new WebAssembly.Module(bytes);
}

/**
 * Instantiates with the loader and answers the raw exports: its wrappers cost three times a call in some engines.
 *
 * @internal
 */
export function instantiate(module: WasmModule, imports: Record<string, Record<string, unknown>>): unknown {
  // The loader's own types name lib.dom's.
  const instantiateWith = instantiateSync as unknown as (source: WasmModule, imports: unknown) => { instance: { exports: unknown } };
  return instantiateWith(module, imports).instance.exports;
}

declare const atob: (text: string) => string;

/** Decodes base64 with what every engine has. @internal */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
