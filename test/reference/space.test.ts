// Address spaces: windows, priorities, aliases, and accesses that are cut at window borders.

import { describe, expect, test } from '@jest/globals';
import { EBADF, EINVAL, EIO, ReferenceEngine, U64_MAX, errnoOf, fail, ok, valueOf, type ReferenceRegion, type ReferenceSpace } from './index.ts';

const MAX = U64_MAX;

/** A space, and RAM regions `a` and `b` of 16 bytes: byte `p` of them is 0xa0 + p and 0xb0 + p. */
function house(): { engine: ReferenceEngine; space: ReferenceSpace; a: ReferenceRegion; b: ReferenceRegion } {
  const engine = new ReferenceEngine();
  const filled = (base: number) => {
    const region = valueOf(engine.createRegion({ kind: 'ram', size: 16n }));
    region.poke(0n, Uint8Array.from({ length: 16 }, (_, p) => base + p));
    return region;
  };
  return { engine, space: engine.createSpace(), a: filled(0xa0), b: filled(0xb0) };
}

/** The bytes at `address`, each read alone, as hex. */
function bytes(space: ReferenceSpace, address: bigint, length: number): string {
  return Array.from({ length }, (_, k) => valueOf(space.read(address + BigInt(k), 1)).toString(16)).join(' ');
}

describe('S-map', () => {
  test('S-map shows size bytes of the region from position on', () => {
    const { space, a } = house();
    const window = valueOf(space.map(a, { start: 0x1000n, position: 4n, size: 3n }));
    expect(bytes(space, 0x0fffn, 5)).toBe('ff a4 a5 a6 ff');
    expect([space.visible(0x0fffn), space.visible(0x1000n), space.visible(0x1002n), space.visible(0x1003n)]).toEqual([undefined, window, window, undefined]);
  });

  test.each([
    [0n, 0n, 0n, 'size 0'],
    [MAX, 0n, 2n, 'passes 2^64-1'],
    [0n, 1n, 16n, 'passes the end of the region'],
    [0n, 17n, 1n, 'starts behind the region'],
    [0n, MAX, 1n, 'position + size passes 2^64'],
  ])('S-map start %s position %s size %s is EINVAL: %s', (start, position, size) => {
    const { engine, space, a } = house();
    expect(space.map(a, { start, position, size })).toEqual(fail(EINVAL));
    expect([space.windows, engine.windows]).toEqual([[], []]);
  });

  test('S-map at 0 and up to 2^64-1', () => {
    const { space, a } = house();
    space.map(a, { start: 0n, position: 0n, size: 1n });
    space.map(a, { start: MAX - 15n, position: 0n, size: 16n });
    expect([space.read(0n, 1), space.read(MAX, 1), space.read(MAX - 7n, 8)]).toEqual([ok(0xa0n), ok(0xafn), ok(0xafaeadacabaaa9a8n)]);
  });
});

describe('S-priority, S-unmap, S-move', () => {
  test('S-priority the highest is visible, negative ones lie below; S-unmap uncovers', () => {
    const { space, a, b } = house();
    const high = valueOf(space.map(b, { start: 2n, position: 0n, size: 2n, priority: 2147483647 }));
    space.map(a, { start: 0n, position: 0n, size: 6n });
    space.map(b, { start: 4n, position: 8n, size: 4n, priority: -2147483648 });
    expect(bytes(space, 0n, 9)).toBe('a0 a1 b0 b1 a4 a5 ba bb ff');
    space.unmap(high);
    expect(bytes(space, 0n, 9)).toBe('a0 a1 a2 a3 a4 a5 ba bb ff');
    expect(space.unmap(high)).toEqual(fail(EBADF));
  });

  test('S-priority among equals the most recently mapped or moved one', () => {
    const { space, a, b } = house();
    const first = valueOf(space.map(a, { start: 0n, position: 0n, size: 4n }));
    space.map(b, { start: 0n, position: 0n, size: 4n });
    expect(bytes(space, 0n, 1)).toBe('b0');
    space.move(first, 0n);
    expect(bytes(space, 0n, 1)).toBe('a0');
  });

  test('S-move changes the start only; bounds as in S-map', () => {
    const { space, a } = house();
    const window = valueOf(space.map(a, { start: 0n, position: 2n, size: 4n, priority: 5 }));
    expect(space.move(window, MAX - 3n)).toEqual(ok());
    expect([bytes(space, 0n, 1), bytes(space, MAX - 3n, 4)]).toEqual(['ff', 'a2 a3 a4 a5']);
    expect(space.move(window, MAX - 2n)).toEqual(fail(EINVAL));
    expect(space.windows).toEqual([window]);
    expect(window).toMatchObject({ start: MAX - 3n, position: 2n, size: 4n, priority: 5 });
  });

  test('S-unmap, S-move of a window of another space is EBADF', () => {
    const { engine, space, a } = house();
    const window = valueOf(space.map(a, { start: 0n, position: 0n, size: 4n }));
    const other = engine.createSpace();
    expect([other.unmap(window), other.move(window, 8n)].map(errnoOf)).toEqual([EBADF, EBADF]);
    expect(bytes(space, 0n, 1)).toBe('a0');
  });
});

