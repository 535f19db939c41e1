// The short form of `npm run fuzz:vfio-user`: no rule is broken, and nothing of what it is for is left out. And that it would notice.

import { expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { COMMANDS, commandMessage, encodePayload, serveDevice } from '../../../src/hosts/vfio-user/index.ts';
import { Broken } from '../broken.ts';
import { Random } from '../random.ts';
import { fuzzVfioUser } from './fuzz-vfio-user.ts';
import { HostileClient } from './hostile-client.ts';
import { mover } from './mover.ts';
import { VERSION } from './pieces.ts';
import { WitnessFd } from './witness-fd.ts';

const nothing = () => ({ messages: 0, replies: 0, errors: 0, asked: 0, fds: 0, reads: 0, writes: 0 });

test('hostile clients get their replies and nothing else; each way to the client\'s memory was gone', async () => {
  const { failure, messages, replies, errors, asked, fds, reads, writes, ...done } = await fuzzVfioUser(1, { bytes: 50_000, clients: 1200, sessions: 150 });
  expect(failure).toBeUndefined();
  expect([done.seed, done.bytes >= 50_000, done.clients, done.sessions]).toEqual([1, true, 1200, 150]);
  for (const count of [messages - replies, replies - errors, errors, asked, fds, reads, writes]) expect(count).toBeGreaterThan(50);
});

test('memory beyond a mapping, in the other direction, and of an fd that is closed is noticed', () => {
  const fd = new WitnessFd(nothing());
  expect(() => fd.read(0n, new Uint8Array(1))).toThrow('an fd that came with no mapping');
  fd.window = { address: 0n, offset: 0x1000n, size: 0x1000n, isReadable: true, isWritable: false };
  fd.read(0x1fffn, new Uint8Array(1));
  expect(() => fd.read(0x1fffn, new Uint8Array(2))).toThrow('a read of 2 bytes at 8191; mapped are 4096 at 4096');
  expect(() => fd.read(0xfffn, new Uint8Array(1))).toThrow(Broken);
  expect(() => fd.write(0x1000n, new Uint8Array(1))).toThrow('not mapped for it');
  fd.close();
  expect(() => fd.read(0x1000n, new Uint8Array(1))).toThrow('was closed');
  expect(() => fd.close()).toThrow('closed twice');
});

test('an fd that is left open, and a reply that nobody is owed, are noticed', async () => {
  const device = serveDevice(createEngine(), mover);
  const map = { bytes: commandMessage(1, COMMANDS.DMA_MAP, encodePayload('DMA_MAP', 'request', { argsz: 32, flags: 3, addr: 0n, offset: 0n, size: 0x1000n })), fds: 1 };
  const keeps = new HostileClient(device, nothing(), new Random(1));
  keeps.send(VERSION);
  const { close } = WitnessFd.prototype;
  WitnessFd.prototype.close = () => undefined;
  keeps.send(map);
  await expect(keeps.leave()).rejects.toThrow('1 of 1 fds were not closed');
  WitnessFd.prototype.close = close;
  const twice = new HostileClient(device, nothing(), new Random(1));
  const { options } = (twice as unknown as { session: { options: { send: (message: Uint8Array) => void } } }).session;
  options.send(Uint8Array.of(1, 0, 2, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0));
  expect(() => twice.send(VERSION)).toThrow('a reply to command 2 with id 1; due was none');
  device.destroy();
});
