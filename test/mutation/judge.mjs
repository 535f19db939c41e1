// A worker that judges faults: patches one source in memory, compiles the range store, or for domains the whole core, hardly optimised, and runs what should notice.
// A fault that makes the module run forever is ended from outside.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('../../', import.meta.url));
register('../fuzz/typescript-hooks.mjs', import.meta.url);
const { createBench, instantiateTree, replayChunk } = await import('../fuzz/tree/chunks.ts');
const { sequences } = await import('../core/range-levels/sequences.ts');
const { driverPath } = await import('../fuzz/tree/build-driver.mjs');
const { judgeDomain } = await import('./domain-judge.ts');

const CHUNKS = 14;
const OPERATIONS = 20_000;
const BETWEEN_CONTENT = 250;

const isOfDomains = (file) => file.startsWith('assembly/iommu/');

/** The fault's module as a file in build/mutation/, or why there is none. */
async function compiled({ file, find, replace, simd }) {
  const text = readFileSync(root + file, 'utf8');
  if (text.split(find).length !== 2) return { stale: `${file}: the text to replace is there ${text.split(find).length - 1} times` };
  const patched = text.replace(find, () => replace);
  const out = `build/mutation/${workerData.number}.wasm`;
  const { error, stderr } = await asc.main([isOfDomains(file) ? 'assembly/index.ts' : 'assembly/range-map.ts', '--config', 'none', '--runtime', 'stub', '-O1', '--noAssert', '--outFile', out, ...(simd ? ['--enable', 'simd'] : [])], {
    readFile: (name, base) => {
      if (name === file) return patched;
      try {
        return readFileSync(name.startsWith('/') ? name : `${base}/${name}`, 'utf8');
      } catch {
        return null;
      }
    },
    writeFile: (name, contents) => {
      mkdirSync(`${root}build/mutation`, { recursive: true });
      writeFileSync(root + name, contents);
    },
    baseDir: root,
  });
  return error ? { stale: `${file}: does not compile\n${stderr.toString()}` } : { out: root + out };
}

/** The fuzzer first: it notices most faults within a second. */
function judgeTree(path) {
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    parentPort.postMessage({ alive: true });
    const found = replayChunk(createBench(instantiateTree(path), driverPath), 1, chunk, OPERATIONS, BETWEEN_CONTENT);
    if (found !== undefined) return `fuzz: operation ${chunk * OPERATIONS + (found.operation ?? OPERATIONS)}, ${found.message}`;
  }
  for (const [name, run] of sequences) {
    parentPort.postMessage({ alive: true });
    try {
      run(instantiateTree(path), driverPath);
    } catch (error) {
      return `sequence: ${name} (${error.message.split('\n')[0]})`;
    }
  }
  return undefined;
}

parentPort.on('message', async (fault) => {
  const { stale, out } = await compiled(fault);
  if (stale !== undefined) parentPort.postMessage({ stale });
  else parentPort.postMessage({ caught: isOfDomains(fault.file) ? judgeDomain(readFileSync(out), () => parentPort.postMessage({ alive: true })) : judgeTree(out) });
});
parentPort.postMessage({ ready: true });
