// `npm run bench:tree`: builds the core, the loops inside Wasm, the Rust opponent and the benchmark, then measures. See bench/README.md.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { launch, root, run } from './bench-launch.mjs';
import { modules } from './build-core.mjs';
import { compile } from './compile.mjs';

const name = 'bench:tree';
const usage = `usage: npm run bench:tree -- [options]

Measures the range store inside Wasm and from JavaScript against Rust's BTreeMap, packages of npm and plain JavaScript. bench/README.md says how, and how to read it.

  --quick          one process, few rounds, 256 and 4096 ranges, about a minute: a look, not a result
  --sizes LIST     some of 16,256,4096,65536,1048576
  --metrics LIST   some of the metrics, as they stand in the tables: load,insert_rand,...
  --only LIST      some of wasm-simd,wasm-scalar,wasm-shared,js,batch-64,batch-4096,rust,sorted-btree,flatten,arrays,typed-btree
  --json           one JSON document on standard output and nothing else
  --svg FILE       also draw a chart
  --markdown FILE  also write the tables of docs/maple-tree.md
  --help           this text

Exit code 0 unless a contender could not run or two answered differently; a lost comparison or a missed target is a result.
`;

const folder = `${root}build/bench-tree`;

// Options of the core's own builds, by the file that is made with them.
const simd = ['--enable', 'simd'];
const shared = modules.find(({ name }) => name === 'range-map.shared').options;
const loops = { 'loops.wasm': [], 'loops.simd.wasm': simd, 'loops.shared.wasm': [...shared, ...simd] };

/** When a file, or any file in a folder, was last written; 0 when it is not there. */
function modified(path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return 0;
  return stats.isDirectory() ? Math.max(0, ...readdirSync(path).map((name) => modified(`${path}/${name}`))) : stats.mtimeMs;
}

/** The loops together with the core's sources: without and with vector instructions, and with those in shared memory. Leaves alone what is newer than its sources. */
async function buildLoops() {
  const newest = Math.max(...['assembly', 'bench/tree/assembly', 'scripts/bench-tree.mjs', 'scripts/build-core.mjs'].map((path) => modified(root + path)));
  for (const [name, options] of Object.entries(loops)) {
    if (modified(`${folder}/${name}`) >= newest) continue;
    await compile(['bench/tree/assembly/index.ts', '-O3', '--converge', '--noAssert', '--runtime', 'stub', '--outFile', `build/bench-tree/${name}`, ...options]);
  }
}

/** Whether the Rust opponent could be built, or there is no compiler for it. */
function buildNative() {
  const binary = `${folder}/range-map`;
  const installed = spawnSync('rustc', ['--version'], { stdio: 'ignore' }).status === 0;
  if (installed && modified(binary) >= modified(`${root}bench/native`)) return true;
  // What is not there when the benchmark starts takes no part.
  rmSync(binary, { force: true });
  if (!installed) return true;
  return run(name, 'rustc', ['-O', '-o', binary, 'bench/native/range-map.rs'], 2) === 0;
}

await launch({
  name,
  usage,
  flags: ['quick', 'json'],
  texts: ['sizes', 'metrics', 'only', 'svg', 'markdown'],
  main: 'bench/tree/main.js',
  prepare: async () => {
    mkdirSync(folder, { recursive: true });
    await buildLoops();
    return buildNative() ? 0 : 1;
  },
});
