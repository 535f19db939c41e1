// Write combining, rule by rule: what a device sees of stores through a combining window, in deterministic sequences. Rules W of docs/how-an-access-travels.md.

import { describe, expect, test } from '@jest/globals';
import { createEngine, type Space } from '../../../src/core/index.ts';
import { EDEADLK } from '../../reference/index.ts';
import { HookError, outcome } from '../adapter.ts';
import { BASE, LINE, bench } from './bench.ts';

describe('W stores wait', () => {
  test('W-merge later bytes win, and one transaction carries what became neighbours', () => {
    const { space, window, seen, device } = bench();
    space.write16(BASE + 2, 0x1111);
    space.write32(BASE + 4, 0x22222222);
    space.write8(BASE + 5, 0x33);
    space.write16(BASE, 0x4444);
    expect([window.buffered, seen()]).toEqual([8, []]);
    space.fence();
    expect([window.buffered, seen(), device.transactions]).toEqual([0, ['0:8=2222332211114444'], { reads: 0, writes: 1 }]);
  });

  test('W-merge a store over the border of two lines waits in both', () => {
    const { space, window, seen } = bench();
    space.write64(BASE + LINE - 3, 0x0807060504030201n);
    expect(window.buffered).toBe(8);
    space.fence();
    expect(seen()).toEqual(['3d:2=201', '3f:1=3', '40:4=7060504', '44:1=8']);
  });

  test('W-merge lines are those of the region, wherever the window lies', () => {
    const { space, device, seen } = bench();
    space.map(0x8001, device, { position: 0x30, size: 0x100, memoryType: 'write-combining' });
    for (let i = 0; i < 0x10; i++) space.write8(0x8001 + i, i);
    space.write8(0x8001 + 0x10, 0xff);
    space.fence();
    expect(seen()).toEqual(['30:8=706050403020100', '38:8=f0e0d0c0b0a0908', '40:1=ff']);
  });

  test('W-partial runs leave lowest first, each one transaction, cut by the width rule', () => {
    const { space, seen, device } = bench(undefined, { maxWidth: 4 });
    space.write8(BASE + 20, 1);
    space.write64(BASE + 8, 2n);
    space.write16(BASE, 3);
    space.fence();
    expect([seen(), device.transactions!.writes]).toEqual([['0:2=3', '8:4=2', 'c:4=0', '14:1=1'], 3]);
  });

  test('W-full a line that is full leaves by itself, in one transaction', () => {
    const { space, window, seen, device } = bench();
    for (let i = 0; i < 7; i++) space.write64(BASE + i * 8, BigInt(i));
    expect(seen()).toEqual([]);
    space.write64(BASE + 56, 7n);
    expect([seen().length, device.transactions!.writes, window.buffered]).toEqual([8, 1, 0]);
  });

  test('W-full in order, what was opened before leaves before', () => {
    const { space, seen, touch } = bench();
    touch(3, 5);
    space.writeBytes(BASE + 8 * LINE, new Uint8Array(LINE));
    expect(seen().slice(0, 3)).toEqual(['c0:1=3', '140:1=5', '200:8=0']);
  });

  test('W-evict the fifth line drives out the oldest', () => {
    const { window, seen, touch } = bench();
    touch(4, 3, 2, 1, 3);
    expect([seen(), window.buffered]).toEqual([[], 4]);
    touch(7);
    expect([seen(), window.buffered]).toEqual([['100:1=4'], 4]);
  });

  test('W-merge in a batch and in blocks', () => {
    const { engine, space, window, seen } = bench();
    const batch = engine.batch(3);
    for (let i = 0; i < 3; i++) batch.set(i, space, 'write', BASE + i, 1, i + 1);
    expect([batch.run(), window.buffered, seen()]).toEqual([0, 3, []]);
    space.writeBytes(BASE + 3, Uint8Array.of(4, 5, 6, 7, 8));
    expect([window.buffered, seen()]).toEqual([8, []]);
    batch.set(0, space, 'compare', BASE, 1, 0);
    batch.run(0, 0);
    expect(seen()).toEqual(['0:8=807060504030201', 'read 0:1']);
  });

  test('W-merge into RAM too: the bytes come with the fence, and no short way around the buffers opens', () => {
    const { engine, space } = bench();
    const ram = engine.region({ kind: 'ram', size: 0x1000 });
    const window = space.map(0x10_0000, ram, { memoryType: 'write-combining' });
    for (let round = 1; round < 4; round++) {
      space.write32(0x10_0000, round);
      expect([ram.read32(0), window.buffered]).toEqual([round - 1, 4]);
      expect(space.read32(0x10_0000)).toBe(round);
      expect([ram.read32(0), window.buffered]).toEqual([round, 0]);
    }
  });
});

