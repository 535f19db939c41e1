// `npm run test:demo`: the demo page in Chromium, driven as a person drives it. What it shows goes to docs/images/ with --screenshots.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildDemo, serveDemo } from '../../scripts/demo.mjs';
import { scriptOptions } from '../../scripts/script-options.mjs';
import { findChromium } from '../package/browser.mjs';
import { browserChecks, kernelChecks } from './browser-checks.mjs';
import { checks } from './checks.mjs';
import { inspectorChecks } from './inspector-checks.mjs';
import { linuxChecks } from './linux-checks.mjs';
import { DemoPage } from './demo-page.mjs';
import { noteMemories, soak } from './soak.mjs';

const usage = `usage: npm run test:demo -- [--screenshots] [--only TEXT] [--minutes N] [--json]
  Bundles the demo page, serves it, and drives it in Chromium: cards plugged and pulled, trace, own card, state, widths, colour schemes. With guest/ there (npm run guest), Linux too.
  --screenshots  writes what the page looks like to docs/images/
  --only TEXT    only the checks whose names hold it
  --minutes N    only uses the page for N minutes, 1 to 600, and says once a minute what it takes of memory; it must stay level. Without it, for about half a minute, behind the checks
exit codes: 0 all passed, 1 a check failed, 2 arguments, 3 skipped: there is no Chromium`;
const asked = scriptOptions(usage, { minutes: [0, 0, 600] }, { only: [undefined, undefined] }, ['screenshots']);
const root = fileURLToPath(new URL('../../', import.meta.url));

const executablePath = findChromium();
if (executablePath === undefined) {
  console.error('skipped: Chromium is not installed. Run `sh scripts/install-system.sh` as root, or set CHROMIUM to its path.');
  process.exit(3);
}
const { chromium } = await import('playwright-core');
await buildDemo();
const { address, close } = await serveDemo(0);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const results = [];
const hasGuest = existsSync(`${root}guest/guest.json`);
const tell = (line) => asked.json || console.log(line);
const use = { name: 'used over and over, the page leaves nothing behind', init: noteMemories, run: async (demo) => tell(`  ${await soak(demo, { minutes: asked.minutes || 0.5, hasGuest: hasGuest && existsSync(`${root}guest/state.bin.gz`), tell })}`) };
try {
  for (const { name, run, starts = true, ...settings } of asked.minutes > 0 ? [use] : [...checks, ...inspectorChecks, ...browserChecks, ...(hasGuest ? [...linuxChecks, ...kernelChecks] : []), use]) {
    if (asked.only !== undefined && !name.includes(asked.only)) continue;
    const started = performance.now();
    const demo = await DemoPage.open(browser, address, { ...settings, pictures: asked.screenshots ? `${root}docs/images` : undefined });
    let failure;
    try {
      if (starts) await demo.ready();
      await Promise.race([run(demo), demo.crashed]);
      demo.expectNoComplaint();
    } catch (error) {
      failure = [error.message, ...demo.complaints].join('\n');
    }
    await demo.close();
    const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
    results.push({ name, seconds, ...(failure !== undefined && { failure }) });
    if (!asked.json) console.log(`${failure === undefined ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)${failure === undefined ? '' : `\n${failure}`}`);
  }
} finally {
  await browser.close();
  close();
}
if (asked.json) console.log(JSON.stringify({ results }));
else if (!hasGuest) console.log('Linux was not tried: there is no guest/ (npm run guest -- --state)');
if (results.length === 0) console.error('no check has such a name');
process.exitCode = results.length > 0 && results.every(({ failure }) => failure === undefined) ? 0 : 1;
