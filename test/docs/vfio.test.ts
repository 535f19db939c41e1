// docs/vfio.md: every request and feature of the ABI is there with its number and size, what is called ENOTTY is, its programs run, its links lead somewhere.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { bochsDisplay, nvmeLite } from '../../src/devices/index.ts';
import type { Engine } from '../../src/core/index.ts';
import { createTestbench } from '../../src/hosts/index.ts';
import type { DeviceHost, PciDevice } from '../../src/pci/index.ts';
import { ERRNO, constants, structs } from '../../src/uapi/index.ts';
import { VfioClient } from '../../src/vfio-client/index.ts';
import { type OpenOptions, Process } from '../../src/vfio/index.ts';
import { PAGE, World, outcome } from '../vfio/support.ts';

type MakeDevice = (engine: Engine, host: DeviceHost) => PciDevice;

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/vfio.md'), 'utf8');

/** The rows of the table under a heading, as cells by their column's name. */
function rows(heading: string): Record<string, string>[] {
  const text = page.split(`\n## ${heading}\n`)[1]!.split('\n## ')[0]!;
  const [head, , ...body] = text.split('\n').filter((line) => line.startsWith('|'));
  const cells = (line: string): string[] => line.split('|').slice(1, -1).map((cell) => cell.trim());
  const names = cells(head!);
  return body.map((line) => Object.fromEntries(cells(line).map((cell, i) => [names[i], cell])));
}

const own = rows('Requests of a device file');
const others = rows('Requests of other files');
const features = rows('Features');

/** ioctls of linux/vfio.h and of the proposals; iommufd's own begin at 0x3b80. */
const REQUESTS = Object.keys(constants).filter((name) => /^VFIO_/.test(name) && constants[name]! >= 0x3b64 && constants[name]! < 0x3b80);
const FEATURES = Object.keys(constants).filter((name) => /^VFIO_DEVICE_FEATURE_/.test(name) && !/_(MASK|GET|SET|PROBE|CLEAR_MASTER|SET_MASTER)$/.test(name));

describe('tables', () => {
  test('every request has a row, and no row is of another', () => {
    expect(REQUESTS.length).toBeGreaterThan(35);
    expect([...own, ...others].map(({ request }) => request).sort()).toEqual([...REQUESTS].sort());
  });

  test('every feature has a row', () => {
    expect(features.map(({ feature }) => feature).sort()).toEqual([...FEATURES].sort());
    for (const { feature, number } of features) expect([feature, Number(number)]).toEqual([feature, constants[feature!]]);
  });

  test.each([...own, ...others])('$request: its number', ({ n, request, number }) => {
    expect(Number(number)).toBe(constants[request!]);
    expect(Number(number)).toBe(0x3b64 + Number(n));
  });

  test('sizes are those of the structs', () => {
    const named = [...own.map(({ argument }) => argument!), ...features.map(({ payload }) => payload!)].filter((cell) => cell.startsWith('vfio_'));
    expect(named.length).toBeGreaterThan(20);
    for (const cell of named) {
      const [name, size] = cell.split(', ');
      expect([cell, structs[name!]?.size]).toEqual([cell, Number(size)]);
    }
  });

  test('every word in capitals that looks like an errno is one', () => {
    const words = new Set([...page.matchAll(/\bE[A-Z0-9]{3,}\b/g)].map(([word]) => word));
    const notErrnos = ['EVENTFD', 'EXIT', 'EDID', 'ENTRY', 'ENTER'];
    expect([...words].filter((word) => !(word in ERRNO) && !notErrnos.includes(word))).toEqual([]);
    expect(words.size).toBeGreaterThan(15);
  });
});

