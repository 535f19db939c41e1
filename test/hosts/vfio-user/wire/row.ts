// A row of the table of wire cases: messages of one client, and how each of them ends. The same rows are run over every transport.

import { COMMANDS, type CommandName, commandMessage, encodeCapabilities, encodePayload } from '../../../../src/hosts/vfio-user/index.ts';

/** What can go with a message. */
export type FdWanted = 'event' | 'memory';

/** How a message ends: `ok`, an errno, `none` where nothing is answered, `closed` where the connection is over without an answer. */
export type Ending = 'ok' | 'none' | 'closed' | (string & {});

export interface Step {
  readonly bytes: Uint8Array;
  /** Whose reply is waited for. */
  readonly command: number;
  readonly fds: readonly FdWanted[];
  /** Default `ok`. */
  readonly ends: Ending;
  /** Over a transport that drops fds, where that differs. */
  readonly withoutFds?: Ending;
  /** What the reply's payload is, in hex, as far as it goes. */
  readonly reply?: string;
  /** The same over a transport that drops fds, where that differs. */
  readonly replyWithoutFds?: string;
  /** Fds that come with the reply. Default 0. */
  readonly brings?: number;
  /** Eventfds of the step before that are signalled once it is answered, by index in it. */
  readonly signals?: readonly number[];
}

/** Which of the devices of the table is asked. */
export type DeviceName = 'plain' | 'card';

export interface Row {
  readonly name: string;
  readonly device: DeviceName;
  /** Whether VERSION comes first, as QEMU sends it. */
  readonly version: boolean;
  readonly steps: readonly Step[];
  /** The connection is over when the last step is. */
  readonly isOver: boolean;
}

export const NOTHING: Uint8Array = new Uint8Array(0);
export const u32 = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
export const u64 = (...values: bigint[]): Uint8Array => new Uint8Array(BigUint64Array.from(values).buffer);
export const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
export const text = (json: string): Uint8Array => new TextEncoder().encode(json);
export const hex = (...parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString('hex');

const QEMU = encodeCapabilities({ pgsizes: 4096, max_msg_fds: 16, max_dma_maps: 65535, max_data_xfer_size: 1048576, migration: { pgsize: 4096, max_bitmap_size: 268435456 }, write_multiple: true });

type More = Partial<Omit<Step, 'bytes' | 'command' | 'fds'>>;

/** A command with its payload; `id` 7. */
export function step(command: CommandName | number, payload: Uint8Array = NOTHING, ends: Ending = 'ok', more: More & { readonly fds?: readonly FdWanted[]; readonly flags?: number } = {}): Step {
  const { fds = [], flags = 0, ...rest } = more;
  const number = typeof command === 'number' ? command : COMMANDS[command];
  return { bytes: commandMessage(7, number, payload, flags), command: number, fds, ends, ...rest };
}

/** Bytes as they are: one message, whole or not. */
export function raw(bytes: Uint8Array, ends: Ending): Step {
  return { bytes, command: bytes[2]! | (bytes[3]! << 8), fds: [], ends };
}

export function versionStep(data: Uint8Array = QEMU, ends: Ending = 'ok', major = 0, minor = 0): Step {
  return step('VERSION', encodePayload('VERSION', 'request', { major, minor, data }), ends);
}

/** A row; of the plain device, after VERSION, unless it says otherwise. */
export function row(name: string, steps: Step | readonly Step[], more: Partial<Omit<Row, 'name' | 'steps'>> = {}): Row {
  return { name, device: 'plain', version: true, isOver: false, steps: 'bytes' in steps ? [steps] : steps, ...more };
}

/** Rows that are one request each, and end in EINVAL. */
export function refused(group: string, command: CommandName | number, cases: readonly (readonly [string, Uint8Array, Ending?])[], before: readonly Step[] = []): readonly Row[] {
  return cases.map(([what, payload, ends = 'EINVAL']) => row(`${group}: ${what}`, [...before, step(command, payload, ends)]));
}
