// The fuzzer of vfio-user: hostile clients one after the other at devices that stay, and between them a good one that must be served. The first broken rule ends it.

import { createEngine } from '../../../src/core/index.ts';
import { edu, serial } from '../../../src/devices/index.ts';
import { COMMANDS, MessageStream, Session, commandMessage, encodePayload, serveDevice } from '../../../src/hosts/vfio-user/index.ts';
import type { ServedDevice } from '../../../src/hosts/vfio-user/index.ts';
import { recordedDevice } from '../../hosts/vfio-user/recorded-devices.ts';
import { SESSIONS, recorded } from '../../hosts/vfio-user/recorded.ts';
import { rule } from '../broken.ts';
import { Random } from '../random.ts';
import { reasonOf } from '../shrink.ts';
import { HostileClient } from './hostile-client.ts';
import type { Piece, Tally } from './hostile-client.ts';
import { mover } from './mover.ts';
import { VERSION, command, mutated, noise, recut } from './pieces.ts';

export interface VfioUserFuzzReport extends Tally {
  readonly seed: number;
  /** Random bytes that were sent. */
  readonly bytes: number;
  /** Clients with random commands. */
  readonly clients: number;
  /** Recorded sessions with changes. */
  readonly sessions: number;
  readonly failure?: { readonly client: number; readonly kind: string; readonly message: string; readonly pieces: readonly string[] };
}

export interface Amounts {
  readonly bytes: number;
  readonly clients: number;
  readonly sessions: number;
}

/** Clients between two good ones, and between two devices. */
const GOOD_EVERY = 20;
const DEVICE_EVERY = 2000;
/** Its timers never come: what a device waits for, it waits for until it is reset. */
const stopped = { now: () => 0n, after: () => () => undefined };

/** A client that behaves: it agrees on a version and reads the configuration space. */
function servesOn(device: ServedDevice): void {
  const answers = new MessageStream(1 << 21);
  const session = new Session(device, { send: (message) => answers.push(message) });
  const stream = new MessageStream(1 << 21);
  for (const bytes of [VERSION.bytes, commandMessage(1, COMMANDS.REGION_READ, encodePayload('REGION_READ', 'request', { offset: 0n, region: 7, count: 4 }))]) {
    stream.push(bytes);
    session.receive({ ...stream.next()!, fds: [] });
  }
  const [first, second] = [answers.next(), answers.next()];
  rule(first?.header.flags === 1 && second?.header.flags === 1 && second.payload.length === 20, () => 'a good client was not served');
  session.close();
}

interface Kind {
  readonly name: 'bytes' | 'commands' | 'sessions';
  readonly device: () => ServedDevice;
  readonly pieces: (random: Random) => Piece[];
}

const kindsOf = (): Record<Kind['name'], readonly Kind[]> => {
  const sessions = SESSIONS.map((name) => ({ name, own: recorded(name).filter(({ from }) => from === 'client').map(({ bytes, fds }) => ({ bytes, fds })) }));
  const made = { mover: () => serveDevice(createEngine(), mover), edu: () => serveDevice(createEngine(), edu, { clock: stopped }), serial: () => serveDevice(createEngine(), serial, { clock: stopped }) };
  const first = (random: Random): Piece[] => (random.once(3) ? [] : [VERSION]);
  return {
    bytes: [{ name: 'bytes', device: made.mover, pieces: (random) => [...first(random), ...Array.from({ length: 1 + random.below(12) }, () => noise(random, random.below(120)))] }],
    commands: Object.values(made).map((device) => ({ name: 'commands', device, pieces: (random) => recut(random, [VERSION, ...Array.from({ length: random.below(60) }, () => command(random))]) })),
    sessions: sessions.flatMap(({ name, own }) => [() => serveDevice(createEngine(), recordedDevice(name)), made.mover, made.edu].map((device) => ({ name: 'sessions' as const, device, pieces: (random: Random) => recut(random, mutated(random, own)) }))),
  };
};

/** One client; what it sent that came to `tally.bytes` is counted by who calls. */
async function client(device: ServedDevice, pieces: readonly Piece[], tally: Tally, random: Random): Promise<void> {
  const open = device.process.fds.length;
  const one = new HostileClient(device, tally, random);
  for (const piece of pieces) {
    one.send(piece);
    if (one.isBroken) break;
    if (random.once(6)) await one.turn();
  }
  await one.leave();
  rule(device.process.fds.length === open && device.vfio.interrupts.active === 'none', () => 'the device holds files or interrupts of a client that is gone');
}

/** Sends all of it from a seed; `progress` hears of clients now and then. */
export async function fuzzVfioUser(seed: number, amounts: Amounts, progress: (clients: number) => void = () => undefined): Promise<VfioUserFuzzReport> {
  const random = new Random(seed);
  const tally: Tally = { messages: 0, replies: 0, errors: 0, asked: 0, fds: 0, reads: 0, writes: 0 };
  const done = { bytes: 0, clients: 0, sessions: 0 };
  const kinds = kindsOf();
  const { stackTraceLimit } = Error;
  // Many commands fail, and nobody reads where.
  Error.stackTraceLimit = 0;
  let [count, pieces, name]: [number, Piece[], string] = [0, [], ''];
  try {
    for (const [what, wanted] of [['bytes', amounts.bytes], ['commands', amounts.clients], ['sessions', amounts.sessions]] as const) {
      const counted = what === 'commands' ? 'clients' : what;
      for (let round = 0; done[counted] < wanted; round++) {
        const kind = kinds[what][round % kinds[what].length]!;
        name = kind.name;
        const device = kind.device();
        for (let i = 0; i < DEVICE_EVERY / kinds[what].length && done[counted] < wanted; i++) {
          pieces = kind.pieces(random);
          await client(device, pieces, tally, random);
          done[counted] += what === 'bytes' ? pieces.reduce((sum, { bytes }) => sum + bytes.length, 0) : 1;
          if (++count % GOOD_EVERY === 0) servesOn(device);
        }
        servesOn(device);
        device.destroy();
        const left = device.engine.live();
        rule(Object.values(left).every((one) => one === 0), () => `a device that is gone left ${JSON.stringify(left)}`);
        progress(count);
      }
    }
  } catch (error) {
    Error.stackTraceLimit = stackTraceLimit;
    const sent = pieces.map(({ bytes, fds }) => `${Buffer.from(bytes).toString('hex')}${fds > 0 ? ` with ${fds} fds` : ''}`);
    return { seed, ...done, ...tally, failure: { client: count, kind: name, message: reasonOf(error), pieces: sent } };
  }
  Error.stackTraceLimit = stackTraceLimit;
  return { seed, ...done, ...tally };
}
