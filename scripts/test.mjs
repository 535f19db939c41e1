// `npm test`: builds the core and runs the suite. `--coverage` runs it against the statement-marking core, with thresholds; `--runs=8` tries each property 8 times as often.
// Other arguments go to jest.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const args = process.argv.slice(2);
const coverage = args.includes('--coverage');
const runs = /^--runs=(.+)$/.exec(args.find((arg) => arg.startsWith('--runs=')) ?? '')?.[1];
if (runs !== undefined && !(Number(runs) > 0)) {
  console.error(`npm test: --runs is ${runs}; expected a number above 0`);
  process.exit(2);
}
const root = fileURLToPath(new URL('../', import.meta.url));
const jest = `${root}node_modules/jest/bin/jest.js`;

// Tests make much that lives briefly: with room for it, less is copied. Jest's workers take the option over.
const young = '--max-semi-space-size=32';

const { status, error } = spawnSync(process.execPath, [young, jest, ...args.filter((arg) => arg !== '--coverage' && !arg.startsWith('--runs='))], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, ...(coverage && { MAPLEBAR_COVERAGE: '1' }), ...(runs !== undefined && { MAPLEBAR_RUNS: runs }) },
});
if (error) console.error(error.message);
process.exitCode = status ?? 1;
