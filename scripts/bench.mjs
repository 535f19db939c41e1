// `npm run bench`: builds the release core and the benchmark, then measures. See bench/README.md.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildCore } from './build-core.mjs';

const usage = `usage: npm run bench -- [--quick] [--filter NAME] [--json]

Measures the core against plain JavaScript and against sorted-btree. bench/README.md says how, and how to read the table.

  --quick        one process and few rounds per side: a look, not a result; cases that take a minute each (dma-map-*) only where --filter asks for them
  --filter NAME  only cases with NAME in their name
  --json         one JSON document on standard output and nothing else
  --help         this text

Exit code 0 unless a case could not run; a lost comparison is a result.
`;

const root = fileURLToPath(new URL('../', import.meta.url));
const options = { quick: { type: 'boolean' }, json: { type: 'boolean' }, filter: { type: 'string' }, help: { type: 'boolean', short: 'h' } };

function run(args, stdout) {
  const { status, signal, error } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', stdout, 'inherit'] });
  if (error) console.error(`bench: ${error.message}`);
  if (signal) console.error(`bench: ended by ${signal}`);
  return status ?? 1;
}

async function main() {
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    console.error(`bench: ${error.message}\n\n${usage}`);
    return 2;
  }
  if (values.help) {
    console.log(usage);
    return 0;
  }
  await buildCore();
  // Standard output belongs to the report: what the compiler says goes to standard error.
  const compiled = run(['node_modules/typescript/bin/tsc', '-p', 'bench/tsconfig.json'], 2);
  if (compiled !== 0) return compiled;
  const flags = [values.quick ? ['--quick'] : [], values.json ? ['--json'] : [], values.filter === undefined ? [] : ['--filter', values.filter]].flat();
  return run(['build/bench/bench/main.js', ...flags], 'inherit');
}

process.exitCode = await main();
