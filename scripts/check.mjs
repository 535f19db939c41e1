// `npm run check`: everything that can be said of the code without running it. Each check runs even when one before it failed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { files } from './generate.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const bin = (path) => [process.execPath, `${root}node_modules/${path}`];

const checks = [
  ['types of src, test and bench', [...bin('typescript/bin/tsc'), '-p', 'tsconfig.json']],
  ['types of demo', [...bin('typescript/bin/tsc'), '-p', 'demo']],
  ['types of assembly', [...bin('typescript/bin/tsc'), '-p', 'assembly']],
  ['lint', [...bin('eslint/bin/eslint.js'), '.', '--max-warnings', '0']],
  ['package (publint)', [...bin('publint/src/cli.js'), '--strict']],
  ['types of the package (attw)', [...bin('@arethetypeswrong/cli/dist/index.js'), '--pack', '.', '--exclude-entrypoints', './core.wasm', './core.simd.wasm', './range-map.wasm', './range-map.simd.wasm', './range-map.shared.wasm', './range-map.shared.simd.wasm', './package.json', '--profile', 'node16', '--format', 'ascii', '--quiet']],
];

const failed = [];
const stale = Object.entries(files).filter(([path, text]) => !existsSync(root + path) || readFileSync(root + path, 'utf8') !== text);
if (stale.length > 0) {
  console.error(`not what layout.json says: ${stale.map(([path]) => path).join(', ')}`);
  failed.push('generated files');
}
await build({ ifStale: true });
for (const [name, [command, ...args]] of checks) {
  const started = Date.now();
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  if (status !== 0) {
    console.log(stdout + stderr);
    failed.push(name);
  }
}
if (failed.length > 0) console.error(`failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;
