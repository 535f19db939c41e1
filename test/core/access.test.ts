// One access, case by case: long blocks, nesting, hooks that throw, fail or change things, and every form of address. Rules A and S-deferred.

import { describe, expect, test } from '@jest/globals';
import { createEngine, type Engine, type Region, type Space } from '../../src/core/index.ts';
import { EDEADLK, EIO, ELOOP } from '../reference/index.ts';
import { HookError, MAX, expectEmpty, outcome } from './adapter.ts';
import type { Op, RegionShape } from './world/op.ts';
import { play } from './world/world.ts';

const plain: Omit<RegionShape, 'kind' | 'size'> = { minWidth: 1, maxWidth: 8, unaligned: true, reentrant: false, script: [] };
const region = (shape: Partial<RegionShape> & Pick<RegionShape, 'kind'>): Op => ({ do: 'region', shape: { ...plain, size: 0x20000n, ...shape } });
const map = (region: number, start: bigint, size: bigint, position = 0n): Op => ({ do: 'map', space: 0, region, start, position, size, priority: 0 });
const look = { on: 'space', target: 0 } as const;

describe('A a block above 64 KiB is one access', () => {
  const block = (address: bigint, length: number): Op[] => [
    { do: 'writeBlock', ...look, address, length, value: 0x5an },
    { do: 'readBlock', ...look, address, length },
  ];

  test.each([
    ['A-split cycles do not break at the buffer', region({ kind: 'hook', unaligned: false })],
    ['A-split narrow cycles are refused only where the piece has them', region({ kind: 'hook', minWidth: 8 })],
    ['A-cut demand pages', region({ kind: 'demand' })],
    ['A-cut RAM', region({ kind: 'ram' })],
    ['A-cut ROM', region({ kind: 'rom' })],
    ['A-split RAM that refuses narrow cycles', region({ kind: 'ram', minWidth: 4, unaligned: false })],
  ])('%s', (_rule, behind) => {
    play([{ do: 'space' }, region({ kind: 'ram' }), behind, map(0, 0x1000n, 5n), map(1, 0x1005n, 70_001n, 3n), map(0, 0x1005n + 70_100n, 50n), ...block(0x1000n, 70_200)]);
  });

  test('A-unclaimed A-trace one piece and one record, however long', () => {
    play([{ do: 'space' }, ...block(0x1000n, 200_000)]);
  });

  test('A-region directly, up to the last byte', () => {
    const direct = { on: 'region', target: 0, address: 0x20000n - 70_001n } as const;
    play([region({ kind: 'hook', unaligned: false, maxWidth: 4 }), { do: 'writeBlock', ...direct, length: 70_001, value: 9n }, { do: 'readBlock', ...direct, length: 70_001 }]);
    play([region({ kind: 'ram' }), { do: 'writeBlock', ...direct, length: 70_002, value: 9n }]);
  });

  test('A-cut the source may be a view of the memory that grows under it', () => {
    const engine = createEngine();
    const ram = engine.region({ kind: 'ram', size: 0x40000 });
    const big = engine.region({ kind: 'demand', size: 0x40000 });
    ram.bytes().forEach((_, i, bytes) => (bytes[i] = i * 31));
    const copy = ram.bytes().slice();
    big.writeBytes(0, ram.bytes());
    expect(Buffer.compare(big.readBytes(0, new Uint8Array(0x40000)), copy)).toBe(0);
    ram.bytes().fill(0);
    big.readBytes(0, ram.bytes());
    expect(Buffer.compare(ram.bytes(), copy)).toBe(0);
  });
});

