// gpio-pci-idio-16, stock: the card's outputs and inputs through /sys/class/gpio, and every access of the driver in the card's trace as in its counters.
import { idio16 } from '../../../src/devices/index.ts';
import type { Idio16 } from '../../../src/devices/index.ts';
import type { V86Access, V86Card } from '../../../src/hosts/v86/index.ts';
import { expectThat } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';

const LINES = 16;

/** Makes lines of the card's chip files of the guest: OUT0 to OUT15, IIN0 to IIN15. */
export async function exportLines({ guest }: Stage, card: { readonly slot: string }): Promise<void> {
  await guest.output(`base=$(cat /sys/bus/pci/devices/0000:${card.slot}/gpio/gpiochip*/base); for i in $(seq $base $((base + ${2 * LINES - 1}))); do echo $i > /sys/class/gpio/export; done`);
}

/**
 * The driver as after the guest's start. That of Linux up to 6.5 unmasks interrupts of the first card only that it is bound to: those of the next one, or of the same one bound again, are never
 * enabled. No card that it drives may be there.
 */
export async function freshDriver({ guest }: Stage): Promise<void> {
  await guest.output('rmmod gpio-pci-idio-16 && modprobe gpio-pci-idio-16');
}

/** Has the guest drive the lines, and throws unless the card's connector shows it. */
export async function drive({ guest }: Stage, { device }: V86Card<Idio16>, wanted: number): Promise<void> {
  await guest.output(`cd /sys/class/gpio; for i in $(seq 0 ${LINES - 1}); do echo $(((${wanted} >> i) & 1)) > OUT$i/value; done; cd /`);
  expectThat(device.outputs() === wanted, `the card drives ${device.outputs().toString(16)}; expected ${wanted.toString(16)}`);
}

/** Throws unless the guest reads what is at the card's connector. */
export async function expectInputs({ guest }: Stage, inputs: number): Promise<void> {
  const values = await guest.output(`cd /sys/class/gpio; for i in $(seq ${LINES - 1} -1 0); do read value < IIN$i/value; printf %s $value; done; cd /`);
  expectThat(parseInt(values, 2) === inputs, `the guest reads ${values}; expected ${inputs.toString(2).padStart(LINES, '0')}`);
}

/** Both directions, each line. */
export async function toggleLines(stage: Stage, card: V86Card<Idio16>): Promise<void> {
  await drive(stage, card, 0xa5c3);
  for (const inputs of [0x8001, 0x5a3c, 0]) {
    card.device.setInputs(inputs);
    await expectInputs(stage, inputs);
  }
}

/** Throws unless a card's counters say what its trace says; tells both in a few words. */
export function expectTraced(card: V86Card, trace: readonly V86Access[]): string {
  const told = card.regions().map(({ index, counts }) => {
    const own = trace.filter(({ bar }) => bar === index);
    const reads = own.filter(({ operation }) => operation === 'read').length;
    const traced = { reads, writes: own.length - reads, bytes: own.reduce((sum, { width }) => sum + width, 0) };
    expectThat(JSON.stringify(counts) === JSON.stringify(traced), `BAR ${index}: the counters say ${JSON.stringify(counts)}, the trace ${JSON.stringify(traced)}`);
    return `${reads} reads, ${traced.writes} writes`;
  });
  return `${told.join(', ')} traced and counted`;
}

/** The lines of a card that is behind ports or in memory. */
async function linesToggle(stage: Stage, kind: 'io' | 'mem32'): Promise<string> {
  const trace: V86Access[] = [];
  const card = await stage.plug((engine, host) => idio16(engine, host, { kind }), { trace: (access) => void trace.push(access) });
  await stage.expectBound(card, 'pci-idio-16');
  await exportLines(stage, card);
  await toggleLines(stage, card);
  const told = expectTraced(card, trace);
  expectThat(trace.length > 4 * LINES, `${trace.length} accesses; expected one at least for each line that was read or driven`);
  const [region] = card.regions();
  await stage.unplug(card);
  return `at ${region!.address!.toString(16)}, ${told}`;
}

export const gpioChecks: readonly Check[] = [
  { name: 'gpio-pci-idio-16 on ports: lines toggle both ways', run: (stage) => linesToggle(stage, 'io') },
  { name: 'gpio-pci-idio-16 on memory: lines toggle both ways', run: (stage) => linesToggle(stage, 'mem32') },
];
