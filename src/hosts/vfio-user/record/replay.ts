// A recorded session once more, with a fresh device: the same inputs, and what comes out beside what came out then.
//
//   recorded events --+-- inputs --> transport without a socket --> session --> device --> events --> steps --+
//                     +-- all ------------------------------------------------------------------> steps --+--> compared, one kind with its own:
//                                                                     replies, the server's commands, interrupts, transfers
//
// What a device waits for must be an input: its client, its timers, its disk. One that waits for anything else can differ from run to run.

import { VfioError } from '../../../uapi/index.ts';
import type { DeviceClock } from '../../../pci/index.ts';
import { serveVfioUser } from '../server.ts';
import type { ServedDevice } from '../session/served-device.ts';
import type { Connection, ConnectionHandler, PassedFd, Transport } from '../transport/transport.ts';
import { Comparison } from './compare.ts';
import type { SessionDifference } from './compare.ts';
import { SessionLog } from './events.ts';
import type { FdKind, SessionEvent } from './events.ts';
import type { RecordedSession } from './format.ts';
import { ReplayClock } from './logged-clock.ts';
import { loggedTransport } from './logged-transport.ts';
import { SessionSteps } from './steps.ts';

/** What a replay has found. */
export interface SessionReplayResult {
  readonly clients: number;
  /** Messages of the clients. */
  readonly messages: number;
  /** What was compared. */
  readonly replies: number;
  readonly asked: number;
  readonly interrupts: number;
  readonly transfers: number;
  /** How many of them differ. */
  readonly differing: number;
  /** The first of them. */
  readonly differences: readonly SessionDifference[];
}

/** What a replayed device is made with. */
export interface ReplayedHost {
  readonly clock: DeviceClock;
  /** What blocks of its disk held. VfioError EIO for blocks that were not read then. */
  readonly readBlocks: (block: number, target: Uint8Array) => void;
}

/** How a session is replayed. */
export interface SessionReplayOptions {
  /** Whether fds arrive. Default: what the session says. */
  readonly fds?: boolean;
  /** How many differences are kept. Default 10. */
  readonly most?: number;
}

type Moved = Extract<SessionEvent, { readonly kind: 'fd-read' | 'fd-write' }>;

/** What was read in order, found again by what it was asked for; what was skipped is not asked for any more. */
class ReadAgain<Event extends { readonly bytes: Uint8Array }> {
  private readonly events: readonly Event[];
  private next = 0;

  constructor(events: readonly Event[]) {
    this.events = events;
  }

  find(isMeant: (event: Event) => boolean): Event | undefined {
    for (let at = this.next; at < this.events.length; at++) {
      if (!isMeant(this.events[at]!)) continue;
      this.next = at + 1;
      return this.events[at];
    }
    return undefined;
  }
}

/** What was moved by fds: by kind and fd. */
function movesOf(events: readonly SessionEvent[]): Map<string, Moved[]> {
  const moves = new Map<string, Moved[]>();
  for (const event of events) {
    if (event.kind !== 'fd-read' && event.kind !== 'fd-write') continue;
    const key = `${event.kind} ${event.fd}`;
    const own = moves.get(key);
    if (own === undefined) moves.set(key, [event]);
    else own.push(event);
  }
  return moves;
}

/** @param hear - Is given who hears the fd; undefined: nobody any more. */
function replayFd(kind: FdKind, moves: ReadAgain<Moved>, writes: ReadAgain<Moved>, hear: (told: (() => void) | undefined) => void): PassedFd {
  return {
    ...(kind !== 'unknown' && { kind }),
    signal: () => undefined,
    onSignal: hear,
    read(offset, target) {
      const found = moves.find((event) => event.offset === offset && (event.bytes.length === target.length || event.bytes.length === 0));
      if (found === undefined || found.bytes.length === 0) throw new VfioError('EIO', 'replay', `${target.length} bytes at 0x${offset.toString(16)} of an fd were not read then`);
      target.set(found.bytes);
    },
    write(offset, source) {
      const found = writes.find((event) => event.offset === offset && (event.bytes.length === source.length || event.bytes.length === 0));
      if (found?.bytes.length === 0) throw new VfioError('EIO', 'replay', `${source.length} bytes at 0x${offset.toString(16)} of an fd could not be written then`);
    },
    close: () => hear(undefined),
  };
}

/** A transport of which the replay is the other end. */
class ReplayTransport implements Transport {
  readonly abilities: Transport['abilities'];
  /** Whose client it is. */
  accept: ((connection: Connection) => ConnectionHandler) | undefined;

  constructor(fds: boolean) {
    this.abilities = { fds };
  }

  listen(_path: string, accept: (connection: Connection) => ConnectionHandler): Promise<{ close(): Promise<void> }> {
    this.accept = accept;
    return Promise.resolve({ close: () => Promise.resolve() });
  }

  connect(path: string): Promise<Connection> {
    return Promise.reject(new VfioError('ECONNREFUSED', 'connect', `${path}: a replay has no other clients`));
  }
}

const CONNECTION: Connection = { send: () => undefined, unsent: 0, pause: () => undefined, resume: () => undefined, close: () => undefined };

/** Until nothing is left that the device would do by itself. */
function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

