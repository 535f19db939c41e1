// gpio-pci-idio-16, stock: outputs that the guest switches, inputs that it reads, and an interrupt for each change of one.
import { expectThat } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';

const LINES = 16;
const INTERRUPTS = 100;

/** Binds the driver and makes the card's lines files of the guest: OUT0 to OUT15, IIN0 to IIN15. */
export async function exportLines(stage: Stage): Promise<void> {
  await stage.bind('idio16', 'pci-idio-16', 'gpio-pci-idio-16');
  const base = await stage.qemu.output(`cat /sys/bus/pci/devices/${stage.slot('idio16')}/gpio/gpiochip*/base`);
  await stage.qemu.output(`[ -e /sys/class/gpio/OUT0 ] || for i in $(seq ${base} $((${base} + ${2 * LINES - 1}))); do echo $i > /sys/class/gpio/export; done`);
}

/** What the guest reads of the inputs. */
export async function readInputs({ qemu }: Stage): Promise<number> {
  return parseInt(await qemu.output(`cd /sys/class/gpio; for i in $(seq ${LINES - 1} -1 0); do read value < IIN$i/value; printf %s $value; done; cd /`), 2);
}

/** Both directions, each line: what the guest writes the card's connector shows, what the connector is given the guest reads. */
export async function toggleLines(stage: Stage): Promise<string> {
  const { qemu, server } = stage;
  await exportLines(stage);
  for (const wanted of [0xffff, 0xa5c3]) {
    await qemu.output(`cd /sys/class/gpio; for i in $(seq 0 ${LINES - 1}); do echo $(((${wanted} >> i) & 1)) > OUT$i/value; done; cd /`);
    const outputs = Number(await server.card('idio16', 'outputs'));
    expectThat(outputs === wanted, `the card drives ${outputs.toString(16)}; expected ${wanted.toString(16)}`);
  }
  for (const inputs of [0x8001, 0x5a3c, 0xffff, 0]) {
    await server.card('idio16', 'setInputs', inputs);
    const found = await readInputs(stage);
    expectThat(found === inputs, `the guest reads ${found.toString(16)}; expected ${inputs.toString(16)}`);
  }
  return '16 outputs seen at the connector, 16 inputs seen in the guest';
}

/** One change after the other, each counted by the kernel. */
async function everyInterrupt(stage: Stage): Promise<string> {
  await exportLines(stage);
  await stage.qemu.output('echo both > /sys/class/gpio/IIN3/edge');
  const before = await stage.interrupts('gpiolib');
  let seen = 0;
  for (let i = 1; i <= INTERRUPTS; i++) {
    await stage.server.card('idio16', 'setInputs', i % 2 === 1 ? 0x0008 : 0);
    // The next change comes when this one is counted: two of them may share an interrupt.
    for (let tries = 0; seen < i && tries < 100; tries++) seen = (await stage.interrupts('gpiolib')) - before;
    expectThat(seen === i, `${i} changes of an input, ${seen} interrupts`);
  }
  await stage.qemu.output('echo none > /sys/class/gpio/IIN3/edge');
  return `${INTERRUPTS} changes, ${seen} interrupts`;
}

export const idio16Checks: readonly Check[] = [
  { name: 'idio16: gpio-pci-idio-16 is bound, lines toggle both ways', run: toggleLines },
  { name: 'idio16: each change of an input interrupts', run: everyInterrupt },
];
