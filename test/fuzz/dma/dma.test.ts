// The short form of `npm run fuzz:dma`: no difference, and nothing of what it is for is left out. And that it would see a write where none may land.

import { expect, test } from '@jest/globals';
import { createEngine } from '../../../src/core/index.ts';
import { VfioHost } from '../../../src/vfio/index.ts';
import { PAGE } from '../../reference/iommu/memory.ts';
import { Broken } from '../broken.ts';
import { fuzzDma, STEPS } from './fuzz-dma.ts';
import { Poison } from './poison.ts';
import { FAILURES, SUCCESSES } from './reached.ts';
import { Twin } from './twin.ts';

const OPERATIONS = 40_000;

test('random maps, unmaps and transfers end as the judge says; each call has succeeded, and failed as it can', async () => {
  const { outcomes, poisoned, ...report } = await fuzzDma(1, OPERATIONS);
  expect(report).toEqual({ seed: 1, operations: OPERATIONS, runs: OPERATIONS / STEPS });
  expect(poisoned).toBeGreaterThan(1000);
  expect(SUCCESSES.filter((call) => (outcomes[call]?.['ok'] ?? 0) === 0)).toEqual([]);
  const missing = Object.entries(FAILURES).flatMap(([call, codes]) => codes.filter((code) => (outcomes[call]?.[code] ?? 0) === 0).map((code) => `${call}: ${code}`));
  expect(missing).toEqual([]);
}, 120_000);

function poisoned(): { readonly twin: Twin; readonly poison: Poison; readonly address: bigint } {
  const engine = createEngine();
  const twin = new Twin(engine, new VfioHost(engine), 'first', { file: 'container', capabilities: [], maxLockedBytes: 0 });
  const poison = new Poison([twin], () => false);
  const address = twin.address({ block: 1, at: 0 });
  poison.released(twin.reference.runs(address, PAGE, false)!);
  poison.settle();
  return { twin, poison, address };
}

test('memory that no device reaches is poisoned, and one byte that lands there is noticed', () => {
  const { twin, poison, address } = poisoned();
  poison.check();
  expect(poison.checked).toBe(1);
  twin.process.memory.writeBytes(address + 100n, Uint8Array.of(0));
  expect(() => poison.check()).toThrow(Broken);
  expect(() => poison.check()).toThrow('a write has landed at 0x');
});

test('what the process itself writes, or unmaps, is poisoned no more', () => {
  const { twin, poison, address } = poisoned();
  twin.store(address + 5n, Uint8Array.of(1, 2));
  poison.check();
  expect(poison.checked).toBe(0);
  const other = poisoned();
  other.twin.unmap(1, 0, 1);
  other.poison.check();
  expect(other.poison.checked).toBe(0);
});
