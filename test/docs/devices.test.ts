// The pages about devices: their examples print what they say, and their tables are those of the register maps.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { bochsDisplayRegisters, endpointTestRegisters } from '../../src/devices/index.ts';
import { markdownOf } from '../../src/registers/index.ts';

const root = join(__dirname, '../..');

function block(page: string, language: string): string {
  const [, text] = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page)!;
  return text!;
}

describe.each([
  ['bochs-display', bochsDisplayRegisters],
  ['endpoint-test', endpointTestRegisters],
])('docs/devices/%s.md', (name, map) => {
  const page = readFileSync(join(root, 'docs/devices', `${name}.md`), 'utf8');

  test('the example runs verbatim against the built package', () => {
    const folder = join(root, 'build/devices');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${name}.mjs`);
    writeFileSync(file, block(page, 'js'));
    expect(execFileSync(process.execPath, [file], { encoding: 'utf8' })).toBe(block(page, 'text'));
  });

  test('the table of registers is the map\'s', () => {
    const [overview] = markdownOf(map).split('\n## ');
    expect(page).toContain(overview!.split('\n').filter((line) => line.startsWith('|')).join('\n'));
  });
});
