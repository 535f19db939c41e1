// Linux in v86 in Node, driven over its serial line: boot it from the kernel or from a saved machine, run commands of its shell, get their output and exit status.
import { V86 } from 'v86';
import { restoreState } from '../../src/hosts/v86/index.ts';
import { GUEST_FOLDER, V86_WASM, fileBuffer, readManifest } from './files.ts';
import type { GuestManifest } from './files.ts';
import { SerialLine } from './serial-line.ts';
import type { Limit } from './serial-line.ts';
import { Shell } from './shell.ts';
import type { CommandResult } from './shell.ts';

/** How a guest is started. */
export interface GuestOptions {
  /** The folder that `npm run guest` made. Default: `guest/` of this repository. */
  readonly folder?: string;
  /** Begin with the kernel, or with the machine that `npm run guest -- --state` saved. Default `kernel`. */
  readonly from?: 'kernel' | 'state';
  /** A 32-bit interrupt controller and the tables for it: what messages (MSI) need. Default true. */
  readonly acpi?: boolean;
  /** Added to the kernel's command line. A saved machine has its own. */
  readonly commandLine?: string;
  /** Called when the machine is made and nothing has run: where cards are plugged in that the firmware shall find. A saved machine is restored after it. */
  readonly onMade?: (emulator: V86) => void;
  /** Until the shell is ready. Default: 180 s. */
  readonly limit?: Limit;
}

const BOOT_LIMIT: Limit = { seconds: 180 };

/** What of v86's inside a boot needs: ports that answer. */
interface Ports {
  readonly v86: { readonly cpu: { readonly io: { register_read(port: number, device: unknown, read8: () => number, read16?: () => number, read32?: () => number): void; register_write(port: number, device: unknown, write8: () => void, write16?: () => void, write32?: () => void): void } } };
}

const HOTPLUG_PORTS = [0xae00, 0xae20] as const;

/**
 * The firmware's tables tell of a hot-plug controller at these ports, which v86 has not: they float to all ones, and Linux takes that for a request to eject every card.
 */
function quietHotplugPorts(emulator: V86): void {
  const { io } = (emulator as unknown as Ports).v86.cpu;
  const zero = (): number => 0;
  const nothing = (): void => undefined;
  for (let port: number = HOTPLUG_PORTS[0]; port < HOTPLUG_PORTS[1]; port++) {
    io.register_read(port, undefined, zero, zero, zero);
    io.register_write(port, undefined, nothing, nothing, nothing);
  }
}

/** A running guest whose shell listens. */
export class Guest {
  readonly emulator: V86;
  readonly line: SerialLine;
  readonly manifest: GuestManifest;
  private readonly shell: Shell;
  private readonly hear = (byte: number): void => this.line.hear(byte);

  private constructor(emulator: V86, manifest: GuestManifest) {
    this.emulator = emulator;
    this.manifest = manifest;
    this.line = new SerialLine({ instructions: () => emulator.get_instruction_counter(), send: (text) => emulator.serial0_send(text) });
    this.shell = new Shell(this.line);
    emulator.add_listener('serial0-output-byte', this.hear);
  }

  /**
   * Starts one, and answers when its shell takes commands.
   *
   * @throws Error when a file is missing, or the shell is not ready within the limit: with the last lines of the serial line. Nothing is left running then.
   * @example
   * ```ts
   * const guest = await Guest.start();
   * await guest.run('uname -r'); // { status: 0, output: '6.1.0-50-686\n' }
   * await guest.stop();
   * ```
   */
  static async start(options: GuestOptions = {}): Promise<Guest> {
    const { folder = GUEST_FOLDER, from = 'kernel', acpi = true, commandLine = '', onMade, limit = BOOT_LIMIT } = options;
    const manifest = readManifest(folder);
    const image = (name: string) => ({ buffer: fileBuffer(folder, name) });
    const emulator = new V86({
      wasm_path: V86_WASM,
      memory_size: manifest.memoryBytes,
      vga_memory_size: 8 << 20,
      bios: image('bios.bin'),
      vga_bios: image('vgabios.bin'),
      ...(from === 'state' ? { initial_state: image('state.bin') } : { bzimage: image('vmlinuz'), initrd: image('initramfs.gz'), cmdline: `${manifest.commandLine} ${commandLine}`.trim() }),
      acpi,
      autostart: false,
      disable_speaker: true,
      net_device: { type: 'none' } as never,
    });
    const guest = new Guest(emulator, manifest);
    try {
      await new Promise<void>((resolve, reject) => {
        // The machine is made, and a saved one is not restored yet.
        emulator.add_listener('emulator-ready', () => {
          try {
            quietHotplugPorts(emulator);
            onMade?.(emulator);
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        });
        emulator.add_listener('emulator-loaded', () => resolve());
      });
      await emulator.run();
      await guest.listen(from, limit);
      return guest;
    } catch (error) {
      await guest.stop();
      throw error;
    }
  }

  private async listen(from: 'kernel' | 'state', limit: Limit): Promise<void> {
    if (from === 'kernel') await this.line.waitFor(this.manifest.ready, limit, 0);
    await this.shell.listen(limit);
  }

  /** Runs commands of the guest's shell: {@link Shell.run}. */
  run(command: string, limit: Limit = {}): Promise<CommandResult> {
    return this.shell.run(command, limit);
  }

  /** Runs commands that are to succeed, and answers what they wrote: {@link Shell.output}. */
  output(command: string, limit: Limit = {}): Promise<string> {
    return this.shell.output(command, limit);
  }

  /** Goes back to a state of this machine; the emulator is stopped. Cards are loaded before it runs on. */
  restore(state: ArrayBuffer): Promise<void> {
    return restoreState(this.emulator, state);
  }

  /** Ends the machine. */
  async stop(): Promise<void> {
    this.emulator.remove_listener('serial0-output-byte', this.hear);
    await this.emulator.destroy();
  }
}
