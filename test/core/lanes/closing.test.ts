// A lane remembered in JavaScript closes when the core's does: one test for each reason.

import { describe, expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import type { Engine, Region, Space } from '../../../src/core/index.ts';
import { registerBank, registerMap, rw } from '../../../src/registers/index.ts';
import { longWays, remember } from './remembered.ts';

interface Machine {
  readonly engine: Engine;
  readonly space: Space;
  readonly target: Region;
}

const AT = 0xfebf_0000;
const words = registerMap('words', { bytes: 0x100 }, { R: { at: 0, count: 64, fields: { value: rw(31, 0) } } });

/** A window onto each kind of bytes that lanes hold, with 0x11111111 at its start, remembered. */
const machines: Readonly<Record<string, () => Machine>> = {
  RAM: () => machine((engine) => engine.region({ kind: 'ram', size: 0x1000 })),
  'a demand page': () => machine((engine) => engine.region({ kind: 'demand', size: 0x1000 })),
  'plain registers': () => machine((engine) => registerBank(engine, words).region),
};

function machine(make: (engine: Engine) => Region): Machine {
  const engine = createEngine();
  const space = engine.space();
  const target = make(engine);
  space.map(AT, target);
  space.write32(AT, 0x1111_1111);
  expect(remember(space, AT)).toBe(0x1111_1111);
  return { engine, space, target };
}

const filled = (engine: Engine, value: number): Region => {
  const region = engine.region({ kind: 'ram', size: 0x100 });
  region.bytes().fill(value);
  return region;
};

describe.each(Object.entries(machines))('a lane of %s closes', (_kind, made) => {
  test('S-priority when a window is mapped over it, and what was there comes back behind it', () => {
    const { engine, space } = made();
    const over = space.map(AT, filled(engine, 0x22));
    expect(space.read32(AT)).toBe(0x2222_2222);
    space.write32(AT, 5);
    over.unmap();
    expect(space.read32(AT)).toBe(0x1111_1111);
  });

  test('S-unmap S-move when its window goes or moves', () => {
    const { space } = made();
    const window = space.windowAt(AT)!;
    window.move(AT + 0x10000);
    expect([space.read32(AT), remember(space, AT + 0x10000)]).toEqual([0xffff_ffff, 0x1111_1111]);
    window.unmap();
    space.write32(AT + 0x10000, 3);
    expect(space.read32(AT + 0x10000)).toBe(0xffff_ffff);
    expect(space.unclaimed).toEqual({ reads: 2, writes: 1 });
  });

  test('S-region-gone when the region is destroyed, and when the space is', () => {
    const one = made();
    one.target.destroy();
    expect(one.space.read32(AT)).toBe(0xffff_ffff);
    const other = made();
    other.space.destroy();
    expect(() => other.space.read32(AT)).toThrow(expect.objectContaining({ code: 'EBADF' }));
    expect(() => other.space.write32(AT, 1)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });

  test('S-alias when the window in another space that it is an alias of goes', () => {
    const { engine, space } = made();
    const far = engine.space();
    space.windowAt(AT)!.alias(far, 0x4000, { size: 0x100 });
    expect(remember(far, 0x4000)).toBe(0x1111_1111);
    space.windowAt(AT)!.unmap();
    expect(far.read32(0x4000)).toBe(0xffff_ffff);
  });

  test('A-trace when tracing starts: each access leaves its record; when it has stopped, it may open again', () => {
    const { engine, space } = made();
    const ring = engine.startTrace(16);
    space.read32(AT);
    space.write8(AT + 1, 7);
    expect(longWays(space, () => space.read32(AT))).toBe(1);
    expect(ring.take().map(({ operation, width, address }) => [operation, width, address])).toEqual([['read', 4, BigInt(AT)], ['write', 1, BigInt(AT + 1)], ['read', 4, BigInt(AT)]]);
    ring.stop();
    expect(remember(space, AT)).toBe(0x1111_0711);
  });

  test('W-count when counting starts: every transaction is counted', () => {
    const { space, target } = made();
    target.countTransactions();
    space.read32(AT);
    space.write32(AT, 1);
    space.read8(AT);
    expect(target.transactions).toEqual({ reads: 2, writes: 1 });
    target.countTransactions(false);
    expect(remember(space, AT)).toBe(1);
  });

  test('W-same-device when its region becomes part of a device that combines writes in the space', () => {
    const { engine, space, target } = made();
    const queue = engine.region({ kind: 'ram', size: 0x1000, device: 9 });
    space.map(0x1000, queue, { memoryType: 'write-combining' });
    expect(remember(space, AT)).toBe(0x1111_1111);
    target.device = 9;
    space.write32(0x1000, 0x77);
    expect(queue.read32(0)).toBe(0);
    space.read32(AT);
    expect(queue.read32(0)).toBe(0x77);
  });

  test('when the memory that it names has grown, and the bytes are the same', () => {
    const { engine, space } = made();
    const before = engine.core.exports.memory.buffer;
    engine.region({ kind: 'ram', size: 2 ** 24 });
    expect(engine.core.exports.memory.buffer).not.toBe(before);
    expect(space.read32(AT)).toBe(0x1111_1111);
    space.write16(AT, 0x2222);
    expect(remember(space, AT)).toBe(0x1111_2222);
  });

  test('A-nested at the seventeenth access, and is open again above', () => {
    const { engine, space } = made();
    const seen: unknown[] = [];
    let depth = 0;
    const deep = engine.region({
      kind: 'hook',
      size: 0x1000,
      reentrant: true,
      read: () => {
        depth++;
        try {
          seen.push(space.read32(AT));
          return depth <= 16 ? space.read32(0x8000) : 0;
        } catch (error) {
          seen.push((error as { code: string }).code);
          return 0;
        } finally {
          depth--;
        }
      },
    });
    space.map(0x8000, deep);
    remember(space, AT);
    expect(space.read32(0x8000)).toBe(0);
    expect(seen).toEqual([...Array<number>(15).fill(0x1111_1111), 'ELOOP']);
    expect(remember(space, AT)).toBe(0x1111_1111);
  });

  test('S-deferred not while a hook runs that unmaps it, but when the access has ended', () => {
    const { engine, space } = made();
    const window = space.windowAt(AT)!;
    const hook = engine.region({
      kind: 'hook',
      size: 4,
      read: () => {
        window.unmap();
        return space.read32(AT);
      },
    });
    space.map(0x8000, hook);
    remember(space, AT);
    expect(space.read32(0x8000)).toBe(0x1111_1111);
    expect(space.read32(AT)).toBe(0xffff_ffff);
  });
});

test('a lane of a demand page closes when pages are dropped: it reads zero again', () => {
  const { space, target } = machines['a demand page']!();
  target.dropPages();
  expect(space.read32(AT)).toBe(0);
});

describe('a lane of registers', () => {
  test('A-nested serves nothing while a hook of the bank runs, and is open again behind it', () => {
    const engine = createEngine();
    const space = engine.space();
    const tried: unknown[] = [];
    const accesses = [() => space.read32(AT + 8), () => space.write32(AT + 8, 1), () => space.read8(AT + 9), () => space.write16(AT + 8, 2)];
    const attempt = (act: () => void): void => {
      try {
        tried.push(act());
      } catch (error) {
        tried.push((error as { code: string }).code);
      }
    };
    const map = registerMap('hooked', { bytes: 0x10 }, { GO: { at: 0, fields: { value: rw(31, 0) } }, PLAIN: { at: 8, count: 2, fields: { value: rw(31, 0) } } });
    const bank = registerBank(engine, map, { hooks: { GO: { value: () => accesses.forEach(attempt) } } });
    space.map(AT, bank.region);
    space.write32(AT + 8, 0x1111_1111);
    remember(space, AT + 8);
    space.write32(AT, 1);
    expect(tried).toEqual(['EDEADLK', 'EDEADLK', 'EDEADLK', 'EDEADLK']);
    expect(longWays(space, () => expect(space.read32(AT + 8)).toBe(0x1111_1111))).toBe(0);
  });

  test('that closed while a hook ran stays closed behind it', () => {
    const { engine, space } = machines['plain registers']!();
    const hook = engine.region({ kind: 'hook', size: 4, read: () => (engine.startTrace(16), 0) });
    space.map(0x8000, hook);
    remember(space, AT);
    space.read32(0x8000);
    expect(longWays(space, () => space.read32(AT))).toBe(1);
  });
});
