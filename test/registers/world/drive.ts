// Random operations on a bank and its reference, from a seed: always the same ones.

import { ReferenceXorshift } from '../../reference/index.ts';
import type { BankPair } from './bank-pair.ts';

const WIDTHS = [1, 2, 4, 8] as const;

/** Makes `steps` operations and compares everything that can be seen after each `every`-th. Throws at the first difference. */
export function drive(pair: BankPair, seed: number, steps: number, every = 1): void {
  const random = new ReferenceXorshift(seed);
  const { registers, bytes, fifos } = pair.map;
  const widest = pair.map.access.at(-1)!;
  const value = (): bigint => {
    const style = random.next() % 4;
    if (style === 0) return 0n;
    if (style === 1) return 2n ** 64n - 1n;
    return (BigInt(random.next()) << 32n) | BigInt(random.next());
  };
  for (let i = 0; i < steps; i++) {
    const what = random.next() % 16;
    const register = registers[random.next() % registers.length]!;
    // Mostly at registers, sometimes anywhere, also beyond the end.
    const position = random.next() % 4 === 0 ? random.next() % (bytes + 4) : register.position + (random.next() % 3 === 0 ? random.next() % register.bytes : 0);
    // A wider access than the bank takes is several cycles (A-split): the reference knows one.
    const wanted = random.next() % 3 === 0 ? WIDTHS[random.next() % 4]! : register.bytes;
    const width = wanted > widest ? widest : wanted;
    if (what < 6) pair.read(position, width);
    else if (what < 12) pair.write(position, width, value());
    else if (what === 12) pair.poke(register.number, value(), value());
    else if (what === 13 && fifos.length > 0) pair.push(random.next() % fifos.length, value());
    else if (what === 14 && fifos.length > 0) pair.pop(random.next() % fifos.length);
    else if (what === 15 && random.next() % 8 === 0) pair.reset(random.next() % 2 === 0);
    if ((i + 1) % every === 0) pair.compare();
  }
  pair.compare();
}
