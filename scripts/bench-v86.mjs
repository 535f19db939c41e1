// `npm run bench:v86`: builds the core and the benchmark, then measures a guest's accesses to cards in v86. See bench/README.md.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildCore } from './build-core.mjs';

const usage = `usage: npm run bench:v86 -- [--quick] [--json]

Measures loads and stores of a guest's compiled loops in v86: to an empty handler in JavaScript, to cards through JavaScript and linked, to guest RAM and to a trap-free BAR.

  --quick  one process for each side and 5 rounds: a look, not a result
  --json   one JSON document on standard output and nothing else
  --help   this text

Exit code 0 unless a side could not run; a missed target is a result.
`;

const root = fileURLToPath(new URL('../', import.meta.url));

function run(args, stdout) {
  const { status, signal, error } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', stdout, 'inherit'] });
  if (error) console.error(`bench:v86: ${error.message}`);
  if (signal) console.error(`bench:v86: ended by ${signal}`);
  return status ?? 1;
}

async function main() {
  let values;
  try {
    ({ values } = parseArgs({ options: { quick: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } }));
  } catch (error) {
    console.error(`bench:v86: ${error.message}\n\n${usage}`);
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
  return run(['build/bench/bench/v86/main.js', ...Object.keys(values).map((name) => `--${name}`)], 'inherit');
}

process.exitCode = await main();
