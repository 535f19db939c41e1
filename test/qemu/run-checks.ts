// Scenarios, each a machine with its cards: two at a time. Checks of one follow each other; one that fails is told, and the next one gets a QEMU of its own.
import { eduByFd, eduByMessage, eduByVfio } from './checks/edu.ts';
import { endpointCheck } from './checks/endpoint.ts';
import { idio16Checks, toggleLines } from './checks/idio16.ts';
import { lspciCheck } from './checks/lspci.ts';
import { nvmeCheck } from './checks/nvme.ts';
import { recoveryChecks } from './checks/recovery.ts';
import { windowCheck } from './checks/window.ts';
import { Stage, expectThat } from './stage.ts';
import type { Scenario } from './stage.ts';

/** What became of a check. */
export interface CheckResult {
  readonly name: string;
  readonly passed: boolean;
  /** What was found out, or what was wrong: with the guest's last lines and the server's trace. */
  readonly detail: string;
  readonly seconds: number;
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'shared memory',
    restarts: true,
    cards: { '00:04.0': { device: 'idio16', transport: 'koffi' }, '00:05.0': { device: 'edu', transport: 'koffi' }, '00:06.0': { device: 'nvme-lite', transport: 'koffi' } },
    checks: [lspciCheck, ...idio16Checks, eduByFd, nvmeCheck, ...recoveryChecks],
  },
  {
    name: 'IOMMU',
    machine: 'q35',
    iommu: true,
    cards: { '00:04.0': { device: 'endpoint-test', transport: 'koffi' }, '00:05.0': { device: 'edu', transport: 'koffi' } },
    checks: [lspciCheck, endpointCheck, eduByVfio],
  },
  {
    name: 'messages',
    sharedMemory: false,
    cards: { '00:04.0': { device: 'idio16', transport: 'net' }, '00:05.0': { device: 'edu', transport: 'koffi' }, '00:06.0': { device: 'window', transport: 'koffi' } },
    checks: [windowCheck, eduByMessage, { name: 'idio16 without native code: lines toggle both ways', run: toggleLines }],
  },
];

/** What is run. */
export interface RunOptions {
  /** Part of the names of the checks that are run; names begin with that of their scenario. Default: all. */
  readonly filter?: string;
  /** Is told each result as it comes. */
  readonly told?: (result: CheckResult) => void;
}

const MOST_COMPLAINTS = 20;
/** When an IOMMU is turned on, QEMU takes back ranges that it never gave, and says of each that there was nothing. */
const UNMAP_OF_NOTHING = /^QEMU: .*vfio_container_dma_unmap\(.*\) = -2 /;

const round = (ms: number): number => Number((ms / 1000).toFixed(2));
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function complainNot(stage: Stage): Promise<string> {
  const complaints = (await stage.complaints()).filter((line) => !stage.scenario.iommu || !UNMAP_OF_NOTHING.test(line));
  expectThat(complaints.length === 0, complaints.slice(0, MOST_COMPLAINTS).join('\n'));
  return 'not a line';
}

async function runScenario(scenario: Scenario, note: (result: CheckResult) => void): Promise<void> {
  const stage = new Stage(scenario);
  const step = async (name: string, run: () => Promise<string>): Promise<boolean> => {
    const started = performance.now();
    const tell = (passed: boolean, detail: string): boolean => {
      note({ name: `${scenario.name}: ${name}`, passed, detail, seconds: round(performance.now() - started) });
      return passed;
    };
    try {
      return tell(true, await run());
    } catch (error) {
      return tell(false, `${messageOf(error)}\n${await stage.said()}`);
    }
  };
  try {
    const boot = async (): Promise<string> => {
      await stage.start();
      return `the shell listens after ${stage.qemu.bootSeconds.toFixed(1)} s`;
    };
    let isUp = await step('QEMU attaches, the guest boots', boot);
    if (!isUp) return;
    for (const check of scenario.checks) {
      if (!isUp) {
        await stage.killQemu();
        if (!(await step('QEMU attaches again', boot))) return;
      }
      isUp = await step(check.name, () => check.run(stage));
    }
    if (isUp) await step('neither QEMU nor a card has complained', () => complainNot(stage));
  } finally {
    await stage.end();
  }
}

/** Runs the checks. */
export async function runChecks({ filter = '', told }: RunOptions = {}): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  const note = (result: CheckResult): void => {
    results.push(result);
    told?.(result);
  };
  const wanted = SCENARIOS.map((scenario) => ({ ...scenario, checks: scenario.checks.filter(({ name }) => `${scenario.name}: ${name}`.includes(filter)) })).filter(({ checks }) => checks.length > 0);
  const lane = async (): Promise<void> => {
    for (let next = wanted.shift(); next !== undefined; next = wanted.shift()) await runScenario(next, note);
  };
  await Promise.all([lane(), lane()]);
  return results;
}
