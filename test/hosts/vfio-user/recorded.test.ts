// Recorded sessions of QEMU: every message is decoded and made again byte for byte, and the same device answers as the recorded server did.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { MessageStream, TYPE_REPLY, commandName, commandMessage, decodePayload, encodePayload, replyMessage, serveDevice } from '../../../src/hosts/vfio-user/index.ts';
import { recordedDevice } from './recorded-devices.ts';
import { SESSIONS, recorded } from './recorded.ts';
import { Peer, TestFd, hexOf } from './support.ts';


describe.each(SESSIONS)('%s', (name) => {
  const messages = recorded(name);

  test('each message is decoded, and made again from the record as it was', () => {
    expect(messages.length).toBeGreaterThan(400);
    const again = messages.map(({ bytes }) => {
      const stream = new MessageStream(1 << 21);
      stream.push(bytes);
      const { header, payload, fault } = stream.next()!;
      if (fault !== undefined || stream.waiting > 0) return `${fault?.message ?? ''} ${stream.waiting} bytes left`;
      const isReply = (header.flags & 0xf) === TYPE_REPLY;
      const command = commandName(header.command)!;
      const record = decodePayload(command, isReply ? 'reply' : 'request', payload);
      const made = encodePayload(command, isReply ? 'reply' : 'request', record as never);
      return hexOf(isReply ? replyMessage(header, made) : commandMessage(header.id, header.command, made, header.flags));
    });
    expect(again).toEqual(messages.map(({ bytes }) => hexOf(bytes)));
  });

  test('the bytes of each side, glued and cut into pieces of every small size, are the same messages', () => {
    for (const from of ['client', 'server'] as const) {
      const own = messages.filter((one) => one.from === from).slice(0, 300);
      const all = Buffer.concat(own.map(({ bytes }) => bytes));
      for (const size of [1, 2, 3, 5, 7, 15, 16, 17, 31, 64, 1000, all.length]) {
        const stream = new MessageStream(1 << 21);
        const found: string[] = [];
        for (let at = 0; at < all.length; at += size) {
          stream.push(all.subarray(at, at + size));
          for (let one = stream.next(); one !== undefined; one = stream.next()) found.push(`${one.header.id} ${one.header.command} ${hexOf(one.payload)}`);
        }
        expect(found).toEqual(own.map(({ bytes }) => `${bytes[0]! | (bytes[1]! << 8)} ${bytes[2]!} ${hexOf(bytes.subarray(16))}`));
      }
    }
  });

  test('the same device answers the same bytes, but for what is the server\'s own to say', () => {
    const device = serveDevice(createEngine(), recordedDevice(name));
    const peer = new Peer(device, { onDeviceError: (error) => { throw error; } });
    const replies = messages.filter(({ from }) => from === 'server');
    const fds: TestFd[] = [];
    const different: string[] = [];
    for (const { from, bytes, text, fds: count } of messages) {
      if (from !== 'client') continue;
      const before = peer.sent.length;
      const came = Array.from({ length: count }, () => new TestFd());
      fds.push(...came);
      peer.push(bytes, came);
      const wantsReply = (bytes[8]! & 0x10) === 0;
      if (peer.sent.length - before !== (wantsReply ? 1 : 0)) throw new Error(`${peer.sent.length - before} replies to ${text}`);
      if (!wantsReply) continue;
      const expected = replies[peer.sent.length - 1]!;
      if (hexOf(expected.bytes) !== hexOf(peer.sent.at(-1)!)) different.push(`${commandName(bytes[2]!)!} ${bytes[2] === 1 ? '' : text}`.trim());
    }
    expect(peer.sent.length).toBe(replies.length);
    // The version text is each server's own. A device that is no PCI Express device has no ERR interrupt here, as under Linux; QEMU goes on without.
    expect(different).toEqual([
      'VERSION',
      'DEVICE_GET_IRQ_INFO argsz=16 flags=0x0 index=3 count=0',
      // The card said of five BARs without bytes that they are ports.
      ...(name === 'edu-uio' ? [] : ['REGION_READ off=0x0 region=7 count=256 data=']),
      'DEVICE_SET_IRQS argsz=20 flags=0x24 index=3 start=0 count=1 data=',
    ]);
    expect(peer.sent[0]!.length).toBeLessThanOrEqual(messages[0]!.bytes.length);
    // Every interrupt that the recorded driver counted.
    if (name === 'edu-uio') expect(fds.reduce((sum, { signals }) => sum + signals, 0)).toBe(500);
    peer.session.close();
    expect(fds.map(({ closes }) => closes)).toEqual(fds.map(() => 1));
    device.destroy();
    expect(device.engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  });
});
