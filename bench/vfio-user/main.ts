// Measures a served device against a server in C that does the least, with the same client on the same processor, after scripts/bench-vfio-user.mjs has built everything.
//
//   round: ours, C in random order --> ratio within the round --> median over rounds and processes

import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom, shuffled } from '../random.ts';
import { machineLine } from '../report.ts';
import { bootstrapMedian, median } from '../statistics.ts';
import { Peer, SERVERS, clientCommand, compile } from './peers.ts';

const { quick, json, messages: asked } = parseArgs({ options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false }, messages: { type: 'string' } } }).values;
if (asked !== undefined && !/^\d{1,12}$/.test(asked)) {
  console.error(`bench:vfio-user: --messages is ${JSON.stringify(asked)}; expected a number from 0 on`);
  process.exit(2);
}
const messages = Number(asked ?? (quick ? 0 : 10_000_000));

/** What is measured: messages of a sample, and the most that ours may take, as a share of what C takes. */
const KINDS = [
  { kind: 'read', about: 'reads of 4 bytes, one at a time', count: 5000, target: 1.5 },
  { kind: 'write', about: 'posted writes of 4 bytes', count: 20_000, target: 1 / 0.7 },
] as const;
const SIDES = ['ours', 'C'] as const;
const WARM = 3;
const { processes, rounds } = quick ? { processes: 1, rounds: 9 } : { processes: 3, rounds: 31 };
/** Growth that is none: what a heap breathes. */
const BREATH = 16 << 20;
const BATCH = 500_000;

interface Pair {
  readonly server: Peer;
  readonly client: Peer;
}

async function pair(side: (typeof SIDES)[number], folder: string, n: number): Promise<Pair> {
  const path = join(folder, `${side}-${n}.sock`);
  const server = await Peer.start(`the server ${side}`, SERVERS[side](path));
  return { server, client: await Peer.start('the client', clientCommand(path)) };
}

function end({ server, client }: Pair): void {
  client.end();
  server.end();
}

async function compare(folder: string) {
  const taken = new Map(KINDS.map(({ kind }) => [kind, { ours: [] as number[][], C: [] as number[][] }]));
  for (let n = 0; n < processes; n++) {
    const pairs = { ours: await pair('ours', folder, n), C: await pair('C', folder, n) };
    const random = createRandom(n + 1);
    for (const { kind, count } of KINDS) {
      for (const side of SIDES) taken.get(kind)![side].push([]);
      for (let round = -WARM; round < rounds; round++) {
        for (const i of shuffled(SIDES.length, random)) {
          const side = SIDES[i]!;
          const nanoseconds = await pairs[side].client.measure(kind, count);
          if (round >= 0) taken.get(kind)![side].at(-1)!.push(nanoseconds);
        }
      }
      if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${n + 1}/${processes} ${kind}`);
    }
    end(pairs.ours);
    end(pairs.C);
  }
  return KINDS.map(({ kind, about, target }) => {
    const { ours, C } = taken.get(kind)!;
    const ratio = bootstrapMedian(ours.map((group, n) => group.map((value, i) => value / C[n]![i]!)));
    return { kind, about, ours: median(ours.flat()), C: median(C.flat()), ratio, target, met: ratio.value <= target };
  });
}

/** Many messages to one server: what it holds when the first tenth is done, and at the end. */
async function keepOn(folder: string) {
  const one = await pair('ours', folder, processes);
  const held: { readonly messages: number; readonly bytes: number; readonly fds: number }[] = [];
  for (let done = 0; done < messages; ) {
    const count = Math.min(BATCH, messages - done);
    // Every eighth waits for its reply.
    const reads = Math.ceil(count / 8);
    await one.client.measure('write', count - reads);
    await one.client.measure('read', reads);
    done += count;
    held.push({ messages: done, ...one.server.held });
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${done} of ${messages} messages`);
  }
  end(one);
  const early = held[Math.floor(held.length / 10)]!;
  const late = held.at(-1)!;
  return { messages, early, late, met: late.bytes <= early.bytes + BREATH && late.fds === early.fds };
}

const missing = compile();
if (missing !== undefined) {
  console.error(`bench:vfio-user: left out: ${missing}`);
  if (json) console.log(JSON.stringify({ leftOut: missing }));
} else {
  const folder = mkdtempSync(join(os.tmpdir(), 'maplebar-bench-'));
  try {
    const results = await compare(folder);
    const growth = messages > 0 ? await keepOn(folder) : undefined;
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    const machine = { cpu: os.cpus()[0]?.model ?? 'unknown', cpus: os.cpus().length, memoryBytes: os.totalmem(), platform: process.platform, arch: process.arch, loadAverage: os.loadavg() };
    const versions = { node: process.versions.node, v8: process.versions.v8 };
    if (json) console.log(JSON.stringify({ machine, versions, effort: quick ? 'quick' : 'full', results, growth }, null, 2));
    else {
      console.log(`\n${machineLine(machine, versions).split('\n')[0]!}\nmicroseconds per message, the same client and one processor for all; ratio with its 95 % interval\n`);
      const micro = (nanoseconds: number): string => (nanoseconds / 1000).toFixed(2);
      for (const { about, ours, C, ratio, target, met } of results) {
        console.log(`${about}\n  ours ${micro(ours)}, C ${micro(C)}: ${ratio.value.toFixed(2)} [${ratio.low.toFixed(2)}, ${ratio.high.toFixed(2)}], target <= ${target.toFixed(2)}: ${met ? 'met' : 'MISSED'}`);
      }
      if (growth !== undefined) {
        const { early, late, met } = growth;
        const mebibytes = (bytes: number): string => `${(bytes / (1 << 20)).toFixed(1)} MiB`;
        console.log(`${messages} messages to one server\n  ${mebibytes(early.bytes)} and ${early.fds} fds after ${early.messages}, ${mebibytes(late.bytes)} and ${late.fds} fds at the end: ${met ? 'no growth' : 'IT GREW'}`);
      }
    }
    if (growth?.met === false) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
