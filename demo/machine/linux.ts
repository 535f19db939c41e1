// The machine with Linux: the guest that `npm run guest` makes, from its saved state or its kernel, or a kernel that was dropped on the page.

import type { V86 } from 'v86';
import { createEngine } from 'maplebar';
import type { Engine } from 'maplebar';
import { fetchFile, fetchPacked, makeEmulator } from './emulator.ts';
import type { EmulatorParts } from './emulator.ts';
import { GuestText } from './machine.ts';
import type { Machine } from './machine.ts';

/** What guest.json says, as far as it is used here. */
export interface GuestManifest {
  readonly kernel: string;
  readonly commandLine: string;
  readonly memoryBytes: number;
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

/** Linux, driven over its serial line. */
export class LinuxMachine implements Machine {
  readonly kind = 'linux';
  readonly reserved = null;
  readonly title: string;
  readonly emulator: V86;
  readonly engine: Engine = createEngine();
  private readonly text = new GuestText();
  private heard = '';
  private readonly decoder = new TextDecoder();

  private constructor(title: string, emulator: V86) {
    this.title = title;
    this.emulator = emulator;
    emulator.add_listener('serial0-output-byte', (byte: number) => this.hear(byte));
  }

  static async start(manifest: GuestManifest, screen: HTMLElement, tell: (text: string) => void, dropped?: DroppedKernel): Promise<LinuxMachine> {
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
    const emulator = await makeEmulator({ memoryBytes: manifest.memoryBytes, bios, vgaBios, acpi: true, screen, ...start });
    const machine = new LinuxMachine(dropped === undefined ? `Linux ${manifest.kernel}` : `kernel ${dropped.name}`, emulator);
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
    this.text.say(text);
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

  /** Types a command, and waits for the line that says it is over. */
  async command(line: string): Promise<void> {
    this.heard = '';
    // What is computed is not what is typed: an echo is no answer.
    this.send(`${line}; echo over-$((40 + 2))\n`);
    const limit = Date.now() + 20_000;
    while (!this.heard.includes('over-42') && Date.now() < limit) await new Promise((resolve) => setTimeout(resolve, 30));
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
