// Random operations among which bytes are met again and again: what lanes serve, and everything that must close them in between.

import { MAX } from '../core/adapter.ts';
import type { Op, Place, RegionShape } from '../core/world/op.ts';
import type { Random } from './random.ts';

const PAGE = 0x1000n;
/** Three pages each: where a guest has its devices, above 2^32, up to the last number that is an address, and up to the last address. */
const NEIGHBOURHOODS = [...Array<bigint>(12).fill(0x1_0000n), 0x8_0000_0000n, 2n ** 53n - 2n * PAGE, MAX - 3n * PAGE + 1n];

function page(random: Random): bigint {
  return random.pick(NEIGHBOURHOODS) + BigInt(random.below(3)) * PAGE;
}

/** A few words at the start of a page, mostly aligned. */
function place(random: Random, width: number): Place {
  const offset = BigInt(random.below(12) * (random.once(5) ? 1 : width));
  if (random.once(12)) return { on: 'region', target: random.next(), address: offset };
  return { on: 'space', target: random.next(), address: page(random) + (random.once(10) ? PAGE - 1n - offset : offset) };
}

function access(random: Random): Op {
  const width = random.pick([1, 2, 4, 4, 4, 8]);
  if (random.once(30)) return { do: 'writeBlock', length: random.below(40), value: random.u64(), ...place(random, 1) };
  return random.once(3) ? { do: 'write', width, value: random.u64(), ...place(random, width) } : { do: 'read', width, ...place(random, width) };
}

function topology(random: Random): Op {
  const priority = random.below(3) - 1;
  const start = page(random) + (random.once(4) ? BigInt(random.below(9)) : 0n);
  const size = random.once(4) ? BigInt(1 + random.below(40)) : PAGE * BigInt(1 + random.below(3));
  const position = random.once(3) ? BigInt(random.below(20)) : 0n;
  const kind = random.below(16);
  if (kind < 9) return { do: 'map', space: random.next(), region: random.next(), start, position, size, priority, combining: random.once(12) };
  if (kind < 11) return { do: 'alias', window: random.next(), space: random.next(), start, offset: position, size: PAGE - position, priority };
  if (kind < 13) return { do: 'move', window: random.next(), start };
  if (kind < 15 || random.once(2)) return { do: 'unmap', window: random.next() };
  return random.once(6) ? { do: 'destroySpace', space: random.next() } : { do: 'destroyRegion', region: random.next() };
}

function attribute(random: Random): Op {
  const kind = random.below(6);
  if (kind < 2) return { do: 'count', region: random.next() };
  if (kind < 4) return { do: 'device', region: random.next(), device: random.below(3) };
  return kind === 4 ? { do: 'fence', space: random.next() } : { do: 'policy', space: random.next(), seed: random.once(2) ? undefined : 1 + random.below(99) };
}

function shape(random: Random): RegionShape {
  const kind = random.pick(['ram', 'ram', 'ram', 'demand', 'demand', 'rom', 'hook'] as const);
  const line = (): Op => (random.once(9) ? { do: 'throw' } : random.once(5) ? topology(random) : access(random));
  const script = kind === 'hook' ? Array.from({ length: 1 + random.below(4) }, line) : [];
  return { kind, size: 3n * PAGE + 20n + BigInt(random.below(64)), minWidth: random.once(8) ? 2 : 1, maxWidth: random.once(6) ? 4 : 8, unaligned: !random.once(4), reentrant: random.once(2), script };
}

/** Calls of one world: first a few objects, then mostly accesses, some of them where the one before was. */
export class LaneCalls {
  private last: Place | undefined;

  call(random: Random, n: number): Op {
    if (n < 2) return { do: 'space' };
    if (n < 8 || random.once(120)) return { do: 'region', shape: shape(random) };
    if (n < 32 || random.once(40)) return topology(random);
    if (random.once(100)) return attribute(random);
    const op = access(random);
    if (this.last !== undefined && random.once(3)) return { ...op, ...this.last };
    if ('on' in op) this.last = { on: op.on, target: op.target, address: op.address };
    return op;
  }
}
