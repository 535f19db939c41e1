// docs/v86.md: its program plugs a card into v86 itself, its links lead somewhere, and what it says of the interface is there.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { V86Card, TRIED_VERSION } from '../../src/hosts/v86/index.ts';

const root = join(__dirname, '../..');
const page = readFileSync(join(root, 'docs/v86.md'), 'utf8');

test('the program, in at most 15 lines, plugs a card that works', () => {
  const [, code] = /^```js\n(import [\s\S]*?)^```$/m.exec(page)!;
  expect(code!.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(15);
  const folder = join(root, 'build/docs/v86');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'plug.mjs'), code!);
  // v86 without a BIOS; the accesses are what its processor would make.
  writeFileSync(join(folder, 'run.mjs'), `
    import { readFileSync } from 'node:fs';
    import { createRequire } from 'node:module';
    import { V86 } from 'v86';
    import { plug } from './plug.mjs';
    const wasm = readFileSync(createRequire(import.meta.url).resolve('v86/build/v86.wasm'));
    const emulator = new V86({ autostart: false, memory_size: 2 << 20, vga_memory_size: 1 << 20, net_device: { type: 'none' }, disable_speaker: true,
      wasm_fn: async (imports) => (await WebAssembly.instantiate(wasm, imports)).instance.exports });
    emulator.add_listener('emulator-ready', () => {
      const card = plug(emulator);
      const { cpu } = emulator.v86;
      const config = (offset, value) => { cpu.io.port_write32(0xcf8, (0x80002800 | offset) | 0); if (value !== undefined) cpu.io.port_write32(0xcfc, value | 0); return cpu.io.port_read32(0xcfc) >>> 0; };
      console.log(config(0).toString(16));
      config(0x10, 0xfebf0000);
      config(4, 2);
      cpu.mmap_write32(0xfebf0000 | 0, 21);
      console.log(cpu.mmap_read32(0xfebf0004 | 0), card.regions()[0].counts.writes);
      process.exit(0);
    });
  `);
  expect(execFileSync(process.execPath, [join(folder, 'run.mjs')], { encoding: 'utf8' })).toBe('11de5\n42 1\n');
});

test('what it says of the handle is there', () => {
  const members = [...page.matchAll(/`card\.(\w+)/g)].map(([, name]) => name!);
  expect(members.length).toBeGreaterThan(6);
  for (const name of members) expect([name, name === 'device' || Object.hasOwn(V86Card.prototype, name)]).toEqual([name, true]);
  expect(page).toContain(`as in v86 ${TRIED_VERSION}`);
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { devDependencies: Record<string, string> };
  expect(devDependencies['v86']).toBe(TRIED_VERSION);
});

test('every file that it names is there', () => {
  const links = [...page.matchAll(/\]\(([^):]+)\)/g)].map(([, to]) => to!);
  expect(links.length).toBeGreaterThan(0);
  for (const to of links) expect([to, existsSync(join(root, 'docs', to.split('#')[0]!))]).toEqual([to, true]);
});