describe('A-width', () => {
  test('A-width a block of no bytes succeeds wherever it lies, also nested', () => {
    const engine = createEngine();
    const space = engine.space();
    const hook = engine.region({
      kind: 'hook',
      size: 16,
      read: () => {
        space.readBytes(0, new Uint8Array(0));
        hook.writeBytes(17, new Uint8Array(0));
        return 7;
      },
    });
    const none = new Uint8Array(0);
    space.readBytes(MAX, none);
    space.writeBytes(MAX, none);
    hook.readBytes(MAX, none);
    expect(hook.read8(0)).toBe(7);
    expect([space.unclaimed, hook.refused]).toEqual([{ reads: 0, writes: 0 }, 0]);
  });

  test('A-width the very last addresses, as number and as bigint', () => {
    const engine = createEngine();
    const space = engine.space();
    const ram = engine.region({ kind: 'ram', size: 64 });
    space.map(MAX - 63n, ram);
    space.write64(MAX - 7n, MAX - 1n);
    expect(space.read64(MAX - 7n)).toBe(MAX - 1n);
    expect(space.read8(MAX)).toBe(0xff);
    for (const [width, call] of [[8, () => space.read64(MAX - 6n)], [4, () => space.write32(MAX - 2n, 0)], [2, () => space.read16(MAX)]] as const) {
      expect(call).toThrow(`${width} bytes at`);
    }
    space.map(0, ram);
    space.write32(4, 0xfedcba98);
    expect([space.read32(4), space.read32(4n), space.read64(0), space.read64(0n), space.read16(6), space.read8(7n)]).toEqual([0xfedcba98, 0xfedcba98, 0xfedcba98_00000000n, 0xfedcba98_00000000n, 0xfedc, 0xfe]);
    space.write16(0n, 0x1234);
    ram.write8(2n, 0x56);
    ram.write64(8, 1n);
    expect([ram.read32(0n), ram.read16(0), ram.read64(8n), ram.read8(2)]).toEqual([0x561234, 0x1234, 1n, 0x56]);
  });
});

/** A hook that calls `run` at each cycle and answers 0x55. */
function hooked(engine: Engine, run: () => void, reentrant = false): Region {
  return engine.region({ kind: 'hook', size: 16, maxWidth: 1, reentrant, read: () => (run(), 0x55), write: run });
}

describe('A-nested', () => {
  test('A-nested accesses nest 16 deep; the seventeenth is ELOOP for its caller only', () => {
    const engine = createEngine();
    const seen: unknown[] = [];
    const hook = hooked(engine, () => seen.push(outcome(() => hook.read8(0))), true);
    expect(hook.read8(0)).toBe(0x55);
    expect(seen).toEqual([ELOOP, ...Array<number>(15).fill(0x55)]);
    expect(hook.read8(0)).toBe(0x55);
  });

  test('A-nested memory that was met before is ELOOP at the seventeenth as well, in every width and as a block', () => {
    const engine = createEngine();
    const space = engine.space();
    space.map(0, engine.region({ kind: 'ram', size: 64 }));
    const touch = (): unknown[] => [() => space.read8(0), () => space.read64(8), () => space.write32(4, 0), () => space.readBytes(0, new Uint8Array(9)), () => space.writeBytes(0, new Uint8Array(9))].map((call) => typeof outcome<unknown>(call) === 'number' && outcome<unknown>(call));
    touch();
    let depth = 0;
    const deepest: unknown[] = [];
    const hook = hooked(engine, () => {
      depth++;
      if (depth < 16) hook.read8(0);
      else deepest.push(...touch());
      depth--;
      touch();
    }, true);
    hook.read8(0);
    expect(deepest).toEqual([ELOOP, ELOOP, ELOOP, ELOOP, ELOOP]);
    expect(space.read8(0)).toBe(0);
  });

  test('A-nested the same region is EDEADLK, through any path, for blocks too; then it is open again', () => {
    const engine = createEngine();
    const space = engine.space();
    const seen: unknown[] = [];
    const hook = hooked(engine, () => {
      seen.push(outcome(() => space.read8(0)), outcome(() => space.writeBytes(0, new Uint8Array(9))), outcome(() => hook.readBytes(0, new Uint8Array(3))));
    });
    space.map(0, hook);
    expect(space.read8(3)).toBe(0x55);
    expect(seen).toEqual([EDEADLK, EDEADLK, EDEADLK]);
    expect(hook.read16(0)).toBe(0x5555);
  });

  test('A-nested nested blocks do not disturb the block around them', () => {
    const engine = createEngine();
    const ram = engine.region({ kind: 'ram', size: 64 });
    ram.bytes().fill(0x77);
    const inner = new Uint8Array(64);
    const hook = hooked(engine, () => void ram.readBytes(0, inner));
    expect(hook.readBytes(0, new Uint8Array(16))).toEqual(new Uint8Array(16).fill(0x55));
    expect(inner).toEqual(new Uint8Array(64).fill(0x77));
    const bytes = Uint8Array.from({ length: 16 }, (_, i) => i);
    hook.writeBytes(0, bytes);
    expect(bytes[15]).toBe(15);
    hook.destroy();
    ram.destroy();
    expectEmpty(engine);
  });
});

