// What happens inside a hook: nested accesses (A-nested) and changes of the topology (S-deferred).

import { describe, expect, test } from '@jest/globals';
import { EBADF, EDEADLK, EINVAL, EIO, ELOOP, ReferenceEngine, errnoOf, fail, ok, valueOf, type ReferenceRegion, type ReferenceSpace } from './index.ts';

/** A hook region of 16 bytes whose reads and writes call `run`; reads answer 0x55. */
function hookRegion(engine: ReferenceEngine, run: (position: bigint) => void, reentrant = false): ReferenceRegion {
  const read = (position: bigint) => {
    run(position);
    return 0x55n;
  };
  return valueOf(engine.createRegion({ kind: 'hook', size: 16n, reentrant, maxWidth: 1, hooks: { read, write: run } }));
}

function ramRegion(engine: ReferenceEngine): ReferenceRegion {
  return valueOf(engine.createRegion({ kind: 'ram', size: 16n }));
}

describe('A-nested', () => {
  test('A-nested an access to the region whose hook runs is EDEADLK for its caller; the outer one goes on', () => {
    const engine = new ReferenceEngine();
    const errnos: number[] = [];
    const space = engine.createSpace();
    const hook = hookRegion(engine, () => errnos.push(errnoOf(space.read(0n, 1)), errnoOf(hook.write(8n, 1, 0n))));
    space.map(hook, { start: 0n, position: 0n, size: 16n });
    expect(space.read(4n, 1)).toEqual(ok(0x55n));
    expect(errnos).toEqual([EDEADLK, EDEADLK]);
    expect(engine.depth).toBe(0);
  });

  test('A-nested cycles before have happened; the pieces behind do not', () => {
    const engine = new ReferenceEngine();
    const space = engine.createSpace();
    const ram = ramRegion(engine);
    const errnos: number[] = [];
    const hook = hookRegion(engine, () => errnos.push(errnoOf(space.write(0n, 4, 0x44332211n))));
    space.map(ram, { start: 0n, position: 0n, size: 16n });
    space.map(hook, { start: 1n, position: 0n, size: 1n });
    hook.read(0n, 1);
    expect([errnos, [...ram.peek(0n, 4)]]).toEqual([[EDEADLK], [0x11, 0, 0, 0]]);
  });

  test('A-nested counts also through a third region, and ends with the hook', () => {
    const engine = new ReferenceEngine();
    const errnos: number[] = [];
    const first = hookRegion(engine, () => errnos.push(errnoOf(second.read(0n, 1))));
    const second = hookRegion(engine, () => errnos.push(errnoOf(first.read(0n, 1))));
    first.read(0n, 1);
    expect(errnos).toEqual([EDEADLK, 0]);
    expect(second.read(0n, 1)).toEqual(ok(0x55n));
  });

  test('A-nested a reentrant region may be reached, 16 deep; the seventeenth is ELOOP', () => {
    const engine = new ReferenceEngine();
    let runs = 0;
    const errnos: number[] = [];
    const hook = hookRegion(engine, () => (runs++, errnos.push(errnoOf(hook.read(0n, 1)))), true);
    expect(hook.read(0n, 1)).toEqual(ok(0x55n));
    expect(runs).toBe(16);
    expect(errnos).toEqual([ELOOP, ...Array<number>(15).fill(0)]);
  });

  test('A-nested at the seventeenth: RAM is ELOOP too, EINVAL comes first, 0 bytes still succeed', () => {
    const engine = new ReferenceEngine();
    const ram = ramRegion(engine);
    const deepest: number[] = [];
    const hook = hookRegion(engine, () => {
      if (engine.depth < 16) hook.read(0n, 1);
      else deepest.push(...[ram.read(0n, 1), ram.read(0n, 3), ram.readBlock(0n, 0)].map(errnoOf));
    }, true);
    hook.read(0n, 1);
    expect(deepest).toEqual([ELOOP, EINVAL, 0]);
  });
});

