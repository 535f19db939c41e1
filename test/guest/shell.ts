// The shell at the end of a guest's serial line: runs commands, and tells their output and exit status.
//
//   sent       printf '\001'; { COMMAND } 2>&1; printf '\002%d\003' $?
//   heard      ^A output ^B status ^C
import type { Limit, SerialLine } from './serial-line.ts';

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

/** A shell that listens. */
export class Shell {
  readonly line: SerialLine;
  private busy = false;

  constructor(line: SerialLine) {
    this.line = line;
  }

  /** Gets the shell's attention, and has it neither echo nor prompt. */
  async listen(limit: Limit = {}): Promise<void> {
    const at = this.line.heard.length;
    // What is computed is not what is typed: an echo is no answer.
    this.line.send(`dmesg -n 1; set +m; stty -echo -onlcr; PS1= PS2=; printf 'listens %d\\n' $((6 * 7))\n`);
    await this.line.waitFor('listens 42', limit, at);
  }

  /**
   * Runs commands, one call at a time. What they change of the shell (its folder, its variables) stays.
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
}
