// Bad input to every public function of src/core: TypeError for kinds, RangeError for bounds, VfioError for what is gone; nothing changes and nothing traps.

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createEngine, type Engine, type Region, type RegionDescription, type Space, type Window } from '../../src/core/index.ts';
import { VfioError } from '../../src/uapi/index.ts';
import { MAX } from './adapter.ts';

let engine: Engine;
let other: Engine;
let space: Space;
let ram: Region;
let window: Window;
let before: string;

const seen = (): string => JSON.stringify([engine.live(), space.unclaimed, ram.refused, [...ram.bytes()], String(space.windowAt(0x1000)?.start), space.windows.size]);

beforeEach(() => {
  engine = createEngine();
  other = createEngine();
  space = engine.space();
  ram = engine.region({ kind: 'ram', size: 32 });
  window = space.map(0x1000, ram);
  before = seen();
});

afterEach(() => {
  expect(seen()).toBe(before);
  space.validate();
});

const WRONG_TYPES: unknown[] = [undefined, null, '5', {}, [], true, Symbol('s'), () => 1];
const WRONG_BOUNDS: unknown[] = [-1, 1.5, Number.NaN, Infinity, -Infinity, 2 ** 53, -1n, MAX + 1n];

/** Every way to hand `value` in as an address, position, size, index or u64 value. */
const u64Takers: Record<string, (value: never) => unknown> = {
  'region size': (v) => engine.region({ kind: 'ram', size: v }),
  'Region.read8': (v) => ram.read8(v), 'Region.read16': (v) => ram.read16(v), 'Region.read32': (v) => ram.read32(v), 'Region.read64': (v) => ram.read64(v),
  'Region.write8': (v) => ram.write8(v, 0), 'Region.write16': (v) => ram.write16(v, 0), 'Region.write32': (v) => ram.write32(v, 0), 'Region.write64': (v) => ram.write64(v, 0),
  'Region.write64 value': (v) => ram.write64(0, v), 'Region.readBytes': (v) => ram.readBytes(v, new Uint8Array(1)), 'Region.writeBytes': (v) => ram.writeBytes(v, new Uint8Array(1)),
  'Space.read8': (v) => space.read8(v), 'Space.read16': (v) => space.read16(v), 'Space.read32': (v) => space.read32(v), 'Space.read64': (v) => space.read64(v),
  'Space.write8': (v) => space.write8(v, 0), 'Space.write16': (v) => space.write16(v, 0), 'Space.write32': (v) => space.write32(v, 0), 'Space.write64': (v) => space.write64(v, 0),
  'Space.write64 value': (v) => space.write64(0x1000, v), 'Space.readBytes': (v) => space.readBytes(v, new Uint8Array(1)), 'Space.writeBytes': (v) => space.writeBytes(v, new Uint8Array(1)),
  'Space.map': (v) => space.map(v, ram), 'Space.windowAt': (v) => space.windowAt(v), 'Space.isClaimed': (v) => space.isClaimed(v, 1), 'Space.isClaimed bytes': (v) => space.isClaimed(0, v),
  'Window.move': (v) => window.move(v), 'Window.alias': (v) => window.alias(space, v),
  'OffsetTable.request': (v) => withTable((t) => t.request(0, v)), 'OffsetTable.resolve': (v) => withTable((t) => t.resolve(v)),
  'Batch.set': (v) => withBatch((b) => b.set(0, space, 'read', v, 1)),
  'load': (v) => withStore((s) => s.load(v)), 'store first': (v) => withStore((s) => s.store(v, MAX, 1)), 'store last': (v) => withStore((s) => s.store(0, v, 1)),
  'insert first': (v) => withStore((s) => s.insert(v, MAX, 1)), 'insert last': (v) => withStore((s) => s.insert(0, v, 1)), 'erase': (v) => withStore((s) => s.erase(v)),
  'find': (v) => withStore((s) => s.find(v)), 'findPrevious': (v) => withStore((s) => s.findPrevious(v)), 'next': (v) => withStore((s) => s.next(v)), 'previous': (v) => withStore((s) => s.previous(v)),
  'lowestGap size': (v) => withStore((s) => s.lowestGap({ size: v })), 'allocate size': (v) => withStore((s) => s.allocate({ size: v, value: 1 })),
  'bulkLoad first': (v) => withStore((s) => s.bulkLoad([{ first: v, last: MAX, value: 1 }])), 'bulkLoad last': (v) => withStore((s) => s.bulkLoad([{ first: 0, last: v, value: 1 }])),
};
/** The same where leaving it out is allowed. */
const optionalU64Takers: Record<string, (value: never) => unknown> = {
  'map position': (v) => space.map(0, ram, { position: v }), 'map size': (v) => space.map(0, ram, { size: v }), 'alias position': (v) => window.alias(space, 0, { position: v }),
  'alias size': (v) => window.alias(space, 0, { size: v }), 'Batch.set value': (v) => withBatch((b) => b.set(0, space, 'write', 0, 1, v)), 'walk first': (v) => withStore((s) => [...s.walk(v)]),
  'walk last': (v) => withStore((s) => [...s.walk(0, v)]), 'find limit': (v) => withStore((s) => s.find(0, v)), 'cursor': (v) => withStore((s) => s.cursor(v)),
  'cursor limit': (v) => withStore((s) => { const c = s.cursor(); try { c.next(v); c.previous(v); } finally { c.destroy(); } }),
  'gap alignment': (v) => withStore((s) => s.lowestGap({ size: 1, alignment: v })), 'gap first': (v) => withStore((s) => s.highestGap({ size: 1, first: v })), 'gap last': (v) => withStore((s) => s.highestGap({ size: 1, last: v })),
};
/** A number of few bits. */
const integerTakers: Record<string, (value: never) => unknown> = {
  'Region.write8 value': (v) => ram.write8(0, v), 'Region.write16 value': (v) => ram.write16(0, v), 'Region.write32 value': (v) => ram.write32(0, v),
  'Space.write8 value': (v) => space.write8(0x1000, v), 'Space.write16 value': (v) => space.write16(0x1000, v), 'Space.write32 value': (v) => space.write32(0x1000, v),
  'request index': (v) => withTable((t) => t.request(v, 1)), 'batch length': (v) => engine.batch(v), 'Batch.set row': (v) => withBatch((b) => b.set(v, space, 'read', 0, 1)),
  'Batch.result row': (v) => withBatch((b) => b.result(v)), 'startTrace': (v) => engine.startTrace(v), 'store value': (v) => withStore((s) => s.store(0, 0, v)),
  'insert value': (v) => withStore((s) => s.insert(0, 0, v)), 'allocate value': (v) => withStore((s) => s.allocate({ size: 1, value: v })), 'bulkLoad value': (v) => withStore((s) => s.bulkLoad([{ first: 0, last: 0, value: v }])),
};

