// Runs where Node loads modules: takes the types out of TypeScript files, and leaves all others to Node.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { LoadHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import type * as TypeScript from 'typescript';

let typescript: typeof TypeScript | undefined;

/** @param data - Where the package typescript is. */
export function initialize(data: { readonly typescript: string }): void {
  typescript = createRequire(data.typescript)(data.typescript) as typeof TypeScript;
}

export const load: LoadHook = (url, context, nextLoad) => {
  if (typescript === undefined || !/^file:.*\.[mc]?ts$/.test(url)) return nextLoad(url, context);
  const { ModuleKind, ScriptTarget } = typescript;
  const { outputText } = typescript.transpileModule(readFileSync(fileURLToPath(url), 'utf8'), {
    fileName: fileURLToPath(url),
    compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ES2022, inlineSourceMap: true },
  });
  return { format: 'module', source: outputText, shortCircuit: true };
};
