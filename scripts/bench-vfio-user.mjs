// `npm run bench:vfio-user`: builds the core and the benchmark, then measures a served device against a small server in C. See bench/README.md.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildCore } from './build-core.mjs';

const usage = `usage: npm run bench:vfio-user -- [--quick] [--messages N] [--json]

Measures reads and posted writes of a client in C: of a device that is served here, and of a server in C that does the least. Both are compiled with gcc; without it there is a message and nothing else.

  --quick       one process for each side, 9 rounds, and no long run: a look, not a result
  --messages N  messages of the long run, after which memory and fds must be what they were; default 10000000, 0 for none
  --json        one JSON document on standard output and nothing else
  --help        this text

Exit code 0 unless a side could not run, or the server grew; a missed target is a result.
`;

const root = fileURLToPath(new URL('../', import.meta.url));

function run(args, stdout) {
  const { status, signal, error } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', stdout, 'inherit'] });
  if (error) console.error(`bench:vfio-user: ${error.message}`);
  if (signal) console.error(`bench:vfio-user: ended by ${signal}`);
  return status ?? 1;
}

async function main() {
  let values;
  try {
    ({ values } = parseArgs({ options: { quick: { type: 'boolean' }, messages: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } }));
    if (values.messages !== undefined && !/^\d{1,12}$/.test(values.messages)) throw new Error(`--messages is ${JSON.stringify(values.messages)}; expected a number from 0 on`);
  } catch (error) {
    console.error(`bench:vfio-user: ${error.message}\n\n${usage}`);
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
  return run(['build/bench/bench/vfio-user/main.js', ...Object.entries(values).map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`))], 'inherit');
}

process.exitCode = await main();
