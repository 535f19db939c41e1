// A process that measures one JavaScript or Wasm contender at one size. Reads a metric per line, answers a line of JSON; bench/native/range-map.rs speaks the same.

import { createInterface } from 'node:readline';
import { makeLoops } from './make-loops.ts';
import type { Measured } from './metrics.ts';
import { Sampler } from './sampler.ts';
import { createWorkload } from './workload.ts';

const WARM_UP_RANGES = 4096;
const WARM_UP_QUERIES = 2 ** 16;

const [name = '', size = ''] = process.argv.slice(2);
const say = (answer: unknown): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);

/** On a map of middling size, so that the compiler has seen every loop before the first sample. */
async function warmUp(): Promise<void> {
  const workload = createWorkload(WARM_UP_RANGES);
  new Sampler(await makeLoops(name, workload), workload, WARM_UP_QUERIES).warmUp();
}

await warmUp();
const workload = createWorkload(Number(size));
const sampler = new Sampler(await makeLoops(name, workload), workload);
say({ metrics: sampler.measured() });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    say(sampler.sample(line.trim() as Measured));
  } catch (error) {
    say({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
