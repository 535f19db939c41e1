// How the command loads modules of users: as Node does, and TypeScript also where Node does not.

import { createRequire, register } from 'node:module';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { importModule } from './trace.ts';
import type { LoadModule } from './trace.ts';

const TYPESCRIPT: readonly string[] = ['.ts', '.mts', '.cts'];
let isRegistered = false;

/** Where the package typescript is: beside the user's file, or beside this one. */
function typescriptNear(path: string): string | undefined {
  for (const from of [pathToFileURL(resolve(path)), import.meta.url]) {
    try {
      return createRequire(from).resolve('typescript');
    } catch {
      continue;
    }
  }
  return undefined;
}

/** Loads a module. Rejects with an Error that says what is missing when it is TypeScript, and neither Node nor an installed package can read that. */
export const loadModule: LoadModule = async (path) => {
  const canNode = (process.features as { readonly typescript?: unknown }).typescript;
  if (TYPESCRIPT.includes(extname(path)) && (canNode === undefined || canNode === false) && !isRegistered) {
    const typescript = typescriptNear(path);
    if (typescript === undefined) throw new Error(`Node ${process.version} cannot read TypeScript, and the package typescript is not installed beside it; Node from 22.18 on can`);
    register('./typescript-hooks.js', { parentURL: import.meta.url, data: { typescript } });
    isRegistered = true;
  }
  return importModule(path);
};
