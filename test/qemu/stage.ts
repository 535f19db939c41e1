// What checks of a guest share: QEMU, the servers of its cards, and starting both again.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Qemu } from './qemu.ts';
import type { QemuOptions } from './qemu.ts';
import { ServerProcess } from './server.ts';
import type { Served, ServerCounts } from './server.ts';

/** A check: what it is called, and what it found out in one line. It throws what is wrong. */
export interface Check {
  readonly name: string;
  readonly run: (stage: Stage) => Promise<string>;
}

/** A machine and its cards. */
export interface Scenario extends Omit<QemuOptions, 'cards'> {
  readonly name: string;
  /** By slot. */
  readonly cards: Readonly<Record<string, Pick<Served, 'device' | 'transport'>>>;
  readonly checks: readonly Check[];
}

const COMMAND = fileURLToPath(new URL('../../dist/esm/cli/main.js', import.meta.url));
const POLL_MS = 20;

/** Throws unless `holds`. */
export function expectThat(holds: boolean, wrong: string): asserts holds {
  if (!holds) throw new Error(wrong);
}

/** What `maplebar inspect` prints. */
export const inspect = (...args: readonly string[]): string => execFileSync(process.execPath, [COMMAND, 'inspect', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** A scenario that runs. */
export class Stage {
  readonly scenario: Scenario;
  /** Sockets and files of this scenario. */
  readonly folder = mkdtempSync(join(tmpdir(), 'maplebar-qemu-'));
  /** What QEMUs said on their own: they had nothing to say where all went well. */
  readonly qemuSaid: string[] = [];
  private running: Qemu | undefined;
  private serving: ServerProcess | undefined;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    // Also when a signal ends all of it.
    process.once('exit', () => rmSync(this.folder, { recursive: true, force: true }));
  }

  private get served(): readonly Served[] {
    return Object.values(this.scenario.cards).map((card) => ({ ...card, name: card.device, path: join(this.folder, `${card.device}.sock`) }));
  }

  get qemu(): Qemu {
    if (this.running === undefined) throw new Error('QEMU is not running');
    return this.running;
  }

  get server(): ServerProcess {
    if (this.serving === undefined) throw new Error('nobody serves the cards');
    return this.serving;
  }

  /** Where a card is plugged in, as sysfs says it: `0000:00:04.0`. */
  slot(device: Served['device']): string {
    const found = Object.entries(this.scenario.cards).find(([, card]) => card.device === device);
    expectThat(found !== undefined, `the scenario ${this.scenario.name} has no ${device}`);
    return `0000:${found[0]}`;
  }

  /** Starts what is not running: the servers, then QEMU. Resolves when the guest's shell listens. */
  async start(): Promise<void> {
    this.serving ??= await ServerProcess.start(this.served);
    if (this.running !== undefined) return;
    const cards = Object.fromEntries(Object.entries(this.scenario.cards).map(([slot, { device }]) => [slot, join(this.folder, `${device}.sock`)]));
    this.running = await Qemu.start({ ...this.scenario, cards });
  }

  /** Ends QEMU as kill -9 does. */
  async killQemu(): Promise<void> {
    await this.running?.kill();
    // Without a server it complains of each access.
    if (this.serving !== undefined && this.running !== undefined) this.qemuSaid.push(...this.running.qemuSaid.split('\n').filter((line) => line !== ''));
    this.running = undefined;
  }

  /** Ends the servers as kill -9 does. */
  async killServer(): Promise<void> {
    await this.serving?.kill();
    this.serving = undefined;
  }

  /** Has modules loaded, and a card driven by one of their drivers. */
  async bind(device: Served['device'], driver: string, ...modules: readonly string[]): Promise<void> {
    const at = `/sys/bus/pci/devices/${this.slot(device)}`;
    await this.qemu.output(`for module in ${modules.join(' ')}; do modprobe $module || exit 1; done
[ -e ${at}/driver ] || { echo ${driver} > ${at}/driver_override; echo ${this.slot(device)} > /sys/bus/pci/drivers_probe; }`);
    const bound = await this.qemu.output(`readlink ${at}/driver`);
    expectThat(bound.endsWith(`/${driver}`), `${this.slot(device)}: its driver is ${bound}; expected ${driver}`);
  }

  /** How often an interrupt came: the sum of the lines of /proc/interrupts that hold `what`. */
  async interrupts(what: string): Promise<number> {
    const lines = (await this.qemu.output('cat /proc/interrupts')).split('\n').filter((line) => line.includes(what));
    return lines.reduce((sum, line) => sum + Number(/^\s*\S+:\s+(\d+)/.exec(line)?.[1] ?? 0), 0);
  }

  /** Waits until what a server has counted is as wanted. */
  async until(device: Served['device'], what: string, holds: (counts: ServerCounts) => boolean, seconds = 20): Promise<ServerCounts> {
    for (const end = performance.now() + seconds * 1000; ; ) {
      const counts = await this.server.counts(device);
      if (holds(counts)) return counts;
      expectThat(performance.now() < end, `${device}: ${what} is not so after ${seconds} s: ${JSON.stringify(counts)}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** What nobody should have said by the end: QEMUs, and the cards. */
  async complaints(): Promise<readonly string[]> {
    await this.killQemu();
    const ofCards = await Promise.all(Object.values(this.scenario.cards).map(({ device }) => this.server.complaints(device)));
    return [...this.qemuSaid.map((line) => `QEMU: ${line}`), ...ofCards.flat()];
  }

  /** What is there to say when something is wrong. */
  async said(): Promise<string> {
    const trace = await this.serving?.trace();
    return [...(this.running === undefined ? [] : [this.running.said()]), ...(trace === undefined ? ['the server is gone'] : [`the server's trace (< from QEMU, > to it):\n${trace}`])].join('\n');
  }

  /** Ends both. */
  async end(): Promise<void> {
    await this.killQemu();
    await this.serving?.close();
    this.serving = undefined;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
