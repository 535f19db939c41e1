// The event ring: rule A-trace. What the records say is compared in the random histories; here is what those do not reach.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { expectEmpty, outcome } from './adapter.ts';

describe('A-trace', () => {
  test('A-trace a full ring drops the new record and counts it; the sequence counts lost ones too; the ring wraps', () => {
    const engine = createEngine();
    const space = engine.space();
    const ring = engine.startTrace(4);
    for (let i = 0; i < 6; i++) space.read8(i);
    expect(ring.lost).toBe(2);
    expect(ring.take().map(({ sequence, address }) => [sequence, address])).toEqual([[0, 0n], [1, 1n], [2, 2n], [3, 3n]]);
    expect(ring.take()).toEqual([]);
    for (let i = 0; i < 3; i++) space.write16(i, i + 7);
    expect(ring.take().map(({ sequence, operation, width, value }) => [sequence, operation, width, value])).toEqual([[6, 'write', 2, 7n], [7, 'write', 2, 8n], [8, 'write', 2, 9n]]);
    for (let i = 0; i < 3; i++) space.write16(i, i);
    expect(ring.take().length).toBe(3);
    ring.stop();
    space.read8(0);
    expect([ring.take(), ring.lost]).toEqual([[], 0]);
    space.destroy();
    expectEmpty(engine);
  });

  test('A-trace memory that was met before tracing began leaves records too', () => {
    const engine = createEngine();
    const space = engine.space();
    space.map(0, engine.region({ kind: 'ram', size: 64 }));
    const touch = (): void => {
      space.write32(0, 7);
      space.read64(0);
      space.readBytes(0, new Uint8Array(3));
    };
    touch();
    const ring = engine.startTrace(8);
    touch();
    expect(ring.take().map(({ operation, width, value }) => [operation, width, value])).toEqual([['write', 4, 7n], ['read', 8, 7n], ['read', 0, 3n]]);
    ring.stop();
    touch();
    expect(engine.startTrace(8).take()).toEqual([]);
  });

  test('A-trace a new trace ends the one that runs, which then neither takes nor stops', () => {
    const engine = createEngine();
    const space = engine.space();
    const first = engine.startTrace(8);
    space.read8(0);
    const second = engine.startTrace(16);
    space.read8(1);
    expect(first.take()).toEqual([]);
    first.stop();
    space.read8(2);
    expect(second.take().map((record) => record.address)).toEqual([1n, 2n]);
    expect(engine.live().backingBytes).toBe(16 * 32);
    second.stop();
    space.destroy();
    expectEmpty(engine);
  });

  test('A-trace a failed start leaves the trace that runs', () => {
    const engine = createEngine({ memoryLimit: 2 ** 20 });
    const space = engine.space();
    const ring = engine.startTrace(1);
    expect(outcome(() => engine.startTrace(2 ** 20))).toBe(-12);
    space.read8(9);
    expect(ring.take().map((record) => record.address)).toEqual([9n]);
  });

  test('A-trace an access that fails leaves no record', () => {
    const engine = createEngine();
    const space = engine.space();
    space.map(0, engine.region({ kind: 'hook', size: 4, read: () => { throw new RangeError('no'); } }));
    const ring = engine.startTrace(4);
    expect(() => space.read8(0)).toThrow('no');
    expect(() => space.read16(2n ** 64n - 1n)).toThrow(RangeError);
    space.read8(5);
    expect(ring.take().map((record) => [record.sequence, record.address])).toEqual([[0, 5n]]);
  });
});