describe('S-alias', () => {
  test('S-alias shows the same region from position + offset on, here or in another space', () => {
    const { engine, space, a } = house();
    const other = engine.createSpace();
    const target = valueOf(space.map(a, { start: 0x100n, position: 4n, size: 8n, priority: 3, attributes: 7 }));
    const here = valueOf(space.alias(target, { start: 0x200n, offset: 2n, size: 6n }));
    const there = valueOf(other.alias(here, { start: 0n, offset: 5n, size: 1n, priority: -1, attributes: 9 }));
    expect([bytes(space, 0x200n, 7), bytes(other, 0n, 2)]).toEqual(['a6 a7 a8 a9 aa ab ff', 'ab ff']);
    expect(here).toMatchObject({ region: a, position: 6n, size: 6n, target, priority: 3, attributes: 7 });
    expect(there).toMatchObject({ region: a, position: 11n, target: here, priority: -1, attributes: 9 });
  });

  test.each([
    [0n, 0n, 0n, 'size 0'],
    [0n, 1n, 8n, 'passes the end of the target, not of the region'],
    [0n, 9n, 1n, 'starts behind the target'],
    [MAX, 0n, 2n, 'passes 2^64-1'],
  ])('S-alias start %s offset %s size %s of a window of 8 is EINVAL: %s', (start, offset, size) => {
    const { space, a } = house();
    const target = valueOf(space.map(a, { start: 0x100n, position: 0n, size: 8n }));
    expect(space.alias(target, { start, offset, size })).toEqual(fail(EINVAL));
  });

  test('S-move aliases stay where they are and go on showing the same', () => {
    const { space, a } = house();
    const target = valueOf(space.map(a, { start: 0n, position: 0n, size: 4n }));
    space.alias(target, { start: 0x10n, offset: 1n, size: 2n });
    space.move(target, 0x100n);
    expect([bytes(space, 0n, 1), bytes(space, 0x10n, 2), bytes(space, 0x100n, 1)]).toEqual(['ff', 'a1 a2', 'a0']);
  });

  test('S-alias does not outlive its target: its aliases and theirs go, its own target stays', () => {
    const { engine, space, a } = house();
    const other = engine.createSpace();
    const root = valueOf(space.map(a, { start: 0n, position: 0n, size: 8n }));
    const child = valueOf(other.alias(root, { start: 0n, offset: 0n, size: 8n }));
    const grandchild = valueOf(space.alias(child, { start: 0x20n, offset: 0n, size: 8n }));
    expect(other.unmap(child)).toEqual(ok());
    expect([space.windows, other.windows, engine.windows]).toEqual([[root], [], [root]]);
    expect([space.unmap(grandchild), space.alias(child, { start: 0n, offset: 0n, size: 1n })].map(errnoOf)).toEqual([EBADF, EBADF]);
  });
});

describe('S-region-gone', () => {
  test('S-region-gone destroying a region removes its windows in every space', () => {
    const { engine, space, a, b } = house();
    const other = engine.createSpace();
    const target = valueOf(space.map(a, { start: 0n, position: 0n, size: 8n }));
    other.alias(target, { start: 0n, offset: 0n, size: 8n });
    other.map(a, { start: 8n, position: 0n, size: 8n });
    const stays = valueOf(other.map(b, { start: 16n, position: 0n, size: 8n }));
    expect(a.destroy()).toEqual(ok());
    expect([space.windows, other.windows]).toEqual([[], [stays]]);
    expect(space.map(a, { start: 0n, position: 0n, size: 1n })).toEqual(fail(EBADF));
  });

  test('S-region-gone destroying a space removes its windows and their aliases, wherever they are', () => {
    const { engine, space, a } = house();
    const other = engine.createSpace();
    const target = valueOf(space.map(a, { start: 0n, position: 0n, size: 8n }));
    other.alias(target, { start: 0n, offset: 0n, size: 8n });
    const stays = valueOf(other.map(a, { start: 8n, position: 0n, size: 8n }));
    expect(space.destroy()).toEqual(ok());
    expect([space.windows, other.windows, engine.windows]).toEqual([[], [stays], [stays]]);
    const later = [space.read(0n, 1), space.writeBlock(0n, new Uint8Array(0)), space.map(a, { start: 0n, position: 0n, size: 1n }), space.destroy()];
    expect(later.map(errnoOf)).toEqual([EBADF, EBADF, EBADF, EBADF]);
    expect(a.read(0n, 1)).toEqual(ok(0xa0n));
  });
});

