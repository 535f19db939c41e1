// docs/vfio-user.md: its programs run and print what the page says, its links lead somewhere.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/vfio-user.md'), 'utf8');

function run(name: string, code: string): string {
  const folder = join(root, 'build/docs/vfio-user');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), code);
  return execFileSync(process.execPath, [join(folder, name)], { encoding: 'utf8' });
}

test('a device is served, and its client has it copy memory', () => {
  const [, code, output] = /^```js\n(import [\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/m.exec(page)!;
  expect(run('serve.mjs', code!)).toBe(output);
});

test('with fds: an interrupt comes, and nothing is missing', () => {
  const [, code, output] = [...page.matchAll(/^```js\n((?:(?!^```)[\s\S])*?koffiTransport[\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/gm)].at(0)!;
  expect(run('fds.mjs', code!)).toBe(output);
});

test('an error says what the page says', () => {
  const code = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].at(-1)![1]!;
  expect(run('error.mjs', code)).toBe(`${/\/\/ (EINVAL.*)$/m.exec(code)![1]!}\n`);
});

test('every file that it names is there', () => {
  const links = [...page.matchAll(/\]\(([^)#]+)/g)].map(([, to]) => to!);
  expect(links.length).toBeGreaterThan(1);
  expect(links.filter((to) => !existsSync(join(root, 'docs', to)))).toEqual([]);
});
