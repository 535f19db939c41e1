// Steps of a session in Chrome's trace event format, which ui.perfetto.dev opens: accesses, DMA, interrupts and the rest as four tracks.
//
//   [ {"name":"REGION_READ FACTORIAL","ph":"X","ts":10311,"dur":91.2,"pid":1,"tid":1,"args":{...}},
//     ...
//   ]        a file without the last bracket is read as well: what a killed server leaves is good
//
//   tid   1 accesses   2 DMA   3 interrupts   4 session            ts, dur  microseconds
//
// Source: Trace Event Format (Google, 2016): JSON array format, events X, i and M

import { commandName, commandText } from '../codec/commands.ts';
import { decodePayload } from '../codec/messages.ts';
import { commandLine } from './lines.ts';
import { RegisterNames, interruptName } from './names.ts';
import type { CommandStep, SessionStep } from './steps.ts';

const TRACKS = ['accesses', 'DMA', 'interrupts', 'session'] as const;
const [ACCESSES, DMA, INTERRUPTS, SESSION] = [1, 2, 3, 4];

interface TraceEvent {
  readonly name: string;
  readonly tid: number;
  readonly at: number;
  /** Undefined: an instant. */
  readonly until?: number;
  readonly args: Readonly<Record<string, unknown>>;
}

function jsonOf({ name, tid, at, until, args }: TraceEvent): string {
  const phase = until === undefined ? { ph: 'i', s: 't' } : { ph: 'X', dur: (until - at) / 1000 };
  return JSON.stringify({ name, ...phase, ts: at / 1000, pid: 1, tid, args });
}

/** The register that an access is about, or its region. */
function accessName({ command: { header, payload } }: CommandStep, names: RegisterNames): string {
  const name = commandName(header.command);
  if (name !== 'REGION_READ' && name !== 'REGION_WRITE') return commandText(header.command);
  try {
    const { region, offset, data } = decodePayload(name, 'request', payload);
    const { register, place } = names.access(region, offset, data);
    return `${name === 'REGION_READ' ? 'read' : 'write'} ${register ?? place}`;
  } catch {
    return name;
  }
}

function eventOf(step: SessionStep, names: RegisterNames): TraceEvent {
  const { at } = step;
  switch (step.kind) {
    case 'interrupt':
      return { name: interruptName(step.index, step.vector), tid: INTERRUPTS, at, args: { fd: step.fd } };
    case 'transfer': {
      const { writes, address, offset, fd, bytes } = step;
      return { name: writes ? 'write' : 'read', tid: DMA, at, args: { address: address === undefined ? null : `0x${address.toString(16)}`, bytes: bytes.length, fd, offset: `0x${offset.toString(16)}` } };
    }
    case 'command': {
      const { until, from, reply, command } = step;
      const isAccess = /^REGION_(READ|WRITE|WRITE_MULTI)$/.test(commandText(command.header.command));
      const tid = from === 'server' ? DMA : isAccess ? ACCESSES : SESSION;
      return { name: accessName(step, names), tid, at, ...((reply !== undefined || isAccess) && { until }), args: { line: commandLine(step, names) } };
    }
    default:
      return { name: step.kind === 'client' ? 'client connected' : 'client gone', tid: SESSION, at, args: {} };
  }
}

/** Makes the text of a trace. */
export class PerfettoText {
  private readonly names: RegisterNames;
  private readonly process: string;

  /** @param process - What the tracks belong to: the device. */
  constructor(process: string, names: RegisterNames) {
    this.process = process;
    this.names = names;
  }

  /** What comes before the first step. */
  begin(): string {
    const meta = (name: string, tid: number, value: string): string => JSON.stringify({ name, ph: 'M', pid: 1, tid, args: { name: value } });
    return `[\n${[meta('process_name', 0, this.process), ...TRACKS.map((track, i) => meta('thread_name', i + 1, track))].join(',\n')}`;
  }

  add(step: SessionStep): string {
    return `,\n${jsonOf(eventOf(step, this.names))}`;
  }

  end(): string {
    return '\n]\n';
  }
}
