// Compares what the page's counters show with what the adapter counts, in one frame: no instruction of the guest comes between.

/**
 * Looks at some frames, as they come.
 *
 * @param {import('playwright-core').Page} page
 * @param {number} frames
 * @returns {Promise<{ wrong: string[], regions: number, accesses: number }>} What differed; how many regions were compared in all; how many accesses there were from the first frame to the last.
 */
export function compareCounters(page, frames) {
  return page.evaluate(async (wanted) => {
    const { document, requestAnimationFrame, maplebar } = globalThis;
    const wrong = [];
    let [regions, first, last] = [0, undefined, 0];
    for (let i = 0; i < wanted; i++) {
      // Asked for later than the page's own, and so called behind it.
      await new Promise((resolve) => requestAnimationFrame(resolve));
      last = 0;
      for (const { card } of maplebar.cards) {
        for (const { index, counts, manner } of card.regions()) {
          const cells = document.querySelector(`[data-region="${card.slot} ${index}"]`)?.querySelectorAll('td');
          const shown = cells === undefined ? 'no row' : `${cells[1].textContent} ${cells[2].textContent}`;
          const counted = manner === 'direct' ? 'not seen not seen' : `${counts.reads.toLocaleString('en-US')} ${counts.writes.toLocaleString('en-US')}`;
          if (shown !== counted) wrong.push(`frame ${i}, ${card.slot} BAR ${index}: the page shows ${shown}, and the adapter has ${counted}`);
          regions++;
          last += counts.reads + counts.writes;
        }
      }
      first ??= last;
    }
    return { wrong: wrong.slice(0, 5), regions, accesses: last - first };
  }, frames);
}

/** What the adapter has counted of all cards that are plugged in. */
export const countedByAdapter = (page) => page.evaluate(() => globalThis.maplebar.cards.flatMap(({ card }) => card.regions()).reduce((sum, { counts }) => sum + counts.reads + counts.writes, 0));
