// The names of the WebAssembly JavaScript interface that the tree fuzzer uses, declared here because only lib.dom has them.

export interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

interface Item {
  readonly module: string;
  readonly name: string;
  readonly kind: string;
}

type Imports = Record<string, Record<string, unknown>>;

export const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    readonly Module: (new (bytes: Uint8Array) => object) & { imports(module: object): Item[] };
    readonly Instance: new (module: object, imports: Imports) => { readonly exports: unknown };
    readonly Memory: new (limits: { initial: number }) => Memory;
  };
};