function using<T extends { destroy(): void }>(make: () => T): (use: (one: T) => unknown) => unknown {
  return (use) => {
    const one = make();
    try {
      return use(one);
    } finally {
      one.destroy();
    }
  };
}
const withStore = using(() => engine.rangeStore());
const withTable = using(() => engine.offsetTable('cookie'));
const withBatch = using(() => engine.batch(2));

describe('numbers', () => {
  test.each(Object.keys(u64Takers))('u64 of %s', (name) => {
    for (const value of WRONG_TYPES) expect(() => u64Takers[name]!(value as never)).toThrow(TypeError);
    for (const value of WRONG_BOUNDS) expect(() => u64Takers[name]!(value as never)).toThrow(RangeError);
  });

  test.each(Object.keys(optionalU64Takers))('u64 of %s', (name) => {
    for (const value of WRONG_TYPES.slice(2)) expect(() => optionalU64Takers[name]!(value as never)).toThrow(TypeError);
    for (const value of WRONG_BOUNDS) expect(() => optionalU64Takers[name]!(value as never)).toThrow(RangeError);
  });

  test.each(Object.keys(integerTakers))('integer of %s', (name) => {
    for (const value of [...WRONG_TYPES, 1n]) expect(() => integerTakers[name]!(value as never)).toThrow(TypeError);
    for (const value of [-1, 1.5, Number.NaN, Infinity, 2 ** 32, 2 ** 53]) expect(() => integerTakers[name]!(value as never)).toThrow(RangeError);
  });
});

