// Compiles the AssemblyScript cases: against assembly/, or for coverage against its marked copy.
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from '../../scripts/compile.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Copies test/assembly next to a marked assembly/ and renames nothing: the cases' relative imports lead to the copy. */
function besideMarkedCore() {
  for (const folder of ['cases', 'lib']) {
    mkdirSync(`${root}build/coverage/test/assembly/${folder}`, { recursive: true });
    cpSync(`${root}test/assembly/${folder}`, `${root}build/coverage/test/assembly/${folder}`, { recursive: true });
  }
  return 'build/coverage/test/assembly/cases/index.ts';
}

const modified = (path) => statSync(path).mtimeMs;
const newest = (folder) => Math.max(...readdirSync(`${root}${folder}`, { recursive: true }).map((name) => modified(`${root}${folder}/${name}`)));

/** Compiles to cases.wasm and cases.json in build/, or in build/coverage/ for the marked ones; does nothing when they are newer than what they are made of. */
export async function buildCases(marked) {
  const out = `${root}${marked ? 'build/coverage' : 'build'}/cases`;
  if (!marked && existsSync(`${out}.json`) && modified(`${out}.json`) > Math.max(newest('assembly'), newest('test/assembly'))) return;
  const entry = marked ? besideMarkedCore() : 'test/assembly/cases/index.ts';
  mkdirSync(`${root}build`, { recursive: true });
  await compile([entry, '--config', 'none', '--runtime', 'stub', '--exportRuntime', '--debug', '--outFile', relative(root, `${out}.wasm`)]);
  // The names, for a test file that must know its tests before it runs any.
  const names = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(`${out}.wasm`)))
    .filter(({ name, kind }) => kind === 'function' && /^[a-z]+_/.test(name))
    .map(({ name }) => name);
  writeFileSync(`${out}.json`, JSON.stringify(names));
}
