// `npm test`: builds the core and runs the suite. `--coverage` runs it against the statement-marking core, with thresholds. Other arguments go to jest.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const args = process.argv.slice(2);
const coverage = args.includes('--coverage');
const root = fileURLToPath(new URL('../', import.meta.url));
const jest = `${root}node_modules/jest/bin/jest.js`;

// Tests make much that lives briefly: with room for it, less is copied. Jest's workers take the option over.
const young = '--max-semi-space-size=32';

const { status, error } = spawnSync(process.execPath, [young, jest, ...args.filter((arg) => arg !== '--coverage')], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, ...(coverage && { MAPLEBAR_COVERAGE: '1' }) },
});
if (error) console.error(error.message);
process.exitCode = status ?? 1;
