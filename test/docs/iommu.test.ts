// docs/iommu.md: its program runs and prints what the page says, its links lead somewhere.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/iommu.md'), 'utf8');

test('the program opens a card both ways, maps memory, has it copy, and reads what is dirty', () => {
  const [, code, output] = /^```js\n(import [\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/m.exec(page)!;
  const folder = join(root, 'build/docs/iommu');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'both-ways.mjs'), code!);
  expect(execFileSync(process.execPath, [join(folder, 'both-ways.mjs')], { encoding: 'utf8' })).toBe(output);
});

test('every file and heading that it names is there', () => {
  const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, to]) => to!);
  expect(links.length).toBeGreaterThan(4);
  for (const to of links) {
    const [file, heading] = to.split('#');
    const text = file === '' ? page : existsSync(join(root, 'docs', file!)) ? readFileSync(join(root, 'docs', file!), 'utf8') : undefined;
    expect([to, text === undefined]).toEqual([to, false]);
    const headings = [...text!.matchAll(/^#+ (.*)$/gm)].map(([, words]) => words!.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-'));
    if (heading !== undefined) expect([to, headings.includes(heading)]).toEqual([to, true]);
  }
});