describe('W what drains', () => {
  test('W-fence every window of this space, none of another', () => {
    const { engine, space, device, window, touch } = bench();
    const other = engine.space();
    const elsewhere = other.map(0, device, { memoryType: 'write-combining' });
    const second = space.map(0x8000, device, { memoryType: 'write-combining' });
    touch(1);
    space.write8(0x8000, 1);
    other.write8(0, 1);
    space.fence();
    expect([window, second, elsewhere].map((one) => one.buffered)).toEqual([0, 0, 1]);
  });

  test('W-read a read anywhere in the window drains all of it, and no other window', () => {
    const { space, device, window, seen, touch } = bench();
    const second = space.map(0x8000, device, { memoryType: 'write-combining' });
    space.write8(0x8000, 1);
    touch(1, 2);
    space.read8(BASE + 0x800);
    expect([seen(), window.buffered, second.buffered]).toEqual([['40:1=1', '80:1=2', 'read 800:1'], 0, 1]);
  });

  test('W-same-device an uncached access drains the windows onto the same region', () => {
    const { space, device, seen, touch } = bench();
    space.map(0x8000, device);
    touch(1);
    space.write8(0x8000, 9);
    touch(2);
    space.read8(0x8000);
    expect(seen()).toEqual(['40:1=1', '0:1=9', '80:1=2', 'read 0:1']);
  });

  test('W-same-device regions are devices of their own until they share a number', () => {
    const { engine, space, device, window, touch } = bench();
    const bell = engine.region({ kind: 'ram', size: 0x1000 });
    space.map(0x8000, bell);
    touch(1);
    space.write8(0x8000, 1);
    expect(window.buffered).toBe(1);
    [device.device, bell.device] = [7, 7];
    expect([bell.device, engine.region({ kind: 'ram', size: 1, device: 7 }).device]).toEqual([7, 7]);
    space.write8(0x8000, 1);
    expect(window.buffered).toBe(0);
    touch(1);
    space.read8(0x8000);
    expect(window.buffered).toBe(0);
    bell.device = 0;
    touch(1);
    space.write8(0x8000, 1);
    expect(window.buffered).toBe(1);
  });

  test('W-same-device neither a direct access nor one in another space drains', () => {
    const { engine, device, window, seen, touch } = bench();
    const other = engine.space();
    other.map(0, device);
    touch(1);
    other.write8(0, 1);
    device.write8(1, 2);
    expect([seen(), window.buffered]).toEqual([['0:1=1', '1:1=2'], 1]);
  });

  test('W-drain what a hook stores while lines drain waits for the next drain', () => {
    const one = bench((position) => {
      if (position < 0x800) one.touch(position / LINE + 0x20);
    });
    one.touch(1, 2);
    one.space.fence();
    expect([one.seen(), one.window.buffered]).toEqual([['40:1=1', '80:1=2'], 2]);
    one.space.fence();
    expect(one.seen()).toEqual(['840:1=21', '880:1=22']);
  });

  test('W-move W-policy a window that moves, or is covered, or drains by another policy, keeps what waits', () => {
    const { engine, space, window, seen, touch } = bench();
    touch(1, 2);
    window.move(0x9000);
    space.map(0x9000, engine.region({ kind: 'ram', size: 0x1000 }), { priority: 1 });
    space.drainPolicy = { seed: 1 };
    space.drainPolicy = 'in-order';
    expect([window.buffered, seen()]).toEqual([2, []]);
    space.fence();
    expect(seen()).toEqual(['40:1=1', '80:1=2']);
  });
});

