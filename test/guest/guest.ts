// Linux in v86 in Node, driven over its serial line: boot it from the kernel or from a saved machine, run commands of its shell, get their output and exit status.
import { V86 } from 'v86';
import { GUEST_FOLDER, V86_WASM, fileBuffer, readManifest } from './files.ts';
import type { GuestManifest } from './files.ts';
import { SerialLine } from './serial-line.ts';
import type { Limit } from './serial-line.ts';

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

/** What a command of the guest's shell ended with. */
export interface CommandResult {
  /** 0 to 255. */
  readonly status: number;
  /** What it wrote to both of its outputs; lines end with a newline. */
  readonly output: string;
}

const BEGIN = '\u0001';
const END = '\u0002';
const OVER = '\u0003';
// A terminal takes lines up to 4095 bytes; the shell's own limit is lower.
const MAX_LINE = 1000;
const BOOT_LIMIT: Limit = { seconds: 180 };

/** What of v86's inside a boot needs: ports that answer. */
interface Ports {
  readonly v86: { readonly cpu: { readonly io: { register_read(port: number, device: unknown, read8: () => number, read16?: () => number, read32?: () => number): void; register_write(port: number, device: unknown, write8: () => void, write16?: () => void, write32?: () => void): void } } };
}

/** What of v86's inside going back in time needs. */
interface TimeStamps {
  readonly v86: { readonly cpu: { readonly current_tsc: Uint32Array; store_current_tsc(): void; set_tsc(low: number, high: number): void } };
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
  private readonly hear = (byte: number): void => this.line.hear(byte);
  private busy = false;

  private constructor(emulator: V86, manifest: GuestManifest) {
    this.emulator = emulator;
    this.manifest = manifest;
    this.line = new SerialLine({ instructions: () => emulator.get_instruction_counter(), send: (text) => emulator.serial0_send(text) });
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

  /** Gets the shell's attention, and has it neither echo nor prompt. */
  private async listen(from: 'kernel' | 'state', limit: Limit): Promise<void> {
    if (from === 'kernel') await this.line.waitFor(this.manifest.ready, limit, 0);
    const at = this.line.heard.length;
    // What is computed is not what is typed: an echo is no answer.
    this.line.send(`dmesg -n 1; set +m; stty -echo -onlcr; PS1= PS2=; printf 'listens %d\\n' $((6 * 7))\n`);
    await this.line.waitFor('listens 42', limit, at);
  }

  /**
   * Runs commands of the guest's shell, one call at a time. What they change of the shell (its folder, its variables) stays.
   *
   * @param command one or several lines, each of up to 1000 bytes.
   * @throws RangeError for a longer line; Error while another command runs, or when the limit is reached: with the last lines. A command that was given up on is still running, and
   *   the guest is to be stopped.
   */
  async run(command: string, limit: Limit = {}): Promise<CommandResult> {
    const long = command.split('\n').find((line) => line.length > MAX_LINE);
    if (long !== undefined) throw new RangeError(`run: a line has ${long.length} bytes; expected up to ${MAX_LINE}`);
    if (this.busy) throw new Error(`run: ${command}: another command is running`);
    this.busy = true;
    try {
      const from = this.line.heard.length;
      this.line.send(`printf '\\001'; {\n${command}\n} 2>&1; printf '\\002%d\\003' $?\n`);
      const pattern = new RegExp(`${BEGIN}([^]*)${END}(\\d+)${OVER}`);
      const [, output = '', status] = await this.line.waitFor(pattern, limit, from).catch((error: unknown) => {
        throw new Error(`run: ${command}: ${(error as Error).message}`);
      });
      return { status: Number(status), output };
    } finally {
      this.busy = false;
    }
  }

  /**
   * Runs commands that are to succeed.
   *
   * @returns their output, without white space at its end.
   * @throws Error as `run` does, and when the exit status is not 0: with the output.
   */
  async output(command: string, limit: Limit = {}): Promise<string> {
    const { status, output } = await this.run(command, limit);
    if (status !== 0) throw new Error(`run: ${command}: exit status ${status}\n${output}`);
    return output.trimEnd();
  }

  /**
   * Goes back to a state of this machine; the emulator is stopped. Cards are loaded before it runs on.
   *
   * v86 0.5.462 never has its time stamp counter run backwards, so that a machine which is taken back would find its time standing still for as long as it had gone on. Here it goes on from now, as
   * after a sleep.
   */
  async restore(state: ArrayBuffer): Promise<void> {
    const { cpu } = (this.emulator as unknown as TimeStamps).v86;
    cpu.store_current_tsc();
    const [low, high] = [cpu.current_tsc[0]!, cpu.current_tsc[1]!];
    await this.emulator.restore_state(state);
    cpu.set_tsc(low, high);
  }

  /** Ends the machine. */
  async stop(): Promise<void> {
    this.emulator.remove_listener('serial0-output-byte', this.hear);
    await this.emulator.destroy();
  }
}
