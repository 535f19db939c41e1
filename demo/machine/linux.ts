// The machine with Linux: the guest that `npm run guest` makes, from its saved state or its kernel, or a kernel that was dropped on the page.

import type { V86 } from 'v86';
import { createEngine } from 'maplebar';
import type { Engine } from 'maplebar';
import { TASK_BYTES, linuxLoop } from '../guest/linux-loop.ts';
import { fetchFile, fetchPacked, makeEmulator } from './emulator.ts';
import type { EmulatorParts } from './emulator.ts';
import { GuestText } from './machine.ts';
import type { Machine } from './machine.ts';

/** What guest.json says, as far as it is used here. */
export interface GuestManifest {
  readonly kernel: string;
  readonly commandLine: string;
  readonly memoryBytes: number;
  /** Memory that the kernel leaves alone. */
  readonly reserved: { readonly start: number; readonly bytes: number };
  readonly ready: string;
  readonly state?: { readonly v86: string };
  readonly files: Readonly<Record<string, { readonly bytes: number }>>;
}

/** The guest that the server has; undefined when `npm run guest` was not run. */
export async function guestOnServer(): Promise<GuestManifest | undefined> {
  // Missing files answer an empty list instead of an error, which browsers would report.
  const response = await fetch(new URL('guest/guest.json', document.baseURI));
  const manifest = (await response.json()) as Partial<GuestManifest>;
  return manifest.kernel === undefined ? undefined : (manifest as GuestManifest);
}

/** A kernel that is somewhere else than on the server. */
export interface DroppedKernel {
  readonly name: string;
  readonly image: ArrayBuffer;
  readonly initrd?: ArrayBuffer | undefined;
}

/** What Linux is started with. */
export interface LinuxStart {
  readonly manifest: GuestManifest;
  /** Where v86 draws its VGA. */
  readonly screen: HTMLElement;
  /** Is told how far it is. */
  readonly tell: (text: string) => void;
  readonly isLinked: boolean;
  readonly dropped?: DroppedKernel | undefined;
}

const COMMAND_MS = 60_000;
/** Accesses of one loop that is measured. */
const ACCESSES = 40_000;
/** Characters that are typed at once. */
const LINE = 200;
/** What the guest's shell knows the loop by that is measured. */
const PROGRAM = 'timed';

const BOOT_MAGIC = 0x5372_6448; // "HdrS"

/** Whether bytes are a kernel as the boot protocol of x86 knows it. Source: Linux Documentation/arch/x86/boot.rst */
export function isKernel(image: ArrayBuffer): boolean {
  return image.byteLength > 0x206 && new DataView(image).getUint32(0x202, true) === BOOT_MAGIC;
}

/** Linux, driven over its serial line. */
export class LinuxMachine implements Machine {
  readonly kind = 'linux';
  readonly title: string;
  readonly emulator: V86;
  readonly engine: Engine;
  readonly isLinked: boolean;
  readonly memoryBytes: number;
  readonly reserved: Machine['reserved'];
  private readonly text = new GuestText();
  private heard = '';
  private isQuiet = false;
  private readonly decoder = new TextDecoder();

  private constructor(title: string, { memoryBytes, reserved }: GuestManifest, isOurs: boolean, emulator: V86, engine: Engine, isLinked: boolean) {
    this.memoryBytes = memoryBytes;
    // The command line keeps it free for a kernel like ours; of another nobody knows.
    this.reserved = isOurs ? reserved : null;
    this.title = title;
    this.emulator = emulator;
    this.engine = engine;
    this.isLinked = isLinked;
    emulator.add_listener('serial0-output-byte', (byte: number) => this.hear(byte));
  }

