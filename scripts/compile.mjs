// Runs the AssemblyScript compiler: once here, or many times, a thread for each processor.
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Runs the compiler in the project's folder; throws what it printed when it fails. */
export async function compile(args) {
  const { error, stderr } = await asc.main(args, { baseDir: root });
  if (error) throw new Error(`asc ${args.join(' ')}\n${stderr.toString()}`);
}

/** Runs the compiler for each list of arguments, the longest work best first. Throws as {@link compile} does; what has begun by then is finished, and nothing else begun. */
export async function compileAll(lists) {
  const waiting = [...lists];
  const lane = async () => {
    const thread = new Worker(new URL('compile-thread.mjs', import.meta.url));
    try {
      for (let args = waiting.shift(); args !== undefined; args = waiting.shift()) {
        thread.postMessage(args);
        const [failure] = await once(thread, 'message');
        if (failure !== undefined) throw new Error(failure);
      }
    } finally {
      waiting.length = 0;
      await thread.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), waiting.length) }, lane));
}
