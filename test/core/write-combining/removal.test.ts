// Write combining: windows that go with bytes in their buffers, and what the counters say. Rules W-unmap and W-count of docs/how-an-access-travels.md.

import { describe, expect, test } from '@jest/globals';
import { createEngine, type Space, type Window } from '../../../src/core/index.ts';
import { EIO } from '../../reference/index.ts';
import { HookError, expectEmpty, outcome } from '../adapter.ts';
import { BASE, LINE, bench, type Bench } from './bench.ts';

describe('W-unmap nothing is lost', () => {
  test.each<[string, (one: Bench) => void]>([
    ['the window', ({ window }) => window.unmap()],
    ['its region', ({ device }) => device.destroy()],
    ['its space', ({ space }) => space.destroy()],
  ])('W-unmap with %s goes what waits, the oldest line first', (_what, remove) => {
    const one = bench();
    one.space.drainPolicy = { seed: 3 };
    one.touch(2, 1);
    remove(one);
    const seen = one.seen();
    expect([...seen].sort()).toEqual(['40:1=1', '80:1=2']);
    expect(one.window.buffered).toBe(0);
    one.space.destroy();
    one.device.destroy();
    expectEmpty(one.engine);
  });

  test('W-unmap aliases in other spaces drain too', () => {
    const one = bench();
    const other = one.engine.space();
    const alias = one.window.alias(other, 0);
    expect(alias.memoryType).toBe('write-combining');
    other.write8(1, 1);
    one.touch(1);
    other.write8(2 * LINE, 2);
    one.window.unmap();
    // The alias's line 0 is the oldest, then line 1 of the window, then the alias's line 2.
    expect(one.seen()).toEqual(['1:1=1', '40:1=1', '80:1=2']);
  });

  test('W-unmap what a hook throws leaves the window, and a second attempt gets further', () => {
    const one = bench((position) => {
      if (position < 2 * LINE) throw new HookError('no');
    });
    one.touch(0, 1, 2);
    for (let line = 0; line < 2; line++) {
      expect(outcome(() => one.window.unmap())).toBe(EIO);
      expect(one.space.windowAt(BASE)).toBe(one.window);
    }
    one.window.unmap();
    expect([one.seen(), one.space.windowAt(BASE)]).toEqual([['0:1=0', '40:1=1', '80:1=2'], undefined]);
  });

  const LATER = 0x8000;
  test.each<[string, (later: Window) => void, (later: Window) => unknown[]]>([
    ['removed', (later) => later.unmap(), () => [undefined, undefined]],
    ['moved', (later) => later.move(LATER + 0x1000), (later) => [undefined, later]],
    ['aliased', (later) => void later.alias(later.space, LATER + 0x1000), (later) => [later, expect.objectContaining({ target: later })]],
  ])('S-deferred what waits to be mapped can be %s by the hook of a drain that comes before it', (_what, change, expected) => {
    let later: Window | undefined;
    const one = bench(() => later !== undefined && change(later));
    const trigger = one.engine.region({
      kind: 'hook',
      size: 8,
      write: () => {
        one.window.unmap();
        later = one.space.map(LATER, one.engine.region({ kind: 'ram', size: 8 }));
      },
    });
    one.space.map(0, trigger);
    one.touch(1);
    one.space.write8(0, 0);
    expect(one.seen()).toEqual(['40:1=1']);
    expect([one.space.windowAt(LATER), one.space.windowAt(LATER + 0x1000)]).toEqual(expected(later!));
  });

  test('W-unmap a hook may remove what is being removed', () => {
    const one = bench(() => {
      one.device.destroy();
      one.space.destroy();
    });
    one.touch(1);
    one.window.unmap();
    expect(one.seen()).toEqual(['40:1=1']);
    expectEmpty(one.engine);
  });

  test('W-unmap a hook that stores for ever is told so', () => {
    const one = bench((position) => {
      one.touch((position / LINE + 1) % 0x40);
    });
    one.touch(1);
    expect(() => one.window.unmap()).toThrow('ELOOP');
    expect(one.space.windowAt(BASE)).toBe(one.window);
  });
});

describe('W-count', () => {
  test('W-count cycles of uncached accesses, whatever the way', () => {
    const engine = createEngine();
    const space = engine.space();
    const ram = engine.region({ kind: 'ram', size: 0x1000, maxWidth: 4 });
    space.map(0, ram);
    space.write32(0, 1);
    expect(ram.transactions).toBeUndefined();
    ram.countTransactions();
    space.write32(0, 1);
    space.write64(0, 1n);
    space.read8(0);
    ram.read16(0);
    space.writeBytes(0, new Uint8Array(20));
    ram.readBytes(1, new Uint8Array(16));
    expect(ram.transactions).toEqual({ reads: 6, writes: 8 });
    ram.countTransactions(false);
    expect(ram.transactions).toBeUndefined();
  });

  test('W-count a frame of 3 MiB is at least 16 times fewer transactions through a combining window', () => {
    const frame = new Uint8Array(3 * 2 ** 20).map((_, i) => i * 7);
    const count = (memoryType: 'uncached' | 'write-combining', fill: (space: Space) => void): number => {
      const engine = createEngine();
      const space = engine.space();
      const framebuffer = engine.region({ kind: 'ram', size: frame.length });
      framebuffer.countTransactions();
      space.map(0xe000_0000, framebuffer, { memoryType });
      fill(space);
      space.fence();
      expect(Buffer.compare(framebuffer.bytes(), frame)).toBe(0);
      return framebuffer.transactions!.writes;
    };
    const pixels = new Uint32Array(frame.buffer);
    const byPixel = (space: Space): void => pixels.forEach((pixel, i) => space.write32(0xe000_0000 + i * 4, pixel));
    expect([count('uncached', byPixel), count('write-combining', byPixel)]).toEqual([786_432, 49_152]);
    const byBlock = (space: Space): void => space.writeBytes(0xe000_0000, frame);
    expect([count('uncached', byBlock), count('write-combining', byBlock)]).toEqual([393_216, 49_152]);
  });
});