describe('what the rows say', () => {
  const first = (row: Record<string, string>): string => row['errnos, in order']!.split(/[ ,]/)[0]!;

  test.each(own.filter((row) => first(row) !== 'none'))('$request: the first errno, of NULL', (row) => {
    const world = new World();
    const region = { region: world.ram(PAGE) };
    // A plain function: no display, no reset. The character device's file where the file is what counts.
    const process = world.open(world.device({ 0: region }));
    expect(['ENOTTY', 'EFAULT', 'EINVAL']).toContain(first(row));
    expect(outcome(() => process.ioctl(3, constants[row['request']!]!))).toBe(first(row));
    world.end();
  });

  test.each(features)('$feature: who has it, and its methods', ({ feature, number, methods, 'has it': owner }) => {
    const world = new World();
    const region = { region: world.ram(PAGE) };
    const migration = { flags: 1, dataSize: () => 0, save: () => ({ next: () => undefined, pending: () => ({ initial: 0, dirty: 0 }), finish: () => undefined }), load: () => ({ write: () => undefined, finish: () => undefined }) };
    const dmaLogging = { start: () => 4096n, stop: () => undefined, report: () => undefined };
    const plain = world.device({ 0: region });
    const having = world.device({ 0: region }, { physicalFunction: true, migration, dmaLogging } as never);
    const cdx = world.device({ 0: region }, { kind: 'cdx', busMaster: () => undefined });
    // One that can copy while it runs: VFIO_MIGRATION_PRE_COPY.
    const able = world.device({ 0: region }, { migration: { ...migration, flags: 5 } } as never);
    const V7 = { uapi: 'v7.2' } as const;
    const probe = (of: typeof plain, options: OpenOptions = {}): unknown => new VfioClient(world.open(of, options), 3).feature.at(Number(number)).probe();
    const supported = { get: methods!.includes('GET'), set: methods!.includes('SET') };
    if (owner === '`pci`') expect([probe(plain), probe(cdx)]).toEqual([supported, undefined]);
    else if (owner!.startsWith('`cdx`')) expect([probe(cdx), probe(plain), probe(having)]).toEqual([supported, undefined, undefined]);
    else if (feature === 'VFIO_DEVICE_FEATURE_ALIAS_REGION') expect([probe(plain), probe(having)]).toEqual([undefined, undefined]);
    else if (owner!.includes("`uapi: 'v7.2'`")) expect([probe(able, V7), probe(able)]).toEqual([supported, undefined]);
    else expect([probe(having), probe(plain)]).toEqual([supported, undefined]);
    world.end();
  });
});

test('the program that computes offsets prints what the page says', () => {
  const [, code, output] = /^```js\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/m.exec(page)!;
  const folder = join(root, 'build/docs/vfio');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'offsets.mjs'), code!);
  expect(execFileSync(process.execPath, [join(folder, 'offsets.mjs')], { encoding: 'utf8' })).toBe(output);
});

test.each<[string, number, MakeDevice, number]>([
  ['of v6.14', 0, (engine, host) => nvmeLite(engine, host), 3],
  ['of a display and v7.2', 1, (engine, host) => bochsDisplay(engine, host, { planes: 'region' }), 3],
])('the lines of the client say what it answers: %s', async (_, block, make, count) => {
  const bench = createTestbench();
  const card = bench.plug(make);
  const user = new Process(bench.engine);
  const lines = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)][block]![1]!.trim().split('\n');
  const named = lines.flatMap((line) => /^const (\w+) = /.exec(line)?.[1] ?? []);
  const body = lines.map((line, i) => `const at${i} = ${line.replace(/^const (\w+) = /, '$1 = ').replace(/; *\/\/.*/, ';')}`).join('\n');
  const values = new Function('VfioClient', 'process', 'card', `let ${named.join(', ')};\n${body}\nreturn [${lines.map((_, i) => `at${i}`).join(', ')}];`)(VfioClient, user, card) as unknown[];
  const told = lines.flatMap((line, i) => (/\/\/ ([[{].*)$/.test(line) ? [[values[i], new Function(`return (${/\/\/ (.*)$/.exec(line)![1]!})`)() as unknown]] : []));
  expect(told).toHaveLength(count);
  for (const [value, want] of told) expect(value).toEqual(want);
  user.exit();
  await bench.settle();
  bench.destroy();
});

test('every file and heading that it names is there', () => {
  const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, text]) => `#${text!.toLowerCase().replaceAll(' ', '-')}`);
  const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, to]) => to!);
  expect(links.length).toBeGreaterThan(10);
  for (const to of links) expect([to, to.startsWith('#') ? headings.includes(to) : existsSync(join(root, 'docs', to.split('#')[0]!))]).toEqual([to, true]);
  const files = [...page.matchAll(/`([\w/-]+\.ts)`/g)].map(([, path]) => path!);
  expect(files.length).toBeGreaterThan(30);
  for (const path of files) expect([path, existsSync(join(root, 'src/vfio', path))]).toEqual([path, true]);
});
