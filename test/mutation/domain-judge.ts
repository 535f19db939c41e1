// What notices faults in the domains of an IOMMU: the judge's histories, and batches of pages, with a core that is handed in.

import fc from 'fast-check';
import { createEngine } from '../../src/core/index.ts';
import { batch, runBatches } from '../core/iommu-domain/batches.ts';
import { histories } from '../core/iommu-domain/arbitrary.ts';
import { Pair, ending } from '../core/iommu-domain/pair.ts';
import { refused, sequences } from '../core/iommu-domain/sequences.ts';

const PAGE = 4096;
const SEED = 7;
const NEW_EVERY = 100;

/** In the text of a failed property: the first line that is not fast-check's own. */
function reason(error: unknown): string {
  const cause = (error as { cause?: unknown }).cause ?? error;
  return (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0]!;
}

/** Bytes of a domain into which pages are mapped after some calls that were refused. */
export function backingAfter(wasm: Uint8Array | undefined, failures: number): number {
  const engine = createEngine({ ...(wasm !== undefined && { wasm }) });
  const [domain, region] = [engine.iommuDomain(), engine.region({ kind: 'ram', size: PAGE })];
  const map = (iovas: readonly bigint[]): unknown => ending(() => domain.mapPages(BigUint64Array.from(iovas), new BigUint64Array(iovas.length), PAGE, { region, readable: true, writable: true }));
  map(refused.there);
  for (let i = 0; i < failures; i++) if (map(refused.pages) !== 'EEXIST') return -1;
  map(refused.good);
  return engine.live().backingBytes;
}

/**
 * Looks for a difference between a core and the judge.
 *
 * @param wasm - The core's module.
 * @param alive - Called now and then.
 * @returns what was noticed, or undefined.
 */
export function judgeDomain(wasm: Uint8Array, alive: () => void): string | undefined {
  let runs = 0;
  const sign = (): void => {
    if (runs++ % NEW_EVERY === 0) alive();
  };
  for (const [name, ops] of Object.entries(sequences)) {
    try {
      const pair = new Pair(createEngine({ wasm }));
      for (const op of ops) pair.step(op);
      pair.close();
    } catch (error) {
      return `sequence: ${name} (${reason(error)})`;
    }
  }
  if (backingAfter(wasm, 3) !== backingAfter(wasm, 0)) return 'sequence: pages that were refused keep records';
  try {
    fc.assert(
      fc.property(histories(30), (ops) => {
        sign();
        const pair = new Pair(createEngine({ wasm }));
        for (const op of ops) pair.step(op);
        pair.close();
      }),
      { numRuns: 400, seed: SEED, endOnFailure: true },
    );
  } catch (error) {
    return `history: ${reason(error)}`;
  }
  try {
    fc.assert(
      fc.property(fc.array(batch, { minLength: 1, maxLength: 6 }), (batches) => {
        sign();
        runBatches(createEngine({ wasm }), batches);
      }),
      { numRuns: 60, seed: SEED, endOnFailure: true },
    );
  } catch (error) {
    return `batches: ${reason(error)}`;
  }
  return undefined;
}
