// Rules D where JavaScript runs in the middle of a device's access: hooks that throw, unmap, destroy, come back in.

import { describe, expect, test } from '@jest/globals';
import { createEngine, type HookHandlers, type IommuDomain, type Region } from '../../../src/core/index.ts';
import { HookError } from '../adapter.ts';
import { ending } from './pair.ts';

const PAGE = 4096;

interface Bench {
  readonly engine: ReturnType<typeof createEngine>;
  readonly domain: IommuDomain;
  readonly ram: Region;
  readonly device: Region;
}

/** A page of RAM at 0x1000, a device of four-byte cycles at 0x2000, the RAM's second page at 0x3000. */
function bench(handlers: (domain: IommuDomain) => HookHandlers, options: { readonly reentrant?: boolean } = {}): Bench {
  const engine = createEngine();
  const domain = engine.iommuDomain('dma');
  const ram = engine.region({ kind: 'ram', size: 2 * PAGE });
  const device = engine.region({ kind: 'hook', size: PAGE, maxWidth: 4, ...options, ...handlers(domain) });
  const both = { readable: true, writable: true };
  domain.map(0x1000, PAGE, { region: ram, position: 0, ...both });
  domain.map(0x2000, PAGE, { region: device, position: 0, ...both });
  domain.map(0x3000, PAGE, { region: ram, position: PAGE, ...both });
  return { engine, domain, ram, device };
}

const bytes = (n: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => i + 1);

describe('D-cycles', () => {
  test('an access over RAM, a device and RAM is cut at the borders, and the device sees its own cycles', () => {
    const cycles: string[] = [];
    const { domain, ram } = bench(() => ({
      write: (position, width, value) => cycles.push(`${position.toString(16)}:${width}=${value.toString(16)}`) && undefined,
      read: (position, width) => (cycles.push(`${position.toString(16)}:${width}`), 0xa0b0c0d0),
    }));
    domain.write(0x2ff9, bytes(9));
    expect(cycles.splice(0)).toEqual(['ff9:4=4030201', 'ffd:2=605', 'fff:1=7']);
    expect(Array.from(ram.bytes().subarray(PAGE, PAGE + 3))).toEqual([8, 9, 0]);
    const target = new Uint8Array(6);
    domain.read(0x1ffe, target);
    expect([cycles, Array.from(target)]).toEqual([['0:4'], [0, 0, 0xd0, 0xc0, 0xb0, 0xa0]]);
  });

  test('what a hook throws is thrown, and what was moved before it stays', () => {
    const { domain, ram } = bench(() => ({
      write: () => {
        throw new HookError('no');
      },
    }));
    expect(() => domain.write(0x1ffe, bytes(4))).toThrow(HookError);
    expect(Array.from(ram.bytes().subarray(PAGE - 2, PAGE))).toEqual([1, 2]);
  });

  test('a hook that unmaps what comes next ends the access there, and no byte is written behind it', () => {
    const { domain, ram } = bench((mine) => ({ write: (position) => (position === 0xffc ? mine.unmap(0x3000, 0x3fff) && undefined : undefined) }));
    ram.bytes().fill(0x77);
    expect(ending(() => domain.write(0x2ff8, bytes(16)))).toEqual({ access: 'write', iova: 0x3000n, reason: 'unmapped' });
    expect(ram.bytes().every((byte) => byte === 0x77)).toBe(true);
  });

  test('a hook that unmaps its own page gets no further cycle', () => {
    const seen: number[] = [];
    const { domain } = bench((mine) => ({ write: (position) => (seen.push(Number(position)), mine.unmap(0x2000, 0x2fff) && undefined) }));
    expect(ending(() => domain.write(0x2000, bytes(16)))).toEqual({ access: 'write', iova: 0x2004n, reason: 'unmapped' });
    expect(seen).toEqual([0]);
  });

  test('a hook that maps other bytes there is obeyed from the next cycle on', () => {
    const { domain, ram } = bench((mine) => ({
      write: () => {
        mine.unmap(0x2000, 0x2fff);
        mine.map(0x2000, PAGE, { region: ram, position: PAGE, readable: true, writable: true });
      },
    }));
    domain.write(0x2000, bytes(8));
    expect(Array.from(ram.bytes().subarray(PAGE, PAGE + 9))).toEqual([0, 0, 0, 0, 5, 6, 7, 8, 0]);
  });

  test('a hook that destroys the domain ends the access as unmapped; all memory has come back', () => {
    const { engine, domain, ram, device } = bench((mine) => ({ read: () => (mine.destroy(), 0) }));
    const target = new Uint8Array(8).fill(9);
    expect(ending(() => domain.read(0x2000, target))).toEqual({ access: 'read', iova: 0x2004n, reason: 'unmapped' });
    expect(Array.from(target)).toEqual([9, 9, 9, 9, 9, 9, 9, 9]);
    ram.destroy();
    device.destroy();
    expect(engine.live()).toEqual({ nodes: 0, pages: 0, objects: 0, backingBytes: 0 });
  });

  test('a region that a hook destroys goes when the access has ended; the next one faults', () => {
    const { domain, ram } = bench(() => ({ write: () => ram.destroy() }));
    domain.write(0x2ffc, bytes(8));
    expect(ending(() => domain.write(0x2ffc, bytes(8)))).toEqual({ access: 'write', iova: 0x3000n, reason: 'target' });
  });

  test('a device that reaches itself is a fault before anything moves, unless it lets accesses in', () => {
    for (const reentrant of [false, true]) {
      let inner: unknown = 'not run';
      let depth = 0;
      const { domain, ram } = bench((mine) => ({
        write: () => {
          if (depth++ === 0) inner = ending(() => mine.write(0x1ffc, bytes(8)));
        },
      }), { reentrant });
      domain.write(0x2000, bytes(4));
      expect(inner).toEqual(reentrant ? undefined : { access: 'write', iova: 0x2000n, reason: 'target' });
      expect(ram.bytes()[PAGE - 4]).toBe(reentrant ? 1 : 0);
    }
  });

  test('the seventeenth level of accesses is a fault', () => {
    let deepest = 0;
    const endings: unknown[] = [];
    const { domain } = bench((mine) => ({
      write: () => {
        deepest++;
        const end = ending(() => mine.write(0x2000, bytes(1)));
        if (end !== undefined) endings.push(end);
      },
    }), { reentrant: true });
    domain.write(0x2000, bytes(1));
    expect([deepest, endings]).toEqual([16, [{ access: 'write', iova: 0x2000n, reason: 'target' }]]);
  });

  test('an access inside a hook does not disturb the one around it', () => {
    const inside = new Uint8Array(2 * PAGE);
    const { domain, ram } = bench((mine) => ({
      write: (position) => {
        if (position === 0) mine.read(0x1000, inside.subarray(0, PAGE));
        else mine.copy(0x1000, 0x3000, 16);
      },
    }));
    ram.bytes().set(bytes(16), PAGE);
    domain.write(0x1ffc, bytes(12));
    expect(Array.from(inside.subarray(PAGE - 4, PAGE))).toEqual([1, 2, 3, 4]);
    expect(Array.from(ram.bytes().subarray(0, 16))).toEqual(Array.from(bytes(16)));
  });
});

