// Boots a guest and runs the checks on it, one after the other: a check that fails is told, and the next one gets the guest as it is.
import { Guest } from './guest.ts';
import type { GuestOptions } from './guest.ts';
import { Stage } from './stage.ts';
import type { Check } from './stage.ts';
import { displayChecks } from './checks/display.ts';
import { gpioChecks } from './checks/gpio.ts';
import { hotPlugChecks } from './checks/hot-plug.ts';
import { machineChecks } from './checks/machine.ts';
import { nvmeChecks } from './checks/nvme.ts';
import { serialChecks } from './checks/serial.ts';

/** What became of a check. */
export interface CheckResult {
  readonly name: string;
  readonly passed: boolean;
  /** What was found out, or what was wrong. */
  readonly detail: string;
  readonly seconds: number;
}

const ALL: readonly Check[] = [...machineChecks, ...gpioChecks, ...serialChecks, ...nvmeChecks, ...displayChecks, ...hotPlugChecks];

/** What is run. */
export interface RunOptions extends GuestOptions {
  /** Part of the names of the checks that are run. Default: all. */
  readonly filter?: string;
  /** How many interrupts are counted; even. Default 2000. */
  readonly interruptCount?: number;
  /** Is told each result as it comes. */
  readonly told?: (result: CheckResult) => void;
}

/** Boots a guest, which is the first result, and runs checks on it. */
export async function runChecks(options: RunOptions = {}): Promise<CheckResult[]> {
  const { filter = '', interruptCount = 2000, told, ...guestOptions } = options;
  const results: CheckResult[] = [];
  const note = async (name: string, run: () => Promise<string>): Promise<boolean> => {
    const started = performance.now();
    const tell = (passed: boolean, detail: string): boolean => {
      const result = { name, passed, detail, seconds: Number(((performance.now() - started) / 1000).toFixed(2)) };
      results.push(result);
      told?.(result);
      return passed;
    };
    return run().then((detail) => tell(true, detail), (error: unknown) => tell(false, error instanceof Error ? error.message : String(error)));
  };
  let guest: Guest | undefined;
  const booted = await note(guestOptions.from === 'state' ? 'the saved machine goes on' : 'the guest boots', async () => {
    guest = await Guest.start(guestOptions);
    return `${(guest.emulator.get_instruction_counter() / 1e9).toFixed(2)} G instructions`;
  });
  if (!booted || guest === undefined) return results;
  const stage = new Stage(guest, interruptCount);
  for (const check of ALL.filter(({ name }) => name.includes(filter))) {
    await note(check.name, async () => {
      const detail = await check.run(stage);
      stage.expectNoComplaint();
      return detail;
    });
    // A guest that is lost says so at the next check.
    await stage.clear().catch(() => undefined);
  }
  await guest.stop();
  return results;
}
