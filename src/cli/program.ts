// The `maplebar` command: what it is told, which command runs, how it ends.

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { ConformanceCommand } from './conformance.ts';
import { inspectCommand } from './inspect.ts';
import type { InspectCommand } from './inspect.ts';
import { DISK_NAMES, isDeviceFile } from './device-source.ts';
import { DEVICE_NAMES, DISPLAY_NAMES } from './reference-devices.ts';
import { replaySessionCommand, isSessionFile } from './replay-session.ts';
import type { ReplaySessionCommand } from './replay-session.ts';
import { replayCommand } from './replay.ts';
import type { ReplayCommand } from './replay.ts';
import { SERVE_HELP, TRANSPORT_NAMES, serveCommand } from './serve.ts';
import type { ServeCommand } from './serve.ts';
import { untilSignal } from './stopping.ts';
import type { Stopping } from './stopping.ts';
import type { Output } from './terminal.ts';
import { decodeCommand, importModule, traceCommand } from './trace.ts';
import type { LoadModule, TraceCommand } from './trace.ts';

/** Exit codes: 0 done, 1 the command failed, 2 it was called wrongly. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

function collect(path: string, before: readonly string[] = []): readonly string[] {
  if (before.length === 2) throw new InvalidArgumentError('It takes a -xxxx text and a -vv text, once each.');
  return [...before, path];
}

function offsetsOption(): Option {
  return new Option('--offsets <mode>', 'how device files hand out offsets').choices(['index', 'cookie', 'scattered']).default('index');
}

/** What the program is given by its surroundings. */
export interface Surroundings {
  /** The folder of the conformance table. */
  readonly rows?: string;
  /** How modules of users are loaded. */
  readonly load?: LoadModule;
  /** Who ends what goes on until somebody does. */
  readonly stopping?: Stopping;
}

/** What a trace of accesses is replayed with, and a session is not. */
const TRACE_OPTIONS = ['iomem', 'lspci', 'via', 'offsets', 'timing'] as const;

