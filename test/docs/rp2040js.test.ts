// docs/rp2040js.md: its program runs and prints what the page says, its links lead somewhere.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/rp2040js.md'), 'utf8');

test('the program starts the worker, sleeps, and is woken by its interrupt', () => {
  const [, code, output] = /^```js\n(import [\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/m.exec(page)!;
  const folder = join(root, 'build/docs/rp2040js');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'worker.mjs'), code!);
  expect(execFileSync(process.execPath, [join(folder, 'worker.mjs')], { encoding: 'utf8' })).toBe(output);
});

test('every file that it names is there', () => {
  const links = [...page.matchAll(/\]\(([\w./-]+)\)/g)].map(([, to]) => to!);
  expect(links.length).toBeGreaterThan(0);
  for (const to of links) expect([to, existsSync(join(root, 'docs', to))]).toEqual([to, true]);
});
