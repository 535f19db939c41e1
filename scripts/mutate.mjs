// `npm run mutate`: plants one small fault after another in a copy of the range store, or of the domains over it, and says what notices it.
// The exit code is 1 when a fault survives that is not argued to change nothing, or when a fault no longer fits the sources; 2 for arguments it does not know.
import { readFileSync } from 'node:fs';
import { register } from 'node:module';
import { Worker } from 'node:worker_threads';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { buildDriver } from '../test/fuzz/tree/build-driver.mjs';
import { buildCore } from './build-core.mjs';

const usage = `usage: npm run mutate -- [--only TEXT] [--part K/N] [--json]
  --only TEXT  faults with TEXT in their file or reason, or the one of that number
  --part K/N   of those every Nth, from the Kth on; whether a fault still fits its source is asked of all`;
const AT_ONCE = 2;
// Between two signs of life of a judge lie a second or two; when none comes for so long, the module does not end.
const LIMIT = 60_000;

function options() {
  try {
    const { values } = parseArgs({ options: { only: { type: 'string' }, part: { type: 'string', default: '1/1' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } });
    return values;
  } catch (error) {
    console.error(`${error.message}\n${usage}`);
    return process.exit(2);
  }
}

function startWorker(number) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('../test/mutation/judge.mjs', import.meta.url), { workerData: { number } });
    worker.once('message', () => resolve(worker));
    worker.once('error', reject);
  });
}

/** What a worker says of a fault; a worker that gives no sign of life is ended, and the fault was noticed. */
function ask(worker, fault) {
  return new Promise((resolve) => {
    let timer;
    const end = (answer, gone) => {
      clearTimeout(timer);
      worker.off('message', hear);
      worker.off('error', fail);
      resolve({ ...answer, gone });
    };
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => worker.terminate().then(() => end({ caught: 'does not end' }, true)), LIMIT);
    };
    const hear = (answer) => (answer.alive ? watch() : end(answer, false));
    const fail = (error) => end({ caught: `worker: ${error.message}` }, true);
    watch();
    worker.on('message', hear);
    worker.on('error', fail);
    worker.postMessage(fault);
  });
}

async function judgeAll(faults) {
  const waiting = faults.map((planted, i) => ({ ...planted, i }));
  const judged = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, number) => {
      let worker = await startWorker(number);
      while (waiting.length > 0) {
        const fault = waiting.shift();
        const { gone, ...answer } = await ask(worker, fault);
        judged[fault.i] = { ...fault, ...answer };
        if (asked.json) console.error(`${fault.number} ${verdict(judged[fault.i])}`);
        else if (process.stderr.isTTY) process.stderr.write(`\r${judged.filter(Boolean).length} of ${faults.length}`);
        if (gone) worker = await startWorker(number);
      }
      await worker.terminate();
    }),
  );
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  return judged;
}

function verdict({ stale, caught, equivalent }) {
  if (stale !== undefined) return `DOES NOT FIT: ${stale}`;
  if (caught !== undefined) return equivalent === undefined ? caught : `NOT EQUIVALENT after all: ${caught}`;
  return equivalent === undefined ? 'SURVIVED' : `changes nothing: ${equivalent}`;
}

const asked = options();
if (asked.help) {
  console.log(usage);
  process.exit(0);
}
register('../test/fuzz/typescript-hooks.mjs', import.meta.url);
const { faults } = await import('../test/mutation/faults.ts');
await buildCore();
await buildDriver();
const numbered = faults.map((fault, i) => ({ number: i + 1, ...fault }));
const byNumber = /^\d+$/.test(asked.only ?? '');
const wanted = numbered.filter(({ number, file, why }) => (byNumber ? number === Number(asked.only) : asked.only === undefined || file.includes(asked.only) || why.includes(asked.only)));
if (wanted.length === 0) {
  console.error(`no fault is called ${asked.only}\n${usage}`);
  process.exit(2);
}
const [, k, n] = (/^([1-9]\d?)\/([1-9]\d?)$/.exec(asked.part) ?? []).map(Number);
if (k === undefined || k > n) {
  console.error(`--part is ${JSON.stringify(asked.part)}; expected K/N, such as 1/3\n${usage}`);
  process.exit(2);
}
for (const { number, file, find } of numbered) {
  const times = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8').split(find).length - 1;
  if (times === 1) continue;
  console.error(`${number} DOES NOT FIT: ${file}: the text to replace is there ${times} times`);
  process.exit(1);
}
const judged = await judgeAll(wanted.filter((_, i) => i % n === k - 1));
const failed = judged.filter(({ stale, caught, equivalent }) => stale !== undefined || (caught === undefined) !== (equivalent !== undefined));
if (asked.json) console.log(JSON.stringify(judged.map((fault) => ({ ...fault, verdict: verdict(fault) }))));
else {
  const table = new Table({ head: ['', 'file', 'fault', 'noticed by'], colWidths: [4, 14, 58, 80], wordWrap: true });
  for (const fault of judged) table.push([fault.number, fault.file.split('/').at(-1), fault.why, verdict(fault)]);
  console.log(table.toString());
  const noticed = judged.filter(({ caught }) => caught !== undefined).length;
  console.log(`${judged.length} faults: ${noticed} noticed, ${judged.filter(({ equivalent, caught }) => equivalent !== undefined && caught === undefined).length} change nothing, ${failed.length} to look at`);
}
process.exitCode = failed.length === 0 ? 0 : 1;
