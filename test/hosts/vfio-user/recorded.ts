// Recorded sessions as messages: see test/fixtures/vfio-user/README.md for what they are.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface RecordedMessage {
  readonly from: 'client' | 'server';
  readonly number: number;
  /** How many fds came along. */
  readonly fds: number;
  /** What the recorder decoded of it. */
  readonly text: string;
  readonly bytes: Uint8Array;
}

export const SESSIONS = ['edu-uio', 'gpio-tcg-pc', 'gpio-tcg-q35-noshare'] as const;

const LINE = /^[\d.]+ (C>S|S>C) #(\d+) \S+ (?:CMD|REPLY) id=\d+ size=\d+ flags=\S+(?: NO_REPLY)?(?: rtt=\S+)?(?: fds=\[([^\]]*(?:\[[^\]]*\][^\]]*)*)\])?(?: rtt=\S+)? \| ?(.*)$/;

/** The messages of a session, in order, all of them: they are numbered from 1 on. */
export function recorded(name: (typeof SESSIONS)[number]): RecordedMessage[] {
  const lines = gunzipSync(readFileSync(join(__dirname, '../../fixtures/vfio-user', `${name}.txt.gz`))).toString().split('\n');
  const messages: RecordedMessage[] = [];
  for (const [i, line] of lines.entries()) {
    const found = LINE.exec(line);
    if (found === null) continue;
    if (Number(found[2]) !== messages.length + 1) throw new Error(`${name}: message ${messages.length + 1} is missing`);
    const hex = lines[i + 1]!.trim();
    const [, arrow, number, fds, text] = found;
    messages.push({ from: arrow === 'C>S' ? 'client' : 'server', number: Number(number), fds: fds === undefined ? 0 : fds.split(',').length, text: text!, bytes: Uint8Array.from(Buffer.from(hex, 'hex')) });
  }
  return messages;
}
