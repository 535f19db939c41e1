// Memory that devices reach no more is filled with a pattern at once. Whatever changes it afterwards, but for the judge's own writes, landed where nothing may land.

import { PAGE } from '../../reference/iommu/memory.ts';
import type { ReferenceBacking, ReferenceRun } from '../../reference/iommu/memory.ts';
import { rule } from '../broken.ts';
import { patternOf } from './operation.ts';
import type { Place } from './operation.ts';
import { BLOCKS } from './twin.ts';
import type { Twin } from './twin.ts';

interface Poisoned {
  readonly twin: Twin;
  readonly address: bigint;
  readonly backing: ReferenceBacking;
  readonly page: number;
  /** How often the judge had written the page then. */
  readonly writes: number;
  readonly seed: number;
}

const KEPT = 24;
/** Pages of one call that are poisoned. */
const PER_CALL = 6;

export class Poison {
  /** How many pages were checked when they had their pattern still to have. */
  checked = 0;
  private readonly twins: readonly Twin[];
  private readonly isReached: (run: ReferenceRun) => boolean;
  private readonly pages: Poisoned[] = [];
  private waiting: ReferenceRun[] = [];
  private seed = 1;

  /** @param isReached - whether some device still reaches bytes of a run. */
  constructor(twins: readonly Twin[], isReached: (run: ReferenceRun) => boolean) {
    this.twins = twins;
    this.isReached = isReached;
  }

  /** Pages that have lost a way to them. */
  released(runs: readonly ReferenceRun[]): void {
    this.waiting.push(...runs);
  }

  /** Fills what no device reaches now, where a process still has it. */
  settle(): void {
    if (this.waiting.length === 0) return;
    const runs = this.waiting;
    this.waiting = [];
    let left = PER_CALL;
    for (const { backing, position, bytes } of runs) {
      for (let at = 0; at < bytes && left > 0; at += PAGE, left--) this.fill(backing, Math.floor((position + at) / PAGE));
    }
  }

  private fill(backing: ReferenceBacking, page: number): void {
    if (this.isReached({ backing, position: page * PAGE, bytes: PAGE })) return;
    for (const twin of this.twins) {
      for (let block = 0; block < BLOCKS.length; block++) {
        const address = twin.address({ block, at: 0 } satisfies Place) + BigInt(page * PAGE);
        if (page >= BLOCKS[block]! || !this.isThere(twin, address, backing, page)) continue;
        const seed = (this.seed = (this.seed * 5 + 3) & 0xff);
        twin.store(address, patternOf(seed, PAGE));
        this.pages.push({ twin, address, backing, page, writes: backing.writesOf(page), seed });
        if (this.pages.length > KEPT) this.pages.shift();
        return;
      }
    }
  }

  private isThere(twin: Twin, address: bigint, backing: ReferenceBacking, page: number): boolean {
    const run = twin.reference.runs(address, PAGE, true)?.[0];
    return run?.backing === backing && run.position === page * PAGE;
  }

  /** Expects every pattern to be there still. */
  check(): void {
    let kept = 0;
    for (const one of this.pages) {
      const { twin, address, backing, page, writes, seed } = one;
      if (backing.writesOf(page) !== writes || !this.isThere(twin, address, backing, page)) continue;
      this.pages[kept++] = one;
      this.checked++;
      const found = twin.process.peek(address, PAGE);
      const wanted = patternOf(seed, PAGE);
      if (Buffer.compare(wanted, found) === 0) continue;
      const at = wanted.findIndex((byte, i) => found[i] !== byte);
      rule(false, () => `a write has landed at 0x${(address + BigInt(at)).toString(16)} of ${twin.process.name}, which no device reaches: 0x${found[at]?.toString(16) ?? '(nothing)'} instead of 0x${wanted[at]!.toString(16)}`);
    }
    this.pages.length = kept;
  }
}