describe('S-deferred', () => {
  /** A hook at 0x1000..0x100f that runs `run`, RAM at 0..0xf, and 0xaa in every byte of that RAM. */
  function house(run: (house: { engine: ReferenceEngine; space: ReferenceSpace; ram: ReferenceRegion; hook: ReferenceRegion }) => void) {
    const engine = new ReferenceEngine();
    const space = engine.createSpace();
    const ram = ramRegion(engine);
    ram.poke(0n, new Uint8Array(16).fill(0xaa));
    let runs = 0;
    const hook: ReferenceRegion = hookRegion(engine, () => runs++ === 0 && run({ engine, space, ram, hook }));
    const window = valueOf(space.map(ram, { start: 0n, position: 0n, size: 16n }));
    const hookWindow = valueOf(space.map(hook, { start: 0x1000n, position: 0n, size: 16n }));
    return { engine, space, ram, hook, window, hookWindow };
  }

  test('S-deferred map takes effect when the outermost access has ended', () => {
    const seen: unknown[] = [];
    const { space } = house(({ space, ram }) => {
      seen.push(space.map(ram, { start: 0x2000n, position: 0n, size: 1n }).ok, space.read(0x2000n, 1));
    });
    space.read(0x1000n, 1);
    expect(seen).toEqual([true, ok(0xffn)]);
    expect(space.read(0x2000n, 1)).toEqual(ok(0xaan));
  });

  test('S-deferred unmap and move: the access in flight and nested ones finish on the old topology', () => {
    const seen: unknown[] = [];
    const built = house(({ space }) => {
      seen.push(space.unmap(built.hookWindow), space.move(built.window, 0x3000n), space.read(0n, 1), built.window.start);
    });
    expect(built.space.read(0x1000n, 4)).toEqual(ok(0x55555555n));
    expect(seen).toEqual([ok(), ok(), ok(0xaan), 0n]);
    expect([0x1000n, 0n, 0x3000n].map((at) => valueOf(built.space.read(at, 1)))).toEqual([0xffn, 0xffn, 0xaan]);
  });

  test('S-deferred destroy: region and space serve until the outermost access has ended, then they are EBADF', () => {
    const seen: unknown[] = [];
    const { space, ram, hook, engine } = house(({ space, ram, hook }) => {
      seen.push(hook.destroy(), ram.destroy(), space.destroy(), ram.read(0n, 1), space.read(0n, 1));
    });
    expect(space.read(0x1000n, 4)).toEqual(ok(0x55555555n));
    expect(seen).toEqual([ok(), ok(), ok(), ok(0xaan), ok(0xaan)]);
    expect([space.read(0n, 1), ram.read(0n, 1), hook.read(0n, 1)].map(errnoOf)).toEqual([EBADF, EBADF, EBADF]);
    expect([space.windows, engine.windows]).toEqual([[], []]);
  });

  test('S-deferred waits for the outermost access, not for a nested one', () => {
    const engine = new ReferenceEngine();
    const space = engine.createSpace();
    const ram = ramRegion(engine);
    const seen: unknown[] = [];
    const inner = hookRegion(engine, () => space.map(ram, { start: 0n, position: 0n, size: 1n }));
    const outer = hookRegion(engine, () => seen.push(inner.read(0n, 1), space.read(0n, 1)));
    outer.read(0n, 1);
    expect(seen).toEqual([ok(0x55n), ok(0xffn)]);
    expect(space.read(0n, 1)).toEqual(ok(0n));
  });

  test('S-deferred changes are made in the order of their calls, also after an access that failed', () => {
    const { space, ram } = house(({ space, ram, engine }) => {
      const other = valueOf(engine.createRegion({ kind: 'ram', size: 1n }));
      const first = valueOf(space.map(ram, { start: 0x2000n, position: 0n, size: 1n }));
      space.map(other, { start: 0x2000n, position: 0n, size: 1n });
      space.move(first, 0x2000n); // the most recent now
      throw new Error('and the access fails');
    });
    expect(space.read(0x1000n, 1)).toEqual(fail(EIO));
    expect(space.visible(0x2000n)?.region).toBe(ram);
  });

  test('S-deferred arguments are checked at the call, and a change that fails leaves nothing waiting', () => {
    const errnos: number[] = [];
    const built = house(({ space, ram }) => {
      errnos.push(errnoOf(space.map(ram, { start: 0x2000n, position: 1n, size: 16n })), errnoOf(space.move(built.window, 2n ** 64n - 15n)));
    });
    built.space.read(0x1000n, 1);
    expect(errnos).toEqual([EINVAL, EINVAL]);
    expect(built.space.windows).toEqual([built.window, built.hookWindow]);
  });

  test('S-deferred what waits for its removal is EBADF for further changes: window, its aliases, region, space', () => {
    const errnos: number[] = [];
    const built = house(({ engine, space, ram }) => {
      const place = { start: 0x2000n, position: 0n, size: 1n };
      const inside = { start: 0x2000n, offset: 0n, size: 1n };
      const alias = valueOf(space.alias(built.window, inside)); // its mapping waits, yet it can be named
      const nested = valueOf(space.alias(alias, inside));
      space.unmap(built.window);
      errnos.push(...[space.unmap(built.window), space.move(built.window, 0n), space.alias(built.window, inside)].map(errnoOf));
      errnos.push(...[space.move(alias, 0n), space.unmap(nested)].map(errnoOf));
      ram.destroy();
      errnos.push(...[ram.destroy(), space.map(ram, place)].map(errnoOf));
      const other = engine.createSpace();
      other.destroy();
      errnos.push(...[other.destroy(), other.alias(built.hookWindow, inside), other.map(built.hook, place)].map(errnoOf));
    });
    built.space.read(0x1000n, 1);
    expect(errnos).toEqual(Array(10).fill(EBADF));
    expect(built.space.windows).toEqual([built.hookWindow]);
  });

  test('S-deferred a window mapped and removed in one access is never visible', () => {
    const built = house(({ space, ram }) => {
      space.unmap(valueOf(space.map(ram, { start: 0x2000n, position: 0n, size: 1n })));
      space.map(ram, { start: 0x2001n, position: 0n, size: 1n });
      ram.destroy();
    });
    built.space.read(0x1000n, 1);
    expect(valueOf(built.space.read(0x2000n, 2))).toBe(0xffffn);
    expect(built.engine.windows).toEqual([built.hookWindow]);
  });
});
