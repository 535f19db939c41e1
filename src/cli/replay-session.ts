// `maplebar replay` of a recorded vfio-user session: a fresh device is asked the same, and answers beside the recorded ones.

import { createEngine } from '../core/index.ts';
import { RegisterNames, isSessionRecord, isSessionText, readSession, readSessionText, replaySession, secondsText, serveDevice, stepText } from '../hosts/vfio-user/index.ts';
import type { RecordedSession, ReplayedHost, ServedDevice, SessionDifference, SessionReplayResult, SessionStep } from '../hosts/vfio-user/index.ts';
import { deviceSource, namedDevice } from './device-source.ts';
import type { DeviceSource } from './device-source.ts';
import { replayedDisk } from './disk-store.ts';
import { inFile, isRepeatable, readBytes, startOf } from './files.ts';
import { grouped } from './terminal.ts';
import type { Output } from './terminal.ts';
import { importModule } from './trace.ts';
import type { LoadModule } from './trace.ts';

/** The options of the command, for sessions. */
export interface ReplaySessionCommand {
  /** Default: the device that was recorded. */
  readonly device?: string;
  readonly json?: boolean;
}

const LOOKED_AT = 1024;

/** Whether a file is a recorded session, and no trace of accesses. A pipe is none: it could not be read again. */
export function isSessionFile(path: string): boolean {
  if (!isRepeatable(path)) return false;
  const start = startOf(path, LOOKED_AT);
  return isSessionRecord(start) || isSessionText(start);
}

function readFile(path: string): RecordedSession {
  const bytes = readBytes(path);
  try {
    return isSessionRecord(bytes) ? readSession(bytes) : readSessionText(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw inFile(path, error);
  }
}

const plural = (count: number, one: string): string => `${grouped(count)} ${one}${count === 1 ? '' : 's'}`;

function differenceText({ recorded, replayed }: SessionDifference, number: number, names: RegisterNames): string {
  const told = (step: SessionStep | undefined): string => (step === undefined ? 'nothing' : stepText(step, names));
  return `difference ${number} at ${secondsText((recorded ?? replayed)!.at)} s\n  recorded: ${told(recorded)}\n  replayed: ${told(replayed)}\n`;
}

const summaryOf = ({ messages, clients, replies, asked, interrupts, transfers }: SessionReplayResult): string =>
  `${plural(messages, 'message')} of ${plural(clients, 'client')}: compared ${plural(replies, 'command')}, ${plural(asked, 'DMA message')}, ${plural(interrupts, 'interrupt')}, ${plural(transfers, 'transfer')} by fds`;

function text(result: SessionReplayResult, names: RegisterNames): string {
  const { differing, differences } = result;
  const shown = differences.map((one, i) => `${differenceText(one, i + 1, names)}\n`).join('');
  const verdict = differing === 0 ? 'all as recorded' : `${plural(differing, 'difference')}${differing > differences.length ? `, the first ${differences.length} above` : ''}`;
  return `${shown}${summaryOf(result)}; ${verdict}\n`;
}

function json(result: SessionReplayResult, path: string, device: string, cut: string | undefined, names: RegisterNames): string {
  const { differences, ...counts } = result;
  const told = (step: SessionStep | undefined): object | null => (step === undefined ? null : { at: step.at, kind: step.kind, text: stepText(step, names) });
  const shown = differences.map(({ recorded, replayed }) => ({ recorded: told(recorded), replayed: told(replayed) }));
  return `${JSON.stringify({ session: path, device, cut: cut ?? null, ...counts, differences: shown }, undefined, 2)}\n`;
}

/** The replayed device, and the names of its registers. */
function makerOf(source: DeviceSource, { header }: RecordedSession, names: RegisterNames): (host: ReplayedHost) => ServedDevice {
  const diskBytes = header?.diskBytes;
  return ({ clock, ...disk }) =>
    serveDevice(
      createEngine(),
      (engine, host) => {
        const made = source.make(engine, host, diskBytes === undefined ? {} : { store: replayedDisk(diskBytes, disk.readBlocks) });
        names.learn(namedDevice(made));
        return made;
      },
      { clock, ...(header !== undefined && { slot: header.slot }) },
    );
}

/**
 * Runs the command.
 *
 * @param load how a user's file is loaded. Default: as Node does.
 * @returns the exit code: 1 when something differs, or the file is cut short.
 */
export async function replaySessionCommand(path: string, options: ReplaySessionCommand, output: Output, load: LoadModule = importModule): Promise<number> {
  const session = readFile(path);
  const name = options.device ?? session.header?.device;
  if (name === undefined) throw new Error(`${path}: does not say which device it is of: give --device`);
  const source = await deviceSource(name, load);
  const names = new RegisterNames();
  let result: SessionReplayResult;
  try {
    result = await replaySession(session, makerOf(source, session, names));
  } catch (error) {
    throw inFile(path, error);
  }
  output.out(options.json === true ? json(result, path, name, session.cut, names) : text(result, names));
  if (session.cut !== undefined) output.err(`maplebar: ${path}: ${session.cut}\n`);
  return result.differing === 0 && session.cut === undefined ? 0 : 1;
}
