// VERSION: texts that are good and bad, and what is answered to whom.

import { describe, expect, test } from '@jest/globals';
import { SERVER_CAPABILITIES, answeredCapabilities, decodeCapabilities, encodeCapabilities, encodePayload } from '../../../src/hosts/vfio-user/index.ts';
import { Peer, QEMU_CAPABILITIES, plainDevice } from './support.ts';

const text = (json: string): Uint8Array => new TextEncoder().encode(json);
const version = (data: Uint8Array, major = 0, minor = 0): Uint8Array => encodePayload('VERSION', 'request', { major, minor, data });
const answered = ({ payload }: { readonly payload: Uint8Array }): string => new TextDecoder().decode(payload.subarray(4));

/** What QEMU sends, with its blanks. */
const QEMU_TEXT = text('{"capabilities": {"pgsizes": 4096, "max_msg_fds": 16, "max_dma_maps": 65535, "max_data_xfer_size": 1048576, "migration": {"max_bitmap_size": 268435456, "pgsize": 4096}, "write_multiple": true}}\0');

describe('EINVAL', () => {
  test.each<[string, Uint8Array, string]>([
    ['missing NUL', text('{"capabilities":{}}'), 'the text of 19 bytes has no NUL at its end'],
    ['missing closing brace', text('{"capabilities":{}\0'), 'the text is no JSON'],
    ['missing closing quote', text('{"capabilities:{}}\0'), 'the text is no JSON'],
    ['nothing but a NUL', text('\0'), 'the text is no JSON'],
    ['a NUL inside', text('{"capabilities":\0{}}\0'), 'the text is no JSON'],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22, 0), 'the text is no JSON'],
    ['a list', text('[]\0'), 'the text is []; expected an object'],
    ['a nesting without end', text(`${'['.repeat(100_000)}\0`), 'the text is no JSON'],
    ['capabilities that are a string', text('{"capabilities":"none"}\0'), 'capabilities is "none"; expected an object'],
    ['max_msg_fds of letters', text('{"capabilities":{"max_msg_fds":"foo"}}\0'), 'capabilities.max_msg_fds is "foo"; expected a whole number from 0 to 1024'],
    ['max_msg_fds below 0', text('{"capabilities":{"max_msg_fds":-1}}\0'), 'capabilities.max_msg_fds is -1'],
    ['max_msg_fds above 1024', text('{"capabilities":{"max_msg_fds":1025}}\0'), 'capabilities.max_msg_fds is 1025'],
    ['migration that is a string', text('{"capabilities":{"migration":"yes"}}\0'), 'capabilities.migration is "yes"; expected an object'],
    ['pgsize of letters', text('{"capabilities":{"migration":{"pgsize":"foo"}}}\0'), 'capabilities.migration.pgsize is "foo"'],
    ['pgsize 4095', text('{"capabilities":{"migration":{"pgsize":4095}}}\0'), 'capabilities.migration.pgsize is 4095; expected a whole number from 4096'],
    ['pgsize that is no power of two', text('{"capabilities":{"migration":{"pgsize":12288}}}\0'), 'capabilities.migration.pgsize is 12288; expected a power of two from 4096 on'],
    ['pgsizes with bits below a page', text('{"capabilities":{"pgsizes":4097}}\0'), 'capabilities.pgsizes is 4097; expected powers of two from 4096 on'],
    ['write_multiple 1', text('{"capabilities":{"write_multiple":1}}\0'), 'capabilities.write_multiple is 1; expected true or false'],
    ['max_data_xfer_size 0', text('{"capabilities":{"max_data_xfer_size":0}}\0'), 'capabilities.max_data_xfer_size is 0'],
    ['twin_socket that is true', text('{"capabilities":{"twin_socket":true}}\0'), 'capabilities.twin_socket is true; expected an object'],
  ])('%s', (_what, data, message) => {
    expect(() => decodeCapabilities(data)).toThrow(`EINVAL: vfio-user VERSION: ${message}`);
    const peer = new Peer(plainDevice().device);
    expect(peer.result('VERSION', version(data))).toBe('EINVAL');
    // The next try is as good as the first.
    expect(peer.version().result).toBe('ok');
  });

  test('a header alone, another major, a second VERSION, a command before the first', () => {
    const peer = new Peer(plainDevice().device);
    expect(peer.result('VERSION')).toBe('EINVAL');
    expect(peer.result('VERSION', version(QEMU_TEXT, 999))).toBe('EINVAL');
    expect(peer.result(999)).toBe('EINVAL');
    expect(peer.result('DEVICE_RESET')).toBe('EINVAL');
    expect(peer.version().result).toBe('ok');
    expect(peer.result('VERSION', version(QEMU_TEXT))).toBe('EINVAL');
    expect(peer.result('DEVICE_RESET')).toBe('ok');
  });
});

