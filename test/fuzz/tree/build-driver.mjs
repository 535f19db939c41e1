// Compiles the tree fuzzer's driver, test/assembly/lib/range-fuzz, to build/range-fuzz.wasm; does nothing when that is newer.
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile } from '../../../scripts/compile.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = 'test/assembly/lib/range-fuzz/';

/** The path of the compiled driver. */
export const driverPath = `${root}build/range-fuzz.wasm`;

export async function buildDriver() {
  const newest = Math.max(...readdirSync(root + folder).map((name) => statSync(root + folder + name).mtimeMs));
  const built = statSync(driverPath, { throwIfNoEntry: false })?.mtimeMs ?? -1;
  if (built > newest) return;
  mkdirSync(`${root}build`, { recursive: true });
  // Under a name of its own first: another process may be reading the old one.
  const fresh = `build/range-fuzz.${process.pid}.wasm`;
  await compile([`${folder}index.ts`, '--config', 'none', '--runtime', 'stub', '--importMemory', '--noExportMemory', '--use', 'abort=', '-O3', '--noAssert', '--outFile', fresh]);
  renameSync(root + fresh, driverPath);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildDriver();
