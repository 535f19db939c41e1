// Each module is built twice from one source, with vector instructions and without, and both binaries are inlined.

import { shown } from './number.ts';
import { compile, fromBase64, hasSimd } from './webassembly.ts';
import type { WasmModule } from './webassembly.ts';

/** Which of a module's two builds runs: with 128-bit vectors or without. Both answer the same. */
export type Build = 'simd' | 'scalar';

/** The two builds of one module as base64; each is decoded and compiled when it is first asked for. */
export class Builds {
  private readonly texts: Readonly<Record<Build, string>>;
  private readonly compiled: Partial<Record<Build, WasmModule>> = {};

  constructor(texts: Readonly<Record<Build, string>>) {
    this.texts = texts;
  }

  /** The compiled build; by default the one with vectors where the engine has them. RangeError names what is no build. */
  module(call: string, build: Build | undefined): WasmModule {
    const name = build ?? (hasSimd() ? 'simd' : 'scalar');
    if (!Object.hasOwn(this.texts, name)) throw new RangeError(`${call}: build is ${shown(name)}; expected 'simd' or 'scalar'`);
    return (this.compiled[name] ??= compile(fromBase64(this.texts[name])));
  }
}
