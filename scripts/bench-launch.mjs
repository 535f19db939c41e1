// What the benchmarks' launchers share: arguments, programs that are run, compiling the benchmark, and the order of it all.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildCore } from './build-core.mjs';

/** The project's folder. */
export const root = fileURLToPath(new URL('../', import.meta.url));

/**
 * Runs a program in the project's folder and answers its exit code; what kept it from one is said and is code 1.
 *
 * @param name - The benchmark's, for messages.
 * @param stdout - Where its standard output goes, as `stdio` of `spawnSync` has it.
 */
export function run(name, program, args, stdout) {
  const { status, signal, error } = spawnSync(program, args, { cwd: root, stdio: ['ignore', stdout, 'inherit'] });
  if (error) console.error(`${name}: ${error.message}`);
  if (signal) console.error(`${name}: ended by ${signal}`);
  return status ?? 1;
}

/** The arguments as they were given, without those that have not been. */
function passed(values) {
  return Object.entries(values).flatMap(([name, value]) => (value === true ? [`--${name}`] : [`--${name}`, value]));
}

/**
 * Builds the core and the benchmark and measures; sets the exit code: 2 for arguments that are none, that of what failed, else the benchmark's own.
 *
 * @param name - As messages begin.
 * @param usage - What `--help` prints, and what stands behind a refusal.
 * @param flags - Options that are there or not, beside `--help`.
 * @param texts - Options with a value.
 * @param main - What measures, in build/bench/. It is given the options.
 * @param prepare - What is to be built before the benchmark, after the core: answers an exit code.
 */
export async function launch({ name, usage, flags, texts = [], main, prepare }) {
  const options = Object.fromEntries([...flags.map((flag) => [flag, { type: 'boolean' }]), ...texts.map((text) => [text, { type: 'string' }])]);
  let values;
  try {
    ({ values } = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } } }));
  } catch (error) {
    console.error(`${name}: ${error.message}\n\n${usage}`);
    process.exitCode = 2;
    return;
  }
  if (values.help) {
    console.log(usage);
    return;
  }
  await buildCore();
  const prepared = (await prepare?.()) ?? 0;
  // Standard output belongs to the report: what the compiler says goes to standard error.
  const compiled = prepared !== 0 ? prepared : run(name, process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'bench/tsconfig.json'], 2);
  process.exitCode = compiled !== 0 ? compiled : run(name, process.execPath, [`build/bench/${main}`, ...passed(values)], 'inherit');
}
