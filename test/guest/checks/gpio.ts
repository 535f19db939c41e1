// gpio-pci-idio-16, stock: lamps that the guest switches, switches that it reads, and an interrupt for each change.
import type { V86Card } from '../../../src/hosts/v86/index.ts';
import type { Idio16 } from '../../../src/devices/index.ts';
import { idio16 } from '../../../src/devices/index.ts';
import { expectThat } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';

const LINES = 16;

/** Makes lines of the card's chip files of the guest: OUT0 to OUT15, IIN0 to IIN15. */
export async function exportLines({ guest }: Stage, card: { readonly slot: string }): Promise<void> {
  const base = await guest.output(`cat /sys/bus/pci/devices/0000:${card.slot}/gpio/gpiochip*/base`);
  await guest.output(`for i in $(seq ${base} $((${base} + ${2 * LINES - 1}))); do echo $i > /sys/class/gpio/export; done`);
}

/** Both directions, each line: what the guest writes the card's connector shows, what the connector is given the guest reads. */
export async function toggleLines({ guest }: Stage, card: V86Card<Idio16>): Promise<void> {
  const { device } = card;
  const wanted = 0xa5c3;
  await guest.output(`cd /sys/class/gpio; for i in $(seq 0 ${LINES - 1}); do echo $(((${wanted} >> i) & 1)) > OUT$i/value; done; cd /`);
  expectThat(device.outputs() === wanted, `the card drives ${device.outputs().toString(16)}; expected ${wanted.toString(16)}`);
  for (const inputs of [0x8001, 0x5a3c, 0]) {
    device.setInputs(inputs);
    const values = await guest.output(`cd /sys/class/gpio; for i in $(seq ${LINES - 1} -1 0); do read value < IIN$i/value; printf %s $value; done; cd /`);
    expectThat(parseInt(values, 2) === inputs, `the guest reads ${values}; expected ${inputs.toString(2).padStart(LINES, '0')}`);
  }
}

/**
 * A wire leads from output 0 to input 0: each store of the guest raises the pin inside that store, in code that v86 has compiled. The handler runs before the next store, so that no two changes
 * share an interrupt.
 */
async function everyInterrupt(stage: Stage): Promise<string> {
  const { interruptCount: wanted } = stage;
  const card = await stage.plug((engine, host) => idio16(engine, host, { kind: 'mem32', onOutputs: (outputs) => card.device.setInputs(outputs & 1) }));
  await exportLines(stage, card);
  await stage.guest.output('echo both > /sys/class/gpio/IIN0/edge');
  const before = await stage.interrupts('gpiolib');
  await stage.guest.output(`i=0; while [ $i -lt ${wanted / 2} ]; do echo 1; echo 0; i=$((i + 1)); done > /sys/class/gpio/OUT0/value`, { seconds: 60 + wanted / 50 });
  const seen = (await stage.interrupts('gpiolib')) - before;
  const { raised } = card.interrupts;
  expectThat(raised === wanted && seen === wanted, `${raised} raised, ${seen} handled; expected ${wanted} of each`);
  await stage.unplug(card);
  return `${raised} raised, ${seen} handled`;
}

export const gpioChecks: readonly Check[] = [
  { name: 'interrupts: none lost, none doubled', run: everyInterrupt },
  {
    name: 'gpio-pci-idio-16 on ports: lines toggle both ways',
    run: async (stage) => {
      const card = await stage.plug((engine, host) => idio16(engine, host));
      await stage.expectBound(card, 'pci-idio-16');
      await exportLines(stage, card);
      await toggleLines(stage, card);
      const [region] = card.regions();
      await stage.unplug(card);
      return `ports ${region!.address!.toString(16)}, ${region!.counts.reads} reads, ${region!.counts.writes} writes`;
    },
  },
  {
    name: 'gpio-pci-idio-16 on memory: lines toggle both ways',
    run: async (stage) => {
      const card = await stage.plug((engine, host) => idio16(engine, host, { kind: 'mem32' }));
      await stage.expectBound(card, 'pci-idio-16');
      await exportLines(stage, card);
      await toggleLines(stage, card);
      const [region] = card.regions();
      await stage.unplug(card);
      return `memory ${region!.address!.toString(16)}, ${region!.counts.reads} reads, ${region!.counts.writes} writes`;
    },
  },
];
