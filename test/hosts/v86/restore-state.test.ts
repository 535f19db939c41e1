// A machine that is taken back to a state of it has the time stamp counter of that state, however often it was taken back. Time is the test's own: what v86 asks for it is answered here.

import { afterEach, expect, test } from '@jest/globals';
import { restoreState } from '../../../src/hosts/v86/index.ts';
import { FakeEmulator } from './fake-emulator.ts';
import { RealMachine } from './real-machine.ts';

/** Counts of v86's time stamp counter in a millisecond. */
const PER_MS = 1_000_000;

interface Counter {
  readonly current_tsc: Uint32Array;
  readonly set_tsc: unknown;
  store_current_tsc(): void;
}

/** Milliseconds. */
let now = 0;
/** How much later it is whenever v86 asks: an answer that it has had already, it makes up more counts for. While it runs, it asks whether its turn is over. */
const PACE = { resting: 0.001, running: 0.25 } as const;
let pace: number = PACE.resting;
const made: RealMachine[] = [];
afterEach(async () => {
  for (const one of made.splice(0)) await one.destroy();
});

const cpuOf = ({ emulator }: RealMachine): Counter => emulator.v86.cpu as unknown as Counter;

/** A machine that is made at a time, and has run. */
async function machineAt(ms: number): Promise<RealMachine> {
  now = ms;
  const one = await RealMachine.make({ acpi: true, imports: (env) => void (env['microtick'] = () => (now += pace)) });
  made.push(one);
  pace = PACE.running;
  // As a BIOS does: v86 cannot restore its IDE controller with BARs that nobody has written to.
  await one.run(...[0x10, 0x14, 0x18, 0x1c].flatMap((bar) => RealMachine.configWrite(0xf0, bar, 0)));
  pace = PACE.resting;
  return one;
}

/** What a guest would read, in milliseconds. */
function counterOf(one: RealMachine): number {
  const cpu = cpuOf(one);
  cpu.store_current_tsc();
  return (cpu.current_tsc[1]! * 2 ** 32 + cpu.current_tsc[0]!) / PER_MS;
}

test('taken back over and over, it has the counter of the state, which goes on from there', async () => {
  const machine = await machineAt(1_000);
  now = 5_000;
  const saved = counterOf(machine);
  const state = await machine.emulator.save_state();
  for (const at of [60_000, 61_000, 200_000]) {
    now = at;
    await restoreState(machine.emulator, state);
    expect(counterOf(machine) - saved).toBeCloseTo(0, 1);
    now += 7;
    expect(counterOf(machine) - saved).toBeCloseTo(7, 1);
  }
});

test('by v86 alone it has another the second time', async () => {
  const machine = await machineAt(1_000);
  const saved = counterOf(machine);
  const state = await machine.emulator.save_state();
  now = 60_000;
  await machine.emulator.restore_state(state);
  now = 61_000;
  await machine.emulator.restore_state(state);
  expect(Math.abs(counterOf(machine) - saved)).toBeGreaterThan(1_000);
});

test('a state of a machine that had run longer is restored in a new one, then another in the same', async () => {
  const old = await machineAt(1_000);
  now = 600_000;
  const first = counterOf(old);
  const state = await old.emulator.save_state();
  const machine = await machineAt(2_000);
  await restoreState(machine.emulator, state);
  now = 3_000;
  const second = counterOf(machine);
  expect(second - first).toBeGreaterThan(900);
  const later = await machine.emulator.save_state();
  now = 90_000;
  await restoreState(machine.emulator, later);
  expect(counterOf(machine) - second).toBeCloseTo(0, 1);
});

test('what v86 refuses is refused, and set_tsc is v86\'s own again', async () => {
  const machine = await machineAt(1_000);
  const { set_tsc: own } = cpuOf(machine);
  await expect(restoreState(machine.emulator, new ArrayBuffer(8))).rejects.toHaveProperty('message', 'Invalid length: 8');
  expect(cpuOf(machine).set_tsc).toBe(own);
  await restoreState(machine.emulator, await machine.emulator.save_state());
  expect(cpuOf(machine).set_tsc).toBe(own);
});

test.each([
  [null, 'restoreState: the emulator is null; expected a V86'],
  [{}, 'restoreState: emulator.restore_state is undefined; expected a function'],
  [{ restore_state: () => undefined }, "restoreState: emulator.v86 is undefined; expected an object, as in v86 0.5.462: has 'emulator-ready' been told yet?"],
  [Object.assign(new FakeEmulator(), { restore_state: () => undefined }), 'restoreState: emulator.v86.cpu.current_tsc is undefined; expected an array'],
])('an emulator that lacks something is refused: case %#', async (emulator, message) => {
  await expect(restoreState(emulator as never, new ArrayBuffer(16))).rejects.toThrow(message);
});

test.each([[undefined, 'of type undefined'], [null, 'null'], [new Uint8Array(16), 'of type object'], ['state', 'of type string']])('a state that is %p is refused before v86 is asked', async (state, what) => {
  let asked = 0;
  const emulator = { restore_state: () => Promise.resolve(void asked++), v86: { cpu: { current_tsc: new Uint32Array(2), store_current_tsc: () => undefined, set_tsc: () => undefined } } };
  await expect(restoreState(emulator, state as never)).rejects.toThrow(`restoreState: the state is ${what}; expected an ArrayBuffer, as save_state answers`);
  expect(asked).toBe(0);
});
