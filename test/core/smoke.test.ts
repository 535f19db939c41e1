import { expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';
import { ReferenceRangeStore } from '../reference/index.ts';

test('a register is written and read through a space', () => {
  const engine = createEngine();
  const bus = engine.space();
  const bar = engine.region({ kind: 'ram', size: 0x4000 });
  const window = bus.map(0xfebf8000, bar);
  bus.write32(0xfebf8014, 0xdeadbeef);
  expect(bus.read32(0xfebf8014)).toBe(0xdeadbeef);
  expect(bus.read64(0xfebf8010)).toBe(0xdeadbeef00000000n);
  expect(bus.read32(0)).toBe(0xffffffff);
  window.unmap();
  expect(bus.read32(0xfebf8014)).toBe(0xffffffff);
  bar.destroy();
  bus.destroy();
  expect(engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
});

test('random stores agree with the reference', () => {
  const engine = createEngine();
  const store = engine.rangeStore();
  const ref = new ReferenceRangeStore();
  let x = 0x9e3779b9;
  const rnd = (n: number) => { x ^= x << 13; x ^= x >>> 17; x ^= x << 5; return (x >>> 0) % n; };
  for (let i = 0; i < 20000; i++) {
    const big = rnd(50) === 0;
    const a = BigInt(rnd(4000)) * (big ? 0x10000000000000n : 1n);
    const b = a + BigInt(rnd(rnd(10) === 0 ? 400 : 6));
    const op = rnd(10);
    if (op < 4) { const r = ref.insert(a, b, i + 1); let e = 0; try { store.insert(a, b, i + 1); } catch (er) { e = (er as { errno: number }).errno; } expect(r.ok ? 0 : -r.errno).toBe(e); }
    else if (op < 7) { store.store(a, b, i + 1); ref.store(a, b, i + 1); }
    else if (op < 8) { store.store(a, b, 0); ref.store(a, b, 0); }
    else { expect(store.erase(a)).toBe(ref.erase(a)); }
    if (i % 7 === 0) { store.validate(); expect(store.count).toBe(ref.entries.length); }
    if (i % 97 === 0) { const w = ref.walk(0n, 2n ** 64n - 1n, { gaps: true }); expect([...store.walk(0n, 2n ** 64n - 1n, { gaps: true })]).toEqual(w.ok ? w.value : 0); }
    const size = BigInt(1 + rnd(30)); const al = 1n << BigInt(rnd(5)); const lo = BigInt(rnd(3000)); const hi = lo + BigInt(rnd(2000));
    const g = rnd(2) ? ref.lowestGap(size, al, lo, hi) : undefined;
    if (g) { let v: unknown; try { v = store.lowestGap({ size, alignment: al, first: lo, last: hi }); } catch (er) { v = -(er as { errno: number }).errno; } expect(v).toBe(g.ok ? g.value : g.errno); }
    else { const h = ref.highestGap(size, al, lo, hi); let v: unknown; try { v = store.highestGap({ size, alignment: al, first: lo, last: hi }); } catch (er) { v = -(er as { errno: number }).errno; } expect(v).toBe(h.ok ? h.value : h.errno); }
  }
  store.destroy();
  expect(engine.live().nodes).toBe(0);
});
