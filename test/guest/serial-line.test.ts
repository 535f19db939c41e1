// Waiting for what a guest says ends: with what was waited for, or with an error that shows the last lines.

import { describe, expect, jest, test } from '@jest/globals';
import { SerialLine } from './serial-line.ts';

const say = (line: SerialLine, text: string): void => {
  for (const byte of Buffer.from(text, 'latin1')) line.hear(byte);
};

function lineOf(instructions: () => number = () => 0): { readonly line: SerialLine; readonly sent: string[] } {
  const sent: string[] = [];
  return { line: new SerialLine({ instructions, send: (text) => void sent.push(text) }), sent };
}

describe('waiting', () => {
  test('ends with text that comes in pieces', async () => {
    const { line } = lineOf();
    const waiting = line.waitFor(/status (\d+)\n/);
    say(line, 'noise\nsta');
    await new Promise((resolve) => setImmediate(resolve));
    say(line, 'tus 42\n');
    expect((await waiting)[1]).toBe('42');
  });

  test('looks only at what comes from then on, unless told otherwise', async () => {
    const { line } = lineOf(() => 0);
    say(line, 'ready 1\n');
    expect((await line.waitFor('ready', {}, 0)).index).toBe(0);
    const waiting = line.waitFor(/ready (\d)/);
    say(line, 'ready 2\n');
    expect((await waiting)[1]).toBe('2');
  });

  test('for text takes its characters as they are', async () => {
    const { line } = lineOf();
    const waiting = line.waitFor('a.c[1]');
    say(line, 'abc1 a.c[1]');
    expect((await waiting).index).toBe(5);
  });

  test('of two for the same text ends for both', async () => {
    const { line } = lineOf();
    const both = [line.waitFor('yes'), line.waitFor(/yes/)];
    say(line, 'yes');
    expect(await Promise.all(both)).toHaveLength(2);
  });

  test('ends after so many instructions, across a wrap of their counter, with the last lines', async () => {
    let counter = 0xffff_ff00;
    const { line } = lineOf(() => (counter = (counter + 0x100) >>> 0));
    say(line, Array.from({ length: 30 }, (_, i) => `line ${i}`).join('\r\n'));
    const error = (await line.waitFor(/never/, { instructions: 0x280 }).catch((reason: unknown) => reason)) as Error;
    expect(error.message).toMatch(/^waited for never: 768 instructions of 640, 0 bytes heard; the last lines:\nline 10\nline 11\n[^]*\nline 29$/);
  });

  test('ends at once when no second is allowed', async () => {
    const { line } = lineOf();
    await expect(line.waitFor('never', { seconds: 0 })).rejects.toThrow(/^waited for never: \d+\.\d s of 0 s, 0 bytes heard/);
  });

  test('counts of the time in which other programs keep this one waiting what it works', async () => {
    jest.useFakeTimers();
    let now = 0;
    let worked = 0;
    const spies = [jest.spyOn(performance, 'now').mockImplementation(() => now), jest.spyOn(process, 'cpuUsage').mockImplementation(() => ({ user: worked, system: 0 }))];
    const look = (): void => {
      now += 10_000;
      worked += 50_000;
      jest.advanceTimersByTime(25);
    };
    try {
      const { line } = lineOf();
      let ended: unknown;
      const waiting = line.waitFor('never', { seconds: 1 }).catch((error: unknown) => (ended = error));
      for (let i = 0; i < 19; i++) look();
      await Promise.resolve();
      expect(ended).toBeUndefined();
      for (let i = 0; i < 2; i++) look();
      await waiting;
      expect((ended as Error).message).toMatch(/^waited for never: 1\.[01] s of 1 s/);
    } finally {
      for (const spy of spies) spy.mockRestore();
      jest.useRealTimers();
    }
  });
});

test('what is sent goes out as it is', () => {
  const { line, sent } = lineOf();
  line.send('ls\n');
  expect(sent).toEqual(['ls\n']);
});
