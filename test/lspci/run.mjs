// `npm run test:lspci`: Debian's lspci reads our dumps and prints what it printed for the originals, and what we print is what it prints.
//
//   recorded dump --> PciFunction --> our -xxxx text == the recorded text, byte for byte;  lspci -F of both is the same
//   every function, every reference device: our -vv text == that of lspci -F, but for what no dump tells (sizes, routed interrupt, driver, names of ids)
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from '../../scripts/build.mjs';

await build({ ifStale: true });
const root = fileURLToPath(new URL('../../', import.meta.url));
const { createEngine } = await import(`${root}dist/esm/index.js`);
const { PciFunction } = await import(`${root}dist/esm/pci/index.js`);
const { describeFunctions, parseIomem, parseLspciHex, parseLspciVerbose } = await import(`${root}dist/esm/trace/index.js`);
const { createTestbench } = await import(`${root}dist/esm/hosts/testbench/index.js`);
const { DEVICE_NAMES, referenceDevice } = await import(`${root}dist/esm/cli/reference-devices.js`);

const probe = spawnSync('lspci', ['--version'], { encoding: 'utf8' });
if (probe.error !== undefined) {
  console.error('lspci is not here: `sh scripts/install-system.sh` as root installs it (Debian package pciutils)');
  process.exit(1);
}
console.log(probe.stdout.trim());

const folder = mkdtempSync(join(tmpdir(), 'maplebar-lspci-'));
let passed = 0;
let failed = 0;

function lspci(text, ...options) {
  const path = join(folder, 'dump.txt');
  writeFileSync(path, text);
  const { status, stdout, stderr, error } = spawnSync('lspci', ['-F', path, ...options], { encoding: 'utf8' });
  if (error !== undefined || status !== 0) throw new Error(`lspci -F ended with ${status}: ${stderr}`);
  return stdout;
}

function same(what, ours, theirs) {
  if (ours === theirs) {
    passed++;
    console.log(`ok      ${what}`);
    return;
  }
  failed++;
  const [a, b] = [ours.split('\n'), theirs.split('\n')];
  const at = a.findIndex((line, i) => line !== b[i]);
  console.log(`FAILED  ${what}: line ${at + 1}\n  ours    ${JSON.stringify(a[at])}\n  theirs  ${JSON.stringify(b[at])}`);
}

/**
 * Without the words for ids, and what only a running system knows. With -F, lspci 3.9 prints the upper half of a 64-bit BAR above 4 GiB once more, as a region of its
 * own; on a running system it does not.
 */
function comparable(text) {
  return text
    .split('\n')
    .slice(1)
    .filter((line) => !/^\tKernel (driver|modules)|^\tSubsystem: /.test(line))
    .filter((line, i, lines) => !(/^\tRegion \d: Memory at <unassigned>/.test(line) && /\(64-bit/.test(lines[i - 1])))
    .map((line) => line.replace(/ \[size=\w+\]$/, '').replace(/ routed to IRQ \d+$/, ''))
    .join('\n')
    .trimEnd();
}

const fixture = (name) => readFileSync(`${root}test/fixtures/traces/${name}`);
const dumpOf = (functions) => functions.map((one) => `${one.lspciHex()}\n`).join('');

for (const name of ['nvme', 'e1000e']) {
  const recorded = fixture(`${name}.lspci-xxxx`).toString();
  const dumps = { iomem: parseIomem(fixture(`${name}.iomem`)), lspciHex: parseLspciHex(recorded), lspciVerbose: parseLspciVerbose(fixture(`${name}.lspci-vv`)) };
  const engine = createEngine();
  const functions = describeFunctions(dumps).map((description) => new PciFunction(engine, description));
  same(`${name}: ${functions.length} functions, imported and printed again`, dumpOf(functions), recorded.endsWith('\n\n') ? recorded : `${recorded}\n`);
  same(`${name}: lspci -F -vvv -nn`, lspci(dumpOf(functions), '-vvv', '-nn'), lspci(recorded, '-vvv', '-nn'));
  for (const one of functions) same(`${name}: ${one.slot} as lspci -vv prints it`, comparable(one.lspci()), comparable(lspci(one.lspciHex(), '-vv', '-nn')));
}

for (const name of DEVICE_NAMES) {
  const bench = createTestbench();
  const card = bench.plug(referenceDevice(name));
  same(`${name} as lspci -vv prints it`, comparable(card.function.lspci()), comparable(lspci(card.function.lspciHex(), '-vv', '-nn')));
  bench.destroy();
}

rmSync(folder, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
