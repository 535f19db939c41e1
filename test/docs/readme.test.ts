// The README's example prints what the README says, word for word.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const root = join(__dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The code blocks of one language, in order. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((match) => match[1]!);
}

describe('README', () => {
  test('the example runs verbatim against the built package', () => {
    const [example] = blocks('js');
    const [output] = blocks('text');
    const folder = join(root, 'build/readme');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'example.mjs'), example!);
    expect(execFileSync(process.execPath, [join(folder, 'example.mjs')], { encoding: 'utf8' })).toBe(output);
  });

  test('every script that it names is a script of the package', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    const named = [...readme.matchAll(/`npm (?:run )?([a-z0-9:-]+)/g)].map((match) => match[1]!).filter((name) => name !== 'ci');
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  test('every file that it links to is there, and every heading', () => {
    const links = [...readme.matchAll(/\]\(([^):]+)\)/g)].map((match) => match[1]!.split('#') as [string, string?]);
    const headings = (text: string): string[] => [...text.matchAll(/^#+ (.+)$/gm)].map((match) => match[1]!.toLowerCase().replace(/[^\p{L}\p{N} -]/gu, '').replaceAll(' ', '-'));
    const isThere = ([path, heading]: [string, string?]): boolean => {
      const text = readFileSync(join(root, path), 'utf8');
      return text.length > 0 && (heading === undefined || headings(text).includes(heading));
    };
    expect(links.filter((link) => !isThere(link))).toEqual([]);
  });
});