describe('kinds and bounds', () => {
  test('createEngine', () => {
    for (const memoryLimit of [0, -1, 2 ** 20 - 1, 2 ** 32 + 1, 1.5, Number.NaN]) expect(() => createEngine({ memoryLimit })).toThrow(RangeError);
    for (const memoryLimit of ['1', 1n, null, {}]) expect(() => createEngine({ memoryLimit: memoryLimit as number })).toThrow(TypeError);
    for (const wasm of [5, 'x', [0, 97], new ArrayBuffer(8), new DataView(new ArrayBuffer(8))]) expect(() => createEngine({ wasm: wasm as unknown as Uint8Array })).toThrow(TypeError);
    expect(() => createEngine({ wasm: new Uint8Array([0, 97, 115, 109]) })).toThrow('WebAssembly.Module');
    expect(createEngine({ memoryLimit: 2 ** 20 }).live().objects).toBe(0);
  });

  test('region', () => {
    const bad = (description: object): (() => unknown) => () => engine.region(description as RegionDescription);
    for (const kind of [undefined, 5, 'RAM', 'constructor', 'toString', '__proto__', null]) expect(bad({ kind, size: 1 })).toThrow(TypeError);
    for (const size of [0, 0n, 2n ** 63n + 1n]) expect(bad({ kind: 'demand', size })).toThrow(RangeError);
    for (const width of [0, 3, 16, -1, 1.5, '4', null, 4n]) {
      expect(bad({ kind: 'ram', size: 8, minWidth: width })).toThrow(RangeError);
      expect(bad({ kind: 'ram', size: 8, maxWidth: width })).toThrow(RangeError);
    }
    expect(bad({ kind: 'ram', size: 8, minWidth: 4, maxWidth: 2 })).toThrow(RangeError);
    expect(bad({ kind: 'rom', size: 8, contents: [1] })).toThrow(TypeError);
    expect(bad({ kind: 'rom', size: 8, contents: new Uint8Array(9) })).toThrow(RangeError);
    expect(bad({ kind: 'ram', size: 2n ** 62n })).toThrow('ENOMEM');
    for (const nothing of [undefined, null]) expect(() => engine.region(nothing as unknown as RegionDescription)).toThrow(TypeError);
    for (const call of [() => engine.region({ kind: 'hook', size: 1 })]) {
      const hook = call();
      expect(() => hook.bytes()).toThrow(TypeError);
      expect(() => hook.dropPages()).toThrow(TypeError);
      hook.destroy();
    }
  });

  test('accesses beyond a region or the last address', () => {
    for (const call of [() => ram.read8(32), () => ram.read64(25), () => ram.write16(31n, 0), () => ram.read32(MAX), () => ram.readBytes(30, new Uint8Array(3)), () => ram.writeBytes(33, new Uint8Array(1)), () => ram.writeBytes(MAX, new Uint8Array(2))]) {
      expect(call).toThrow(RangeError);
    }
    for (const call of [() => space.read16(MAX), () => space.write64(MAX - 6n, 0), () => space.readBytes(MAX, new Uint8Array(2)), () => space.writeBytes(MAX - 1n, new Uint8Array(3))]) expect(call).toThrow(RangeError);
    for (const bytes of [undefined, null, 5, [1], new ArrayBuffer(2), new Uint16Array(2), Buffer.from('')?.buffer]) {
      for (const call of [() => ram.readBytes(0, bytes as never), () => ram.writeBytes(0, bytes as never), () => space.readBytes(0, bytes as never), () => space.writeBytes(0, bytes as never)]) expect(call).toThrow(TypeError);
    }
  });

  test('S-map S-alias S-move sizes of 0, past the region, past 2^64-1; foreign and wrong objects', () => {
    const foreign = other.region({ kind: 'ram', size: 8 });
    for (const options of [{ size: 0 }, { size: 33 }, { position: 32 }, { position: 33 }, { position: 1, size: 32 }, { position: MAX, size: MAX }, { priority: 2 ** 31 }, { priority: 0.5 }]) {
      expect(() => space.map(0, ram, options)).toThrow(RangeError);
      expect(() => window.alias(space, 0, options)).toThrow(RangeError);
    }
    expect(() => space.map(MAX - 30n, ram)).toThrow(RangeError);
    expect(() => window.alias(space, MAX, { size: 2 })).toThrow(RangeError);
    expect(() => window.move(MAX - 30n)).toThrow(RangeError);
    for (const [call, what] of [[() => space.map(0, foreign), 'another engine'], [() => window.alias(other.space(), 0), 'another engine'], [() => engine.batch(1).set(0, other.space(), 'read', 0, 1), 'another engine']] as const) {
      expect(call).toThrow(TypeError);
      expect(call).toThrow(what);
    }
    for (const wrong of [undefined, null, 5, {}, space]) expect(() => space.map(0, wrong as unknown as Region)).toThrow(TypeError);
    for (const wrong of [undefined, null, 5, {}]) expect(() => window.alias(wrong as unknown as Space, 0)).toThrow(TypeError);
    for (const memoryType of ['', 'WC', 5]) expect(() => space.map(0, ram, { memoryType: memoryType as never })).toThrow(TypeError);
  });

  test('tables, batches, traces and stores', () => {
    for (const mode of [undefined, 'Index', 'constructor', 'hasOwnProperty', 5]) expect(() => engine.offsetTable(mode as never)).toThrow(TypeError);
    for (const seed of [0, -1, 2 ** 32, 0.5]) expect(() => engine.offsetTable('scattered', seed)).toThrow(RangeError);
    withTable((table) => expect(() => (table as ReturnType<Engine['offsetTable']>).request(2 ** 22, 1)).toThrow(RangeError));
    withBatch((batch) => {
      for (const operation of ['', 'toString', 'constructor', 5, undefined]) expect(() => batch.set(0, space, operation as never, 0, 1)).toThrow(TypeError);
      for (const width of [0, 3, 16, '4', undefined]) expect(() => batch.set(0, space, 'read', 0, width as never)).toThrow(RangeError);
      for (const [first, last] of [[0, 2], [-1, 0], [2, 2], [0.5, 1]] as const) expect(() => batch.run(first, last)).toThrow(RangeError);
      for (const wrong of [undefined, null, 5, {}]) expect(() => batch.set(0, wrong as never, 'read', 0, 1)).toThrow(TypeError);
    });
    for (const records of [3, 2 ** 25, 6]) expect(() => engine.startTrace(records)).toThrow(RangeError);
    withStore((store) => {
      for (const entries of [undefined, null, 5, {}, [5], [null], [{}]]) expect(() => store.bulkLoad(entries as never)).toThrow(TypeError);
      for (const request of [undefined, null]) expect(() => store.lowestGap(request as never)).toThrow(TypeError);
      expect([store.count, [...store.walk()]]).toEqual([0, []]);
    });
  });
});