describe('A-width, A-cut, A-unclaimed', () => {
  test('A-width a bad width or a passed 2^64-1 is EINVAL; nothing happens and nothing is counted', () => {
    const { space } = house();
    expect([space.read(0n, 3), space.write(0n, 0, 1n)]).toEqual([fail(EINVAL), fail(EINVAL)]);
    expect([space.read(MAX, 2), space.write(MAX - 6n, 8, 0n)]).toEqual([fail(EINVAL), fail(EINVAL)]);
    expect([space.readBlock(MAX, 2), space.writeBlock(MAX - 1n, new Uint8Array(3))].map(errnoOf)).toEqual([EINVAL, EINVAL]);
    expect([space.readBlock(MAX, 0), space.writeBlock(MAX, new Uint8Array(0))].map(errnoOf)).toEqual([0, 0]);
    expect([space.unclaimedReads, space.unclaimedWrites]).toEqual([0, 0]);
    expect([space.read(MAX, 1), space.write(MAX - 7n, 8, 0n)]).toEqual([ok(0xffn), ok()]);
  });

  test('A-cut little-endian pieces: window, hole, window, and a window seen on both sides of another', () => {
    const { space, a, b } = house();
    space.map(a, { start: 0n, position: 0n, size: 8n });
    space.map(b, { start: 3n, position: 0n, size: 2n });
    space.map(b, { start: 10n, position: 0n, size: 2n });
    expect(space.read(0n, 8)).toEqual(ok(0xa7a6a5_b1b0_a2a1a0n));
    expect(space.read(6n, 8)).toEqual(ok(0xffff_b1b0_ffff_a7a6n));
    expect(space.unclaimedReads).toBe(2);
    expect(space.writeBlock(2n, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10))).toEqual(ok());
    expect(space.unclaimedWrites).toBe(1);
    expect([[...a.peek(0n, 9)], [...b.peek(0n, 3)]]).toEqual([[0xa0, 0xa1, 1, 0xa3, 0xa4, 4, 5, 6, 0xa8], [9, 10, 0xb2]]);
  });

  test('A-cut cuts between two windows even if they show neighbouring bytes of one region', () => {
    const { engine, space } = house();
    const log: string[] = [];
    const read = (position: bigint, width: number) => BigInt(log.push(`r${width}@${position}`));
    const hook = valueOf(engine.createRegion({ kind: 'hook', size: 16n, hooks: { read, write: () => {} } }));
    space.map(hook, { start: 0n, position: 0n, size: 3n });
    space.map(hook, { start: 3n, position: 3n, size: 13n });
    space.read(0n, 8);
    expect(log.join(' ')).toBe('r2@0 r1@2 r4@3 r1@7');
  });

  test('A-split divides the position in the region, not the address', () => {
    const { engine, space } = house();
    const log: string[] = [];
    const read = (position: bigint, width: number) => BigInt(log.push(`r${width}@${position}`));
    const hook = valueOf(engine.createRegion({ kind: 'hook', size: 16n, unaligned: false, hooks: { read, write: () => {} } }));
    space.map(hook, { start: 0x1000n, position: 2n, size: 14n });
    space.read(0x1000n, 4);
    expect(log.join(' ')).toBe('r2@2 r2@4');
  });

  test('A-unclaimed counts one per piece, however long', () => {
    const { space, a } = house();
    space.map(a, { start: 100n, position: 0n, size: 1n });
    expect(valueOf(space.readBlock(0n, 300)).filter((byte) => byte !== 0xff)).toEqual(Uint8Array.of(0xa0));
    expect(space.write(96n, 8, 0n)).toEqual(ok());
    expect([space.unclaimedReads, space.unclaimedWrites, a.peek(0n, 1)[0]]).toEqual([2, 2, 0]);
  });

  test('A-hook EIO in one piece: the pieces below have happened and were counted, those above not', () => {
    const { engine, space, a } = house();
    const thrower = () => {
      throw new Error('no');
    };
    const hook = valueOf(engine.createRegion({ kind: 'hook', size: 1n, hooks: { read: thrower, write: thrower } }));
    space.map(a, { start: 1n, position: 0n, size: 1n });
    space.map(hook, { start: 2n, position: 0n, size: 1n });
    space.map(a, { start: 3n, position: 1n, size: 1n });
    expect([space.write(0n, 8, 0n), space.read(0n, 8)]).toEqual([fail(EIO), fail(EIO)]);
    expect([[...a.peek(0n, 2)], space.unclaimedWrites, space.unclaimedReads]).toEqual([[0, 0xa1], 1, 1]);
  });
});
