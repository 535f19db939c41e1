// What a browser must have for this page, in plain words.

/** What is missing, as a sentence; undefined when nothing is. */
export function whatIsMissing(): string | undefined {
  if (typeof WebAssembly !== 'object') return 'This browser has no WebAssembly, or it is switched off. The emulator and the devices are made of it.';
  try {
    // The least module there is: compiling it fails where a policy forbids WebAssembly.
    void new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  } catch {
    return 'This page may not compile WebAssembly: its Content-Security-Policy lacks wasm-unsafe-eval. Serve it with `npm run demo`.';
  }
  if (typeof BigInt64Array !== 'function') return 'This browser has no 64-bit integers (BigInt). One from 2021 or later has.';
  if (typeof DecompressionStream !== 'function') return 'This browser has no DecompressionStream, by which saved machines are unpacked. One from 2023 or later has.';
  return undefined;
}
