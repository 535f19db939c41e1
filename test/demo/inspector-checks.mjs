// What the page shows must be what is: counters, ways of access, moved BARs, combining buffers.
import { compareCounters, countedByAdapter } from './counter-check.mjs';
import { expectThat } from './demo-page.mjs';

const FRAMES = 25;

async function expectCounters(demo, what) {
  const { wrong, regions, accesses } = await compareCounters(demo.page, FRAMES);
  expectThat(wrong.length === 0, `${what}: ${wrong.join('; ')}`);
  expectThat(regions > 0 && accesses > 0, `${what}: ${regions} regions, ${accesses} accesses while they were compared; expected some`);
}

/** The nanoseconds of a row of the table. */
async function costs(demo, what) {
  const rows = await demo.page.$$eval('#speed-rows tr', (all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
  const found = rows.find(([name]) => name.includes(what));
  expectThat(found !== undefined, `no row of ${what}; there are ${rows.map(([name]) => name).join(', ')}`);
  return found.slice(1, 3).map(Number);
}

export const inspectorChecks = [
  {
    name: 'counters are the adapter\u2019s under load, with the trace going on and paused; the trace misses no access',
    run: async (demo) => {
      await demo.plug('display', 'serial');
      await demo.sees('[data-card=display]', 'XRGB8888');
      await expectCounters(demo, 'traced');
      // Both in one turn of the page: nothing comes between.
      const [traced, counted] = await demo.page.evaluate(() => new Promise((resolve) => {
        globalThis.requestAnimationFrame(() => resolve([
          Number(globalThis.document.querySelector('#trace-summary').textContent.split(' ')[0].replaceAll(',', '')),
          globalThis.maplebar.cards.flatMap(({ card }) => card.regions()).reduce((sum, { counts }) => sum + counts.reads + counts.writes, 0),
        ]));
      }));
      expectThat(traced === counted, `the trace has ${traced} accesses, the adapter ${counted}`);
      await demo.click('#trace-pause');
      await expectCounters(demo, 'paused');
      const before = await countedByAdapter(demo.page);
      await demo.page.waitForTimeout(300);
      expectThat(await countedByAdapter(demo.page) > before, 'nothing is counted while the trace is paused');
      await demo.click('#trace-pause');
      await demo.expectAlive();
      await expectCounters(demo, 'traced again');
    },
  },
  {
    name: 'JavaScript and linked: the machine starts anew with its cards, both are measured, counters are the adapter\u2019s',
    run: async (demo) => {
      await demo.plug('display', 'gpio');
      await demo.click('#speed-measure');
      await demo.sees('#speed-rows', 'trapped, through JavaScript and traced');
      await demo.click('#linked');
      await demo.sees('#speed-rows', 'trapped, linked', 60_000);
      await demo.page.waitForSelector('[data-card=gpio] .lamp.on');
      expectThat(await demo.page.isChecked('#linked'), 'the box does not say that it is linked');
      const [plain] = await costs(demo, 'through JavaScript');
      const [linked] = await costs(demo, 'linked');
      const [traced] = await costs(demo, 'traced');
      expectThat([plain, linked, traced].every((ns) => ns > 0 && ns < 1e6), `a store costs ${linked} ns linked, ${plain} through JavaScript, ${traced} traced`);
      await demo.sees('#trace-summary', /^0 accesses.*are linked/);
      await expectCounters(demo, 'linked');
      await demo.click('#trace-pause');
      await demo.expectAlive();
      await demo.sees('#trace-rows', /OUT_0_7/);
      await expectCounters(demo, 'linked and traced');
      await demo.click('#linked');
      await demo.sees('#speed-rows', /trapped, through JavaScript\d[\d.]+now/, 60_000);
      await demo.expectAlive();
    },
  },
  {
    name: 'a BAR is moved while the trace runs: the map follows, nothing is lost, interrupts come',
    run: async (demo) => {
      await demo.plug('gpio', 'display');
      await demo.page.waitForSelector('[data-card=gpio] .lamp.on');
      await demo.sees('#map-drawing', /GPIO panel BAR 2: [^,]+, at 0xa0000000, trapped/);
      for (let i = 0; i < 4; i++) {
        await demo.click('#move-gpio');
        await demo.click('#move-display');
      }
      await demo.sees('#guest-text', /BAR 2 goes from a0000000 to a\w+/);
      await demo.page.waitForFunction(() => !globalThis.document.querySelector('#map-drawing').textContent.includes('0xa0000000, trapped') || globalThis.document.querySelector('#guest-text').textContent.split('goes from').length > 8);
      expectThat(!(await demo.text('#map-drawing')).includes('not decoded'), 'a region is not decoded any more');
      await demo.expectAlive();
      await demo.click('[aria-label="input 3"]');
      await demo.sees('#interrupt-lamps', /1 by pin, 0 by message, 0 capped; the guest took 1 of all cards/);
      await demo.page.fill('#trace-filter', 'IN_0_7');
      await demo.sees('#trace-rows', /IN_0_70x08 pins=8/);
      expectThat(await demo.text('#problems') === '', `problems: ${await demo.text('#problems')}`);
    },
  },
  {
    name: 'region map: an MSI-X table is left out of what may be mapped, an alias is drawn',
    run: async (demo) => {
      await demo.click('#own-save');
      await demo.page.waitForSelector('[data-card=own]');
      await demo.sees('#map-drawing', 'Your own BAR 1: 32 KiB');
      const titles = await demo.page.$$eval('#map-drawing .mappable title, #map-drawing .hole title', (all) => all.map(({ textContent }) => textContent));
      for (const wanted of ['may be mapped: 0x2000 bytes at 0x0', 'left out, msix-table: 0x100 bytes at 0x2000', 'may be mapped: 0x5000 bytes at 0x3000']) expectThat(titles.includes(wanted), `the map lacks "${wanted}"; it has ${titles.join('; ')}`);
      await demo.plug('display');
      await demo.sees('#map-drawing', 'Display BAR 0: 16 MiB, at 0xa1000000, trapped; write-combining alias of the page');
      await demo.page.waitForSelector('#map-drawing .alias', { state: 'attached' });
    },
  },
  {
    name: 'write combining on the display: lines fill, are evicted, drain into its memory; pulled, the page\u2019s own region is back',
    run: async (demo) => {
      await demo.plug('display');
      await demo.sees('#combining-where', 'BAR 0 of the display');
      for (let i = 0; i < 3; i++) await demo.click('#combining-store');
      await demo.sees('#combining-waiting', /^12 bytes wait; 3 stores made 0 bus/);
      expectThat(await demo.page.$$eval('#combining .waits', ({ length }) => length) === 12, 'not as many cells are lit as bytes wait');
      await demo.click('#combining-fence');
      await demo.sees('#combining-waiting', /^0 bytes wait; 3 stores made 1 bus/);
      await demo.sees('#combining-log', '12 bytes at 0x00');
      await demo.click('#combining-line');
      await demo.sees('#combining-waiting', /^0 bytes wait; 19 stores made 2 bus/);
      for (let i = 0; i < 5; i++) await demo.click('#combining-other');
      await demo.sees('#combining-waiting', /^16 bytes wait; 24 stores made 3 bus/);
      await demo.unplug('display');
      await demo.sees('#combining-where', 'a region of the page');
      await demo.sees('#combining-waiting', /^0 bytes wait; 0 stores/);
      await demo.click('#combining-store');
      await demo.sees('#combining-waiting', /^4 bytes wait/);
    },
  },
];