describe('answers', () => {
  test('to QEMU: everything, in no more bytes than it sent', () => {
    const peer = new Peer(plainDevice().device);
    const reply = peer.ask('VERSION', version(QEMU_TEXT));
    expect(answered(reply)).toBe('{"capabilities":{"max_msg_fds":16,"max_data_xfer_size":1048576,"write_multiple":true,"max_dma_maps":65535,"pgsizes":4096,"migration":{"pgsize":4096}}}\0');
    expect(reply.payload.length).toBeLessThanOrEqual(QEMU_TEXT.length + 4);
    expect(decodeCapabilities(reply.payload.subarray(4))).toEqual(SERVER_CAPABILITIES);
    expect(peer.session.agreed).toEqual({ minor: 0, clientDataBytes: 1048576, clientFds: 16, hasTwin: false });
  });

  test('to a client that sends no text: none', () => {
    const peer = new Peer(plainDevice().device);
    expect(peer.ask('VERSION', version(new Uint8Array(0), 0, 1)).payload).toEqual(Uint8Array.of(0, 0, 1, 0));
    expect(peer.session.agreed).toEqual({ minor: 1, clientDataBytes: 1048576, clientFds: 1, hasTwin: false });
  });

  test.each<[string, string]>([
    ['{}', '{}'],
    ['{"capabilities":{}}', '{"capabilities":{}}'],
    ['{"capabilities":{"max_msg_fds":1}}', '{"capabilities":{}}'],
    ['{"capabilities":{ "max_msg_fds":1}}', '{"capabilities":{"max_msg_fds":16}}'],
    ['{"capabilities":{"twin_socket":{"supported":true}}}', '{"capabilities":{}}'],
    ['{"capabilities":{"of_tomorrow":7}}', '{"capabilities":{}}'],
    ['{"capabilities": {"max_msg_fds": 1, "write_multiple": false}}', '{"capabilities":{"max_msg_fds":16,"write_multiple":true}}'],
  ])('to %s: what was proposed, and what fits', (proposed, expected) => {
    const peer = new Peer(plainDevice().device);
    const reply = peer.ask('VERSION', version(text(`${proposed}\0`)));
    expect(answered(reply)).toBe(`${expected}\0`);
    expect(reply.payload.length).toBeLessThanOrEqual(proposed.length + 5);
  });

  test('with the lower minor version', () => {
    for (const [minor, expected] of [[0, 0], [1, 1], [2, 2], [3, 2], [65535, 2]] as const) {
      const peer = new Peer(plainDevice().device);
      expect(peer.ask('VERSION', version(QEMU_TEXT, 0, minor)).payload.slice(0, 4)).toEqual(Uint8Array.of(0, 0, expected, 0));
    }
  });

  test('for no room at all: no text', () => {
    expect(answeredCapabilities(QEMU_CAPABILITIES, SERVER_CAPABILITIES, 2)).toHaveLength(0);
    expect(new TextDecoder().decode(answeredCapabilities(QEMU_CAPABILITIES, SERVER_CAPABILITIES, 3))).toBe('{}\0');
    expect(new TextDecoder().decode(answeredCapabilities(QEMU_CAPABILITIES, SERVER_CAPABILITIES, 20))).toBe('{"capabilities":{}}\0');
  });

  test('a text is the same capabilities again', () => {
    expect(decodeCapabilities(encodeCapabilities(QEMU_CAPABILITIES))).toEqual(QEMU_CAPABILITIES);
  });
});
