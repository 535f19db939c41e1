// docs/core-abi.md lists the core's exports: these, no others, with these signatures.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { createEngine } from '../../src/core/index.ts';

const root = join(__dirname, '../..');
const listed = [...readFileSync(join(root, 'docs/core-abi.md'), 'utf8').matchAll(/^\| `(\w+)(\(.*?\): \w+)` \| (.*) \|$/gm)].map((match) => ({ name: match[1]!, signature: match[2]!, text: match[3]! }));

test('every export is listed once, and nothing else is', () => {
  const exported = Object.keys(createEngine().core.exports).filter((name) => name !== 'memory');
  expect(listed.map(({ name }) => name).sort()).toEqual(exported.sort());
});

test('signatures are those of the source, and each says what it is', () => {
  const folder = join(root, 'assembly/exports');
  const source = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  for (const { name, signature, text } of listed) {
    expect(source).toContain(`export function ${name}${signature} {`);
    expect(text.trim()).not.toBe('');
  }
});
