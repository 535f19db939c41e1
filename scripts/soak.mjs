// `npm run soak`: one writer and two readers on one shared arena; every answer that a reader gets is checked.
// The exit code is 1 for a wrong answer, or memory that grew after the warm-up, and 2 for arguments it does not know.
import { clearInterval, setInterval } from 'node:timers';
import { parseArgs } from 'node:util';
import { build } from './build.mjs';

const usage = `usage: npm run soak -- [--lookups 2000..] [--writes 5..450000] [--ranges 64..4096] [--build simd|scalar] [--browser] [--json]
  20,000,000 lookups beside 200,000 writes on 4,096 ranges unless said otherwise; --browser runs in headless Chromium, on a page that is cross-origin isolated.`;

function refuse(message) {
  console.error(`${message}\n${usage}`);
  process.exit(2);
}

function number(values, name, low, high) {
  const n = Number(values[name]);
  if (!Number.isInteger(n) || n < low || n > high) refuse(`--${name} is a number ${low}..${high}`);
  return n;
}

function asked() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        lookups: { type: 'string', default: '20000000' },
        writes: { type: 'string', default: '200000' },
        ranges: { type: 'string', default: '4096' },
        build: { type: 'string' },
        browser: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    return refuse(error.message);
  }
  if (values.build !== undefined && values.build !== 'simd' && values.build !== 'scalar') refuse(`no build is called ${values.build}`);
  const ranges = number(values, 'ranges', 64, 4096);
  if (ranges % 4 !== 0) refuse('--ranges is a multiple of 4');
  return { ...values, ranges, lookups: number(values, 'lookups', 2000, 1e12), writes: number(values, 'writes', 5, 450_000) };
}

/** Shows the pace on a terminal; answers how to stop. */
function line({ lookups, writes }, pace) {
  const timer = setInterval(() => process.stderr.write(`\r${Atomics.load(pace, 1) + Atomics.load(pace, 2)} of ${lookups} lookups, ${Atomics.load(pace, 0)} of ${writes} writes`), 500);
  return () => (clearInterval(timer), process.stderr.write('\r\u001b[K'));
}

function print(report, faults) {
  const { lookups, writes, wrong, bytesBefore, bytesAfter, mostWaiting, waitingAtEnd, seconds } = report;
  const where = report.browser === undefined ? `Node ${process.versions.node}` : `${report.browser}, crossOriginIsolated ${report.crossOriginIsolated}`;
  console.log(`soak in ${where}: ${lookups} lookups beside ${writes} writes, ${wrong} wrong answers`);
  console.log(`  memory ${bytesBefore} bytes after the warm-up, ${bytesAfter} at the end; up to ${mostWaiting} nodes waited for readers, ${waitingAtEnd} at the end; ${seconds} s`);
  if (report.refused !== undefined) console.log(`  a page that is not isolated is told: ${report.refused}`);
  for (const fault of faults) console.log(`  ${fault}`);
}

async function main(options) {
  await build({ ifStale: true });
  const { faultsOf } = await import('../test/range-map/soak/threads.mjs');
  const run = { lookups: options.lookups, writes: options.writes, ranges: options.ranges, ...(options.build && { build: options.build }) };
  let report;
  if (options.browser) {
    const { soakInBrowser } = await import('../test/range-map/soak/browser.mjs');
    report = await soakInBrowser(run);
  } else {
    const { soakInNode } = await import('../test/range-map/soak/node.mjs');
    let stop = () => {};
    report = await soakInNode(run, (pace) => {
      if (process.stderr.isTTY && !options.json) stop = line(options, pace);
    });
    stop();
  }
  if (report.error !== undefined) throw new Error(report.error);
  const faults = faultsOf(report);
  if (report.crossOriginIsolated === false) faults.push('the page is not cross-origin isolated');
  if (options.browser && !/Cross-Origin-Opener-Policy.*Cross-Origin-Embedder-Policy/.test(report.refused)) faults.push('a page that is not isolated is not told the headers');
  if (options.json) console.log(JSON.stringify({ ...report, faults }));
  else print(report, faults);
  if (faults.length > 0) process.exitCode = 1;
}

const options = asked();
if (options.help) console.log(usage);
else await main(options);
