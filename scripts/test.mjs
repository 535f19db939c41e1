// `npm test`: builds the core and runs the suite. `--coverage` runs it against the statement-marking core, with thresholds.
// `--runs=8` tries each property 8 times as often, and with other values each time; `--seed=N` with those of a seed. Other arguments go to jest.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const args = process.argv.slice(2);
const coverage = args.includes('--coverage');
const ours = ['runs', 'seed'];
const isOurs = (arg) => arg === '--coverage' || ours.some((name) => arg.startsWith(`--${name}=`));
const given = (name) => args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const [runs, seed] = ours.map(given);
function refuse(what) {
  console.error(`npm test: ${what}`);
  process.exit(2);
}
if (runs !== undefined && !(Number(runs) > 0)) refuse(`--runs is ${runs}; expected a number above 0`);
if (seed !== undefined && !/^-?\d+$/.test(seed)) refuse(`--seed is ${seed}; expected a whole number`);
const root = fileURLToPath(new URL('../', import.meta.url));
const jest = `${root}node_modules/jest/bin/jest.js`;

// Tests make much that lives briefly: with room for it, less is copied. Jest's workers take the option over.
const young = '--max-semi-space-size=32';

const { status, error } = spawnSync(process.execPath, [young, jest, ...args.filter((arg) => !isOurs(arg))], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, ...(coverage && { MAPLEBAR_COVERAGE: '1' }), ...(runs !== undefined && { MAPLEBAR_RUNS: runs }), ...(seed !== undefined && { MAPLEBAR_SEED: seed }) },
});
if (error) console.error(error.message);
process.exitCode = status ?? 1;
