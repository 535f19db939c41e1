// Regions by themselves: backing kinds, width rules, hooks, direct access.

import { describe, expect, test } from '@jest/globals';
import { EBADF, EINVAL, EIO, ReferenceEngine, errnoOf, fail, ok, valueOf, type ReferenceRegion, type RegionOptions } from './index.ts';

function region(options: Partial<RegionOptions>): ReferenceRegion {
  return valueOf(new ReferenceEngine().createRegion({ kind: 'ram', size: 16n, ...options }));
}

/** A hook region of 16 bytes that writes down its cycles; byte `p` reads as `p`. */
function logged(options: Partial<RegionOptions> = {}): { hook: ReferenceRegion; log: string[] } {
  const log: string[] = [];
  const hooks = {
    read: (position: bigint, width: number) => {
      log.push(`r${width}@${position}`);
      return 0x0f0e0d0c0b0a09080706050403020100n >> (8n * position); // cut to the width by A-hook
    },
    write: (position: bigint, width: number, value: bigint) => {
      log.push(`w${width}@${position}=${value.toString(16)}`);
    },
  };
  return { hook: region({ kind: 'hook', hooks, ...options }), log };
}

describe('Regions', () => {
  test.each<[Partial<RegionOptions>, string]>([
    [{ size: 0n }, 'size 0'],
    [{ size: 2n ** 63n + 1n }, 'size above 2^63'],
    [{ minWidth: 0 }, 'minWidth 0'],
    [{ maxWidth: 3 }, 'maxWidth 3'],
    [{ maxWidth: 16 }, 'maxWidth 16'],
    [{ minWidth: 4, maxWidth: 2 }, 'minWidth above maxWidth'],
    [{ kind: 'hook' }, 'a hook region without hooks'],
  ])('Regions %p is EINVAL: %s', (options) => {
    expect(new ReferenceEngine().createRegion({ kind: 'ram', size: 16n, ...options })).toEqual(fail(EINVAL));
  });

  test('Regions ram keeps bytes, little-endian, zero at first', () => {
    const ram = region({});
    expect(ram.read(0n, 8)).toEqual(ok(0n));
    ram.write(2n, 4, 0x1_8899_aabbn);
    expect(ram.read(0n, 8)).toEqual(ok(0x0000_8899_aabb_0000n));
    expect(ram.read(5n, 1)).toEqual(ok(0x88n));
    expect([...ram.peek(2n, 4)]).toEqual([0xbb, 0xaa, 0x99, 0x88]);
  });

  test('Regions demand makes a page at its first write, even of zero, and none at a read', () => {
    const demand = region({ kind: 'demand', size: 2n ** 63n });
    expect(demand.read(2n ** 63n - 8n, 8)).toEqual(ok(0n));
    expect(demand.pageCount).toBe(0);
    demand.write(0n, 1, 0n);
    demand.write(4095n, 1, 1n);
    expect(demand.pageCount).toBe(1);
    demand.write(2n ** 63n - 8n, 8, 2n ** 64n - 1n);
    demand.write(0x2fffn, 2, 0xabcdn); // lies in two pages
    expect(demand.pageCount).toBe(4);
    expect(demand.read(2n ** 63n - 8n, 8)).toEqual(ok(2n ** 64n - 1n));
  });

  test('Regions rom drops writes; the owner fills it through its view', () => {
    const rom = region({ kind: 'rom' });
    rom.poke(4n, Uint8Array.of(1, 2));
    expect(rom.write(4n, 2, 0xffffn)).toEqual(ok());
    expect(rom.read(4n, 4)).toEqual(ok(0x0201n));
  });

  test('Regions a view stays inside the region and needs bytes', () => {
    expect(() => region({}).peek(15n, 2)).toThrow(RangeError);
    expect(() => region({}).poke(16n, Uint8Array.of(1))).toThrow(RangeError);
    expect(() => logged().hook.peek(0n, 1)).toThrow(TypeError);
  });
});

describe('A-width, A-region', () => {
  test.each([0, 3, 5, 7, 16, -1])('A-width width %s is EINVAL and nothing happens', (width) => {
    const { hook, log } = logged();
    expect([hook.read(0n, width), hook.write(0n, width, 1n)]).toEqual([fail(EINVAL), fail(EINVAL)]);
    expect(log).toEqual([]);
  });

  test('A-region position + width > size is EINVAL, at the size it is served', () => {
    const { hook, log } = logged({ minWidth: 8 });
    expect([hook.read(13n, 4), hook.write(16n, 1, 0n), hook.read(2n ** 64n - 1n, 1)].map(errnoOf)).toEqual([EINVAL, EINVAL, EINVAL]);
    expect([hook.readBlock(15n, 2), hook.writeBlock(0n, new Uint8Array(17))].map(errnoOf)).toEqual([EINVAL, EINVAL]);
    expect([hook.refused, log]).toEqual([0, []]);
    expect(hook.read(8n, 8)).toEqual(ok(0x0f0e0d0c0b0a0908n));
  });

  test('A-width a block of 0 bytes succeeds and does nothing, wherever it is', () => {
    const ram = region({});
    expect(ram.readBlock(16n, 0)).toEqual(ok(new Uint8Array(0)));
    expect(ram.writeBlock(2n ** 64n - 1n, new Uint8Array(0))).toEqual(ok());
  });

  test('A-region blocks', () => {
    const ram = region({});
    expect(ram.writeBlock(13n, Uint8Array.of(1, 2, 3))).toEqual(ok());
    expect(ram.readBlock(12n, 4)).toEqual(ok(Uint8Array.of(0, 1, 2, 3)));
  });

  test('A-region a destroyed region is EBADF, also for another destroy', () => {
    const ram = region({});
    expect(ram.destroy()).toEqual(ok());
    expect([ram.read(0n, 1), ram.write(0n, 1, 0n), ram.readBlock(0n, 0), ram.destroy()].map(errnoOf)).toEqual([EBADF, EBADF, EBADF, EBADF]);
  });
});

