// The arguments of the fuzzers that run each build in a process of its own: --seed, --operations, --build, --json, --help.
import { parseArgs } from 'node:util';

/** Reads them, or says what is wrong with the usage behind it and ends with exit code 2. `builds`: names that `--build` takes besides `both`. */
export function fuzzOptions(usage, operations, builds) {
  const refuse = (message) => {
    console.error(`${message}\n${usage}`);
    process.exit(2);
  };
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string', default: '20261121' },
        operations: { type: 'string', default: operations },
        build: { type: 'string', default: 'both' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const [seed, count] = [Number(values.seed), Number(values.operations)];
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff) refuse('--seed is a number 0..4294967295');
    if (!Number.isSafeInteger(count) || count < 1) refuse('--operations is a number from 1');
    if (values.build !== 'both' && !builds.includes(values.build)) refuse(`no build is called ${values.build}`);
    return { ...values, seed, operations: count };
  } catch (error) {
    return refuse(error.message);
  }
}
