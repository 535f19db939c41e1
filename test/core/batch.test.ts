// Batches: rows of accesses in one call. Each row is an access of its own, with the same answer.

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createEngine, type BatchOperation, type Region, type Width } from '../../src/core/index.ts';
import { EDEADLK, EIO } from '../reference/index.ts';
import { HookError, MAX, expectEmpty, outcome } from './adapter.ts';

const row = fc.record({
  operation: fc.constantFrom<BatchOperation>('read', 'write', 'compare'),
  address: fc.oneof(fc.bigInt(0n, 40n), fc.bigInt(0n, 10n).map((n) => MAX - n)),
  width: fc.constantFrom<Width>(1, 2, 4, 8),
  value: fc.oneof({ weight: 2, arbitrary: fc.constantFrom(0n, 0xffn, 0xffffn, 0x1234n) }, { weight: 1, arbitrary: fc.bigInt(0n, MAX) }),
  other: fc.boolean(),
});

function house() {
  const engine = createEngine();
  const spaces = [engine.space('one'), engine.space('two')] as const;
  const ram = engine.region({ kind: 'ram', size: 24 });
  const hook = engine.region({ kind: 'hook', size: 8, maxWidth: 4, read: (at) => { if (at === 4) throw new HookError(); return 0x1234n; } });
  spaces[0].map(0, ram);
  spaces[0].map(20, hook);
  spaces[1].map(8, ram);
  return { engine, spaces, ram, hook };
}

describe('A in a batch', () => {
  test('A every row ends as the same access alone', () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 30 }), (rows) => {
        const [a, b] = [house(), house()];
        const batch = a.engine.batch(rows.length);
        rows.forEach((r, i) => batch.set(i, a.spaces[r.other ? 1 : 0], r.operation, r.address, r.width, r.value));
        // The second run meets what the first one has made known.
        for (const time of [1, 2]) {
          const exceptions = batch.run();
          let expected = 0;
          rows.forEach((r, i) => {
            if (time === 2 && r.operation === 'read') r = { ...r, value: batch.result(i).value };
            const space = b.spaces[r.other ? 1 : 0];
            const bits = r.width * 8;
            const [read, write] = [
              { 1: () => BigInt(space.read8(r.address)), 2: () => BigInt(space.read16(r.address)), 4: () => BigInt(space.read32(r.address)), 8: () => space.read64(r.address) },
              { 1: (v: bigint) => space.write8(r.address, Number(v)), 2: (v: bigint) => space.write16(r.address, Number(v)), 4: (v: bigint) => space.write32(r.address, Number(v)), 8: (v: bigint) => space.write64(r.address, v) },
            ];
            const alone = outcome<bigint | void>(() => (r.operation === 'write' ? write[r.width](BigInt.asUintN(bits, r.value)) : read[r.width]()));
            const result = batch.result(i);
            const errno = typeof alone === 'number' ? -alone : 0;
            const differs = r.operation === 'compare' && errno === 0 && alone !== r.value;
            expect(result).toEqual({ value: r.operation === 'read' && errno === 0 ? alone : r.value, errno, differs });
            if (errno !== 0 || differs) expected++;
          });
          expect(exceptions).toBe(expected);
        }
        expect(a.ram.bytes()).toEqual(b.ram.bytes());
        expect(a.spaces.map((s) => s.unclaimed)).toEqual(b.spaces.map((s) => s.unclaimed));
      }),
      { numRuns: 200 },
    );
  });

  test('A-hook A-nested rows go on behind one that failed; part of a batch', () => {
    const { engine, spaces: [space], hook } = house();
    const batch = engine.batch(3);
    batch.set(0, space, 'read', 24, 1);
    batch.set(1, space, 'read', 20, 2);
    batch.set(2, space, 'compare', 20, 2, 0x1235);
    expect(batch.run()).toBe(2);
    expect([0, 1, 2].map((i) => batch.result(i))).toEqual([
      { value: 0n, errno: -EIO, differs: false },
      { value: 0x1234n, errno: 0, differs: false },
      { value: 0x1235n, errno: 0, differs: true },
    ]);
    expect([batch.run(1), batch.run(1, 1), batch.run(2, 1)]).toEqual([1, 0, 0]);
    const nested: Region = engine.region({ kind: 'hook', size: 1, read: () => { batch.set(0, space, 'read', 0x100, 1); return batch.run(0, 0); } });
    space.map(0x100, nested);
    expect(nested.read8(0)).toBe(1);
    expect(batch.result(0).errno).toBe(-EDEADLK);
    hook.destroy();
  });

  test('S-deferred a space that ends between two rows is EBADF for the second', () => {
    const { engine, spaces: [space, other] } = house();
    const killer = engine.region({ kind: 'hook', size: 1, read: () => (space.destroy(), 1) });
    space.map(0x100, killer);
    const batch = engine.batch(3);
    [0x100, 0x100].forEach((at, i) => batch.set(i, space, 'read', at, 1));
    batch.set(2, other, 'read', 8, 1);
    expect(batch.run()).toBe(1);
    expect([0, 1, 2].map((i) => batch.result(i).errno)).toEqual([0, 9, 0]);
  });

  test('a batch destroyed by a hook of its own run keeps its rows until the run has ended', () => {
    const engine = createEngine();
    const space = engine.space();
    const batch = engine.batch(200);
    let later: Region | undefined;
    const hook = engine.region({
      kind: 'hook',
      size: 1,
      read: () => {
        batch.destroy();
        later ??= engine.region({ kind: 'ram', size: 8192 });
        return 0xff;
      },
    });
    space.map(0, hook);
    for (let i = 0; i < 200; i++) batch.set(i, space, 'read', 0, 1);
    expect(batch.run()).toBe(0);
    expect(later!.bytes().every((byte) => byte === 0)).toBe(true);
    expect(outcome(() => batch.result(0))).toBe(-9);
    const again = engine.region({ kind: 'ram', size: 8192 });
    for (const one of [space, hook, later!, again]) one.destroy();
    expectEmpty(engine);
  });
});
