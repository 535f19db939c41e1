// Sessions that were written down as text: two lines for each message, what it says and all of its bytes.
//
//   0.002207 C>S #3 DMA_MAP CMD id=1 size=48 flags=0x0 fds=['memfd'] | argsz=32 flags=0x3 off=0x0 iova=0x0 size=0xc0000
//       0100020030000000...
//   seconds  C>S: from the client; number; ...; fds; what it says       of which the first three and the fds are read here; lines of other kinds are passed over

import type { FdKind, SessionEvent } from './events.ts';
import type { RecordedSession } from './format.ts';

const HEAD = /^(\d+(?:\.\d+)?) (C>S|S>C) #(\d+) ([^|]*)\|/;
const FDS = / fds=\[((?:[^[\]]|\[[^\]]*\])*)\]/;
const HEX = /^\s*((?:[0-9a-f]{2})+)\s*$/i;

/** Whether a file that begins so is such a text. */
export function isSessionText(start: Uint8Array): boolean {
  return HEAD.test(new TextDecoder('latin1').decode(start).split('\n')[0]!);
}

function wrong(line: number, what: string): never {
  throw new RangeError(`vfio-user text: line ${line}: ${what}`);
}

function fdKind(text: string): FdKind {
  if (text.includes('eventfd')) return 'event';
  return text.includes('memfd') ? 'memory' : 'unknown';
}

/**
 * Reads such a text: one client, from the first message to the last.
 *
 * @throws RangeError for a message without its bytes, or one that is missing, naming the line.
 */
export function readSessionText(text: string): RecordedSession {
  const lines = text.split('\n');
  const events: SessionEvent[] = [];
  let last = 0;
  for (const [i, line] of lines.entries()) {
    const found = HEAD.exec(line);
    if (found === null) continue;
    const [, seconds, arrow, number, told] = found;
    if (Number(number) !== last + 1) wrong(i + 1, `message ${number!} follows message ${last}`);
    last++;
    const hex = HEX.exec(lines[i + 1] ?? '');
    if (hex === null) wrong(i + 2, `expected the bytes of message ${last} as hexadecimal digits`);
    const at = Math.round(Number(seconds) * 1e9);
    const fds = FDS.exec(told!)?.[1]?.split(',') ?? [];
    const bytes = Uint8Array.from(Buffer.from(hex[1]!, 'hex'));
    if (events.length === 0) events.push({ kind: 'connect', at });
    events.push(arrow === 'C>S' ? { kind: 'received', at, fds: fds.map(fdKind), bytes } : { kind: 'sent', at, fds: fds.length, bytes });
  }
  if (events.length === 0) wrong(1, 'expected a message');
  events.push({ kind: 'closed', at: events.at(-1)!.at });
  return { header: undefined, events, cut: undefined };
}
