// `maplebar serve`: a device on a UNIX socket, for QEMU and other vfio-user clients, until Ctrl-C.

import { createEngine } from '../core/index.ts';
import { SessionLog, hasKoffi, koffiTransport, loggedClock, loggedTransport, netTransport, serveDevice, serveVfioUser, wallClock } from '../hosts/vfio-user/index.ts';
import type { ServedDevice, SessionHeader, SessionListener, Transport } from '../hosts/vfio-user/index.ts';
import type { DeviceClock } from '../pci/index.ts';
import { deviceSource, namedDevice } from './device-source.ts';
import type { DeviceSource } from './device-source.ts';
import { openDisk } from './disk-store.ts';
import type { DiskStore } from './disk-store.ts';
import { LiveCounters } from './live-counters.ts';
import { SessionOutputs } from './session-outputs.ts';
import type { SessionOutputOptions } from './session-outputs.ts';
import type { Stopping } from './stopping.ts';
import type { Output } from './terminal.ts';
import { importModule } from './trace.ts';
import type { LoadModule } from './trace.ts';

/** The options of the command. */
export interface ServeCommand extends SessionOutputOptions {
  readonly socket: string;
  readonly transport?: TransportName;
  readonly disk?: string;
  readonly slot: string;
  readonly once?: boolean;
}

/** What carries messages. */
export type TransportName = 'net' | 'koffi';

export const TRANSPORT_NAMES: readonly TransportName[] = ['net', 'koffi'];

/** What is printed below the command's help: how QEMU attaches. */
export const SERVE_HELP = `
QEMU from 10.1 on attaches with

  qemu-system-x86_64 -machine q35,memory-backend=mem -m 256 \\
    -object memory-backend-memfd,id=mem,size=256M,share=on \\
    -device '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"PATH"}}' ...

Without the shared memory-backend-memfd no memory is passed, and all DMA goes by messages.
--trace, --record and --perfetto see everything because everything passes by messages then: no BAR is mapped, and there is neither a twin socket
nor a doorbell without messages. The counters that a terminal shows turn nothing off.
Ctrl-C ends the server and the client's session, takes the socket away and finishes the files; a second one ends the program at once.
docs/vfio-user.md has more.`;

/** Microseconds that a busy client's next message is waited for in the receive itself: the command has little else to do. */
const PATIENCE = 4000;

/** The transport of a name; the one that can more, where nobody has chosen. */
async function transportOf(name: TransportName | undefined): Promise<{ readonly transport: Transport; readonly name: TransportName }> {
  const chosen = name ?? ((await hasKoffi()) ? 'koffi' : 'net');
  return { name: chosen, transport: chosen === 'koffi' ? koffiTransport({ patience: PATIENCE }) : netTransport() };
}

/** When a server is to end, and why. */
class Ending {
  /** Resolves when somebody has ended it; rejects when it cannot go on. */
  readonly over: Promise<void>;
  end!: () => void;
  fail!: (error: Error) => void;

  constructor() {
    this.over = new Promise((resolve, reject) => {
      this.end = resolve;
      this.fail = reject;
    });
    // It may fail before anybody waits.
    this.over.catch(() => undefined);
  }
}

/** What a server is made of. */
interface Parts {
  readonly disk: DiskStore | undefined;
  readonly transport: Transport;
  readonly via: TransportName;
  readonly outputs: SessionOutputs;
  readonly log: SessionLog;
  readonly clock: DeviceClock;
  readonly counters: LiveCounters;
  /** Prints a line where errors go. */
  readonly note: (text: string) => void;
}

function makeDevice({ make }: DeviceSource, { record, slot }: ServeCommand, { disk, outputs, log, clock, note }: Parts): ServedDevice {
  return serveDevice(
    createEngine(),
    (engine, host) => {
      const made = make(engine, host, disk === undefined ? {} : { store: disk });
      outputs.learn(namedDevice(made));
      return made;
    },
    // What is recorded sees no other time than the record has.
    { clock: record === undefined ? clock : loggedClock(clock, log), slot, guestError: (message) => note(`device: ${message}`) },
  );
}

async function serveUntil(ending: Ending, source: DeviceSource, options: ServeCommand, parts: Parts, stopping: Stopping): Promise<void> {
  const { transport, via, outputs, log, counters, note } = parts;
  const device = makeDevice(source, options, parts);
  try {
    const server = await serveVfioUser(device, {
      path: options.socket,
      transport: outputs.isWanted ? loggedTransport(transport, log) : transport,
      onClient: counters.began,
      onClientGone: () => {
        counters.gone();
        if (options.once === true) ending.end();
      },
      onDeviceError: (error) => note(`device: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    });
    const forget = stopping.onStop(ending.end);
    try {
      note(`serving ${source.name} at ${options.socket}, transport ${via}`);
      for (const missing of server.missing) note(`note: ${missing}`);
      await ending.over;
    } finally {
      forget();
      await server.close();
    }
  } finally {
    device.destroy();
  }
}

/**
 * Serves a device until it is asked to stop, or with `--once` until its first client is gone.
 *
 * @param load how a user's file is loaded. Default: as Node does.
 * @returns the exit code.
 * @throws (rejects with) Error for a device or a file that cannot be used; VfioError for a path that cannot be listened at.
 */
export async function serveCommand(name: string, options: ServeCommand, output: Output, stopping: Stopping, load: LoadModule = importModule): Promise<number> {
  const source = await deviceSource(name, load);
  const { transport, name: via } = await transportOf(options.transport);
  const ending = new Ending();
  const clock = wallClock();
  const listeners: SessionListener[] = [];
  const log = new SessionLog(() => Number(clock.now()), listeners);
  const counters = new LiveCounters(output);
  const note = (text: string): void => {
    counters.clear();
    output.err(`${text}\n`);
  };
  let disk: DiskStore | undefined;
  let outputs: SessionOutputs | undefined;
  try {
    if (options.disk !== undefined) disk = openDisk(options.disk, (block, bytes) => log.input({ kind: 'block-read', block, bytes }));
    const header: SessionHeader = { device: name, slot: options.slot, fds: transport.abilities.fds, ...(disk !== undefined && { diskBytes: disk.bytes }) };
    outputs = new SessionOutputs(options, header, listeners, counters, output, (error) => ending.fail(error));
    await serveUntil(ending, source, options, { disk, transport, via, outputs, log, clock, counters, note }, stopping);
  } finally {
    counters.stop();
    outputs?.close();
    disk?.close();
  }
  return 0;
}
