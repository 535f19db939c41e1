// Sessions as people read them: lines with names for every command, tracks of a Perfetto file; and the texts of recorded QEMU sessions, which are replayed as well.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { edu, nvmeLite } from '../../../src/devices/index.ts';
import { COMMANDS, type CommandName, type CommandStep, PerfettoText, RegisterNames, type SessionEvent, type SessionStep, SessionSteps, commandMessage, encodePayload, errorMessage, isSessionText, readSessionText, replaySession, replyMessage, serveDevice, stepLine, stepText } from '../../../src/hosts/vfio-user/index.ts';
import { recordedDevice } from './recorded-devices.ts';
import { SESSIONS, recorded } from './recorded.ts';

const NOTHING = new Uint8Array(0);
const names = new RegisterNames();
names.learn(edu(createEngine()));

function stepsOf(events: readonly SessionEvent[]): SessionStep[] {
  const steps: SessionStep[] = [];
  const all = new SessionSteps((step) => void steps.push(step));
  for (const event of events) all.listen(event);
  return steps;
}

/** A command of the client and its reply, as a line. */
function line(command: CommandName, request: Uint8Array, reply: Uint8Array | number | undefined, flags = 0): string {
  const message = commandMessage(7, COMMANDS[command], request, flags);
  const header = { id: 7, command: COMMANDS[command] };
  const events: SessionEvent[] = [{ kind: 'connect', at: 0 }, { kind: 'received', at: 1_500_000_000, fds: [], bytes: message }];
  if (reply !== undefined) events.push({ kind: 'sent', at: 1_600_000_000, fds: 0, bytes: typeof reply === 'number' ? errorMessage(header, reply) : replyMessage(header, reply) });
  events.push({ kind: 'closed', at: 2_000_000_000 });
  return stepLine(stepsOf(events)[1]!, names);
}

