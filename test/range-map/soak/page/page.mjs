// In a page: runs the soak in three workers and tells the server how it went.
import { SharedRangeArena } from '../../../../dist/esm/range-map/shared.js';
import { soak } from '../threads.mjs';

function spawn() {
  const thread = new Worker(new URL('./worker.mjs', import.meta.url), { type: 'module' });
  const ask = (message) =>
    new Promise((resolve, reject) => {
      thread.onerror = ({ message }) => reject(new Error(message));
      thread.onmessage = ({ data }) => resolve(data);
      thread.postMessage(message);
    });
  return { ask, end: () => thread.terminate() };
}

let report;
try {
  new SharedRangeArena();
  report = await soak(spawn, JSON.parse(new URL(location.href).searchParams.get('options')));
} catch (error) {
  report = { error: String(error) };
}
await fetch('/report', { method: 'POST', body: JSON.stringify({ ...report, crossOriginIsolated, browser: navigator.userAgent.match(/Chrome\/[\d.]+/)?.[0] }) });
