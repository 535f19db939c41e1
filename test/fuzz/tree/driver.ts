// The driver for a jest test file, compiled when it is not there yet. (jest loads no ES module, so the compiler runs in a process.)

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Compiles the driver if need be; answers its path. */
export function builtDriver(): string {
  execFileSync(process.execPath, [join(process.cwd(), 'test/fuzz/tree/build-driver.mjs')]);
  return join(process.cwd(), 'build/range-fuzz.wasm');
}

export const buildPath = (build: string): string => join(process.cwd(), 'build', build);
