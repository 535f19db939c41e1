// Bytes that no client should send: random ones, and recorded sessions with changes. Nothing throws, nothing is leaked, and the next good client is served.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine } from '../../../src/core/index.ts';
import { COMMANDS, MessageStream, type PassedFd, type ServedDevice, Session, commandMessage, encodePayload, serveDevice } from '../../../src/hosts/vfio-user/index.ts';
import { edu } from '../../../src/devices/index.ts';
import { DmaLog } from '../../../src/vfio/index.ts';
import { TestModel } from '../../vfio/migration-model.ts';
import { recordedDevice } from './recorded-devices.ts';
import { SESSIONS, recorded } from './recorded.ts';
import { Peer, TestFd, plainDevice } from './support.ts';

/** One client that sends pieces with fds, and goes. What it left behind: nothing, or the test fails. */
function client(device: ServedDevice, pieces: readonly { readonly bytes: Uint8Array; readonly fds: number }[]): void {
  const openBefore = device.process.fds.length;
  const came: TestFd[] = [];
  const stream = new MessageStream<PassedFd>(0x10_0020);
  const answers = new MessageStream(0x20_0000);
  const session = new Session(device, { send: (message) => answers.push(message) });
  for (const { bytes, fds } of pieces) {
    const own = Array.from({ length: fds }, () => new TestFd(64));
    came.push(...own);
    stream.push(bytes, own);
    for (let one = stream.next(); one !== undefined; one = stream.next()) session.receive(one);
    if (stream.isBroken) break;
  }
  for (const fd of stream.close()) fd.close();
  session.close();
  // What was answered are whole messages, replies or errors, each of the size that it says.
  let bad = 0;
  for (let one = answers.next(); one !== undefined; one = answers.next()) if (one.fault !== undefined || (one.header.flags & 0xf) !== 1) bad++;
  expect([bad, answers.waiting, ...came.map(({ closes }) => closes)]).toEqual([0, 0, ...came.map(() => 1)]);
  expect([device.process.fds.length, device.vfio.interrupts.active]).toEqual([openBefore, 'none']);
}

function servesOn(device: ServedDevice): void {
  const peer = new Peer(device);
  expect(peer.version().result).toBe('ok');
  expect(peer.ask('REGION_READ', encodePayload('REGION_READ', 'request', { offset: 0n, region: 7, count: 4 })).payload).toHaveLength(20);
  peer.session.close();
}

test('random bytes', () => {
  const { device } = plainDevice();
  fc.assert(fc.property(fc.array(fc.record({ bytes: fc.uint8Array({ maxLength: 200 }), fds: fc.nat(3) }), { maxLength: 10 }), (pieces) => client(device, pieces)), { numRuns: 300 });
  servesOn(device);
});

test('random payloads of every command, after a good VERSION', () => {
  const { device } = plainDevice({ migration: new TestModel(5), dmaLogging: new DmaLog() });
  const version = { bytes: commandMessage(0, COMMANDS.VERSION, encodePayload('VERSION', 'request', { major: 0, minor: 0 })), fds: 0 };
  const small = fc.constantFrom(0, 1, 2, 3, 4, 7, 8, 16, 20, 24, 32, 64, 0x21, 0x24, 0x1000, 0x1_0001, 0x1_0002, 0x2_0002, 0x2_0006, 0x1_0008, 0x4_0001, 0xffff_ffff, 0x10_0000);
  const payload = fc.array(small, { maxLength: 14 }).map((words) => new Uint8Array(Uint32Array.from(words).buffer));
  const message = fc.record({ command: fc.constantFrom(...Object.values(COMMANDS), 14, 0), payload, fds: fc.nat(2), quiet: fc.boolean(), cut: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
      client(device, [version, ...messages.map(({ command, payload: bytes, fds, quiet, cut }) => ({ bytes: commandMessage(3, command, bytes.subarray(0, bytes.length - cut), quiet ? 0x10 : 0), fds }))]);
    }),
    { numRuns: 600 },
  );
  servesOn(device);
});

describe.each(SESSIONS)('%s', (name) => {
  const own = recorded(name).filter(({ from }) => from === 'client').slice(0, 120);

  test('with bytes changed, messages left out, repeated and cut', () => {
    const device = serveDevice(createEngine(), recordedDevice(name));
    const change = fc.record({ kind: fc.constantFrom('byte', 'drop', 'repeat', 'cut', 'fds'), at: fc.nat(own.length - 1), where: fc.nat(300), value: fc.integer({ min: 1, max: 255 }) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
        let pieces = own.map(({ bytes, fds }) => ({ bytes, fds }));
        for (const { kind, at, where, value } of changes) {
          const piece = pieces[at];
          if (piece === undefined) continue;
          if (kind === 'drop') pieces = pieces.filter((one) => one !== piece);
          else if (kind === 'repeat') pieces = [...pieces.slice(0, at + 1), ...pieces.slice(Math.max(0, at - (value % 20)))];
          else if (kind === 'cut') pieces[at] = { ...piece, bytes: piece.bytes.subarray(0, where % (piece.bytes.length + 1)) };
          else if (kind === 'fds') pieces[at] = { ...piece, fds: value % 4 };
          else {
            const bytes = piece.bytes.slice();
            bytes[where % bytes.length]! ^= value;
            pieces[at] = { ...piece, bytes };
          }
        }
        client(device, pieces);
      }),
      { numRuns: 60 },
    );
    servesOn(device);
    device.destroy();
    expect(device.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  });

  test('ended at every message', () => {
    const device = serveDevice(createEngine(), recordedDevice(name));
    for (let end = 0; end <= own.length; end++) client(device, own.slice(0, end));
    servesOn(device);
  });

  test('against a device that it was not recorded with', () => {
    const device = serveDevice(createEngine(), edu, { clock: { now: () => 0n, after: () => () => undefined } });
    client(device, own);
    servesOn(device);
  });
});
