// Recorded sessions: the bytes of a record are read again as they were, a fresh device replays them without a difference, and another one with differences that say what.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../../src/core/index.ts';
import type { Engine } from '../../../src/core/index.ts';
import { edu } from '../../../src/devices/index.ts';
import type { DeviceHost } from '../../../src/pci/index.ts';
import { ManualClock } from '../../../src/hosts/testbench/index.ts';
import { type Connection, type DeviceMaker, RegisterNames, SessionLog, loggedTransport, type SessionReplayResult, encodePayload, isSessionRecord, readSession, replaySession, serveDevice, stepText } from '../../../src/hosts/vfio-user/index.ts';
import { HEADER, HandTransport, Recording } from './record-support.ts';
import { TestFd } from './support.ts';

const MASTER_AND_MEMORY = encodePayload('REGION_WRITE', 'request', { offset: 4, region: 7, count: 2, data: Uint8Array.of(6, 0) });
const eventfdFor = (index: number): Uint8Array => encodePayload('DEVICE_SET_IRQS', 'request', { argsz: 20, flags: 0x24, index, start: 0, count: 1 });

/** A client that lets edu compute, copy its memory by an fd and interrupt it. */
async function session(): Promise<{ readonly bytes: Uint8Array; readonly recording: Recording; readonly memory: TestFd; readonly event: TestFd }> {
  const clock = new ManualClock();
  const recording = await Recording.start(edu, clock);
  const [memory, event] = [new TestFd(0x4000), new TestFd()];
  memory.memory.set(new TextEncoder().encode('maple bar'), 0x1000);
  recording.version();
  recording.push('DMA_MAP', encodePayload('DMA_MAP', 'request', { argsz: 32, flags: 3, offset: 0x1000, addr: 0x10000, size: 0x2000 }), [memory]);
  recording.push('REGION_WRITE', MASTER_AND_MEMORY);
  recording.push('DEVICE_SET_IRQS', eventfdFor(0), [event]);
  clock.advance(1000);
  recording.write32(0, 0x20, 0x80);
  recording.write32(0, 0x08, 5);
  clock.advance(1);
  await Recording.turn();
  expect(recording.read32(0, 0x08)).toBe(120);
  // The level is acknowledged, and the pin unmasked.
  recording.write32(0, 0x64, 1);
  recording.push('DEVICE_SET_IRQS', encodePayload('DEVICE_SET_IRQS', 'request', { argsz: 20, flags: 0x11, index: 0, start: 0, count: 1 }));
  for (const [source, target, command] of [[0x10000, 0x40000, 1], [0x40000, 0x11000, 7]] as const) {
    for (const [at, value] of [[0x80, source], [0x88, target], [0x90, 9], [0x98, command]] as const) recording.write32(0, at, value);
    clock.advance(200_000_000);
    await Recording.turn();
    expect(recording.read32(0, 0x98) & 1).toBe(0);
  }
  return { bytes: await recording.end(), recording, memory, event };
}

const replayed = (bytes: Uint8Array, make: DeviceMaker = edu): Promise<SessionReplayResult> => replaySession(readSession(bytes), ({ clock }) => serveDevice(createEngine(), make, { clock }));

/** edu, but for one bit of its liveness. */
const changedEdu = (engine: Engine, host: DeviceHost): ReturnType<typeof edu> => {
  const card = edu(engine, host);
  card.bar(0).regs.IDENTIFICATION.poke(0x0100_00ee);
  return card;
};

test('what would pass beside the record is not offered: no twin socket, and so no shared pages', async () => {
  const seen: Connection[] = [];
  const inner = new HandTransport();
  await loggedTransport(inner, new SessionLog(() => 0, [])).listen('by hand', (connection) => {
    seen.push(connection);
    return { received: () => undefined, drained: () => undefined, closed: () => undefined };
  });
  inner.client({ twin: () => { throw new Error('a twin'); }, adopt: () => { throw new Error('adopted'); } });
  expect([seen[0]!.twin, seen[0]!.adopt]).toEqual([undefined, undefined]);
});

