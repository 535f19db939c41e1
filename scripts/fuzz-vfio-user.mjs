// `npm run fuzz:vfio-user`: hostile clients at served devices: random bytes, random commands, recorded sessions of QEMU with changes. Each command that wants one gets one reply, memory is
// reached only where it is mapped, no fd is left open, and the next good client is served. The exit code is 1 for a broken rule, 2 for arguments it does not know.
import { register } from 'node:module';
import { buildCore } from './build-core.mjs';
import { scriptOptions, seedFrom } from './script-options.mjs';

const usage = `usage: npm run fuzz:vfio-user -- [--seed 0..4294967295] [--bytes 0..] [--clients 0..] [--sessions 0..] [--json]
  5,000,000 random bytes, 50,000 clients with random commands and 200,000 changed sessions unless said otherwise.`;

const asked = scriptOptions(usage, { seed: seedFrom(0), bytes: [5_000_000, 0, Number.MAX_SAFE_INTEGER], clients: [50_000, 0, Number.MAX_SAFE_INTEGER], sessions: [200_000, 0, Number.MAX_SAFE_INTEGER] });
await buildCore();
register('../test/fuzz/typescript-hooks.mjs', import.meta.url);
const { fuzzVfioUser } = await import('../test/fuzz/vfio-user/fuzz-vfio-user.ts');
const line = process.stderr.isTTY && !asked.json;
const started = performance.now();
const report = await fuzzVfioUser(asked.seed, asked, (done) => line && process.stderr.write(`\r${done} clients`));
if (line) process.stderr.write('\r\u001b[K');
const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
const { seed, bytes, clients, sessions, messages, replies, errors, asked: requests, fds, reads, writes, failure } = report;
if (asked.json) console.log(JSON.stringify({ ...report, seconds }));
else {
  console.log(`fuzz:vfio-user: seed ${seed}, ${bytes} random bytes, ${clients} clients with random commands, ${sessions} changed sessions, ${failure === undefined ? 'no rule broken' : 'A RULE IS BROKEN'}, ${seconds} s`);
  console.log(`  ${messages} messages, ${replies} replies, ${errors} of them errors; ${fds} fds, ${reads} reads and ${writes} writes of their memory, ${requests} transfers by messages`);
  if (failure !== undefined) {
    console.log(`  ${failure.kind}, client ${failure.client}: ${failure.message}`);
    for (const piece of failure.pieces) console.log(`    ${piece}`);
    console.log(`  again: npm run fuzz:vfio-user -- --seed ${seed} --bytes ${asked.bytes} --clients ${asked.clients} --sessions ${asked.sessions}`);
  }
}
if (failure !== undefined) process.exitCode = 1;
