// Interrupts: as many as a card raises, the guest takes, and not one more. What the guest does last for one interrupt causes the next:
//
//   at once      inside the very store or load that ends the last one: while its handler still runs
//   later        when the emulator has come to rest: the processor sleeps, or does something else
//
// /proc/interrupts has what the guest has seen, the card's counters what was raised.
import { createHash } from 'node:crypto';
import type { Engine } from '../../../src/core/index.ts';
import { idio16, serial } from '../../../src/devices/index.ts';
import type { Idio16 } from '../../../src/devices/index.ts';
import type { InterruptStorm, V86Access, V86Card } from '../../../src/hosts/v86/index.ts';
import type { DeviceHost } from '../../../src/pci/index.ts';
import { expectThat } from '../stage.ts';
import type { Check, Stage } from '../stage.ts';
import { exportLines, freshDriver } from './gpio.ts';

const LATER_EVERY = 100;
const UART_IIR = 2;
const UART_NO_INTERRUPT = 1;

/** Causes one interrupt after the other, each when the one before was answered. */
class Chain {
  readonly over: Promise<void>;
  private readonly count: number;
  private readonly cause: (index: number) => void;
  private finish: () => void = () => undefined;
  private caused = 0;
  private isOn = false;

  /** @param cause causes the interrupt of an index from 0 on. */
  constructor(count: number, cause: (index: number) => void) {
    this.count = count;
    this.cause = cause;
    this.over = new Promise((resolve) => (this.finish = resolve));
  }

  begin(): void {
    this.isOn = true;
    this.next();
  }

  private next(): void {
    this.cause(this.caused++);
  }

  /** One was answered. */
  answered(): void {
    if (!this.isOn) return;
    if (this.caused === this.count) {
      this.isOn = false;
      this.finish();
    } else if (this.caused % LATER_EVERY === 0) setImmediate(() => this.next());
    else this.next();
  }