describe('D-copy', () => {
  test('reads all before it writes, also from and to a device', () => {
    const cycles: string[] = [];
    const { domain, ram } = bench(() => ({ read: (position) => (cycles.push(`r${position}`), 0x01010101), write: (position, _width, value) => (cycles.push(`w${position}=${value.toString(16)}`), undefined) }));
    domain.copy(0x2008, 0x2000, 8);
    expect(cycles.splice(0)).toEqual(['r0', 'r4', 'w8=1010101', 'w12=1010101']);
    domain.copy(0x1000, 0x2000, 4);
    expect([cycles, Array.from(ram.bytes().subarray(0, 5))]).toEqual([['r0'], [1, 1, 1, 1, 0]]);
  });

  test('a hook that unmaps the target while it is read from leaves the target alone', () => {
    const { domain, ram } = bench((mine) => ({ read: () => (mine.unmap(0x1000, 0x1fff), 7) }));
    expect(ending(() => domain.copy(0x1000, 0x2000, 8))).toEqual({ access: 'write', iova: 0x1000n, reason: 'unmapped' });
    expect(ram.bytes()[0]).toBe(0);
  });
});

describe('D-dirty', () => {
  test('a page that a hook unmaps takes its mark along; pages written before it keep theirs', () => {
    const { domain } = bench((mine) => ({ write: () => mine.unmap(0x2000, 0x2fff) && undefined }));
    domain.trackDirty(true);
    ending(() => domain.write(0x1ffc, bytes(12)));
    const bitmap = new Uint8Array(1);
    domain.readDirty(0, 0x7fff, PAGE, bitmap, false);
    expect(bitmap[0]).toBe(0b10);
  });

  test('tracking that a hook begins counts from the next cycle on', () => {
    const { domain } = bench((mine) => ({ write: () => mine.trackDirty(true) }));
    domain.write(0x1ffc, bytes(8));
    domain.write(0x2ffc, bytes(8));
    const bitmap = new Uint8Array(1);
    domain.readDirty(0, 0x7fff, PAGE, bitmap, true);
    expect(bitmap[0]).toBe(0b1100);
  });
});
