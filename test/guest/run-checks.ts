// Starts a guest and runs checks on it, one after the other: a check that fails is told, and the next one gets the guest as it is.
import { idio16 } from '../../src/devices/index.ts';
import { attachV86 } from '../../src/hosts/v86/index.ts';
import { Guest } from './guest.ts';
import { Stage, complainTo } from './stage.ts';
import type { Check, PowerOnCards } from './stage.ts';
import { badInputChecks } from './checks/bad-input.ts';
import { displayChecks } from './checks/display.ts';
import { firmwareChecks } from './checks/firmware.ts';
import { gpioChecks } from './checks/gpio.ts';
import { hotPlugChecks } from './checks/hot-plug.ts';
import { interruptChecks } from './checks/interrupts.ts';
import { machineChecks } from './checks/machine.ts';
import { nvmeChecks } from './checks/nvme.ts';
import { serialChecks } from './checks/serial.ts';
import { stateChecks } from './checks/state.ts';

/** What became of a check. */
export interface CheckResult {
  readonly name: string;
  readonly passed: boolean;
  /** What was found out, or what was wrong. */
  readonly detail: string;
  readonly seconds: number;
  /** Of this process, user and system. */
  readonly cpuSeconds: number;
}

/** The checks of each guest, about as long: two processors run two of them at the same time. The first guest has to begin with its firmware. */
export const SHIFTS: readonly (readonly Check[])[] = [
  [...firmwareChecks, ...machineChecks, ...gpioChecks, ...hotPlugChecks, ...displayChecks],
  [...serialChecks, ...nvmeChecks, ...badInputChecks, ...stateChecks, ...interruptChecks],
];

/** What is run. */
export interface RunOptions {
  /** Index of {@link SHIFTS}. */
  readonly shift: number;
  readonly from: 'kernel' | 'state';
  /** Part of the names of the checks that are run. Default: all. */
  readonly filter?: string;
  /** How many interrupts are counted; even. */
  readonly interruptCount: number;
  /** Is told each result as it comes. */
  readonly told: (result: CheckResult) => void;
}

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const rounded = (seconds: number): number => Number(seconds.toFixed(2));

/** Starts a guest, which is the first result, and runs the checks of a shift on it. Without any there is no result. */
export async function runChecks({ shift, from, filter = '', interruptCount, told }: RunOptions): Promise<void> {
  const note = async (name: string, run: () => Promise<string>): Promise<boolean> => {
    const [started, cpuBefore] = [performance.now(), cpuSeconds()];
    const tell = (passed: boolean, detail: string): boolean => {
      told({ name, passed, detail, seconds: rounded((performance.now() - started) / 1000), cpuSeconds: rounded(cpuSeconds() - cpuBefore) });
      return passed;
    };
    return run().then((detail) => tell(true, detail), (error: unknown) => tell(false, error instanceof Error ? error.message : String(error)));
  };
  const checks = SHIFTS[shift]!.filter(({ name }) => name.includes(filter));
  if (checks.length === 0) return;
  const complaints: string[] = [];
  let atPowerOn: PowerOnCards | undefined;
  let guest: Guest | undefined;
  const started = await note(from === 'state' ? 'a saved guest goes on' : 'a guest boots', async () => {
    guest = await Guest.start({
      from,
      ...(from === 'kernel' && { onMade: (emulator) => void (atPowerOn = { gpio: attachV86(emulator, (engine, host) => idio16(engine, host, { kind: 'mem32' }), complainTo(complaints)) }) }),
    });
    return `${(guest.emulator.get_instruction_counter() / 1e9).toFixed(2)} G instructions`;
  });
  if (!started || guest === undefined) return;
  const stage = new Stage(guest, { interruptCount, complaints, atPowerOn });
  // Only the first check asks for it, and others expect its slot to be free.
  if (!checks.some((check) => firmwareChecks.includes(check))) await stage.clear();
  for (const check of checks) {
    await note(check.name, async () => {
      const detail = await check.run(stage);
      stage.expectNoComplaint();
      return detail;
    });
    // A guest that is lost says so at the next check.
    await stage.clear().catch(() => undefined);
  }
  await guest.stop();
}
