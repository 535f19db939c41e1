// One side goes away, and the other one stays usable: the guest restarts, QEMU is killed, the server is killed.
import { expectThat } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';
import { exportLines, readInputs, toggleLines } from './idio16.ts';
import { findDisk, readFile, writeFile } from './nvme.ts';

const INPUTS = 0x1234;
const EDU_IDENTIFICATION = '010000ed';
const ALL_ONES = 'ffffffff';

const word = (stage: Stage, offset: number): Promise<string> => stage.qemu.output(`card word ${stage.slot('edu')} ${offset}`);

async function restartGuest(stage: Stage): Promise<string> {
  const before = await stage.server.counts('idio16');
  await stage.qemu.restart();
  const after = await stage.server.counts('idio16');
  expectThat(after.resets > before.resets, `the card was reset ${after.resets} times; before it were ${before.resets}`);
  expectThat(after.clients === before.clients, `${after.clients} clients have come; expected ${before.clients}: QEMU has not gone`);
  await toggleLines(stage);
  return `${after.resets - before.resets} resets, and the card works`;
}

async function killQemu(stage: Stage): Promise<string> {
  await findDisk(stage);
  const written = await writeFile(stage);
  await exportLines(stage);
  await stage.qemu.output('for i in 0 1 2 3; do echo 1 > /sys/class/gpio/OUT$i/value; done');
  await stage.server.card('idio16', 'setInputs', INPUTS);
  const before = await stage.server.counts('idio16');
  await stage.killQemu();
  for (const device of ['idio16', 'edu', 'nvme-lite'] as const) await stage.until(device, 'the client is gone', ({ isConnected, mappings, heldFds }) => !isConnected && mappings === 0 && heldFds === 0);
  const outputs = Number(await stage.server.card('idio16', 'outputs')) & 0xf;
  expectThat(outputs === 0xf, `outputs 0-3 are ${outputs.toString(2)} when QEMU is gone; expected 1111`);
  const alone = await stage.server.counts('idio16');
  await stage.start();
  await exportLines(stage);
  const inputs = await readInputs(stage);
  expectThat(inputs === INPUTS, `the next guest reads ${inputs.toString(16)}; expected ${INPUTS.toString(16)}, which the connector has`);
  await findDisk(stage);
  const read = await readFile(stage);
  expectThat(read === written, `written before ${written}, read by the next guest ${read}`);
  const after = await stage.server.counts('idio16');
  expectThat(after.clients === before.clients + 1, `${after.clients} clients have come; expected ${before.clients + 1}`);
  await stage.server.card('idio16', 'setInputs', 0);
  return `outputs, inputs and 8 MiB of the disk are kept; ${before.openFds} fds open, ${alone.openFds} without QEMU, ${after.openFds} with the next one`;
}

async function killServer(stage: Stage): Promise<string> {
  const before = await word(stage, 0);
  expectThat(before === EDU_IDENTIFICATION, `identification ${before}; expected ${EDU_IDENTIFICATION}`);
  await stage.killServer();
  const started = performance.now();
  const first = await word(stage, 0);
  const took = ((performance.now() - started) / 1000).toFixed(1);
  const second = await word(stage, 4);
  expectThat(first === ALL_ONES && second === ALL_ONES, `without a server the guest reads ${first} and ${second}; expected ${ALL_ONES}`);
  const alive = await stage.qemu.output('echo $((6 * 7))');
  expectThat(alive === '42', `the guest's shell says ${alive}; expected 42`);
  await stage.killQemu();
  await stage.start();
  const after = await word(stage, 0);
  expectThat(after === EDU_IDENTIFICATION, `identification ${after} of the next server; expected ${EDU_IDENTIFICATION}`);
  return `the guest reads all ones (the first after ${took} s) and goes on; the next QEMU attaches to the next server`;
}

export const recoveryChecks: readonly Check[] = [
  { name: 'a guest that restarts finds its cards reset and usable', run: restartGuest },
  { name: 'QEMU is killed: the device keeps its state, the next QEMU attaches', run: killQemu },
  { name: 'the server is killed: the guest reads all ones and goes on; the next QEMU attaches to the next server', run: killServer },
];