/** Runs the command line `argv` (without node and script); the exit code. */
export async function runProgram(argv: readonly string[], output: Output, version: string, surroundings: Surroundings = {}): Promise<number> {
  const { rows = 'test/conformance/rows', load = importModule, stopping = untilSignal() } = surroundings;
  let code: number = EXIT.done;
  const program = new Command('maplebar')
    .description('Simulated PCI devices, reached as Linux programs reach real ones')
    .version(version)
    .exitOverride()
    .showHelpAfterError('Try --help.')
    .configureOutput({ writeOut: (text) => output.out(text), writeErr: (text) => output.err(text) });

  program
    .command('replay')
    .description("replay a recorded guest's MMIO and port accesses through simulated regions, or a recorded vfio-user session with a fresh device")
    .argument('<trace>', 'recorded accesses, one a line: op space size address value region; or what serve --record has written; plain or .gz')
    .option('--iomem <file>', "the guest's /proc/iomem: MMCONFIG and platform ranges")
    .addOption(new Option('--lspci <file>', "the guest's lspci -xxxx and -vv texts, once each").argParser(collect).default([], 'none'))
    .addOption(new Option('--via <way>', 'by guest address, or through VFIO device files').choices(['space', 'vfio']).default('space'))
    .addOption(offsetsOption())
    .option('--no-timing', 'do not measure ns per access')
    .option('--device <device>', 'of a session: another device than was recorded, a name or a file')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nWithout --iomem and --lspci the machine is inferred from the addresses that the trace uses.\nA session exits with 1 when the device answers otherwise than recorded.')
    .action(async (trace: string, options: ReplayCommand & ReplaySessionCommand, command: Command) => {
      if (!isSessionFile(trace)) {
        if (options.device !== undefined) command.error(`error: --device is for recorded vfio-user sessions, and ${trace} is none`);
        code = await replayCommand(trace, options, output);
        return;
      }
      const given = TRACE_OPTIONS.find((name) => command.getOptionValueSource(name) === 'cli');
      if (given !== undefined) command.error(`error: --${given} is for traces of accesses, and ${trace} is a vfio-user session`);
      code = await replaySessionCommand(trace, options, output, load);
    });

  program
    .command('serve')
    .description('serve a device on a UNIX socket, for QEMU and other vfio-user clients, until Ctrl-C')
    .argument('<device>', `a device of this package: ${DEVICE_NAMES.join(', ')}; or a .ts or .js file whose default export makes one of (engine, host)`)
    .requiredOption('--socket <path>', 'where the socket is made')
    .addOption(new Option('--transport <transport>', 'what carries messages: net needs nothing, koffi passes interrupts and memory (default: koffi where it is installed)').choices(TRANSPORT_NAMES))
    .option('--slot <slot>', 'where the device says that it sits', '00:00.0')
    .option('--disk <file>', `the blocks of ${DISK_NAMES.join(', ')}, or the store of a file's third argument; it is written to`)
    .option('--trace', 'print a line for each message, transfer and interrupt, with the names of registers and fields')
    .option('--record <file>', 'write the session down, for maplebar replay')
    .option('--perfetto <file>', 'write what happens for ui.perfetto.dev: accesses, DMA and interrupts as tracks')
    .option('--once', 'end when the first client is gone')
    .addHelpText('after', SERVE_HELP)
    .action(async (device: string, options: ServeCommand, command: Command) => {
      if (options.disk !== undefined && !DISK_NAMES.includes(device) && !isDeviceFile(device)) command.error(`error: --disk is for a device with a disk: name ${DISK_NAMES.join(', ')}, or a file`);
      code = await serveCommand(device, options, output, stopping, load);
    });

  program
    .command('inspect')
    .description('print PCI functions as lspci -vv does, and as a VFIO program sees them')
    .argument('[device...]', `devices of this package: ${DEVICE_NAMES.join(', ')}`)
    .addOption(new Option('--lspci <file>', 'lspci -xxxx text, and -vv text for sizes and names').argParser(collect).default([], 'none'))
    .option('--slot <slot>', 'only this function of the dump, for example 00:01.0')
    .option('--registers', 'the registers behind the BARs of a named device, too')
    .addOption(new Option('--hex', 'print lspci -xxxx text instead, which lspci -F reads').conflicts(['json', 'registers']))
    .addOption(offsetsOption())
    .addOption(new Option('--msix <era>', 'how the MSI-X table and mmap meet').choices(['mappable', 'sparse']).default('mappable'))
    .addOption(new Option('--uapi <release>', 'whose features: v7.2 has DMA_BUF and MIG_PRECOPY_INFOv2 beyond those of v6.14').choices(['v6.14', 'v7.2']).default('v6.14'))
    .addOption(new Option('--planes <kind>', `how ${DISPLAY_NAMES.join(', ')} hands out its picture; without it, not at all`).choices(['region', 'dma-buf']))
    .option('--json', 'print one JSON document')
    .action((devices: readonly string[], options: InspectCommand, command: Command) => {
      if (devices.length === 0 && options.lspci.length === 0) command.error('error: nothing to inspect: name a device, or give --lspci');
      if (options.planes !== undefined && !devices.some((name) => DISPLAY_NAMES.includes(name))) command.error(`error: --planes is for a display: name ${DISPLAY_NAMES.join(', ')}`);
      if (options.slot !== undefined && options.lspci.length === 0) command.error('error: --slot chooses from a dump: it needs --lspci');
      code = inspectCommand(devices, options, output);
    });

  program
    .command('trace')
    .description('run a program against simulated devices and print each of its system calls, as strace does')
    .argument('[program]', 'a JavaScript module: its default export, or main, is called with a process, the devices and their testbench')
    .argument('[device...]', `devices of this package: ${DEVICE_NAMES.join(', ')}`)
    .option('--why', "after an error, the library's reason, as a comment")
    .option('--decode <file>', 'print the calls that --json has written to a file, and run nothing')
    .option('--json', 'print one JSON object a call: its line, the call with its bytes, what they say')
    .action(async (path: string | undefined, devices: readonly string[], options: TraceCommand, command: Command) => {
      if ((path === undefined) === (options.decode === undefined)) command.error('error: nothing to trace, or too much: name a program, or give --decode');
      code = path === undefined ? decodeCommand(options.decode!, options, output) : await traceCommand(path, devices, options, output, load);
    });

  program
    .command('conformance')
    .description("make the calls of the conformance table and compare each byte and errno with Linux's")
    .option('--section <section>', 'only this section of the behaviour text, and those below it: 3.3, or 3')
    .option('--row <id>', 'only this row: 1.5-07')
    .option('--json', 'print the rows and their devices for other code bases, and run nothing')
    .addHelpText('after', '\nExits with 0 when all rows pass, 1 when some fail, 2 for a wrong command line, a section or row that is not there, and a table that says what none can. docs/conformance.md says what a row is.')
    .action(async (options: ConformanceCommand) => {
      // The rows and what runs them are for this command alone.
      const { conformanceCommand } = await import('./conformance.ts');
      code = conformanceCommand(rows, options, output);
    });

  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    // Commander has printed what it had to say; --help and --version end that way too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    output.err(`maplebar: ${error instanceof Error ? error.message : String(error)}\n`);
    return EXIT.failed;
  }
  return code;
}