describe('lines', () => {
  test.each<[CommandName, Uint8Array, Uint8Array | number | undefined, string]>([
    ['REGION_READ', encodePayload('REGION_READ', 'request', { offset: 0x20, region: 0, count: 4 }), encodePayload('REGION_READ', 'reply', { offset: 0x20, region: 0, count: 4, data: Uint8Array.of(0x81, 0, 0, 0) }), 'REGION_READ(BAR 0 0x20 STATUS, 4 bytes) = 0x00000081 COMPUTING=1 INTERRUPT=1'],
    ['REGION_READ', encodePayload('REGION_READ', 'request', { offset: 0, region: 7, count: 16 }), encodePayload('REGION_READ', 'reply', { offset: 0, region: 7, count: 16, data: Uint8Array.from({ length: 16 }, (_, i) => i) }), 'REGION_READ(CONFIG 0x0 VENDOR_ID, 16 bytes) = 0001020304050607...'],
    ['REGION_READ', encodePayload('REGION_READ', 'request', { offset: 4n, region: 9, count: 1 }), 22, 'REGION_READ(region 9 0x4, 1 byte) = -1 EINVAL'],
    ['REGION_WRITE', encodePayload('REGION_WRITE', 'request', { offset: 0x14, region: 7, count: 4, data: Uint8Array.of(0, 0, 0, 0xfe) }), undefined, 'REGION_WRITE(CONFIG 0x14, 4 bytes, 0xfe000000) = ?'],
    ['DMA_MAP', encodePayload('DMA_MAP', 'request', { argsz: 32, flags: 1, offset: 0x1000, addr: 0xc0000, size: 0x20000 }), NOTHING, 'DMA_MAP(0xc0000+0x20000, r-, offset 0x1000) = 0'],
    ['DMA_UNMAP', encodePayload('DMA_UNMAP', 'request', { argsz: 24, flags: 2 }), encodePayload('DMA_UNMAP', 'reply', { argsz: 24, flags: 2 }), 'DMA_UNMAP(all) = 0'],
    ['DMA_UNMAP', encodePayload('DMA_UNMAP', 'request', { argsz: 24, addr: 0x1000, size: 0x1000 }), 2, 'DMA_UNMAP(0x1000+0x1000) = -1 ENOENT'],
    ['DEVICE_GET_INFO', encodePayload('DEVICE_GET_INFO', 'request', { argsz: 16 }), encodePayload('DEVICE_GET_INFO', 'reply', { argsz: 16, flags: 3, num_regions: 9, num_irqs: 5 }), 'DEVICE_GET_INFO() = flags 0x3, 9 regions, 5 interrupts'],
    ['DEVICE_GET_REGION_INFO', encodePayload('DEVICE_GET_REGION_INFO', 'request', { argsz: 32, index: 6 }), encodePayload('DEVICE_GET_REGION_INFO', 'reply', { argsz: 80, index: 6, size: 0x800, flags: 1 }), 'DEVICE_GET_REGION_INFO(ROM) = size 0x800, flags 0x1, argsz 80'],
    ['DEVICE_GET_REGION_IO_FDS', encodePayload('DEVICE_GET_REGION_IO_FDS', 'request', { argsz: 16, index: 0 }), encodePayload('DEVICE_GET_REGION_IO_FDS', 'reply', { argsz: 16 }), 'DEVICE_GET_REGION_IO_FDS(BAR 0) = count 0'],
    ['DEVICE_GET_IRQ_INFO', encodePayload('DEVICE_GET_IRQ_INFO', 'request', { argsz: 16, index: 2 }), encodePayload('DEVICE_GET_IRQ_INFO', 'reply', { argsz: 16, index: 2, count: 4, flags: 9 }), 'DEVICE_GET_IRQ_INFO(MSI-X) = count 4, flags 0x9'],
    ['DEVICE_SET_IRQS', encodePayload('DEVICE_SET_IRQS', 'request', { argsz: 22, flags: 0x22, index: 1, start: 0, count: 2, data: Uint8Array.of(1, 0) }), NOTHING, 'DEVICE_SET_IRQS(MSI, BOOL|TRIGGER, start 0, count 2, 0100) = 0'],
    ['DEVICE_RESET', NOTHING, NOTHING, 'DEVICE_RESET() = 0'],
    ['DEVICE_FEATURE', encodePayload('DEVICE_FEATURE', 'request', { argsz: 16, flags: 0x10001 }), encodePayload('DEVICE_FEATURE', 'reply', { argsz: 16, flags: 0x10001, data: Uint8Array.of(5) }), 'DEVICE_FEATURE(MIGRATION, GET) = 05'],
    ['MIG_DATA_READ', encodePayload('MIG_DATA_READ', 'request', { argsz: 108, size: 100 }), encodePayload('MIG_DATA_READ', 'reply', { argsz: 11, size: 3, data: new Uint8Array(3) }), 'MIG_DATA_READ(100 bytes) = 3 bytes'],
    ['DMA_MAP', Uint8Array.of(1, 2, 3), 22, 'DMA_MAP(? EINVAL: vfio-user DMA_MAP: the payload has 3 bytes; expected at least 32) = -1 EINVAL'],
  ])('%s', (command, request, reply, text) => {
    expect(line(command, request, reply)).toBe(`    1.500000 > ${text}`);
  });

  test('a write that nobody waits for, and many in one message', () => {
    const write = encodePayload('REGION_WRITE', 'request', { offset: 8, region: 0, count: 4, data: Uint8Array.of(5, 0, 0, 0) });
    expect(line('REGION_WRITE', write, undefined, 0x10)).toBe('    1.500000 > REGION_WRITE(BAR 0 0x8 FACTORIAL, 4 bytes, 0x00000005) = posted');
    const multi = new Uint8Array(24);
    new DataView(multi.buffer).setUint32(12, 4, true);
    multi.set([0x98, 0, 0, 0, 0, 0, 0, 0], 0);
    multi[16] = 3;
    expect(line('REGION_WRITE_MULTI', encodePayload('REGION_WRITE_MULTI', 'request', { wr_cnt: 1, data: multi }), undefined, 0x10)).toBe('    1.500000 > REGION_WRITE_MULTI(1, BAR 0 0x98 DMA_COMMAND 0x00000003 START=1 TO_MEMORY=1) = posted');
  });

  test('words for values, and parts of registers', () => {
    const nvme = new RegisterNames();
    nvme.learn(nvmeLite(createEngine()));
    expect(nvme.access(0, 0x14n, Uint8Array.of(1, 0, 0x46, 0))).toMatchObject({ place: 'BAR 0 0x14 CC', register: 'CC', value: expect.stringMatching(/^0x00460001 EN=1 .*IOSQES=6 /) });
    expect(nvme.access(0, 0x16n, Uint8Array.of(0x46, 0)).value).toMatch(/^0x0046 .*IOSQES=6 /);
    expect(nvme.access(7, 0x44n, Uint8Array.of(0)).place).toBe('CONFIG 0x44');
  });

  test('interrupts by vector, transfers by guest address', () => {
    const irqs = commandMessage(1, COMMANDS.DEVICE_SET_IRQS, encodePayload('DEVICE_SET_IRQS', 'request', { argsz: 20, flags: 0x24, index: 2, start: 1, count: 2 }));
    const map = commandMessage(2, COMMANDS.DMA_MAP, encodePayload('DMA_MAP', 'request', { argsz: 32, flags: 3, offset: 0x1000, addr: 0x10_0000, size: 0x1000 }));
    const steps = stepsOf([
      { kind: 'connect', at: 0 },
      { kind: 'received', at: 1, fds: ['event', 'event'], bytes: irqs },
      { kind: 'sent', at: 2, fds: 0, bytes: replyMessage({ id: 1, command: COMMANDS.DEVICE_SET_IRQS }, NOTHING) },
      { kind: 'received', at: 3, fds: ['memory'], bytes: map },
      { kind: 'sent', at: 4, fds: 0, bytes: replyMessage({ id: 2, command: COMMANDS.DMA_MAP }, NOTHING) },
      { kind: 'signal', at: 5, fd: 1 },
      { kind: 'fd-read', at: 6, fd: 2, offset: 0x1010n, bytes: new Uint8Array(4) },
      { kind: 'fd-write', at: 7, fd: 2, offset: 0x9000n, bytes: NOTHING },
    ]);
    expect(steps.map((step) => stepText(step, names)).slice(1)).toEqual([
      '> DEVICE_SET_IRQS(MSI-X, EVENTFD|TRIGGER, start 1, count 2, 2 fds) = 0',
      '> DMA_MAP(0x100000+0x1000, rw, offset 0x1000, 1 fd) = 0',
      '< MSI-X 2',
      '< DMA read 0x100010, 4 bytes, fd 2 at 0x1010',
      '< DMA write ?, failed, fd 2 at 0x9000',
    ]);
    const text = new PerfettoText('card', names);
    const events = JSON.parse([text.begin(), ...steps.map((step) => text.add(step)), text.end()].join('')) as { readonly ph: string; readonly name: string; readonly tid: number; readonly ts?: number; readonly dur?: number }[];
    expect(events.filter(({ ph }) => ph !== 'M').map(({ ph, name, tid, ts, dur }) => [ph, name, tid, ts, dur])).toEqual([
      ['i', 'client connected', 4, 0, undefined],
      ['X', 'DEVICE_SET_IRQS', 4, 0.001, 0.001],
      ['X', 'DMA_MAP', 4, 0.003, 0.001],
      ['i', 'MSI-X 2', 3, 0.005, undefined],
      ['i', 'read', 2, 0.006, undefined],
      ['i', 'write', 2, 0.007, undefined],
    ]);
    // A server that was killed has not written the end.
    expect(JSON.parse(`${text.begin()}${text.add(steps[0]!)}]`)).toHaveLength(6);
  });
});

