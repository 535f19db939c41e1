// The arguments of the scripts that run long with a seed: --help, --json, numbers and names. What they do not know ends them with exit code 2.
import { parseArgs } from 'node:util';

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    // A reader that goes away early, as `head` does, is no fault of ours.
    if (error.code !== 'EPIPE') throw error;
  });
}

/**
 * Reads them.
 *
 * @param usage - What `--help` prints, and what stands behind a refusal.
 * @param numbers - By option: [default, least, greatest].
 * @param names - By option: [default, what it may be: a list, or undefined for anything].
 */
export function scriptOptions(usage, numbers, names = {}) {
  const refuse = (message) => {
    console.error(`${message}\n${usage}`);
    process.exit(2);
  };
  const strings = Object.entries({ ...numbers, ...names }).map(([name, [initial]]) => [name, { type: 'string', ...(initial === undefined ? {} : { default: String(initial) }) }]);
  try {
    const { values } = parseArgs({ options: { ...Object.fromEntries(strings), json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } });
    for (const [name, [, least, greatest]] of Object.entries(numbers)) {
      const text = values[name].trim();
      const number = Number(text);
      if (text === '' || !Number.isSafeInteger(number) || number < least || number > greatest) refuse(`--${name} is ${JSON.stringify(values[name])}; expected a number ${least}..${greatest}`);
      values[name] = number;
    }
    for (const [name, [, allowed]] of Object.entries(names)) {
      if (allowed !== undefined && !allowed.includes(values[name])) refuse(`--${name} is ${JSON.stringify(values[name])}; expected ${allowed.join(', ')}`);
    }
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    return { ...values, refuse };
  } catch (error) {
    return refuse(error.message);
  }
}

/** Seeds of 32 bits from `least` on. */
export const seedFrom = (least) => [20261121, least, 0xffff_ffff];
