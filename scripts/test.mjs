// `npm test`: builds the core and runs the suite. `--coverage` runs it against the statement-marking core, with thresholds. Other arguments go to jest.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const args = process.argv.slice(2);
const coverage = args.includes('--coverage');
const root = fileURLToPath(new URL('../', import.meta.url));
const jest = `${root}node_modules/jest/bin/jest.js`;

const { status, error } = spawnSync(process.execPath, [jest, ...args.filter((arg) => arg !== '--coverage')], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, ...(coverage && { MAPLEBAR_COVERAGE: '1' }) },
});
if (error) console.error(error.message);
process.exitCode = status ?? 1;
