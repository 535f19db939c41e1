// The litmus example of docs/write-combining.md prints what the page says, word for word.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/write-combining.md'), 'utf8');
const block = (language: string): string => new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page)![1]!;

test('the litmus example runs verbatim against the built package', () => {
  const folder = join(root, 'build/docs');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'litmus.mjs'), block('js'));
  expect(execFileSync(process.execPath, [join(folder, 'litmus.mjs')], { encoding: 'utf8' })).toBe(block('text'));
});

test('every rule that the page names is a rule', () => {
  const contract = readFileSync(join(root, 'docs/how-an-access-travels.md'), 'utf8');
  const named = [...new Set([...page.matchAll(/\b[AW]-[a-z]+(-[a-z]+)*/g)].map(([name]) => name))];
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((name) => !contract.includes(`- **${name}** `))).toEqual([]);
});