type Input = Extract<SessionEvent, { readonly kind: 'connect' | 'closed' | 'received' | 'signalled' | 'timer' }>;

function isInput(event: SessionEvent): event is Input {
  return ['connect', 'closed', 'received', 'signalled', 'timer'].includes(event.kind);
}

function wrong(number: number, event: SessionEvent, what: string): never {
  throw new RangeError(`vfio-user session: event ${number} is ${event.kind}, and ${what}`);
}

/** The inputs of a session, given again. */
class Inputs {
  readonly log: SessionLog;
  readonly clock: ReplayClock;
  private readonly blocks: ReadAgain<Extract<SessionEvent, { readonly kind: 'block-read' }>>;
  private readonly moves: Map<string, Moved[]>;
  /** Who hears the clients' eventfds. */
  private readonly heard = new Map<number, () => void>();
  private time = 0;
  private fds = 0;
  private handler: ConnectionHandler | undefined;

  constructor(events: readonly SessionEvent[], listen: (event: SessionEvent) => void) {
    this.log = new SessionLog(() => this.time, [listen]);
    this.clock = new ReplayClock(this.log);
    this.blocks = new ReadAgain(events.filter((event) => event.kind === 'block-read'));
    this.moves = movesOf(events);
  }

  /** What blocks of the disk held. */
  readonly readBlocks = (block: number, target: Uint8Array): void => {
    const found = this.blocks.find((event) => event.block === block && event.bytes.length === target.length);
    if (found === undefined) throw new VfioError('EIO', 'replay', `${target.length} bytes from block ${block} on were not read then`);
    target.set(found.bytes);
    this.time = found.at;
    this.log.input({ kind: 'block-read', block, bytes: target });
  };

  private nextFd(kind: FdKind): PassedFd {
    const number = this.fds++;
    const moved = (what: Moved['kind']): ReadAgain<Moved> => new ReadAgain(this.moves.get(`${what} ${number}`) ?? []);
    return replayFd(kind, moved('fd-read'), moved('fd-write'), (told) => {
      if (told === undefined) this.heard.delete(number);
      else this.heard.set(number, told);
    });
  }

  /** Gives one, if the event is one. RangeError for one that cannot be, naming its number. */
  give(event: SessionEvent, number: number, accept: (connection: Connection) => ConnectionHandler): void {
    if (!isInput(event)) return;
    this.time = event.at;
    switch (event.kind) {
      case 'timer':
        // One that is not there leaves a difference by what it does not do; where it does nothing, it is none.
        this.clock.fire(event.timer);
        break;
      case 'signalled':
        this.heard.get(event.fd)?.();
        break;
      case 'connect':
        if (this.handler !== undefined) wrong(number, event, 'another client is connected');
        this.handler = accept(CONNECTION);
        break;
      case 'received':
        if (this.handler === undefined) wrong(number, event, 'no client is connected');
        this.handler.received(event.bytes.slice(), event.fds.map((kind) => this.nextFd(kind)));
        break;
      case 'closed':
        if (this.handler === undefined) wrong(number, event, 'no client is connected');
        this.end();
        break;
    }
  }

  /** The client is gone, if there is one. */
  end(): void {
    const { handler } = this;
    this.handler = undefined;
    handler?.closed();
  }
}

/**
 * Replays a session.
 *
 * @param make - Makes the device, as it was when the recording began. It is destroyed afterwards.
 * @throws (rejects with) RangeError for events in an order that cannot be; what `make` throws.
 * @example
 * ```ts
 * const result = await replaySession(readSession(bytes), ({ clock }) => serveDevice(createEngine(), edu, { clock }));
 * console.log(result.differing);
 * ```
 */
export async function replaySession(session: RecordedSession, make: (host: ReplayedHost) => ServedDevice, options: SessionReplayOptions = {}): Promise<SessionReplayResult> {
  const { fds = session.header?.fds ?? true, most = 10 } = options;
  const { events, cut } = session;
  // Other programs' recordings are messages alone.
  const compared = new Comparison(most, session.header === undefined ? ['replies', 'asked'] : ['replies', 'asked', 'interrupts', 'transfers']);
  const counts = { clients: 0, messages: 0 };
  const recorded = new SessionSteps((step) => compared.add('recorded', step));
  const replayed = new SessionSteps((step) => {
    if (step.kind === 'client') counts.clients++;
    if (step.kind === 'command' && step.from === 'client') counts.messages++;
    compared.add('replayed', step);
  });
  const inputs = new Inputs(events, replayed.listen);
  const device = make({ clock: inputs.clock, readBlocks: inputs.readBlocks });
  const transport = new ReplayTransport(fds);
  const server = await serveVfioUser(device, { path: 'replay', transport: loggedTransport(transport, inputs.log) });
  try {
    for (const [i, event] of events.entries()) {
      if (isInput(event) && event.isJoined !== true) await settled();
      recorded.listen(event);
      inputs.give(event, i + 1, transport.accept!);
    }
    await settled();
    inputs.end();
    await settled();
  } finally {
    await server.close();
    device.destroy();
  }
  compared.end(cut !== undefined);
  return { ...counts, ...compared.counts, differing: compared.differing, differences: compared.differences };
}
