// Runs in each test file's realm before its imports: gives instances of the statement-marking core the import that they ask for.
if (process.env.MAPLEBAR_COVERAGE === '1') {
  const Plain = WebAssembly.Instance;
  globalThis.__statements = new Uint8Array(65536);
  WebAssembly.Instance = class extends Plain {
    constructor(module, imports) {
      super(module, { ...imports, coverage: { hit: (n) => void (globalThis.__statements[n] = 1) } });
    }
  };
}