describe('a recorded session', () => {
  test('is read as it was told', async () => {
    const { bytes, recording } = await session();
    const read = readSession(bytes);
    expect(isSessionRecord(bytes)).toBe(true);
    expect([read.header, read.cut]).toEqual([HEADER, undefined]);
    expect(read.events).toEqual(recording.events);
    expect(new Set(read.events.map(({ kind }) => kind))).toEqual(new Set(['connect', 'received', 'sent', 'timer', 'signal', 'fd-read', 'fd-write', 'closed']));
  });

  test('is replayed by a fresh device without a difference: replies, interrupts, DMA by fds', async () => {
    const { bytes, memory, event } = await session();
    expect([Buffer.from(memory.memory.subarray(0x2000, 0x2009)).toString(), event.signals]).toEqual(['maple bar', 2]);
    expect(await replayed(bytes)).toEqual({ clients: 1, messages: 19, replies: 19, asked: 0, interrupts: 2, transfers: 2, differing: 0, differences: [] });
  });

  test('shows in another device what differs, by name', async () => {
    const clock = new ManualClock();
    const recording = await Recording.start(edu, clock);
    recording.version();
    recording.read32(0, 0);
    recording.read32(0, 4);
    const names = new RegisterNames();
    const { differing, differences } = await replaySession(readSession(await recording.end()), ({ clock: own }) =>
      serveDevice(createEngine(), (engine, host) => {
        const card = changedEdu(engine, host);
        names.learn(card);
        return card;
      }, { clock: own }),
    );
    expect(differing).toBe(1);
    expect(differences.map(({ recorded, replayed: now }) => [stepText(recorded!, names), stepText(now!, names)])).toEqual([
      ['> REGION_READ(BAR 0 0x0 IDENTIFICATION, 4 bytes) = 0x010000ed tag=0xed major=1', '> REGION_READ(BAR 0 0x0 IDENTIFICATION, 4 bytes) = 0x010000ee tag=0xee major=1'],
    ]);
  });

  test('a device that does not interrupt leaves interrupts alone on one side', async () => {
    const { bytes } = await session();
    const { differing, differences, interrupts } = await replayed(bytes, (engine, host) => {
      const card = edu(engine, host);
      card.interrupts.set = () => undefined;
      return card;
    });
    expect(interrupts).toBe(0);
    expect(differing).toBeGreaterThanOrEqual(2);
    expect(differences.filter(({ recorded }) => recorded?.kind === 'interrupt').map(({ replayed: now }) => now)).toEqual([undefined, undefined]);
  });

  test('pieces that came without a turn between them are given so again', async () => {
    // A transfer that takes a turn: a status that is read before it is another one than after it.
    const slow: DeviceMaker = (engine, host) => {
      const card = edu(engine, host);
      const region = card.bar(0);
      const watch = (): void => void Promise.resolve().then(() => region.regs.FACTORIAL.poke(7));
      card.function.onReset(watch);
      return card;
    };
    const recording = await Recording.start(slow, new ManualClock());
    recording.version();
    await Recording.turn();
    recording.push('DEVICE_RESET');
    expect(recording.read32(0, 8)).toBe(0);
    await Recording.turn();
    expect(recording.read32(0, 8)).toBe(7);
    const bytes = await recording.end();
    expect(recording.events.filter(({ kind, isJoined }) => kind === 'received' && isJoined === true)).toHaveLength(1);
    expect(await replayed(bytes, slow)).toMatchObject({ replies: 4, differing: 0 });
  });

  test('cut at any byte it is read as far as it goes, and says that it was cut', async () => {
    const { bytes, recording } = await session();
    const begin = Buffer.from(bytes).indexOf('\n', 40) + 1;
    const wrong: string[] = [];
    let before = 0;
    for (let length = begin; length < bytes.length; length++) {
      const { events, cut = '' } = readSession(bytes.subarray(0, length));
      if (events.length < before || events.length > recording.events.length) wrong.push(`${length}: ${events.length} events after ${before}`);
      if (!/^it (has no end after event \d+, at byte \d+|is cut short in event \d+, which begins at byte \d+: expected )/.test(cut)) wrong.push(`${length}: ${cut}`);
      if (length % 97 === 0) expect(recording.events.slice(0, events.length)).toEqual(events);
      before = events.length;
    }
    expect([wrong, before]).toEqual([[], recording.events.length]);
    expect(await replayed(bytes.subarray(0, bytes.length - 40))).toMatchObject({ differing: 0 });
  });

  test('with other bytes it is refused with the place, or replayed to an end', async () => {
    const { bytes } = await session();
    const edit = fc.record({ at: fc.nat(bytes.length - 1), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        const edited = bytes.slice();
        for (const { at, byte } of edits) edited[at] = byte;
        try {
          const result = await replayed(edited);
          expect(result.differing).toBeGreaterThanOrEqual(result.differences.length);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
          expect((error as Error).message).toMatch(/^vfio-user session: /);
        }
      }),
      { numRuns: 40 },
    );
  });

  test.each([
    ['no such file', new TextEncoder().encode('R M 4 0 0 a\n'), 'does not begin with'],
    ['no header', new TextEncoder().encode('maplebar vfio-user session 1\n{}\n'), 'byte 29: expected a device, a slot and fds'],
    ['a header that never ends', new TextEncoder().encode('maplebar vfio-user session 1\n{'), 'byte 29: expected a line'],
    ['an event of no kind', new TextEncoder().encode(`maplebar vfio-user session 1\n${JSON.stringify(HEADER)}\n\x7f\x00`), 'an event is of kind 127'],
    ['bytes behind the end', new TextEncoder().encode(`maplebar vfio-user session 1\n${JSON.stringify(HEADER)}\n\x00\x00\x00x`), '1 bytes follow the end'],
    ['a message that is sent in pieces', new TextEncoder().encode(`maplebar vfio-user session 1\n${JSON.stringify(HEADER)}\n\x01\x00\x04\x00\x00\x04abcd`), 'a message that was sent has 4 bytes; expected at least the 16 of a header'],
    ['an end that counts otherwise', new TextEncoder().encode(`maplebar vfio-user session 1\n${JSON.stringify(HEADER)}\n\x00\x00\x05`), 'the end counts 5 events; there are 0'],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => readSession(bytes)).toThrow(RangeError);
    expect(() => readSession(bytes)).toThrow(message);
  });
});
