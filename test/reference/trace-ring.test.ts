// A-trace: one record for each access that ended well, and what a full ring does.

import { expect, test } from '@jest/globals';
import { EIO, ReferenceEngine, ReferenceTraceRing, errnoOf, valueOf } from './index.ts';

test('A-trace one record per access, not per piece, in the order in which they ended', () => {
  const engine = new ReferenceEngine();
  const ram = valueOf(engine.createRegion({ kind: 'ram', size: 16n, maxWidth: 1 }));
  const space = engine.createSpace();
  space.map(ram, { start: 0x1000n, position: 0n, size: 2n });
  const ring = engine.startTrace(8);
  space.write(0x1000n, 4, 0x9_8765_4321n);
  space.read(0x1000n, 4);
  space.writeBlock(0x1000n, Uint8Array.of(1, 2, 3));
  space.readBlock(0x0fffn, 3);
  ram.read(1n, 2);
  expect(ring.records).toEqual([
    { sequence: 0, operation: 'write', width: 4, space: space.id, address: 0x1000n, value: 0x8765_4321n },
    { sequence: 1, operation: 'read', width: 4, space: space.id, address: 0x1000n, value: 0xffff_4321n },
    { sequence: 2, operation: 'writeBlock', width: 3, space: space.id, address: 0x1000n, value: 0n },
    { sequence: 3, operation: 'readBlock', width: 3, space: space.id, address: 0x0fffn, value: 0n },
    { sequence: 4, operation: 'read', width: 2, space: 0, address: 1n, value: 2n },
  ]);
});

test('A-trace an access that failed or did nothing leaves no record, nor does one after tracing is off', () => {
  const engine = new ReferenceEngine();
  const thrower = () => {
    throw new Error('no');
  };
  const hook = valueOf(engine.createRegion({ kind: 'hook', size: 8n, hooks: { read: thrower, write: thrower } }));
  const space = engine.createSpace();
  const ring = engine.startTrace(8);
  expect(errnoOf(hook.read(0n, 4))).toBe(EIO);
  space.read(0n, 3);
  space.readBlock(0n, 0);
  engine.stopTrace();
  space.read(0n, 4);
  expect(ring.records).toEqual([]);
  expect(ring.lost).toBe(0);
});

test('A-trace an access nested in a hook ends first and is recorded first', () => {
  const engine = new ReferenceEngine();
  const space = engine.createSpace();
  const hooks = { read: () => valueOf(space.read(0x2000n, 1)), write: () => {} };
  const hook = valueOf(engine.createRegion({ kind: 'hook', size: 8n, hooks }));
  space.map(hook, { start: 0x1000n, position: 0n, size: 8n });
  const ring = engine.startTrace(8);
  space.read(0x1000n, 2);
  expect(ring.records.map(({ sequence, address, value }) => [sequence, address, value])).toEqual([
    [0, 0x2000n, 0xffn],
    [1, 0x1000n, 0x00ffn],
  ]);
});

test('A-trace a full ring drops the new record and counts it as lost; the sequence shows the hole', () => {
  const ring = new ReferenceTraceRing(2);
  const push = (address: bigint) => ring.push({ operation: 'read', width: 1, space: 1, address, value: 0n });
  [10n, 11n, 12n, 13n].forEach(push);
  expect(ring.records.map(({ address }) => address)).toEqual([10n, 11n]);
  expect(ring.lost).toBe(2);
  expect(ring.take()?.sequence).toBe(0);
  push(14n);
  expect(ring.records.map(({ sequence, address }) => [sequence, address])).toEqual([
    [1, 11n],
    [4, 14n],
  ]);
  expect([ring.take()?.address, ring.take()?.address, ring.take()]).toEqual([11n, 14n, undefined]);
});

test('A-trace a ring without room loses everything', () => {
  const ring = new ReferenceTraceRing(0);
  ring.push({ operation: 'write', width: 8, space: 1, address: 2n ** 64n - 8n, value: 2n ** 64n - 1n });
  expect([ring.lost, ring.records.length]).toEqual([1, 0]);
});
