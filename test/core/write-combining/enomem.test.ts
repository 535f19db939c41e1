// Buffers and memory: a window takes its four when it is mapped or fails whole; no store fails for want of one; every one comes back.

import { expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { outcome } from '../adapter.ts';
import { Pressure } from '../pressure.ts';

const ENOMEM = -12;

test('S-map a window that cannot have its buffers is ENOMEM, and nothing has changed', () => {
  const results = new Set<string>();
  for (let spare = 0; spare < 12; spare++) {
    const engine = createEngine({ memoryLimit: 2 ** 20 });
    const space = engine.space();
    const region = engine.region({ kind: 'ram', size: 0x1000 });
    space.map(0x8000, region);
    const objects = Array.from({ length: spare }, () => engine.space());
    const nodes = engine.rangeStore();
    for (let i = 0; i < 2000; i++) nodes.insert(i * 2, i * 2, 1);
    new Pressure(engine).exhaust();
    for (const object of objects) object.destroy();
    nodes.clear();
    const before = engine.live();
    const window = outcome(() => space.map(0, region, { memoryType: 'write-combining' }));
    results.add(typeof window);
    if (typeof window === 'number') {
      expect([window, engine.live(), space.windowAt(0)]).toEqual([ENOMEM, before, undefined]);
    } else {
      expect(engine.live().objects).toBe(before.objects + 5);
      for (let line = 0; line < 40; line++) space.write8(line * 64, line);
      space.fence();
      window.unmap();
      expect(engine.live().objects).toBe(before.objects);
      expect(Array.from({ length: 40 }, (_, line) => region.bytes()[line * 64])).toEqual(Array.from({ length: 40 }, (_, line) => line));
    }
  }
  expect([...results].sort()).toEqual(['number', 'object']);
});

test('W-unmap everything comes back to zero, however it goes', () => {
  const engine = createEngine();
  for (const last of ['window', 'region', 'space'] as const) {
    const space = engine.space();
    const region = engine.region({ kind: 'demand', size: 0x10_0000 });
    const window = space.map(0, region, { memoryType: 'write-combining' });
    const alias = window.alias(engine.space(), 0);
    space.write64(0x123, 1n);
    alias.space.write64(0x456, 1n);
    if (last === 'window') window.unmap();
    if (last === 'region') region.destroy();
    space.destroy();
    alias.space.destroy();
    region.destroy();
    expect(engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  }
});
