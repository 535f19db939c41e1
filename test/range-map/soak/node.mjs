// The soak in Node: each thread a worker_thread over the built package.
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { soak, worker } from './threads.mjs';

const self = fileURLToPath(import.meta.url);

function spawn() {
  const thread = new Worker(self);
  const ask = (message) =>
    new Promise((resolve, reject) => {
      thread.once('error', reject);
      thread.once('message', resolve);
      thread.postMessage(message);
    });
  return { ask, end: () => void thread.terminate() };
}

export function soakInNode(options, watch) {
  return soak(spawn, options, watch);
}

if (!isMainThread && parentPort !== null) {
  const library = await import('../../../dist/esm/range-map/shared.js');
  parentPort.on('message', worker(library, (answer) => parentPort.postMessage(answer)));
}
