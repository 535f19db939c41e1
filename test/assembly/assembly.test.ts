// Runs the AssemblyScript cases: every exported function is a test, in a fresh instance.

import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { instantiateSync } from '@assemblyscript/loader';

const build = `${__dirname}/../../build/${process.env.MAPLEBAR_COVERAGE === '1' ? 'coverage/' : ''}`;
const wasm = readFileSync(`${build}cases.wasm`);
const names = JSON.parse(readFileSync(`${build}cases.json`, 'utf8')) as string[];
const host = { hookRead: () => 0, hookWrite: () => 0, settle: () => undefined };

test('every file of cases is there', () => {
  expect([...new Set(names.map((name) => name.split('_')[0]))].sort()).toEqual(['arena', 'check', 'nodes', 'objects', 'share', 'slab']);
});

test.each(names)('%s', (name) => {
  const { exports } = instantiateSync(wasm, { host });
  (exports as unknown as Record<string, () => void>)[name]!();
});
