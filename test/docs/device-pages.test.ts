// Pages of docs/devices: an example that is followed by what it prints prints that, and tables of registers are those of the maps.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as devices from '../../src/devices/index.ts';
import * as testbench from '../../src/hosts/index.ts';
import { markdownOf } from '../../src/registers/index.ts';
import type { BankModel } from '../../src/registers/index.ts';

const folder = join(__dirname, '../../docs/devices');
const modules: Readonly<Record<string, object>> = { 'maplebar/devices': devices, 'maplebar/testbench': testbench };
const pages: readonly (readonly [string, BankModel])[] = [['idio16', devices.idio16Registers], ['serial', devices.uartRegisters]];
const textOf = (name: string): string => readFileSync(join(folder, `${name}.md`), 'utf8');

type Run = (modules: Readonly<Record<string, object>>, console: { log: (...words: unknown[]) => void }) => Promise<void>;
const AsyncFunction = (async () => {}).constructor as new (...text: string[]) => Run;

/** Examples with what they print. */
function examples(name: string): { code: string; output: string }[] {
  return [...textOf(name).matchAll(/^```js\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/gm)].map((match) => ({ code: match[1]!, output: match[2]! }));
}

describe.each(['idio16', 'mtty', 'serial'])('docs/devices/%s.md', (name) => {
  test('its example prints what it says', async () => {
    const found = examples(name);
    expect(found).toHaveLength(1);
    for (const { code, output } of found) {
      const lines: string[] = [];
      const body = code.replaceAll(/^import (\{[^}]+\}) from ('[^']+');$/gm, 'const $1 = modules[$2];');
      await new AsyncFunction('modules', 'console', body)(modules, { log: (...words) => lines.push(words.join(' ')) });
      expect(lines.join('\n')).toBe(output.trimEnd());
    }
  });

  test('its links lead somewhere', () => {
    for (const [, target] of textOf(name).matchAll(/\]\(([\w./-]+)\)/g)) expect([target, existsSync(join(folder, target!))]).toEqual([target, true]);
  });
});

test.each(pages)('the table of registers in %s.md is the map\'s', (name, map) => {
  const rows = markdownOf(map).split('\n## ')[0]!.split('\n').filter((line) => line.startsWith('|'));
  expect(textOf(name)).toContain(rows.join('\n'));
});