  /** @throws Error when it has not ended `seconds` from now. */
  async within(seconds: number): Promise<void> {
    let timer: NodeJS.Timeout;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${this.caused} of ${this.count} interrupts caused in ${seconds} s: the last one was not answered`)), seconds * 1000);
    });
    await Promise.race([this.over, late]).finally(() => clearTimeout(timer));
  }
}

const secondsFor = (interrupts: number): number => 60 + interrupts / 200;

/** Throws unless all of these numbers are the same. */
function expectAll(wanted: number, counts: Readonly<Record<string, number>>): string {
  const told = Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(', ');
  expectThat(Object.values(counts).every((count) => count === wanted), `${told}; expected ${wanted} of each`);
  return told;
}

/** An idio16 whose pin is watched: `fallen` is called when the driver has cleared what raised it, inside the store that did. */
const watched = (fallen: () => void) => (engine: Engine, host: DeviceHost): Idio16 => {
  const wire = host.interrupts!;
  const setLevel = (level: boolean): void => {
    wire.setLevel?.(level);
    if (!level) fallen();
  };
  return idio16(engine, { ...host, interrupts: { setLevel, message: (address, data) => wire.message?.(address, data) } }, { kind: 'mem32' });
};

/** Input 0 toggles whenever the driver has cleared the change before. */
async function everyPin(stage: Stage): Promise<string> {
  const { interruptCount: wanted } = stage;
  await freshDriver(stage);
  let input = 0;
  const chain: Chain = new Chain(wanted, () => card.device.setInputs((input ^= 1)));
  const card: V86Card<Idio16> = await stage.plug(watched(() => chain.answered()));
  await exportLines(stage, card);
  await stage.guest.output('echo both > /sys/class/gpio/IIN0/edge');
  const seen = async (): Promise<readonly [number, number]> => [await stage.interrupts(` 0000:${card.slot}`), await stage.interrupts('gpiolib')];
  const before = await seen();
  chain.begin();
  await chain.within(secondsFor(wanted));
  const after = await seen();
  const told = expectAll(wanted, { raised: card.interrupts.raised, 'taken by the driver': after[0] - before[0], 'handled as changes of the line': after[1] - before[1] });
  await stage.unplug(card);
  return told;
}

/** From the guest's own stores: a wire leads from output 0 to input 0, and each store to it raises the pin inside that store. The handler runs before the next one. */
async function everyStore(stage: Stage): Promise<string> {
  const wanted = 2 * Math.ceil(stage.interruptCount / 100);
  await freshDriver(stage);
  const card = await stage.plug((engine, host) => idio16(engine, host, { kind: 'mem32', onOutputs: (outputs) => card.device.setInputs(outputs & 1) }));
  await exportLines(stage, card);
  await stage.guest.output('echo both > /sys/class/gpio/IIN0/edge');
  const before = await stage.interrupts('gpiolib');
  await stage.guest.output(`i=0; while [ $i -lt ${wanted / 2} ]; do echo 1; echo 0; i=$((i + 1)); done > /sys/class/gpio/OUT0/value`, { seconds: secondsFor(wanted) });
  const told = expectAll(wanted, { raised: card.interrupts.raised, handled: (await stage.interrupts('gpiolib')) - before });
  await stage.unplug(card);
  return told;
}

/** A byte comes in whenever the driver has found that nothing is left to do: one message each. */
async function everyMessage(stage: Stage): Promise<string> {
  const { guest, interruptCount: wanted } = stage;
  const bytes = Uint8Array.from({ length: wanted }, (_, i) => (i * 11 + (i >> 8)) & 0xff);
  const chain: Chain = new Chain(wanted, (i) => card.device.receive(bytes.subarray(i, i + 1)));
  const trace = ({ operation, offset, value }: V86Access): void => {
    if (operation === 'read' && offset === UART_IIR && (value & UART_NO_INTERRUPT) !== 0) chain.answered();
  };
  const card = await stage.plug((engine, host) => serial(engine, host, { timing: 'immediate' }), { trace });
  const tty = await guest.output(`ls /sys/bus/pci/devices/0000:${card.slot}/tty`);
  await guest.output(`exec 3<> /dev/${tty}; stty -F /dev/${tty} raw -echo 115200; head -c ${wanted} <&3 > /tmp/answer &`);
  const [before, sent] = [await stage.interrupts(tty), card.interrupts.messages];
  chain.begin();
  await chain.within(secondsFor(wanted));
  const told = expectAll(wanted, { 'messages sent': card.interrupts.messages - sent, taken: (await stage.interrupts(tty)) - before });
  const got = await guest.output('wait; sha256sum < /tmp/answer; exec 3>&-; rm /tmp/answer');
  expectThat(got.startsWith(createHash('sha256').update(bytes).digest('hex')), 'the bytes that came with them are others');
  await stage.unplug(card);
  return told;
}

const STORM = { limit: 50, per: 50_000_000 } as const;
const STORM_COUNT = 4 * STORM.limit;

/** A storm of interrupts is a trickle; it is told, and in the end all of it has come. */
async function stormIsCapped(stage: Stage): Promise<string> {
  await freshDriver(stage);
  const storms: InterruptStorm[] = [];
  let input = 0;
  const chain: Chain = new Chain(STORM_COUNT, () => card.device.setInputs((input ^= 1)));
  const card: V86Card<Idio16> = await stage.plug(watched(() => chain.answered()), { storm: STORM, onStorm: (storm) => void storms.push(storm) });
  await exportLines(stage, card);
  await stage.guest.output('echo both > /sys/class/gpio/IIN0/edge');
  const before = await stage.interrupts('gpiolib');
  chain.begin();
  await chain.within(secondsFor(STORM_COUNT));
  const seen = (await stage.interrupts('gpiolib')) - before;
  const { raised, capped } = card.interrupts;
  expectThat(raised === STORM_COUNT && seen === STORM_COUNT, `${raised} raised, ${seen} handled; expected ${STORM_COUNT} of each`);
  expectThat(capped > 0 && storms.length > 0 && storms.every(({ kind, slot }) => kind === 'rate' && slot === card.slot), `${capped} kept back, told as ${JSON.stringify(storms)}`);
  await stage.unplug(card);
  return `${capped} of ${raised} kept back at first, told ${storms.length} times`;
}

export const interruptChecks: readonly Check[] = [
  { name: 'interrupts of a pin: none lost, none doubled', run: everyPin },
  { name: 'interrupts of a pin raised inside stores: none lost, none doubled', run: everyStore },
  { name: 'messages: none lost, none doubled', run: everyMessage },
  { name: 'a storm of interrupts is capped, and told', run: stormIsCapped },
];