describe('W-order', () => {
  /** Stores to many lines, then a fence: the order in which lines arrive. */
  function order(policy: Space['drainPolicy']): string {
    const { space, seen, touch } = bench();
    space.drainPolicy = policy;
    touch(1, 2, 3, 4, 5, 6, 7, 8, 9);
    space.fence();
    return seen().map((cycle) => parseInt(cycle.split('=')[1]!, 16)).join('');
  }

  test('W-order in order is the order of opening; a seed is another one, the same each time', () => {
    expect(order('in-order')).toBe('123456789');
    const orders = Array.from({ length: 50 }, (_, i) => order({ seed: i + 1 }));
    expect(orders).toEqual(Array.from({ length: 50 }, (_, i) => order({ seed: i + 1 })));
    expect(new Set(orders).size).toBeGreaterThan(40);
    expect([...new Set(orders.map((one) => [...one].sort().join('')))]).toEqual(['123456789']);
  });

  test('W-order the engine says what new spaces do', () => {
    const engine = createEngine();
    const before = engine.space();
    engine.drainPolicy = { seed: 5 };
    expect([engine.drainPolicy, before.drainPolicy, engine.space().drainPolicy]).toEqual([{ seed: 5 }, 'in-order', { seed: 5 }]);
  });

  test('W-order a policy that is none is refused', () => {
    const engine = createEngine();
    const space = engine.space();
    for (const seed of [0, -1, 2 ** 32, 1.5, NaN]) expect(() => (space.drainPolicy = { seed })).toThrow(RangeError);
    for (const policy of ['random', undefined, null, 3, {}]) expect(() => (space.drainPolicy = policy as 'in-order')).toThrow(TypeError);
    expect(() => (engine.drainPolicy = { seed: 0 })).toThrow(RangeError);
    expect([space.drainPolicy, engine.drainPolicy]).toEqual(['in-order', 'in-order']);
  });
});

describe('W-fault', () => {
  test('W-fault a hook that throws ends the fence; the rest of its line is lost and the other lines wait', () => {
    const one = bench((position) => {
      if (position === 0) throw new HookError('no');
    });
    one.touch(0);
    one.space.write8(BASE + 8, 8);
    one.touch(1);
    expect(() => one.space.fence()).toThrow(HookError);
    expect([one.seen(), one.window.buffered]).toEqual([['0:1=0'], 1]);
    one.space.fence();
    expect(one.seen()).toEqual(['40:1=1']);
  });

  test('W-fault A-nested a line of a region whose hook runs stays', () => {
    const errnos: unknown[] = [];
    const one = bench(() => {
      one.touch(9);
      errnos.push(outcome(() => one.space.fence()));
    });
    one.touch(1);
    one.space.fence();
    expect([errnos, one.window.buffered]).toEqual([[EDEADLK], 1]);
  });

  test('W-evict a hook that needs a buffer when all are on their way out is refused', () => {
    const errnos: unknown[] = [];
    let depth = 0;
    const one = bench(
      () => {
        depth++;
        // Each level fills all buffers that are left and needs one more, so that the level below drains.
        for (let line = 0; line < 5; line++) errnos.push(outcome(() => one.touch(0x10 + depth * 5 + line)));
        depth--;
      },
      { reentrant: true },
    );
    errnos.push(outcome(() => one.touch(1, 2, 3, 4, 5)));
    expect(errnos).toContain(EDEADLK);
    expect(one.window.buffered).toBeLessThanOrEqual(4);
  });
});