describe('A-hook', () => {
  test('A-hook the caller gets what the hook threw; cycles before have happened; a block leaves its target alone', () => {
    const engine = createEngine();
    const written: unknown[] = [];
    const hook = engine.region({
      kind: 'hook',
      size: 16,
      maxWidth: 2,
      read: (position) => {
        if (position === 4) throw new HookError('four');
        return 0x1111;
      },
      write: (position, width, value) => {
        if (position === 4) throw new HookError('four');
        written.push([position, width, value]);
      },
    });
    expect(() => hook.read64(0)).toThrow('four');
    expect(() => hook.write64(0, 0x6666_5555_4444_3333n)).toThrow(HookError);
    expect(written).toEqual([[0, 2, 0x3333], [2, 2, 0x4444]]);
    const target = new Uint8Array(8).fill(1);
    expect(outcome(() => hook.readBytes(0, target))).toBe(EIO);
    expect(target).toEqual(new Uint8Array(8).fill(1));
    expect(hook.read32(0)).toBe(0x11111111);
  });

  test('A-hook a nested access that throws and is caught is not seen outside', () => {
    const engine = createEngine();
    const inner = engine.region({ kind: 'hook', size: 1, read: () => { throw new HookError(); } });
    const outer = engine.region({ kind: 'hook', size: 8, read: () => (outcome(() => inner.read8(0)) === EIO ? 3n : 4n) });
    expect([outer.read8(0), outer.read64(0)]).toEqual([3, 3n]);
  });

  test.each([
    [-1, 0xff, 0xffff_ffff, MAX],
    [0x1_2345_6789, 0x89, 0x2345_6789, 0x1_2345_6789n],
    [2n ** 70n + 5n, 5, 5, 5n],
    [undefined, 0xff, 0xffff_ffff, MAX],
  ])('A-hook %s is cut to the width of the cycle', (value, one, four, eight) => {
    const hook = createEngine().region({ kind: 'hook', size: 8, read: () => value as number });
    expect([hook.read8(0), hook.read32(0), hook.read64(0)]).toEqual([one, four, eight]);
  });

  test.each([[Number.NaN], [1.5], ['5x'], [Symbol('s')]])('A-hook %p is no value: the caller gets the error', (value) => {
    const hook = createEngine().region({ kind: 'hook', size: 8, read: () => value as number });
    expect(() => hook.read8(0)).toThrow();
    expect(() => hook.read64(0)).toThrow();
  });

  test('A-hook positions above 2^53 come as bigints; a hook without handlers reads ones and drops writes', () => {
    const engine = createEngine();
    const seen: unknown[] = [];
    const hook = engine.region({ kind: 'hook', size: 2n ** 63n, read: (position) => (seen.push(position), 0) });
    hook.read8(2 ** 53 - 1);
    hook.read8(2n ** 53n);
    hook.read8(2n ** 63n - 1n);
    hook.write8(2n ** 63n - 1n, 1);
    expect(seen).toEqual([2 ** 53 - 1, 2n ** 53n, 2n ** 63n - 1n]);
    const silent = engine.region({ kind: 'hook', size: 8 });
    expect([silent.read8(0), silent.read16(0), silent.read32(0), silent.read64(0)]).toEqual([0xff, 0xffff, 0xffff_ffff, MAX]);
  });
});

