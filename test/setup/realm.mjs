// Runs in each test file's realm before its imports: gives instances of the statement-marking core the import that they ask for.
if (process.env.MAPLEBAR_COVERAGE === '1') {
  const Plain = WebAssembly.Instance;
  // A set, not an array: at the end jest deletes the properties of every global one by one.
  globalThis.__statements = new Set();
  WebAssembly.Instance = class extends Plain {
    constructor(module, imports) {
      super(module, { ...imports, coverage: { hit: (n) => void globalThis.__statements.add(n) } });
    }
  };
}
