// The pages about devices: one for each, their examples print what they say, their tables are those of the register maps, their links lead somewhere.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { DEVICE_NAMES } from '../../src/cli/reference-devices.ts';
import { bochsDisplayRegisters, eduRegisters, endpointTestRegisters, idio16Registers, nvmeRegisters, uartRegisters } from '../../src/devices/index.ts';
import { markdownOf } from '../../src/registers/index.ts';
import type { BankModel } from '../../src/registers/index.ts';

const root = join(__dirname, '../..');
const folder = join(root, 'docs/devices');
const MAPS: Readonly<Record<string, BankModel>> = {
  'bochs-display': bochsDisplayRegisters,
  edu: eduRegisters,
  'endpoint-test': endpointTestRegisters,
  idio16: idio16Registers,
  'nvme-lite': nvmeRegisters,
  serial: uartRegisters,
};
const textOf = (name: string): string => readFileSync(join(folder, `${name}.md`), 'utf8');

/** The example, and what it prints. */
function example(name: string): { code: string; output: string } {
  const [, code, output] = /^```js\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```$/m.exec(textOf(name))!;
  return { code: code!, output: output! };
}

test('every device that the command knows has a page', () => {
  expect(readdirSync(folder).sort()).toEqual(DEVICE_NAMES.map((name) => `${name}.md`).sort());
});

describe.each(DEVICE_NAMES)('docs/devices/%s.md', (name) => {
  test('the example runs verbatim against the built package', () => {
    const { code, output } = example(name);
    const built = join(root, 'build/devices', name);
    mkdirSync(built, { recursive: true });
    writeFileSync(join(built, 'example.mjs'), code);
    expect(execFileSync(process.execPath, [join(built, 'example.mjs')], { cwd: built, encoding: 'utf8' })).toBe(output);
  });

  test('its links lead somewhere', () => {
    for (const [, target] of textOf(name).matchAll(/\]\(([\w./-]+)\)/g)) expect([target, existsSync(join(folder, target!))]).toEqual([target, true]);
  });
});

test.each(Object.entries(MAPS))('the table of registers in %s.md is the map\'s', (name, map) => {
  const rows = markdownOf(map).split('\n## ')[0]!.split('\n').filter((line) => line.startsWith('|'));
  expect(rows.length).toBeGreaterThan(3);
  expect(textOf(name)).toContain(rows.join('\n'));
});