  static async start({ manifest, screen, tell, isLinked, dropped }: LinuxStart): Promise<LinuxMachine> {
    const isSaved = dropped === undefined && manifest.state !== undefined;
    tell(isSaved ? 'loading the saved machine ...' : 'loading the kernel ...');
    const [bios, vgaBios] = await Promise.all([fetchFile('guest/bios.bin'), fetchFile('guest/vgabios.bin')]);
    const start: Partial<EmulatorParts> = isSaved
      ? { state: await fetchPacked('guest/state.bin.gz') }
      : { kernel: {
        image: dropped?.image ?? await fetchFile('guest/vmlinuz'),
        initrd: dropped === undefined ? await fetchFile('guest/initramfs.gz') : dropped.initrd,
        commandLine: manifest.commandLine,
      } };
    const engine = createEngine();
    const emulator = await makeEmulator({ memoryBytes: manifest.memoryBytes, bios, vgaBios, acpi: true, screen, linkedTo: isLinked ? engine : null, ...start });
    const machine = new LinuxMachine(dropped === undefined ? `Linux ${manifest.kernel}` : `kernel ${dropped.name}`, manifest, dropped === undefined, emulator, engine, isLinked);
    await emulator.run();
    tell(isSaved ? 'restored' : 'booting: 10 to 20 seconds until its shell is ready ...');
    if (dropped !== undefined) return machine;
    if (!isSaved) await machine.hears(manifest.ready);
    machine.send('\n');
    await machine.hears('# ');
    tell('the shell is ready');
    return machine;
  }

  private hear(byte: number): void {
    const text = this.decoder.decode(Uint8Array.of(byte), { stream: true });
    this.heard = (this.heard + text).slice(-4000);
    if (!this.isQuiet) this.text.say(text);
  }

  /** Waits until the guest has said something, from now on or lately. */
  private async hears(what: string): Promise<void> {
    while (!this.heard.includes(what)) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  onText(listener: (text: string) => void): void {
    this.text.listen(listener);
  }

  /** Types on the serial line. */
  send(text: string): void {
    this.emulator.serial0_send(text);
  }

  /** Types a command, and waits for the line that says it is over. Error when that does not come. */
  async command(line: string): Promise<void> {
    this.heard = '';
    // What is computed is not what is typed: an echo is no answer.
    this.send(`${line}; echo over-$((40 + 2))\n`);
    const limit = Date.now() + COMMAND_MS;
    while (!this.heard.includes('over-42')) {
      if (Date.now() > limit) throw new Error(`the guest has not answered for ${COMMAND_MS / 1000} s: ${line.slice(0, 60)}`);
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  /** The guest runs a loop of ours, which is typed into its shell; what that looks like is not shown. */
  async measure(operation: 'store' | 'load', address: number | null): Promise<number> {
    const program = linuxLoop({ operation, address, accesses: ACCESSES });
    this.isQuiet = true;
    try {
      const task = [...program.subarray(-TASK_BYTES)].map((byte) => `\\${byte.toString(8)}`).join('');
      // All but the task is typed once: a kernel that is emulated takes its time for each character. A state that is restored may have been saved before that.
      let found = await this.timed(task);
      if (found === undefined) {
        await this.typeProgram(program.subarray(0, -TASK_BYTES));
        found = await this.timed(task);
      }
      if (found === undefined || found === 0xffff_ffff) throw new Error(`the guest cannot reach ${address === null ? 'its memory' : `0x${address.toString(16)}`} by /dev/mem`);
      return found / ACCESSES;
    } finally {
      this.isQuiet = false;
    }
  }

  /** Nanoseconds of a loop of the program that the guest has; undefined when it has none. */
  private async timed(task: string): Promise<number | undefined> {
    await this.command(`${PROGRAM} '${task}'`);
    const [, found] = /least-([0-9a-f]{8})-/.exec(this.heard) ?? [];
    return found === undefined ? undefined : Number.parseInt(found, 16);
  }

  /** Types the program, and a function of the shell that puts a task behind it and runs it. */
  private async typeProgram(bytes: Uint8Array): Promise<void> {
    const text = btoa(String.fromCharCode(...bytes));
    // Short lines: the shell edits them as they are typed.
    for (let at = 0; at < text.length; at += LINE) await this.command(`echo ${text.slice(at, at + LINE)} ${at === 0 ? '>' : '>>'} /tmp/base64`);
    await this.command('base64 -d /tmp/base64 > /tmp/head; : > /tmp/loop; chmod +x /tmp/loop');
    await this.command(`${PROGRAM}() { { cat /tmp/head; printf "$1"; } > /tmp/loop; echo least-$(/tmp/loop)-; }`);
  }

  rescan(): Promise<void> {
    return this.command('echo 1 > /sys/bus/pci/rescan');
  }

  release(slot: string): Promise<void> {
    return this.command(`echo 1 > /sys/bus/pci/devices/0000:${slot}/remove`);
  }

  async end(): Promise<void> {
    await this.emulator.destroy();
  }
}