describe.each(SESSIONS)('the text of %s', (name) => {
  const text = gunzipSync(readFileSync(join(__dirname, '../../fixtures/vfio-user', `${name}.txt.gz`))).toString();

  test('holds every message, and is replayed: what differs is what is the server\'s own to say', async () => {
    expect(isSessionText(Buffer.from(text.slice(0, 100)))).toBe(true);
    const session = readSessionText(text);
    expect(session.events.filter(({ kind }) => kind === 'received' || kind === 'sent')).toHaveLength(recorded(name).length);
    const { differing, differences, replies } = await replaySession(session, ({ clock }) => serveDevice(createEngine(), recordedDevice(name), { clock }));
    expect(replies).toBeGreaterThan(200);
    expect([differing, differences.map(({ recorded: step }) => (step as CommandStep).command.header.command)]).toEqual(name === 'edu-uio' ? [3, [1, 7, 8]] : [4, [1, 7, 9, 8]]);
  });
});

test.each([
  ['no message', 'nothing\n', 'line 1: expected a message'],
  ['a message that is missing', '0.1 C>S #2 RESET CMD id=1 size=16 flags=0x0 |\n    00\n', 'line 1: message 2 follows message 0'],
  ['a message without bytes', '0.1 C>S #1 RESET CMD id=1 size=16 flags=0x0 |\n\n', 'line 2: expected the bytes of message 1'],
])('a text with %s is refused', (_, text, message) => {
  expect(() => readSessionText(text)).toThrow(RangeError);
  expect(() => readSessionText(text)).toThrow(message);
});
