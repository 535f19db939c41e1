// Random operations on spaces, windows, aliases, regions and accesses, as the comparison in test/core/world understands them.

import type { Width } from '../../src/core/index.ts';
import { MAX } from '../core/adapter.ts';
import type { Op, Place, RegionShape } from '../core/world/op.ts';
import type { Random } from './random.ts';

function address(random: Random): bigint {
  const kind = random.below(16);
  if (kind < 12) return 0x1000n + BigInt(random.below(0x60));
  if (kind < 14) return MAX - BigInt(random.below(60));
  return kind === 14 ? BigInt(random.below(40)) : random.u64();
}

function windowSize(random: Random): bigint {
  return random.once(12) ? random.pick([0n, 64n, 4096n, 2n ** 63n, MAX]) : BigInt(1 + random.below(40));
}

function place(random: Random): Place {
  const position = random.once(5) ? 4080n + BigInt(random.below(30)) : BigInt(random.below(70));
  return random.below(3) > 0 ? { on: 'space', target: random.next(), address: address(random) } : { on: 'region', target: random.next(), address: position };
}

function access(random: Random): Op {
  const width = random.once(20) ? random.pick([0, 3, 5, 16, 0xffff_ffff]) : random.pick([1, 2, 4, 8]);
  const length = random.once(6) ? random.below(200) : random.below(20);
  switch (random.below(10)) {
    case 0:
      return { do: 'readBlock', length, ...place(random) };
    case 1:
      return { do: 'writeBlock', length, value: random.u64(), ...place(random) };
    case 2:
      return { do: 'look', space: random.next(), address: address(random), bytes: BigInt(random.below(24)) };
    case 3:
    case 4:
    case 5:
      return { do: 'write', width, value: random.u64(), ...place(random) };
    default:
      return { do: 'read', width, ...place(random) };
  }
}

function topology(random: Random): Op {
  const priority = random.below(4) - 1;
  const kind = random.below(40);
  if (kind < 14) return { do: 'map', space: random.next(), region: random.next(), start: address(random), position: BigInt(random.below(24)), size: windowSize(random), priority };
  if (kind < 20) {
    const offset = BigInt(random.below(12));
    return { do: 'alias', window: random.next(), space: random.next(), start: address(random), offset, size: windowSize(random), priority: random.once(2) ? priority : undefined };
  }
  if (kind < 28) return { do: 'move', window: random.next(), start: address(random) };
  if (kind < 38) return { do: 'unmap', window: random.next() };
  return kind === 38 ? { do: 'destroyRegion', region: random.next() } : { do: 'destroySpace', space: random.next() };
}

function shape(random: Random): RegionShape {
  const kind = random.pick(['ram', 'demand', 'rom', 'hook', 'hook'] as const);
  const widths: Width[] = [random.pick([1, 2, 4, 8]), random.pick([1, 2, 4, 8])];
  const [minWidth, maxWidth] = random.once(2) ? [1 as Width, 8 as Width] : [widths[0]! < widths[1]! ? widths[0]! : widths[1]!, widths[0]! < widths[1]! ? widths[1]! : widths[0]!];
  const size = random.once(4) ? random.pick([4096n, 4100n, 8192n]) : BigInt(1 + random.below(64));
  const line = (): Op => (random.once(8) ? { do: 'throw' } : random.once(2) ? topology(random) : access(random));
  const script = kind === 'hook' ? Array.from({ length: random.below(4) }, line) : [];
  return { kind, size, minWidth, maxWidth, unaligned: random.once(2), reentrant: random.once(2), script };
}

/** How often a world is left for a new one: the population of its objects only grows. */
export const CALLS_PER_WORLD = 500;

/** The `n`-th call in a world: first a few objects, then anything. */
export function worldCall(random: Random, n: number): Op {
  if (n < 2) return { do: 'space' };
  if (n < 6 || random.once(60)) return { do: 'region', shape: shape(random) };
  return random.once(5) || n < 12 ? topology(random) : access(random);
}
