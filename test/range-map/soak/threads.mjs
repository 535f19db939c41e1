// How the three threads of a soak talk: the same in Node and in a browser, which differ in how a worker is made and what a message is.
import { SoakReader } from './reader.mjs';
import { READERS, WORDS } from './plan.mjs';
import { SoakWriter } from './writer.mjs';

/** A worker's side: answers the coordinator's messages through `post`. */
export function worker(library, post) {
  let soak;
  return ({ role, message, number, options, pace }) => {
    if (role === 'writer') {
      soak = new SoakWriter(library, options, pace);
      post(soak.messages());
    } else if (role === 'reader') {
      soak = new SoakReader(library, message, number, pace);
      post('ready');
    } else if (role === 'run') {
      post(soak.run(options.lookups / READERS, options.writes));
    } else {
      post(soak.end());
    }
  };
}

/** A soak from the beginning to its report. `spawn` makes a worker: `ask` sends it a message and answers its reply. */
export async function soak(spawn, options, watch = () => {}) {
  const pace = new Int32Array(new SharedArrayBuffer(4 * WORDS));
  const [writer, ...readers] = Array.from({ length: 1 + READERS }, spawn);
  const messages = await writer.ask({ role: 'writer', options, pace });
  await Promise.all(readers.map((reader, number) => reader.ask({ role: 'reader', message: messages[number], number, pace })));
  const started = performance.now();
  watch(pace);
  const [wrote, ...read] = await Promise.all([writer, ...readers].map((thread) => thread.ask({ role: 'run', options })));
  const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
  const left = await writer.ask({ role: 'end' });
  for (const thread of [writer, ...readers]) thread.end();
  const sum = (pick) => read.reduce((all, one) => all + pick(one), 0);
  return {
    lookups: sum((one) => one.lookups),
    writes: wrote.writes,
    wrong: sum((one) => one.wrong),
    messages: read.flatMap((one) => one.messages),
    kinds: read.map((one) => one.kinds),
    bytesBefore: wrote.bytesBefore,
    ...left,
    seconds,
    writerSeconds: Number(wrote.seconds.toFixed(1)),
  };
}

/**
 * Bytes that memory may have grown by after the warm-up: what waits while the system lets a reader sleep differs from run to run. One leaf that is lost in each hundred writes is as much
 * in a whole run, and the counts of what is alive at the end find a single one.
 */
const SLACK = 2 ** 19;

/** What a report finds wrong; empty when all is well. */
export function faultsOf({ wrong, messages, bytesBefore, bytesAfter, waitingAtEnd, live }) {
  const faults = [...messages];
  if (wrong > 0) faults.push(`${wrong} wrong answers`);
  if (bytesAfter > bytesBefore + SLACK) faults.push(`memory grew from ${bytesBefore} to ${bytesAfter} bytes`);
  if (waitingAtEnd !== 0) faults.push(`${waitingAtEnd} nodes wait for readers that are gone`);
  if (live.leaves !== 0 || live.innerNodes !== 0 || live.objects !== 0) faults.push(`alive at the end: ${JSON.stringify(live)}`);
  return faults;
}