describe('what is gone is EBADF, ending it again does nothing', () => {
  const gone = (calls: readonly (() => unknown)[]): void => {
    for (const call of calls) {
      let error: unknown;
      try {
        call();
      } catch (thrown) {
        error = thrown;
      }
      expect([String(call), error instanceof VfioError && error.code]).toEqual([String(call), 'EBADF']);
    }
  };

  test('regions and windows', () => {
    const region = engine.region({ kind: 'demand', size: 32 });
    const its = space.map(0x5000, region);
    const alias = its.alias(space, 0x6000);
    region.destroy();
    region.destroy();
    const block = new Uint8Array(1);
    gone([() => region.bytes(), () => region.dropPages(), () => region.read8(0), () => region.read64(0), () => region.write8(0, 0), () => region.write64(0n, 0), () => region.readBytes(0, block), () => region.writeBytes(0, block), () => region.readBytes(0, new Uint8Array(0)), () => space.map(0, region)]);
    for (const one of [its, alias]) {
      gone([() => one.move(0), () => one.alias(space, 0)]);
      one.unmap();
    }
    expect(region.refused).toBe(0);
  });

  test('spaces', () => {
    const bus = engine.space();
    const its = bus.map(0, ram);
    const batch = engine.batch(1);
    batch.set(0, bus, 'read', 0, 1);
    bus.destroy();
    bus.destroy();
    const block = new Uint8Array(1);
    gone([() => bus.map(0, ram), () => bus.windowAt(0), () => bus.isClaimed(0, 1), () => bus.read8(0), () => bus.read64(0), () => bus.write32(0, 0), () => bus.write64(0, 0), () => bus.readBytes(0, block), () => bus.writeBytes(0, block), () => bus.validate(), () => its.move(0), () => its.alias(space, 0), () => window.alias(bus, 0)]);
    expect([bus.unclaimed, batch.run(), batch.result(0).errno]).toEqual([{ reads: 0, writes: 0 }, 1, 9]);
    batch.destroy();
    batch.destroy();
    gone([() => batch.run(), () => batch.result(0), () => batch.set(0, space, 'read', 0, 1)]);
  });

  test('stores, cursors and tables', () => {
    const store = engine.rangeStore();
    const [cursor, dead] = [store.cursor(), store.cursor()];
    dead.destroy();
    dead.destroy();
    gone([() => dead.next(), () => dead.previous()]);
    store.destroy();
    store.destroy();
    gone([
      () => store.load(0), () => store.load(0n), () => store.store(0, 0, 1), () => store.insert(0, 0, 1), () => store.erase(0), () => store.find(0), () => store.findPrevious(0), () => store.next(0), () => store.previous(0),
      () => [...store.walk()], () => store.lowestGap({ size: 1 }), () => store.highestGap({ size: 1 }), () => store.allocate({ size: 1, value: 1 }), () => store.bulkLoad([]), () => store.cursor(), () => store.clear(),
      () => store.validate(), () => cursor.next(), () => cursor.previous(),
    ]);
    expect(store.count).toBe(0);
    cursor.destroy();
    const table = engine.offsetTable('cookie');
    table.destroy();
    table.destroy();
    gone([() => table.request(0, 1), () => table.resolve(0)]);
  });
});
