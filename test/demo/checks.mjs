// What the demo page must do with its built-in guest, one check a page.
import { expectThat } from './demo-page.mjs';

const SOURCE = "registerMap('tried', { bytes: 16, access: [4] }, { FIRST: { at: 0, fields: { value: rw(31, 0) } }, SECOND: { at: 4, fields: { value: ro(31, 0, 7) } } });";
const replaceSource = async ({ page }, source) => {
  await page.fill('#own-source', source);
};

export const checks = [
  {
    name: 'the page loads under its policy: no eval, nothing inline, no complaint',
    run: async (demo) => {
      const policy = demo.response.headers()['content-security-policy'];
      expectThat(/script-src 'self' 'wasm-unsafe-eval';/.test(policy) && !/unsafe-inline|'unsafe-eval'/.test(policy), `the policy is ${policy}`);
      await demo.sees('#status', 'Running: built-in guest program');
    },
  },
  {
    name: 'GPIO panel: the guest lights it, inputs interrupt, the trace names registers and fields',
    run: async (demo) => {
      await demo.plug('gpio');
      await demo.sees('#guest-text', /is 494f:0dc8; BAR 2 at a0000000/);
      await demo.page.waitForSelector('[data-card=gpio] .lamp.on');
      await demo.sees('#trace-rows', /BAR 2 0x000 OUT_0_7.*pins=/);
      for (const line of [1, 9]) await demo.click(`[aria-label="input ${line}"]`);
      await demo.sees('#interrupt-lamps', /2 by pin, 0 by message, 0 capped; the guest took 2 of all cards$/);
      await demo.page.fill('#trace-filter', 'in_8_15');
      await demo.sees('#trace-rows', /IN_8_150x02 pins=2/);
      const rows = await demo.page.$$eval('#trace-rows tr', (all) => all.map((row) => row.textContent));
      expectThat(rows.every((row) => row.includes('IN_8_15')), `the filter lets ${rows.find((row) => !row.includes('IN_8_15'))} through`);
      await demo.click('#trace-pause');
      const at = await demo.accesses();
      await demo.page.waitForTimeout(500);
      expectThat(await demo.accesses() === at, 'a paused trace goes on');
    },
  },
  {
    name: 'display: the picture in its BAR is on the canvas, and follows',
    run: async (demo) => {
      await demo.plug('display');
      await demo.sees('[data-card=display]', '320 x 200, XRGB8888');
      await demo.page.waitForFunction(() => new Set(globalThis.document.querySelector('[data-card=display] canvas').getContext('2d').getImageData(0, 0, 320, 200).data).size > 20);
      expectThat(await demo.colours() > 10, 'the picture has hardly a colour');
    },
  },
  {
    name: 'serial port: what is typed comes back from the guest',
    run: async (demo) => {
      await demo.plug('serial');
      await demo.page.fill('#serial-line', 'maple');
      await demo.page.press('#serial-line', 'Enter');
      await demo.sees('[data-card=serial] pre', 'maple');
    },
  },
  {
    name: 'NVMe disk: the guest enables it, and Identify answers by DMA',
    run: async (demo) => {
      await demo.plug('nvme');
      await demo.sees('#guest-text', 'Identify says "maplebar demo disk"');
    },
  },
  {
    name: 'plug, unplug, plug again: the guest finds the card, loses it, finds it',
    run: async (demo) => {
      await demo.plug('gpio', 'display');
      await demo.sees('#counter-rows', 'Display BAR 0');
      await demo.unplug('gpio');
      await demo.sees('#guest-text', 'slot 03 is empty now');
      await demo.sees('#map-drawing', 'Display BAR 0: 16 MiB');
      expectThat(!(await demo.text('#map-drawing')).includes('GPIO'), 'the region map still has the card that was pulled');
      await demo.plug('gpio');
      await demo.page.waitForSelector('[data-card=gpio] .lamp.on');
      await demo.expectAlive();
    },
  },
  {
    name: 'own card: saved with the keyboard, plugged, driven, in the trace with its names',
    run: async (demo) => {
      await replaceSource(demo, SOURCE);
      await demo.sees('#own-verdict', 'Good: 2 registers in 16 bytes');
      await demo.page.press('#own-source', 'Control+s');
      await demo.page.waitForSelector('[data-card=own]');
      await demo.sees('#trace-rows', /BAR 0 0x004 SECOND0x00000007 value=7/);
      await demo.sees('[data-card=own]', 'SECOND0x00000007');
    },
  },
  {
    name: 'own card: a broken map is refused with line and reason, the card before it stays',
    run: async (demo) => {
      await demo.plug('gpio');
      await replaceSource(demo, SOURCE);
      await demo.click('#own-save');
      await demo.page.waitForSelector('[data-card=own]');
      for (const [source, wrong] of [
        [SOURCE.replace('at: 4', 'at: 2'), /SECOND/],
        [SOURCE.replace('rw(', 'fetch('), 'fetch is no word of register maps'],
        [SOURCE.replace('tried', 'tri\ned'), 'line 1, column'],
        ['', 'nothing here'],
        ['['.repeat(5000), 'line 1'],
      ]) {
        await replaceSource(demo, source);
        await demo.click('#own-save');
        await demo.sees('#own-verdict', wrong);
      }
      await demo.sees('[data-card=own]', 'SECOND');
      await demo.expectAlive();
    },
  },
  {
    name: 'own card: saved and pulled in one breath, it is out',
    run: async (demo) => {
      await demo.click('#own-save');
      await demo.there('#plug-own[aria-pressed=true]');
      await demo.page.evaluate(() => {
        for (const id of ['own-save', 'plug-own']) globalThis.document.getElementById(id).click();
      });
      // These have their turn behind it.
      await demo.plug('gpio');
      await demo.unplug('gpio');
      expectThat(await demo.page.$('[data-card=own]') === null, 'the card is there still');
      await demo.there('#plug-own[aria-pressed=false]');
    },
  },
  {
    name: 'own card: one that throws in an access is told of, the machine goes on',
    run: async (demo) => {
      await demo.plug('gpio');
      await replaceSource(demo, `${SOURCE}\nthrows('FIRST', 'on purpose');`);
      await demo.click('#own-save');
      await demo.sees('#problems', 'Your own: FIRST: on purpose');
      await demo.expectAlive();
      await demo.page.waitForSelector('[data-card=gpio] .lamp.on');
    },
  },
  {
    name: 'an interrupt storm is capped and shown, the machine goes on',
    run: async (demo) => {
      await replaceSource(demo, "registerMap('storm', { bytes: 16, access: [4] }, { STATUS: { at: 0, fields: { UP: ro(0, 0, 1) } } }, { irq: [irq('up', { line: 0, status: 'STATUS' })] });");
      await demo.click('#own-save');
      await demo.sees('#interrupt-lamps', /[1-9]\d* capped/);
      await demo.expectAlive();
    },
  },
  {
    name: 'memory trapped and direct: the region moves into RAM, and costs less',
    run: async (demo) => {
      await demo.plug('display');
      await demo.click('#speed-measure');
      await demo.sees('#speed-rows', 'BAR 0, trapped');
      await demo.click('#direct');
      await demo.sees('#speed-rows', 'BAR 0, direct');
      await demo.sees('#map-drawing', 'at 0x2000000, direct');
      await demo.sees('#counter-rows', 'not seen');
      await demo.page.waitForFunction(() => new Set(globalThis.document.querySelector('[data-card=display] canvas').getContext('2d').getImageData(0, 0, 320, 200).data).size > 20);
    },
  },
  {
    name: 'write combining: stores wait, a fence drains them as one transaction',
    run: async (demo) => {
      for (let i = 0; i < 3; i++) await demo.click('#combining-store');
      await demo.sees('#combining-waiting', /^12 bytes wait; 3 stores made 0 bus/);
      await demo.click('#combining-fence');
      await demo.sees('#combining-waiting', /^0 bytes wait; 3 stores made 1 bus/);
    },
  },
  {
    name: 'state: saved, restored; a corrupt one is refused and the machine goes on',
    run: async (demo) => {
      await demo.plug('serial', 'nvme');
      await demo.sees('#guest-text', 'Identify says');
      await demo.click('#state-save');
      await demo.sees('#state-told', /^Saved: /);
      await demo.click('#state-corrupt');
      await demo.sees('#state-told', /^Refused: the state is corrupt: its checksum/);
      await demo.expectAlive();
      await demo.click('#state-restore');
      await demo.sees('#state-told', /^Restored$/);
      await demo.expectAlive();
      await demo.unplug('nvme');
      await demo.click('#state-restore');
      await demo.sees('#state-told', 'plugged in now: serial at');
      await demo.expectAlive();
    },
  },
  {
    name: 'a card without a state says so',
    run: async (demo) => {
      await demo.click('#own-save');
      await demo.page.waitForSelector('[data-card=own]');
      await demo.click('#state-save');
      await demo.sees('#state-told', /^Refused: Your own: .*ENOTSUP/);
    },
  },
  {
    name: 'keyboard alone: a card is reached with Tab and plugged with Enter',
    run: async (demo) => {
      for (let i = 0; i < 20; i++) {
        await demo.page.keyboard.press('Tab');
        if (await demo.page.evaluate(() => globalThis.document.activeElement?.id) === 'plug-gpio') break;
      }
      await demo.page.keyboard.press('Enter');
      await demo.page.waitForSelector('[data-card=gpio]');
    },
  },
  ...[['wide', 1280, 'light'], ['wide', 1280, 'dark'], ['phone', 390, 'light'], ['phone', 390, 'dark']].map(([name, width, colorScheme]) => ({
    name: `${width} px, ${colorScheme}: nothing is wider than the page, texts are readable`,
    width,
    colorScheme,
    run: async (demo) => {
      await demo.plug('display', 'gpio');
      await demo.page.waitForSelector('[data-card=gpio] .lamp.on');
      await demo.sees('#trace-rows', 'OUT_8_15');
      await demo.sees('#counter-rows', /\d/);
      const wide = await demo.page.evaluate(() => globalThis.document.documentElement.scrollWidth);
      expectThat(wide <= width, `the page is ${wide} px wide in a window of ${width}`);
      const cut = await demo.page.$$eval('#map-drawing text', (all) => all.filter((text) => text.getBoundingClientRect().right > text.ownerSVGElement.getBoundingClientRect().right + 1).map(({ textContent }) => textContent));
      expectThat(cut.length === 0, `cut off in the region map: ${cut.join('; ')}`);
      const [ink, ground] = await demo.page.evaluate(() => {
        const style = globalThis.getComputedStyle(globalThis.document.body);
        return [style.color, style.backgroundColor].map((colour) => colour.match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0));
      });
      expectThat((colorScheme === 'dark' ? ink - ground : ground - ink) > 400, `ink ${ink} and ground ${ground} of 765 are too near in ${colorScheme}`);
      await demo.picture(`demo-${name}-${colorScheme}`);
    },
  })),
];
