// The `maplebar` command: what it is told, which command runs, how it ends.

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { ConformanceCommand } from './conformance.ts';
import { inspectCommand } from './inspect.ts';
import type { InspectCommand } from './inspect.ts';
import { DEVICE_NAMES, DISPLAY_NAMES } from './reference-devices.ts';
import { replayCommand } from './replay.ts';
import type { ReplayCommand } from './replay.ts';
import type { Output } from './terminal.ts';
import { decodeCommand, traceCommand } from './trace.ts';
import type { TraceCommand } from './trace.ts';

/** Exit codes: 0 done, 1 the command failed, 2 it was called wrongly. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

function collect(path: string, before: readonly string[] = []): readonly string[] {
  if (before.length === 2) throw new InvalidArgumentError('It takes a -xxxx text and a -vv text, once each.');
  return [...before, path];
}

function offsetsOption(): Option {
  return new Option('--offsets <mode>', 'how device files hand out offsets').choices(['index', 'cookie', 'scattered']).default('index');
}

/** Runs the command line `argv` (without node and script); the exit code. `rows`: the folder of the conformance table. */
export async function runProgram(argv: readonly string[], output: Output, version: string, rows = 'test/conformance/rows'): Promise<number> {
  let code: number = EXIT.done;
  const program = new Command('maplebar')
    .description('Simulated PCI devices, reached as Linux programs reach real ones')
    .version(version)
    .exitOverride()
    .showHelpAfterError('Try --help.')
    .configureOutput({ writeOut: (text) => output.out(text), writeErr: (text) => output.err(text) });

  program
    .command('replay')
    .description("replay a recorded guest's MMIO and port accesses through simulated regions")
    .argument('<trace>', 'recorded accesses, one a line: op space size address value region; plain or .gz')
    .option('--iomem <file>', "the guest's /proc/iomem: MMCONFIG and platform ranges")
    .addOption(new Option('--lspci <file>', "the guest's lspci -xxxx and -vv texts, once each").argParser(collect).default([], 'none'))
    .addOption(new Option('--via <way>', 'by guest address, or through VFIO device files').choices(['space', 'vfio']).default('space'))
    .addOption(offsetsOption())
    .option('--no-timing', 'do not measure ns per access')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nWithout --iomem and --lspci the machine is inferred from the addresses that the trace uses.')
    .action(async (trace: string, options: ReplayCommand) => {
      code = await replayCommand(trace, options, output);
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
      code = path === undefined ? decodeCommand(options.decode!, options, output) : await traceCommand(path, devices, options, output);
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
