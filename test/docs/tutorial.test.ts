// The tutorial runs verbatim, prints what it says, and is as short as it promises.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/tutorial.md'), 'utf8');
const blocks = (language: string): string[] => [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, text]) => text!);
const program = blocks('js').join('\n');

test('the tutorial runs verbatim against the built package', () => {
  const folder = join(root, 'build/docs');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'adder.mjs'), program);
  expect(execFileSync(process.execPath, [join(folder, 'adder.mjs')], { encoding: 'utf8' })).toBe(blocks('text')[0]);
});

test('it is about 60 lines', () => {
  expect(program.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(65);
});

test('every file that it links to is there', () => {
  for (const [, path] of page.matchAll(/\]\(([^):]+)\)/g)) expect(readFileSync(join(root, 'docs', path!)).length).toBeGreaterThan(0);
});
