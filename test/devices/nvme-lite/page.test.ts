// docs/devices/nvme-lite.md: its example prints what the page says, and its table is the map's.

import { readFileSync } from 'node:fs';
import * as files from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { expect, test } from '@jest/globals';
import * as devices from '../../../src/devices/index.ts';
import * as testbench from '../../../src/hosts/index.ts';
import { markdownOf } from '../../../src/registers/index.ts';

const page = readFileSync(path.join(__dirname, '../../../docs/devices/nvme-lite.md'), 'utf8');
const modules: Readonly<Record<string, object>> = { 'node:fs/promises': files, 'node:os': os, 'node:path': path, 'maplebar/devices': devices, 'maplebar/testbench': testbench };

type Run = (modules: Readonly<Record<string, object>>, console: { log: (...words: unknown[]) => void }) => Promise<void>;
const AsyncFunction = (async () => {}).constructor as new (...text: string[]) => Run;

test('its example prints what it says', async () => {
  const [, code, output] = /^```js\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/m.exec(page)!;
  const lines: string[] = [];
  const body = code!.replaceAll(/^import (\{[^}]+\}) from ('[^']+');$/gm, 'const $1 = modules[$2];');
  await new AsyncFunction('modules', 'console', body)(modules, { log: (...words) => lines.push(words.map((word) => (typeof word === 'bigint' ? `${word}n` : String(word))).join(' ')) });
  expect(lines.join('\n')).toBe(output!.trimEnd());
});

test('its table of registers is the map\'s', () => {
  const rows = markdownOf(devices.nvmeRegisters).split('\n## ')[0]!.split('\n').filter((line) => line.startsWith('|'));
  expect(page).toContain(rows.join('\n'));
});
