// Measures guests' accesses to cards in v86, after scripts/bench-v86.mjs has built everything: rounds of one sample of each side, ratios formed within a round.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import os from 'node:os';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PROCESSOR, keepingImpossible } from '../processor.ts';
import { createRandom, shuffled } from '../random.ts';
import { machineLine } from '../report.ts';
import { bootstrapMedian, median } from '../statistics.ts';
import type { Estimate } from '../statistics.ts';
import { LOOP_NAMES } from './guest.ts';
import type { LoopName } from './guest.ts';
import { SIDES } from './sides.ts';
import { TARGETS, against } from './targets.ts';

const quick = process.argv.includes('--quick');
const json = process.argv.includes('--json');
const only = process.argv.includes('--loop') ? process.argv[process.argv.indexOf('--loop') + 1] : undefined;
const loops = LOOP_NAMES.filter((name) => only === undefined || name === only);
if (loops.length === 0) {
  console.error(`bench:v86: --loop ${only}; there are ${LOOP_NAMES.join(', ')}`);
  process.exit(2);
}
const WARM = 4;
// What the compiler makes of a loop differs from process to process more than from round to round.
const { processes, rounds } = quick ? { processes: 1, rounds: 9 } : { processes: 14, rounds: 11 };
const impossible = keepingImpossible();

interface Result {
  readonly loop: LoopName;
  readonly side: string;
  readonly nanoseconds: number;
  readonly against: string | undefined;
  readonly ratio: Estimate | undefined;
  readonly target: number | undefined;
  readonly met: boolean | undefined;
}

async function start(side: string): Promise<ChildProcess> {
  const kept = impossible === undefined ? { execPath: 'taskset', execArgv: ['-c', PROCESSOR, process.execPath] } : {};
  const child = fork(fileURLToPath(new URL('worker.js', import.meta.url)), [side], { ...kept, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await once(child, 'message');
  return child;
}

/** Some milliseconds' worth: short samples of one round are taken on the same machine, whatever else it does. While warming up, what compiles a loop. */
function accessesOf(side: string, loop: LoopName, isWarm: boolean): number {
  if (side === 'guest RAM' || side === 'trap-free BAR') return loop.startsWith('rep') ? 20_000_000 : 2_000_000;
  if (isWarm) return 500_000;
  return side.endsWith('function') ? 50_000 : 250_000;
}

async function sample(child: ChildProcess, loop: LoopName, accesses: number): Promise<number> {
  child.send({ loop, accesses });
  const [nanoseconds] = (await once(child, 'message')) as [number];
  return nanoseconds;
}

const sides = Object.keys(SIDES);
// By loop, then by side: the samples of each process.
const taken = new Map(loops.map((loop) => [loop, new Map(sides.map((side) => [side, [] as number[][]]))]));

for (let n = 0; n < processes; n++) {
  const children: ChildProcess[] = [];
  for (const side of sides) {
    const child = await start(side);
    children.push(child);
  }
  const random = createRandom(n + 1);
  for (const loop of loops) {
    const of = taken.get(loop)!;
    for (const side of sides) of.get(side)!.push([]);
    for (let round = -WARM; round < rounds; round++) {
      for (const i of shuffled(sides.length, random)) {
        const nanoseconds = await sample(children[i]!, loop, accessesOf(sides[i]!, loop, round < 0));
        if (round >= 0) of.get(sides[i]!)!.at(-1)!.push(nanoseconds);
      }
    }
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${n + 1}/${processes} ${loop}`);
  }
  for (const child of children) child.disconnect();
}

function result(loop: LoopName, side: string): Result {
  const groups = taken.get(loop)!.get(side)!;
  const other = against(side);
  const theirs = other === undefined ? undefined : taken.get(loop)!.get(other)!;
  const ratio = theirs && bootstrapMedian(groups.map((group, n) => group.map((value, i) => value / theirs[n]![i]!)));
  const target = TARGETS[side];
  return { loop, side, nanoseconds: median(groups.flat()), against: other, ratio, target, met: target === undefined || ratio === undefined ? undefined : ratio.value <= target };
}

const results = loops.flatMap((loop) => sides.map((side) => result(loop, side)));
const machine = { cpu: os.cpus()[0]?.model ?? 'unknown', cpus: os.cpus().length, memoryBytes: os.totalmem(), platform: process.platform, arch: process.arch, loadAverage: os.loadavg() };
const versions = { node: process.versions.node, v8: process.versions.v8 };
if (json) {
  console.log(JSON.stringify({ machine, versions, effort: quick ? 'quick' : 'full', processor: impossible === undefined ? Number(PROCESSOR) : null, results }, null, 2));
} else {
  const where = impossible === undefined ? `all on processor ${PROCESSOR}` : `on any processor, which makes the intervals wider: ${impossible}`;
  console.log(`\n${machineLine(machine, versions).split('\n')[0]!}\n${where}\nns per access of the guest; ratio to the empty handler, or to guest RAM, with its 95 % interval\n`);
  const factor = (value: number): string => value.toFixed(2);
  for (const loop of loops) {
    console.log(loop);
    for (const { side, nanoseconds, ratio, target, met } of results.filter((one) => one.loop === loop)) {
      const share = ratio === undefined ? '' : `${factor(ratio.value)} [${factor(ratio.low)}, ${factor(ratio.high)}]`;
      const verdict = target === undefined ? '' : `target <= ${target}: ${met === true ? 'met' : 'MISSED'}`;
      console.log(`  ${side.padEnd(22)} ${nanoseconds.toFixed(2).padStart(7)}  ${share.padEnd(20)} ${verdict}`.trimEnd());
    }
  }
  const missed = results.filter(({ met }) => met === false);
  console.log(missed.length === 0 ? '\nall targets met' : `\nmissed: ${missed.map(({ loop, side }) => `${side} (${loop})`).join('; ')}`);
}