describe('A-split', () => {
  test.each([
    [{}, 1n, 8, 'r8@1'],
    [{ unaligned: false }, 1n, 8, 'r1@1 r2@2 r4@4 r1@8'],
    [{ unaligned: false }, 4n, 8, 'r4@4 r4@8'],
    [{ unaligned: false }, 0n, 8, 'r8@0'],
    [{ maxWidth: 4 }, 1n, 8, 'r4@1 r4@5'],
    [{ maxWidth: 2, unaligned: false }, 3n, 4, 'r1@3 r2@4 r1@6'],
    [{ maxWidth: 1 }, 12n, 4, 'r1@12 r1@13 r1@14 r1@15'],
    [{ minWidth: 8 }, 0n, 4, ''],
    [{ minWidth: 2, unaligned: false }, 1n, 4, 'r2@2'],
  ])('A-split %j: a read at %s of width %s is served as "%s"', (rule, position, width, cycles) => {
    const { hook, log } = logged(rule);
    hook.read(position, width);
    expect(log.join(' ')).toBe(cycles);
  });

  test('A-split a block of 7 bytes is served as 4, 2, 1; of 15 as 8, 4, 2, 1', () => {
    const { hook, log } = logged();
    expect(hook.readBlock(0n, 7)).toEqual(ok(Uint8Array.of(0, 1, 2, 3, 4, 5, 6)));
    hook.readBlock(1n, 15);
    expect(log.join(' ')).toBe('r4@0 r2@4 r1@6 r8@1 r4@9 r2@13 r1@15');
  });

  test('A-split a narrower cycle is refused: ones on read, dropped on write, counted by the region', () => {
    const { hook, log } = logged({ minWidth: 2, unaligned: false });
    expect(hook.read(1n, 4)).toEqual(ok(0xff_0302_ffn));
    expect(hook.write(1n, 4, 0x44332211n)).toEqual(ok());
    expect(log).toEqual(['r2@2', 'w2@2=3322']);
    expect(hook.refused).toBe(4);
  });

  test('A-split holds for every kind: ram and rom refuse too, and a refused write makes no demand page', () => {
    const ram = region({ minWidth: 4 });
    ram.poke(0n, Uint8Array.of(1, 2, 3, 4));
    expect([ram.read(0n, 2), ram.write(0n, 2, 0n), ram.read(0n, 4)]).toEqual([ok(0xffffn), ok(), ok(0x04030201n)]);
    expect(ram.refused).toBe(2);
    const rom = region({ kind: 'rom', minWidth: 4 });
    rom.write(0n, 1, 0n);
    expect(rom.refused).toBe(1);
    const demand = region({ kind: 'demand', minWidth: 4 });
    demand.write(0n, 2, 1n);
    expect([demand.refused, demand.pageCount]).toEqual([1, 0]);
  });
});

describe('A-hook', () => {
  test('A-hook sees its cycles in ascending order, each with its part of the value', () => {
    const { hook, log } = logged({ maxWidth: 2 });
    hook.write(4n, 8, 0x8877665544332211n);
    expect(log).toEqual(['w2@4=2211', 'w2@6=4433', 'w2@8=6655', 'w2@10=8877']);
  });

  test('A-hook what it returns is cut to the width of the cycle', () => {
    const answers = [0x1ffn, -1n, 2n ** 64n];
    const hook = region({ kind: 'hook', hooks: { read: () => answers.shift()!, write: () => {} } });
    expect([hook.read(0n, 1), hook.read(0n, 8), hook.read(0n, 8)]).toEqual([ok(0xffn), ok(2n ** 64n - 1n), ok(0n)]);
  });

  test('A-hook that throws ends the access there with EIO; earlier cycles have happened, later ones do not', () => {
    const log: string[] = [];
    const fault = new Error('fault at 4');
    const cycle = (position: bigint) => {
      log.push(`${position}`);
      if (position === 4n) throw fault;
      return 0n;
    };
    const engine = new ReferenceEngine();
    const hook = valueOf(engine.createRegion({ kind: 'hook', size: 16n, maxWidth: 2, hooks: { read: cycle, write: cycle } }));
    expect([hook.write(2n, 8, 0n), hook.read(2n, 8)]).toEqual([fail(EIO), fail(EIO)]);
    expect(log).toEqual(['2', '4', '2', '4']);
    expect(engine.thrown).toBe(fault);
    expect(hook.read(0n, 2)).toEqual(ok(0n)); // no hook is thought to be still running
  });
});
