// Cutting a byte stream into messages: wherever it is cut, whatever sizes say, whosever the fds are.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HEADER_SIZE, MessageStream, commandMessage } from '../../../src/hosts/vfio-user/index.ts';
import { hexOf } from './support.ts';

const MAX = 4096;
const message = (id: number, payload: number) => commandMessage(id, 9, Uint8Array.from({ length: payload }, (_, i) => (id + i) & 0xff));

function taken<Fd>(stream: MessageStream<Fd>): { id: number; payload: string; fds: readonly Fd[]; fault: string | undefined }[] {
  const found = [];
  for (let one = stream.next(); one !== undefined; one = stream.next()) found.push({ id: one.header.id, payload: hexOf(one.payload), fds: one.fds, fault: one.fault?.message });
  return found;
}

/** A header alone whose size says something else. */
function lying(size: number, id = 7, command = 9): Uint8Array {
  const bytes = commandMessage(id, command, new Uint8Array(0));
  new DataView(bytes.buffer).setUint32(4, size, true);
  return bytes;
}

test('three messages cut once, at every byte, are three messages', () => {
  const all = Buffer.concat([message(1, 0), message(2, 33), message(3, 1)]);
  for (let cut = 0; cut <= all.length; cut++) {
    const stream = new MessageStream(MAX);
    stream.push(all.subarray(0, cut));
    const first = taken(stream);
    stream.push(all.subarray(cut));
    expect([...first, ...taken(stream)].map(({ id, payload }) => [id, payload.length / 2])).toEqual([[1, 0], [2, 33], [3, 1]]);
    expect(stream.waiting).toBe(0);
  }
});

test('any messages in any pieces, taken whenever, come out as they went in, with their fds', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(200), fc.boolean()), { maxLength: 20 }), fc.infiniteStream(fc.integer({ min: 1, max: 90 })), fc.infiniteStream(fc.boolean()), (sizes, pieces, takes) => {
      const stream = new MessageStream<number>(MAX);
      const found: unknown[] = [];
      // Fds come with the piece that their message begins in, and end it.
      for (const [id, [size, hasFd]] of sizes.entries()) {
        const bytes = message(id, size);
        for (let at = 0; at < bytes.length; ) {
          const piece = at === 0 && hasFd ? Math.min(bytes.length, 1 + (pieces.next().value % 40)) : pieces.next().value;
          stream.push(bytes.subarray(at, at + piece), at === 0 && hasFd ? [id] : []);
          at += piece;
          if (takes.next().value) found.push(...taken(stream));
        }
      }
      found.push(...taken(stream));
      expect(found).toEqual(sizes.map(([size, hasFd], id) => ({ id, payload: hexOf(message(id, size).subarray(HEADER_SIZE)), fds: hasFd ? [id] : [], fault: undefined })));
      expect([stream.waiting, stream.close()]).toEqual([0, []]);
    }),
  );
});

describe('fds', () => {
  test('of a piece with several messages are the last one\'s that begins in it', () => {
    const stream = new MessageStream<string>(MAX);
    stream.push(Buffer.concat([message(1, 4), message(2, 4), message(3, 4).subarray(0, 5)]), ['a', 'b']);
    stream.push(message(3, 4).subarray(5));
    expect(taken(stream).map(({ id, fds }) => [id, fds])).toEqual([[1, []], [2, []], [3, ['a', 'b']]]);
  });

  test('of a message that is whole at the end of its piece are its own', () => {
    const stream = new MessageStream<string>(MAX);
    stream.push(Buffer.concat([message(1, 4), message(2, 4)]), ['a']);
    stream.push(message(3, 0), ['b']);
    expect(taken(stream).map(({ id, fds }) => [id, fds])).toEqual([[1, []], [2, ['a']], [3, ['b']]]);
  });

  test('of messages that nobody took are given back at the end', () => {
    const stream = new MessageStream<string>(MAX);
    stream.push(message(1, 4), ['a']);
    stream.push(message(2, 4).subarray(0, 3), ['b']);
    expect(stream.close()).toEqual(['a', 'b']);
    stream.push(message(3, 0));
    expect(stream.next()).toBeUndefined();
  });
});

describe('a size that lies', () => {
  test.each([0, 1, 15])('%i, below the header, is one bad message, and the next one is found', (size) => {
    const stream = new MessageStream(MAX);
    stream.push(Buffer.concat([lying(size), message(2, 3)]));
    expect(taken(stream).map(({ id, fault }) => [id, fault])).toEqual([[7, `EINVAL: vfio-user REGION_READ: size ${size} is below the header's 16`], [2, undefined]]);
    expect(stream.isBroken).toBe(false);
  });

  test.each([MAX + 1, 0xffff_ffff])('%i, above the limit, is the last message', (size) => {
    const stream = new MessageStream(MAX);
    stream.push(Buffer.concat([message(1, 0), lying(size, 9, 999), message(2, 3)]));
    expect(taken(stream).map(({ id, fault }) => [id, fault])).toEqual([[1, undefined], [9, `EINVAL: vfio-user command 999: size ${size} is above 4096, the longest message`]]);
    expect(stream.isBroken).toBe(true);
    stream.push(message(3, 0));
    expect(stream.next()).toBeUndefined();
  });

  test('the longest message is one', () => {
    const stream = new MessageStream(MAX);
    stream.push(message(1, MAX - HEADER_SIZE));
    expect(taken(stream)).toHaveLength(1);
  });
});

test('any bytes at all end in messages, faults or waiting, and never in more than what came', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), (pieces) => {
      const stream = new MessageStream(MAX);
      let came = 0;
      for (const piece of pieces) {
        stream.push(piece);
        came += piece.length;
        let out = 0;
        for (let one = stream.next(); one !== undefined; one = stream.next()) out += HEADER_SIZE + one.payload.length;
        came -= out;
        expect(came).toBe(stream.waiting);
      }
    }),
  );
});
