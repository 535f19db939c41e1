// The linked path: v86.wasm made with functions of WebAssembly where it asks for memory that is not RAM, so that most accesses to cards never enter JavaScript.
//
//   without   v86.wasm -> v86's JavaScript -> MemoryBlocks -> space -> core
//   linked    v86.wasm -> link -> core            what no card decodes, and what is traced, goes from the link on as without
//
// `wasm_fn` is a public option of v86: it makes the instance itself then.

import { GuestLink, instantiateLarge } from '../../core/index.ts';
import type { Engine, GuestAccess, WasmSource } from '../../core/index.ts';

/** What the option `wasm_fn` of a V86 takes. */
export type V86WasmFunction = (imports: { readonly env: object }) => Promise<object>;

interface Linked {
  readonly engine: Engine;
  readonly link: GuestLink;
}

// By the memory of v86's instance, which is all of it that an emulator shows.
const links = new WeakMap<object, Linked>();

const NAMES = ['read8', 'read32', 'write8', 'write16', 'write32', 'write64', 'write128'] as const satisfies readonly (keyof GuestAccess)[];

/** The link that an emulator was made with. @internal */
export function linkOf(memory: object): Linked | undefined {
  return links.get(memory);
}

/**
 * What makes v86's WebAssembly with memory accesses linked to an engine: about a tenth faster than an empty handler in JavaScript. Everything else is as without: which card has an
 * address, in which order effects come, counts, errors. Cards of the emulator live in this engine; they come and go as ever. One engine may serve several emulators. 12 KiB of the
 * engine stay with the link.
 *
 * @param source v86.wasm of the package that the emulator is from: bytes, a compiled module, a Response, or a promise of one of them.
 * @returns the option `wasm_fn`. It rejects with TypeError when v86 asks for other functions than those that are known, which are named, or the source is none; VfioError ENOMEM
 *   when the engine is full.
 * @example
 * ```ts
 * const engine = createEngine();
 * const emulator = new V86({ wasm_fn: wasmFn(engine, fetch('v86/build/v86.wasm')), ... });
 * emulator.add_listener('emulator-ready', () => attachV86(emulator, edu));
 * ```
 */
export function wasmFn(engine: Engine, source: WasmSource | PromiseLike<WasmSource>): V86WasmFunction {
  if (typeof engine !== 'object' || (engine as unknown) === null || !('core' in engine)) throw new TypeError(`wasmFn: ${typeof engine} given; expected an engine`);
  return async (imports) => {
    const env = (imports as { readonly env?: object | null } | null | undefined)?.env;
    if (typeof env !== 'object' || env === null) throw new TypeError(`wasmFn: imports.env is ${env === null ? 'null' : typeof env}; expected an object, as v86 gives it`);
    const theirs = Object.fromEntries(NAMES.map((name) => [name, (env as Readonly<Record<string, unknown>>)[`mmap_${name}`]])) as Readonly<Record<keyof GuestAccess, unknown>>;
    for (const name of NAMES) {
      const found = theirs[name];
      if (typeof found !== 'function') throw new TypeError(`wasmFn: imports.env.mmap_${name} is ${found === null ? 'null' : typeof found}; expected a function`);
    }
    const given = await source;
    const link = new GuestLink('wasmFn', engine, theirs);
    try {
      const { access } = link;
      const ours = Object.fromEntries(NAMES.map((name) => [`mmap_${name}`, access[name]]));
      const exports = await instantiateLarge('wasmFn', given, { env: { ...env, ...ours } });
      const { memory } = exports as { readonly memory?: unknown };
      if (typeof memory !== 'object' || memory === null) throw new TypeError(`wasmFn: the module exports a memory that is ${typeof memory}; expected v86.wasm`);
      links.set(memory, { engine, link });
      return exports;
    } catch (error) {
      link.end();
      throw error;
    }
  };
}
