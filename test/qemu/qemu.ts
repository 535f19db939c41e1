// QEMU with cards at vfio-user sockets and Linux in it, driven over its serial line.
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SerialLine } from '../guest/serial-line.ts';
import { Shell } from '../guest/shell.ts';
import type { CommandResult } from '../guest/shell.ts';

/** What `npm run qemu` made. */
export const QEMU_FOLDER = fileURLToPath(new URL('../../qemu', import.meta.url));

/** How QEMU and the guest are started. */
interface GuestFile {
  readonly kernel: string;
  readonly commandLine: string;
  /** What the guest says when its shell is about to start. */
  readonly ready: string;
  readonly qemu: { readonly command: string; readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> };
}

const guestFile = (): GuestFile => JSON.parse(readFileSync(join(QEMU_FOLDER, 'guest.json'), 'utf8')) as GuestFile;

/** A machine. */
export interface QemuOptions {
  /** `pc` has ports and no PCI Express. Default `pc`. */
  readonly machine?: 'pc' | 'q35';
  /** An emulated Intel IOMMU, which the guest uses. `q35` only. */
  readonly iommu?: boolean;
  /** Whether cards get fds of the guest's memory. Default true. */
  readonly sharedMemory?: boolean;
  /** Cards: where they are plugged in, `00:04.0`, and the path of the socket behind each. */
  readonly cards: Readonly<Record<string, string>>;
  /** A guest that restarts starts again; otherwise the machine ends. Default false. */
  readonly restarts?: boolean;
}

const MEMORY_MIB = 256;
/** A guest boots in 5 to 10 s on a quiet machine; on a busy one it takes many times as long. */
const BOOT_SECONDS = 240;
const SHOWN_LINES = 20;

function machineArgs(commandLine: string, { machine = 'pc', iommu = false, sharedMemory = true, cards, restarts = false }: QemuOptions): string[] {
  const memory = sharedMemory ? ['-object', `memory-backend-memfd,id=mem,size=${MEMORY_MIB}M,share=on`] : ['-object', `memory-backend-ram,id=mem,size=${MEMORY_MIB}M`];
  return [
    '-machine', `${machine},memory-backend=mem${iommu ? ',kernel-irqchip=split' : ''}`,
    '-accel', 'tcg', '-cpu', 'max', '-smp', '1', '-m', String(MEMORY_MIB),
    ...memory,
    ...(iommu ? ['-device', 'intel-iommu,caching-mode=on'] : []),
    '-nodefaults', '-no-user-config', '-display', 'none', '-monitor', 'none', '-chardev', 'stdio,id=line,signal=off', '-serial', 'chardev:line',
    ...(restarts ? [] : ['-no-reboot']),
    '-kernel', join(QEMU_FOLDER, 'vmlinuz'), '-initrd', join(QEMU_FOLDER, 'initramfs.cpio'),
    '-append', `${commandLine}${iommu ? ' intel_iommu=on iommu=nopt' : ''}`,
    ...Object.entries(cards).flatMap(([slot, path]) => ['-device', JSON.stringify({ driver: 'vfio-user-pci', addr: slot.slice(3), socket: { type: 'unix', path } })]),
  ];
}

const running = new Set<ChildProcessWithoutNullStreams>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A running QEMU whose guest's shell listens. */
export class Qemu {
  readonly line: SerialLine;
  readonly shell: Shell;
  /** Seconds from its start to the shell. */
  bootSeconds = 0;
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly ready: string;
  private errors = '';
  private ended: string | undefined;

  private constructor(options: QemuOptions) {
    const { commandLine, ready, qemu: { command, args, env } } = guestFile();
    this.ready = ready;
    this.child = spawn(command, [...args, ...machineArgs(commandLine, options)], { env: { ...process.env, ...env }, stdio: 'pipe' });
    this.line = new SerialLine({ instructions: () => 0, send: (text) => void this.child.stdin.write(text) });
    this.shell = new Shell(this.line);
    // What is written to a QEMU that is gone is lost, as it should be.
    this.child.stdin.on('error', () => undefined);
    this.child.stdout.on('data', (bytes: Buffer) => bytes.forEach((byte) => this.line.hear(byte)));
    this.child.stderr.on('data', (bytes: Buffer) => void (this.errors += bytes.toString()));
    running.add(this.child);
    this.child.on('exit', (status, signal) => {
      running.delete(this.child);
      this.ended = `QEMU ended with ${signal ?? status}`;
    });
    this.child.on('error', (error) => void (this.ended = error.message));
  }

  /**
   * Starts one; its shell takes commands when this answers.
   *
   * @throws Error when QEMU ends, or the shell is not ready in 240 s: with what QEMU and the guest said last. Nothing is left running then.
   */
  static async start(options: QemuOptions): Promise<Qemu> {
    const qemu = new Qemu(options);
    try {
      await qemu.booted();
      return qemu;
    } catch (error) {
      const said = qemu.said();
      await qemu.kill();
      throw new Error(`${(error as Error).message}\n${said}`, { cause: error });
    }
  }

  /** Waits until the shell listens; `from`: an index of what was heard. */
  private async booted(from = 0): Promise<void> {
    const started = performance.now();
    const gone = new AbortController();
    const end = once(this.child, 'exit', { signal: gone.signal }).then(() => { throw new Error('QEMU ended before the guest was ready'); });
    try {
      await Promise.race([this.line.waitFor(this.ready, { seconds: BOOT_SECONDS }, from), end]);
    } finally {
      gone.abort();
      end.catch(() => undefined);
    }
    await this.shell.listen();
    this.bootSeconds = (performance.now() - started) / 1000;
  }

  /** What QEMU said on its own, and how it ended if it has. */
  get qemuSaid(): string {
    return this.errors;
  }

  /** The last lines of the guest and of QEMU, for an error. */
  said(): string {
    const errors = this.errors.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
    return [`the guest's last lines:\n${this.line.lastLines(SHOWN_LINES)}`, ...(errors === '' ? [] : [`QEMU said:\n${errors}`]), ...(this.ended === undefined ? [] : [this.ended])].join('\n');
  }

  run(command: string, seconds = 60): Promise<CommandResult> {
    return this.shell.run(command, { seconds });
  }

  /** @throws Error when the command ends with a status other than 0. */
  output(command: string, seconds = 60): Promise<string> {
    return this.shell.output(command, { seconds });
  }

  /** Has the guest restart, and waits until its shell listens again. */
  async restart(): Promise<void> {
    const from = this.line.heard.length;
    this.line.send('reboot -f\n');
    await this.booted(from);
  }

  /** Ends QEMU at once, as kill -9 does. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const end = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await end;
  }
}