describe('S-deferred', () => {
  function house(run: (parts: { engine: Engine; space: Space; ram: Region; hook: Region }) => void) {
    const engine = createEngine();
    const space = engine.space();
    const ram = engine.region({ kind: 'ram', size: 16 });
    ram.bytes().fill(0xaa);
    const hook: Region = hooked(engine, () => run({ engine, space, ram, hook }));
    const window = space.map(0x1000, hook);
    return { engine, space, ram, hook, window };
  }

  test('S-deferred the access in flight ends on the old topology, with everything destroyed by its first cycle', () => {
    const { engine, space, ram, hook } = house(({ space, ram, hook }) => {
      hook.destroy();
      ram.destroy();
      space.destroy();
    });
    expect(space.read32(0x1000)).toBe(0x55555555);
    expect(outcome(() => space.read8(0x1000))).toBe(-9);
    expect(outcome(() => hook.read8(0))).toBe(-9);
    expect(outcome(() => ram.bytes())).toBe(-9);
    expectEmpty(engine);
  });

  test('S-deferred a region whose end waits still answers, byte by byte and as a block', () => {
    const seen: unknown[] = [];
    const { hook } = house(({ space, ram }) => {
      ram.destroy();
      seen.push(ram.read8(0), ram.readBytes(0, new Uint8Array(2)), space.readBytes(0, new Uint8Array(1)));
    });
    hook.read8(0);
    expect(seen).toEqual([0xaa, new Uint8Array([0xaa, 0xaa]), new Uint8Array([0xff])]);
  });

  test('S-deferred one change that fails does not take those behind it with it', () => {
    const engine = createEngine();
    const space = engine.space();
    const ram = engine.region({ kind: 'ram', size: 16 });
    const low = space.map(0, ram);
    const hook = hooked(engine, () => {
      engine.core.change(() => { throw new HookError('first'); });
      engine.core.change(() => { throw new HookError('second'); });
      low.unmap();
      space.map(0x100, ram);
    });
    expect(() => hook.read8(0)).toThrow('first');
    expect([space.windowAt(0), space.windowAt(0x100)?.region]).toEqual([undefined, ram]);
    expect(engine.core.exports.accessInFlight()).toBe(0);
  });

  test('S-deferred windows and aliases can be named before they are there', () => {
    let made: ReturnType<Space['map']> | undefined;
    const { engine, space, ram, hook } = house(({ space, ram }) => {
      if (made !== undefined) return;
      const first = space.map(0, ram);
      made = first.alias(space, 0x100, { position: 8, size: 4 });
      first.move(0x200);
      expect([space.windowAt(0), made.start, first.start]).toEqual([undefined, 0x100n, 0n]);
    });
    hook.read8(0);
    expect([space.read32(0x100), space.read8(0x200), space.read8(0)]).toEqual([0xaaaaaaaa, 0xaa, 0xff]);
    expect(space.windowAt(0x103)).toBe(made);
    for (const one of [hook, ram, space]) one.destroy();
    expectEmpty(engine);
  });

  test('S-unmap S-region-gone removed windows are forgotten on the JavaScript side too', () => {
    const { space, ram } = house(() => undefined);
    const other = space.map(0, ram);
    const window = space.map(0x100, ram);
    window.alias(space, 0x200).alias(space, 0x300);
    expect(space.windows.size).toBe(5);
    window.unmap();
    expect([space.windows.size, ram.windows.size]).toEqual([2, 1]);
    ram.destroy();
    expect([space.windows.size, ram.windows.size, outcome(() => other.move(0))]).toEqual([1, 0, -9]);
    space.destroy();
    expect(space.windows.size).toBe(0);
  });
});
